/** My track: a day on a map and in words, as a file in and out, and who looked at it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '@shared/api';
import { now } from '@shared/clock';
import { clockTime, dayTime, distance, duration, fromLocalInput, shanghaiDay } from '@shared/format';
import { words } from '@shared/i18n';
import { useLoad } from '@shared/resource';
import { fixReason } from '@shared/reasons';
import { streets } from '@shared/streets';
import { lookReason } from '@shared/track/looks';
import { Line } from '@shared/track/line';
import type { DayPart, Page, TrackLook } from '@shared/types';
import { Badge, Banner, Button, Icon, Loaded, tell, tellError } from '@shared/ui';
import { account } from '../account';
import { TopBar } from '../ui/bar';

const t = words(
  {
    title: '我的轨迹', note: '只在上岗时记录，到期自动删除。', day: '日期', stop: '停留', drive: '行驶', gap: '没有位置', nothing: '这一天没有轨迹', metres: '共行驶 {d}', out: '导出 GPX', in: '导入 GPX', imported: '导入：采用 {kept} 个', importedNot: '导入：采用 {kept} 个，拒收 {refused} 个（{why}）',
    looks: '谁看过我的轨迹', noLooks: '没有人看过', by: '{name} · {why}', of: '查看 {from}–{to} 的轨迹', needsPaired: '只有配对的手机可以导入。', map: '这一天的轨迹图',
  },
  {
    title: 'My track', note: 'Recorded on duty only, deleted when its time is over.', day: 'Day', stop: 'Stop', drive: 'Drive', gap: 'No position', nothing: 'No track on that day', metres: '{d} driven', out: 'Export GPX', in: 'Import GPX', imported: 'Imported: {kept} kept', importedNot: 'Imported: {kept} kept, {refused} refused ({why})',
    looks: 'Who looked at my track', noLooks: 'Nobody did', by: '{name} · {why}', of: 'the track of {from}–{to}', needsPaired: 'Only a paired phone can import.', map: 'The track of that day',
  },
);

interface Day { items: DayPart[]; metres: number }
interface Points { items: { lon: number; lat: number; at: string }[] }
const DAY_MS = 86_400_000;
const ICON = { stop: 'pin', drive: 'navigation', gap: 'signal-off' } as const;

function span(date: string): { from: string; to: string } {
  const start = fromLocalInput(date) ?? new Date(now.peek());
  return { from: start.toISOString(), to: new Date(start.getTime() + DAY_MS).toISOString() };
}

async function save(me: string, date: string): Promise<void> {
  const blob = await api.bytes(`/surveyors/${me}/track.gpx?${new URLSearchParams(span(date)).toString()}`);
  if (!blob) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `track-${date}.gpx`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function Parts({ day }: { day: Day }) {
  if (!day.items.length) return <p class="muted">{t('nothing')}</p>;
  return (
    <>
      <ol class="day-parts">
        {day.items.map((part) => (
          <li key={`${part.kind}${part.from}`} class={part.kind}>
            <Icon name={ICON[part.kind]} size={18} />
            <span class="grow">{t(part.kind)}{part.metres !== undefined && ` · ${distance(part.metres)}`}</span>
            <span class="tabular muted">{clockTime(part.from)}–{clockTime(part.to)} · {duration((Date.parse(part.to) - Date.parse(part.from)) / 1000)}</span>
          </li>
        ))}
      </ol>
      <p class="muted">{t('metres', { d: distance(day.metres) })}</p>
    </>
  );
}

function Looks({ me }: { me: string }) {
  const list = useLoad<Page<TrackLook>>((signal) => api.get(`/surveyors/${me}/looks`, { limit: 100 }, { signal }), [me]);
  return (
    <section class="panel padded stack" data-testid="looks">
      <h2><Icon name="eye" size={18} /> {t('looks')}</h2>
      <Loaded of={list} rows={2}>
        {({ items }) => {
          const others = items.filter((one) => one.reason !== 'own');
          if (!others.length) return <p class="muted">{t('noLooks')}</p>;
          return <ul class="day-parts">{others.map((one) => <li key={one.at}><span class="grow"><strong>{one.by.name}</strong> <Badge>{lookReason(one.reason)}</Badge><br /><small class="muted">{t('of', { from: dayTime(one.from), to: dayTime(one.to) })}</small></span><span class="tabular muted">{dayTime(one.at)}</span></li>)}</ul>;
        }}
      </Loaded>
    </section>
  );
}

export function MyTrackPage() {
  const who = account.value;
  const me = who?.owner ?? '';
  const [date, setDate] = useState(shanghaiDay(new Date(now.peek())));
  const [busy, setBusy] = useState('');
  const file = useRef<HTMLInputElement>(null);
  const day = useLoad<Day>((signal) => api.get(`/surveyors/${me}/track/day`, span(date), { signal }), [me, date]);
  const points = useLoad<Points>((signal) => api.get(`/surveyors/${me}/track`, { ...span(date), limit: 10_000 }, { signal }), [me, date]);
  useEffect(() => window.scrollTo(0, 0), []);
  const run = (name: string, act: () => Promise<unknown>) => {
    setBusy(name);
    act().catch(tellError).finally(() => setBusy(''));
  };
  const bring = async (given: File) => {
    const { kept, refused } = await api.send<{ kept: number; refused: Record<string, number> }>('/positions.gpx', given, 'application/gpx+xml');
    const lost = Object.values(refused).reduce((a, b) => a + b, 0);
    const why = Object.entries(refused).map(([reason, n]) => `${fixReason(reason)} ${n}`).join(', ');
    if (lost) tell('warning', t('importedNot', { kept, refused: lost, why }), { seconds: 15 });
    else tell('ok', t('imported', { kept }));
    day.reload();
    points.reload();
  };
  return (
    <>
      <TopBar title={t('title')} />
      <main class="page">
        <Banner kind="info">{t('note')}</Banner>
        <section class="panel padded stack">
          <label class="day-pick"><span>{t('day')}</span><input class="input" type="date" value={date} max={shanghaiDay(new Date(now.value))} onInput={(event) => event.currentTarget.value && setDate(event.currentTarget.value)} /></label>
          <Loaded of={points} rows={3}>{({ items }) => (items.length > 1 ? <Line points={items} streets={streets} label={t('map')} /> : null)}</Loaded>
          <Loaded of={day} rows={3}>{(told) => <Parts day={told} />}</Loaded>
          <div class="row wrap">
            <Button icon="download" busy={busy === 'out'} onClick={() => run('out', () => save(me, date))}>{t('out')}</Button>
            {who?.device_id ? <Button icon="upload" busy={busy === 'in'} onClick={() => file.current?.click()}>{t('in')}</Button> : <small class="muted">{t('needsPaired')}</small>}
            <input ref={file} type="file" accept=".gpx,application/gpx+xml" hidden onChange={(event) => { const given = event.currentTarget.files?.[0]; event.currentTarget.value = ''; if (given) run('in', () => bring(given)); }} />
          </div>
        </section>
        {me && <Looks me={me} />}
      </main>
    </>
  );
}
