/** Looking at a track: the reason is asked for first, then the line, the day, or a file. */
import { useState } from 'preact/hooks';
import { api } from '@shared/api';
import { now } from '@shared/clock';
import { fromLocalInput, shanghaiDay } from '@shared/format';
import { words } from '@shared/i18n';
import type { SurveyorCard } from '@shared/types';
import { Button, Dialog, Field, Select, tell, tellError } from '@shared/ui';
import { reasonGiven, WhyFields } from '../why';
import { type Track, track } from './track';
import { week, weekReason } from './view';

const t = words(
  {
    title: '查看 {name} 的轨迹',
    span: '时间',
    hour: '最近一小时',
    shift: '某一天',
    week: '最近一周',
    day: '日期',
    show: '在地图上显示',
    file: '导出 GPX',
    none: '这段时间没有轨迹',
    cancel: '取消',
  },
  {
    title: 'Look at the track of {name}',
    span: 'Time',
    hour: 'The last hour',
    shift: 'A day',
    week: 'The last week',
    day: 'Day',
    show: 'Show on the map',
    file: 'Export GPX',
    none: 'No track in that time',
    cancel: 'Cancel',
  },
);

const HOUR_MS = 3_600_000;

function spanOf(kind: string, date: string): { from: string; to: string } {
  const to = new Date(now.peek());
  const start = kind === 'hour' ? new Date(to.getTime() - HOUR_MS) : (fromLocalInput(date) ?? to);
  const end = kind === 'hour' ? to : new Date(start.getTime() + 24 * HOUR_MS);
  return { from: start.toISOString(), to: end.toISOString() };
}

export function LookDialog({ card, onClose }: { card: Pick<SurveyorCard, 'id' | 'name'>; onClose: () => void }) {
  const [kind, setKind] = useState('hour');
  const [date, setDate] = useState(shanghaiDay(new Date(now.peek())));
  const [busy, setBusy] = useState('');
  const reason = reasonGiven();
  const ready = reason !== '';
  const run = (name: string, act: () => Promise<unknown>) => {
    setBusy(name);
    act().then(onClose, (error: unknown) => {
      tellError(error);
      setBusy('');
    });
  };
  const show = async () => {
    if (kind === 'week') {
      weekReason.value = reason;
      week.value = card.id;
      return;
    }
    const answer = await api.get<{ items: Track['points'] }>(`/surveyors/${card.id}/track`, {
      ...spanOf(kind, date),
      reason,
      limit: 10_000,
    });
    if (answer.items.length < 2) tell('info', t('none'));
    track.value = { surveyor: card.id, points: answer.items };
  };
  const file = async () => {
    const query = new URLSearchParams({ ...spanOf(kind, date), reason });
    const blob = await api.bytes(`/surveyors/${card.id}/track.gpx?${query.toString()}`);
    if (!blob) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `track-${card.id}-${date}.gpx`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <Dialog
      title={t('title', { name: card.name })}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t('cancel')}</Button>
          <Button icon="download" disabled={!ready || kind === 'week'} busy={busy === 'file'} onClick={() => run('file', file)}>
            {t('file')}
          </Button>
          <Button kind="primary" icon="history" disabled={!ready} busy={busy === 'show'} onClick={() => run('show', show)}>
            {t('show')}
          </Button>
        </>
      }
    >
      <div class="stack">
        <WhyFields />
        <Select
          label={t('span')}
          value={kind}
          choices={[
            { value: 'hour', label: t('hour') },
            { value: 'day', label: t('shift') },
            { value: 'week', label: t('week') },
          ]}
          onChange={(event) => setKind(event.currentTarget.value)}
        />
        {kind === 'day' && (
          <Field label={t('day')} type="date" value={date} onInput={(event) => setDate(event.currentTarget.value)} />
        )}
      </div>
    </Dialog>
  );
}
