/** Every event of a claim, newest first: when by our clock, when by the phone's, who, and the facts. */
import { api } from '@shared/api';
import { clockTimeS, day, distance, duration } from '@shared/format';
import { labels } from '@shared/i18n';
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
import { t } from './words';

const kindWord = labels(
  {
    'claim.opened': '报案受理',
    'claim.amended': '报案修改',
    'claim.withdrawn': '销案',
    'claim.approved': '核损通过',
    'offer.made': '派单',
    'offer.accepted': '接单',
    'offer.declined': '拒单',
    'offer.expired': '超时未接',
    'offer.withdrawn': '派单撤回',
    'task.unassigned': '转人工派单',
    'task.assigned': '人工派单',
    'task.contacted': '联系客户',
    'task.contact_tried': '致电客户',
    'assignment.ended': '派工结束',
    'shots.asked_for': '要求补拍',
    'shot.waived': '免拍',
    'review.released': '放回审核队列',
    'photo.annotated': '照片标注',
    'photo.uploaded': '照片上传',
    'task.departed': '出发',
    'task.arrived': '到达现场',
    'task.appointed': '预约',
    'task.submitted': '提交查勘',
    'task.returned': '退回补拍',
    'task.approved': '审核通过',
    'task.cancelled': '任务取消',
    'task.redispatched': '重新派工',
    'task.handed_over': '移交',
    'task.reassigned': '改派',
    'clock.warned': '时限预警',
    'clock.breached': '时限超时',
    'clock.acknowledged': '告警已确认',
    'photo.stored': '照片上传',
    'photo.processed': '照片处理完成',
    'photo.approved': '照片通过',
    'photo.sent_back': '照片退回',
    'assessment.saved': '定损单保存',
    'rating.given': '客户评价',
    'duplicate.marked': '标记疑似重复',
    'review.taken': '领取审核',
  },
  {
    'claim.opened': 'Report taken',
    'claim.amended': 'Report changed',
    'claim.withdrawn': 'Withdrawn',
    'claim.approved': 'Approved',
    'offer.made': 'Offer',
    'offer.accepted': 'Accepted',
    'offer.declined': 'Declined',
    'offer.expired': 'Not answered',
    'offer.withdrawn': 'Offer taken back',
    'task.unassigned': 'To the dispatcher',
    'task.assigned': 'Assigned by hand',
    'task.contacted': 'Customer rung',
    'task.contact_tried': 'Call',
    'assignment.ended': 'Duty ended',
    'shots.asked_for': 'Views asked for',
    'shot.waived': 'View excused',
    'review.released': 'Back to the review queue',
    'photo.annotated': 'Photo annotated',
    'photo.uploaded': 'Photo uploaded',
    'task.departed': 'Set off',
    'task.arrived': 'Arrived',
    'task.appointed': 'Appointment',
    'task.submitted': 'Survey submitted',
    'task.returned': 'Sent back',
    'task.approved': 'Approved',
    'task.cancelled': 'Job cancelled',
    'task.redispatched': 'Dispatched again',
    'task.handed_over': 'Handed over',
    'task.reassigned': 'Reassigned',
    'clock.warned': 'Clock warning',
    'clock.breached': 'Clock breached',
    'clock.acknowledged': 'Alarm acknowledged',
    'photo.stored': 'Photo uploaded',
    'photo.processed': 'Photo processed',
    'photo.approved': 'Photo approved',
    'photo.sent_back': 'Photo sent back',
    'assessment.saved': 'Assessment saved',
    'rating.given': 'Customer’s rating',
    'duplicate.marked': 'Marked as possible duplicate',
    'review.taken': 'Review taken',
  },
);

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

const factWord = labels(
  {
    surveyor: '查勘员',
    surveyor_id: '查勘员',
    instead_of: '代替',
    end_reason: '结果',
    shots: '拍摄项',
    missing_shots: '缺少',
    reason: '原因',
    distance_m: '距离',
    eta_s: '预计',
    round: '轮次',
    radius_m: '半径',
    result: '结果',
    channel: '方式',
    stage: '级别',
    clock: '时限',
    kind: '类别',
    note: '备注',
    shot: '拍摄项',
    stars: '评分',
    version: '版本',
    total_fen: '金额',
    expires_at: '截止',
    reasons: '依据',
    report_no: '报案号',
    fields: '修改项',
    appointment_at: '预约',
    proof: '到达依据',
    from: '原查勘员',
    to: '新查勘员',
    position: '位置',
  },
  {
    surveyor: 'Surveyor',
    surveyor_id: 'Surveyor',
    instead_of: 'Instead of',
    end_reason: 'Outcome',
    shots: 'Views',
    missing_shots: 'Missing',
    reason: 'Reason',
    distance_m: 'Distance',
    eta_s: 'ETA',
    round: 'Round',
    radius_m: 'Radius',
    result: 'Result',
    channel: 'By',
    stage: 'Stage',
    clock: 'Clock',
    kind: 'Kind',
    note: 'Note',
    shot: 'View',
    stars: 'Stars',
    version: 'Version',
    total_fen: 'Amount',
    expires_at: 'Until',
    reasons: 'Because',
    report_no: 'Report',
    fields: 'Changed',
    appointment_at: 'Appointment',
    proof: 'Proof',
    from: 'From',
    to: 'To',
    position: 'Position',
  },
);

const stage = labels(
  { warn_1: '一级预警', warn_2: '二级预警', breach: '超时', branch_head: '已报机构负责人' },
  { warn_1: 'first warning', warn_2: 'second warning', breach: 'breach', branch_head: 'branch head told' },
);

const end = labels(
  { done: '完成', reassigned: '改派', handed_over: '移交', cancelled: '取消' },
  { done: 'done', reassigned: 'reassigned', handed_over: 'handed over', cancelled: 'cancelled' },
);

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
    name === 'surveyor_id' || name === 'instead_of'
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
