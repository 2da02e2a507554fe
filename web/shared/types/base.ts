/** What every other shape is made of, and who is signed in. */

export type Id = string;
export type Instant = string;
export type Datum = 'wgs84' | 'gcj02' | 'bd09';
export type Line = 'motor' | 'property' | 'agri' | 'assist';
export type Role = 'seat' | 'dispatcher' | 'surveyor' | 'adjuster' | 'supervisor' | 'admin' | 'integration';
export type ClaimState = 'open' | 'surveying' | 'assessing' | 'approved' | 'closed' | 'withdrawn' | 'reopened';
export type TaskState =
  | 'pending'
  | 'offered'
  | 'accepted'
  | 'contacted'
  | 'en_route'
  | 'on_scene'
  | 'submitted'
  | 'approved'
  | 'returned'
  | 'unassigned'
  | 'cancelled';
export type OfferState = 'open' | 'accepted' | 'declined' | 'expired' | 'unreached' | 'withdrawn';
export type ClockKind = 'dispatch' | 'contact' | 'arrival' | 'assessment';
export type Freshness = 'fresh' | 'amber' | 'stale' | 'never';
export type SurveyorState = 'off' | 'idle' | 'offered' | 'busy' | 'stale';
export type Cause = string;

export interface Page<T> {
  items: T[];
  next: string | null;
}
export interface Named {
  id: Id;
  name: string;
}
/** WGS-84 unless `datum` says otherwise, longitude first. */
export interface Position {
  lon: number;
  lat: number;
  datum?: Datum;
}

export interface Clock {
  id: Id;
  kind: ClockKind;
  start_at: Instant;
  due_at: Instant;
  stopped_at: Instant | null;
  breached_at: Instant | null;
  limit_s: number;
  state: 'running' | 'met' | 'breached' | 'paused' | 'void';
  predicted: 'ok' | 'at_risk' | 'late';
}

export interface Tracking {
  state: Freshness;
  age_s: number | null;
  source: string | null;
}
export interface Me {
  person: { id: Id; name: string; username: string; roles: Role[]; org: Named & { kind: string }; authority_fen: number; lang: string };
  device: { id: Id; label: string } | null;
  surveyor: { id: Id; on_duty: boolean; shift_until?: Instant | null; skills: string[]; max_open: number; tracking: Tracking } | null;
  /** Null for a device or API token, which needs none. */
  csrf: string | null;
}

export interface OpenOffer {
  id: Id;
  surveyor: Named;
  expires_at: Instant;
  /** When a phone of his first got it; null while none has. */
  delivered_at?: Instant | null;
  round: number;
}
