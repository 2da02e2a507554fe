/** Which layers of the past lie under the map. */
import { useState } from 'preact/hooks';
import { Button, Check } from '@shared/ui';
import { t } from '../words';
import { HEATS } from './layers/history';
import { change, view } from './view';

export function Layers() {
  const [open, setOpen] = useState(false);
  const { layers } = view.value;
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
        </div>
      )}
    </div>
  );
}
