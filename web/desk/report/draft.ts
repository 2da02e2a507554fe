/** The report being typed: kept in this tab until it is safely in, and sent at most once. */
import { effect, signal } from '@preact/signals';
import { newKey } from '@shared/api';
import { serverNow } from '@shared/clock';
import { fromLocalInput } from '@shared/format';
import type { ClaimIn, Datum, Item, Line } from '@shared/types';

export interface Draft {
  phone: string;
  name: string;
  relation: string;
  line: Line;
  plate: string;
  third: string;
  vin: string;
  policy: string;
  /** 通赔: the branch that insures; '' is who takes the report. */
  insurer: string;
  item: string;
  cause: string;
  lossAt: string;
  injured: string;
  movable: '' | 'yes' | 'no';
  sceneLeft: '' | 'yes' | 'no';
  place: string;
  lon: number | null;
  lat: number | null;
  datum: Datum;
  typed: string;
  note: string;
  /** When the first key was pressed: the start of the call, as far as this screen can know. */
  startedAt: string | null;
  endedAt: string | null;
  /** What was already sent, and under which key; repeated word for word until an answer comes. */
  sent: { key: string; body: ClaimIn; of: string } | null;
}

const EMPTY: Draft = {
  phone: '',
  name: '',
  relation: 'insured',
  line: 'motor',
  plate: '',
  third: '',
  vin: '',
  policy: '',
  insurer: '',
  item: '',
  cause: 'collision',
  lossAt: '',
  injured: '0',
  movable: '',
  sceneLeft: '',
  place: '',
  lon: null,
  lat: null,
  datum: 'wgs84',
  typed: '',
  note: '',
  startedAt: null,
  endedAt: null,
  sent: null,
};
const KEPT = 'chakan.report';

function kept(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') as Partial<Draft>) };
  } catch {
    return EMPTY; // unreadable draft: a clean form is better than a broken page
  }
}

export const draft = signal<Draft>(kept());

effect(() => {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(draft.value));
  } catch {
    return; // storage refused: the draft lives as long as the page
  }
});

export function type(part: Partial<Draft>): void {
  const old = draft.peek();
  draft.value = { ...old, ...part, startedAt: old.startedAt ?? new Date(serverNow()).toISOString() };
}

export const clear = (): void => void (draft.value = { ...EMPTY, line: draft.peek().line });
export const begun = (): boolean => draft.value.startedAt !== null;
export const hangUp = (): void => type({ endedAt: new Date(serverNow()).toISOString() });

const said = (answer: '' | 'yes' | 'no'): boolean | null => (answer === '' ? null : answer === 'yes');

function items(of: Draft): Item[] {
  const list: Item[] = [];
  if (of.line === 'motor' || of.line === 'assist') {
    if (of.plate.trim() || of.vin.trim())
      list.push({ kind: 'own_vehicle', plate: of.plate.trim() || null, vin: of.vin.trim().toUpperCase() || null });
    for (const plate of of.third.split(/[\s,，、;；]+/).filter(Boolean)) list.push({ kind: 'third_vehicle', plate, vin: null });
  } else if (of.item.trim()) {
    list.push({ kind: of.line === 'agri' ? 'field' : 'property', plate: null, vin: null, description: of.item.trim() });
  }
  return list;
}

function bodyOf(of: Draft): ClaimIn {
  const at = new Date(serverNow()).toISOString();
  const lossAt = fromLocalInput(of.lossAt);
  return {
    reported_at: of.startedAt ?? at,
    call_ended_at: of.endedAt ?? at,
    reporter: { name: of.name.trim() || null, phone: of.phone.trim(), relation: of.relation || null },
    loss: {
      at: lossAt ? lossAt.toISOString() : null,
      position: of.lon !== null && of.lat !== null ? { lon: of.lon, lat: of.lat, datum: of.datum } : null,
      place: of.place.trim() || null,
      cause: of.cause || null,
      injured: Number(of.injured) || 0,
      movable: said(of.movable),
      scene_left: said(of.sceneLeft),
    },
    line: of.line,
    policy_no: of.policy.trim() || null,
    items: items(of),
    needs: null,
    external_no: null,
    note: of.note.trim(),
    insuring_org_id: of.insurer || null,
  };
}

const fields = ({ sent: _, startedAt: __, endedAt: ___, ...typed }: Draft): string => JSON.stringify(typed);

/** What to send: the same words under the same key while nothing was changed, else new words under the key that was not yet refused. */
export function parcel(): { key: string; body: ClaimIn } {
  const of = draft.peek();
  const now = fields(of);
  if (of.sent?.of === now) return of.sent;
  const sent = { key: of.sent?.key ?? newKey(), body: bodyOf(of), of: now };
  draft.value = { ...of, sent };
  return sent;
}

/** After a plain refusal nothing was stored for good: the next try is a new one. */
export const forgetSent = (): void => void (draft.value = { ...draft.peek(), sent: null });

const MAINLAND = /^(?:\+?86)?1[3-9]\d{9}$|^0\d{2,3}\d{7,8}$/;
const PLATE =
  /^[\u4e00-\u9fa5][A-HJ-NP-Z](?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|(?:[A-HJK][A-HJ-NP-Z0-9]\d{4}|\d{5}[A-HJK]))$/;
const tidy = (text: string) => text.replace(/[\s·.\-()（）]/g, '').toUpperCase();

export const oddPhone = (text: string): boolean => text !== '' && !MAINLAND.test(tidy(text));
export const oddPlate = (text: string): boolean => text !== '' && !PLATE.test(tidy(text));
export const oddVin = (text: string): boolean => text !== '' && !/^[A-HJ-NPR-Z0-9]{17}$/.test(tidy(text));
