/** Which layers of the past lie under the map, and how large its marks are. */
import { useState } from 'preact/hooks';
import { MARK_SIZES, type MarkSize } from '@shared/map/marks';
import { Button, Check, Select } from '@shared/ui';
import { t } from '../words';
import { HEATS } from './layers/history';
import { change, view } from './view';

export function Layers() {
  const [open, setOpen] = useState(false);
  const { layers, marks } = view.value;
  const turn = (name: string, on: boolean) => change({ layers: on ? [...layers, name] : layers.filter((one) => one !== name) });
  return (
    <div class="layer-box">
      <Button icon="activity" size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t('layers')}
      </Button>
      {open && (
        <div class="legend-box">
          {HEATS.map((name) => (
            <Check
              key={name}
              label={t(`heat_${name}`)}
              checked={layers.includes(name)}
              onChange={(event) => turn(name, event.currentTarget.checked)}
            />
          ))}
          <Select
            label={t('marks')}
            value={marks}
            choices={MARK_SIZES.map((value) => ({ value, label: t(`marks_${value}`) }))}
            onChange={(event) => change({ marks: event.currentTarget.value as MarkSize })}
          />
        </div>
      )}
    </div>
  );
}
