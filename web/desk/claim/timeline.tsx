/** Every event of a claim, newest first: when by our clock, when by the phone's, who, and the facts. */
import { api } from '@shared/api';
import { clockTimeS, day, distance, duration } from '@shared/format';
import { useLoad } from '@shared/resource';
import type { ClaimDetail, Id, Page, TimelineEvent } from '@shared/types';
import { EmptyState, Icon, type IconName, Loaded } from '@shared/ui';
import {
  channel,
  clockKind,
  contactResult,
  declineReason,
  duplicateReason,
  sendBackReason,
  unassignedReason,
} from '@shared/words';
import { surveyors } from '../store';
import { end, factWord, foreseen, kindWord, stage } from './events';
import { t } from './words';

const ICON: Record<string, IconName> = {
  claim: 'clipboard',
  offer: 'radio',
  task: 'navigation',
  clock: 'timer',
  photo: 'camera',
  assessment: 'file',
  rating: 'star',
  duplicate: 'copy',
  review: 'eye',
};
const iconOf = (kind: string): IconName =>
  kind === 'clock.breached' || kind === 'task.unassigned'
    ? 'warning'
    : kind.startsWith('task.contact')
      ? 'phone-call'
      : (ICON[kind.split('.')[0] ?? ''] ?? 'info');

function value(name: string, of: unknown): string {
  if (of === null || of === undefined || of === '') return '';
  if (typeof of === 'object')
    return Array.isArray(of)
      ? of.map((one) => value(name.replace(/s$/, ''), one)).join('、')
      : ((of as { name?: string }).name ?? '');
  const text = String(of);
  if (name.endsWith('_m')) return distance(Number(of));
  if (name.endsWith('_s')) return duration(Number(of));
  if (name.endsWith('_fen')) return `¥${(Number(of) / 100).toFixed(2)}`;
  if (name.endsWith('_at')) return clockTimeS(text);
  for (const known of [
    end,
    declineReason,
    unassignedReason,
    sendBackReason,
    contactResult,
    channel,
    stage,
    foreseen,
    clockKind,
    duplicateReason,
  ])
    if (known(text) !== text) return known(text);
  return text;
}

/** The timeline keeps ids, not names: a person may ask to be forgotten. Names come from the claim and the live picture. */
function namesOf(claim: ClaimDetail): Map<Id, string> {
  const people = [...(claim.task?.offers ?? []), ...(claim.task?.assignments ?? [])].map((one) => one.surveyor);
  return new Map(people.map((one) => [one.id, one.name]));
}

function Facts({ of, names }: { of: Record<string, unknown>; names: Map<Id, string> }) {
  const person = (name: string, fact: unknown) =>
    ['surveyor_id', 'instead_of', 'from', 'to'].includes(name) && /^\d{9,}$/.test(String(fact))
      ? (names.get(String(fact)) ?? surveyors.peek().get(String(fact))?.name ?? '')
      : value(name, fact);
  const shown = Object.entries(of)
    .map(([name, fact]) => [name, person(name, fact)] as const)
    .filter(([name, text]) => text && factWord(name) !== name);
  return shown.length ? (
    <span class="muted small">{shown.map(([name, text]) => `${factWord(name)} ${text}`).join(' · ')}</span>
  ) : null;
}

function actorOf(event: TimelineEvent): string {
  if (event.actor?.name) return event.actor.name;
  return event.actor?.kind === 'customer' ? t('byCustomer') : t('bySystem');
}

export function Timeline({ claim, turn }: { claim: ClaimDetail; turn: string }) {
  const names = namesOf(claim);
  const list = useLoad<Page<TimelineEvent>>(
    (signal) => api.get(`/claims/${claim.id}/timeline`, { limit: 500 }, { signal }),
    [claim.id, turn],
  );
  return (
    <Loaded of={list}>
      {({ items }) => {
        if (!items.length) return <EmptyState icon="history" title={t('noEvents')} />;
        let lastDay = '';
        return (
          <ol class="timeline">
            {[...items]
              .sort((a, b) => b.at.localeCompare(a.at) || Number(BigInt(b.id) - BigInt(a.id)))
              .map((event) => {
                const today = day(event.at);
                const head = today === lastDay ? null : <li class="timeline-day">{today}</li>;
                lastDay = today;
                const skew = event.device_at && Math.abs(Date.parse(event.device_at) - Date.parse(event.at)) > 5000;
                return (
                  <>
                    {head}
                    <li key={event.id} class={event.kind === 'clock.breached' || event.kind === 'task.unassigned' ? 'hot' : ''}>
                      <Icon name={iconOf(event.kind)} size={15} />
                      <div>
                        <div class="row wrap">
                          <strong>{kindWord(event.kind)}</strong>
                          <span class="muted small">{actorOf(event)}</span>
                          <span class="grow" />
                          <time class="muted small tabular" dateTime={event.at}>
                            {clockTimeS(event.at)}
                          </time>
                        </div>
                        <Facts of={event.facts} names={names} />
                        {skew && <div class="muted small">{t('deviceClock', { t: clockTimeS(event.device_at) })}</div>}
                      </div>
                    </li>
                  </>
                );
              })}
          </ol>
        );
      }}
    </Loaded>
  );
}
