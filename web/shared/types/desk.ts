/** Messages, figures, the map, devices, settings. */
import type { Clock, ClockKind, Datum, Id, Instant, Named, Page, Role, TaskState } from './base';

export interface Message {
  id: Id;
  claim_id: Id | null;
  report_no?: string | null;
  audience: string;
  channel: string;
  address: string;
  template: string;
  text: string;
  state: 'waiting' | 'sent' | 'failed' | 'dropped';
  attempts: number;
  created_at: Instant;
  sent_at: Instant | null;
  last_error: string | null;
}
/** `judged` cases had a promise to keep; `excused` ones are held apart and never counted against anybody. */
export interface Leg {
  leg: string;
  group: string | null;
  count: number;
  p50_s: number | null;
  p90_s: number | null;
  p99_s: number | null;
  judged: number;
  kept: number | null;
  kept_pct: number | null;
  excused: number;
}
export interface Legs {
  legs: Leg[];
  totals: Leg[];
  by: string | null;
  from: Instant;
  to: Instant;
}
/** Some forecasts: the mean of what was said, the share that came true and its 95 % interval. */
export interface ForecastPart {
  count: number;
  said: number;
  came_true: number;
  low: number;
  high: number;
  few: boolean;
  since: number | null;
}
export interface Forecast {
  measure: 'contact' | 'arrive' | 'arrival' | 'drive';
  count: number;
  verdict: 'honest' | 'too_sure' | 'too_careful' | 'too_few';
  whole: ForecastPart | null;
  curve: ForecastPart[];
  by_age: ForecastPart[];
  by_hour: ForecastPart[];
  earlier: number | null;
  later: number | null;
  off_s: number | null;
}
/** Observed, never simulated. */
export interface Forecasts {
  observed: true;
  asked: number;
  looked_at: number;
  foretold: number;
  least: number;
  measures: Forecast[];
}
export interface PersonFigures {
  id: Id;
  name: string;
  org: Named;
  offers: number;
  accepted: number;
  declined: number;
  expired: number;
  unreached: number;
  accepted_pct: number | null;
  answer_p50_s: number | null;
  jobs: number;
  completed: number;
  contact_kept_pct: number | null;
  arrival_kept_pct: number | null;
  photos: number;
  photos_returned_pct: number | null;
  ratings: number;
  rating_avg: number | null;
}

export interface MapInfo {
  label: string;
  label_en?: string;
  centre: { lon: number; lat: number } | null;
  bbox: [number, number, number, number] | null;
  raster: { name: string; url: string; datum: Datum; attribution?: string }[];
}
export interface Pairing {
  code: string;
  expires_at: Instant;
  qr_svg: string;
  url: string;
}
export interface Paired {
  token: string;
  device: { id: Id };
  surveyor: Named;
  owntracks: { url: string; username: string; password: string };
  traccar: { url: string; id: string };
  overland: { url: string; token: string };
}

/** A rung of a clock's ladder that fired. */
export interface Escalation {
  id: Id;
  stage: 'warn_1' | 'warn_2' | 'breach' | 'branch_head';
  due_at: Instant;
  fired_at: Instant;
  acknowledged_at: Instant | null;
  acknowledged_by: string | null;
  claim_id: Id;
  report_no: string;
  task: { id: Id; state: TaskState } | null;
  clock: { id: Id; kind: ClockKind; due_at: Instant; stopped_at: Instant | null; state: Clock['state'] };
}

/** Settings. */
export interface SettingArea {
  id: Id;
  name: string;
  name_en: string;
  kind: string;
  org?: Named;
  org_id?: Id;
  /** WGS-84, longitude first. */
  shape?: { type: 'Polygon' | 'MultiPolygon'; coordinates: unknown };
}
export interface PersonRow {
  id: Id;
  username: string;
  name: string;
  roles: Role[];
  org: Named;
  /** In full for an administrator only. */
  phone: string | null;
  email: string | null;
  authority_fen: number;
  disabled_at: Instant | null;
  surveyor: { skills: string[]; max_open: number; on_duty: boolean; devices: number } | null;
}
export interface DeviceRow {
  id: Id;
  label: string;
  paired_at: Instant;
  seen_at: Instant | null;
  revoked_at: Instant | null;
  refused_today: Record<string, number>;
}
export interface Organisation {
  id: Id;
  parent_id: Id | null;
  kind: string;
  code: string;
  name: string;
}
export interface RuleRow {
  key: string;
  room: string;
  kind: 'int' | 'bool' | 'choice' | 'text';
  zh: string;
  en: string;
  unit: string;
  least: number | null;
  most: number | null;
  choices: string[];
  default: unknown;
  value: unknown;
  set_here: boolean;
  from_org: Named | null;
  changed_at: Instant | null;
}
/** A simulated figure under the rules in force and under the changed one; low and high bound the difference. */
export interface TryFigure {
  before: number | null;
  after: number | null;
  low: number | null;
  high: number | null;
  sure: boolean;
}
export interface TryResult {
  simulated: true;
  days: string[];
  claims: number;
  few: boolean;
  reproduced: number;
  figures: Record<'contact_kept' | 'arrive_kept' | 'arrive_mean' | 'asked_per_claim' | 'km_per_claim' | 'gini', TryFigure>;
}
/** Changed rules played on the last days. */
export interface RuleTry {
  id: string;
  asked_by: string;
  changes: Record<string, unknown>;
  days: number;
  created_at: Instant;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  progress: number;
  error: string | null;
  result: TryResult | null;
}
export interface Rules extends Page<RuleRow> {
  org: Named;
  rooms: { key: string; zh: string; en: string }[];
}

/** Why a surveyor is grey, and what is known of his phones. No place is in it. */
export interface PhoneTracking {
  surveyor_id: Id;
  on_duty: boolean;
  on_duty_since: Instant | null;
  causes: { cause: string; facts: Record<string, string | number | boolean | null> }[];
  last: {
    at: Instant;
    received_at: Instant;
    age_s: number;
    state: string;
    source: string;
    battery: number | null;
    accuracy_m: number | null;
  } | null;
  delays: { edges_s: number[]; counts: number[]; p50_s: number | null; p95_s: number | null };
  gaps: { from: Instant; to: Instant }[];
  fixes: number;
  devices: TrackedDevice[];
  server_time: Instant;
}
export interface TrackedDevice {
  id: Id;
  label: string;
  app: string | null;
  paired_at: Instant;
  seen_at: Instant | null;
  revoked_at: Instant | null;
  clock: { offset_s: number; learned_at: Instant | null };
  refused: Record<string, Record<string, number>>;
  /** Kept, but not for the dot. */
  held: Record<string, Record<string, number>>;
}
/** A day of a track as people tell it. */
export interface DayPart {
  kind: 'stop' | 'drive' | 'gap';
  from: Instant;
  to: Instant;
  place?: { lon: number; lat: number };
  metres?: number;
}
/** Somebody looked at a track. */
export interface TrackLook {
  at: Instant;
  by: { id: Id | null; name: string | null };
  reason: string | null;
  form: string | null;
  from: Instant;
  to: Instant;
}
