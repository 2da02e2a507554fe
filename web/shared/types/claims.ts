/** Claims, their jobs, and why somebody was sent. */
import type { Cause, ClaimState, Clock, Id, Instant, Line, Named, OfferState, Position, TaskState } from './base';

export interface Item {
  id?: Id;
  kind: string;
  plate: string | null;
  vin: string | null;
  description?: string;
}
export interface Duplicate {
  claim_id: Id;
  report_no: string;
  reasons: string[];
}
export interface DuplicateHint extends Duplicate {
  reported_at: Instant;
  place: string | null;
  state: ClaimState;
}
export interface Reporter {
  name: string | null;
  phone: string;
  relation: string | null;
}

export interface ClaimRow {
  id: Id;
  report_no: string;
  line: Line;
  state: ClaimState;
  reported_at: Instant;
  place: string | null;
  area: string | null;
  reporter: { name: string | null; phone: string };
  plate: string | null;
  task: { id: Id; state: TaskState } | null;
  surveyor: Named | null;
  clocks: Clock[];
}

export interface OfferRow {
  id: Id;
  surveyor: Named;
  state: OfferState;
  made_at: Instant;
  expires_at: Instant;
  delivered_at?: Instant | null;
  /** Until when a phone of his must have got it, or the next one is asked; null: no such end. */
  reach_by?: Instant | null;
  settled_at: Instant | null;
  decline_reason: string | null;
  distance_m: number;
  eta_s: number;
  round: number;
}
export interface AssignmentRow {
  id: Id;
  surveyor: Named;
  accepted_at: Instant;
  contacted_at: Instant | null;
  departed_at: Instant | null;
  arrived_at: Instant | null;
  appointment_at?: Instant | null;
  done_by_at?: Instant | null;
  completed_at: Instant | null;
  ended_at: Instant | null;
  end_reason: string | null;
  reason: string | null;
}
export interface ContactRow {
  result: string;
  channel: string;
  at: Instant;
  surveyor?: Named;
  marks?: string[];
}
export interface TaskDetail {
  id: Id;
  state: TaskState;
  round: number;
  unassigned_reason: string | null;
  offers: OfferRow[];
  assignments: AssignmentRow[];
  contacts: ContactRow[];
}
export interface LossIn {
  at: Instant | null;
  position: Position | null;
  place: string | null;
  cause: Cause | null;
  injured: number;
  movable: boolean | null;
  scene_left: boolean | null;
}
export interface ClaimDetail {
  id: Id;
  report_no: string;
  state: ClaimState;
  org: Named;
  /** 通赔: who insures, when another branch surveys. */
  insuring_org?: Named | null;
  /** False: another branch surveys it and decides who goes. */
  dispatched_here?: boolean;
  area: Named | string | null;
  reported_at: Instant;
  call_ended_at: Instant | null;
  reporter: Reporter;
  loss: LossIn;
  line: Line;
  policy_no: string | null;
  items: Item[];
  needs: string[];
  external_no: string | null;
  note: string;
  clocks: Clock[];
  task: TaskDetail | null;
  duplicates: Duplicate[];
  marks: string[];
  customer_link: string | null;
  version?: number;
}
export interface ClaimIn {
  reported_at: Instant;
  call_ended_at: Instant | null;
  reporter: Reporter;
  loss: LossIn;
  line: Line;
  policy_no: string | null;
  items: Item[];
  needs: string[] | null;
  external_no: string | null;
  note: string;
  insuring_org_id?: Id | null;
}
export interface Opened {
  id: Id;
  report_no: string;
  state: ClaimState;
  clocks: Clock[];
  duplicates: Duplicate[];
}

export interface TimelineEvent {
  id: Id;
  at: Instant;
  device_at: Instant | null;
  kind: string;
  actor: { id: Id | null; name: string | null; kind: 'person' | 'device' | 'system' | 'customer' } | null;
  facts: Record<string, unknown>;
}
export interface Candidate {
  surveyor: Named;
  rank: number | null;
  distance_m: number | null;
  eta_s: number | null;
  /** The span that holds eight of ten drives, and who says so. */
  eta_low_s?: number | null;
  eta_high_s?: number | null;
  eta_by?: string;
  age_s: number | null;
  outcome: 'chosen' | 'passed_over';
  reason: string | null;
  reasons?: string[];
  soonest_s?: number | null;
  open_jobs?: number;
  /** How likely he keeps the promises: to speak to the customer, to be on scene; 0 to 1. */
  contact_p?: number | null;
  arrive_p?: number | null;
  /** Whose figure says when he is done with what he holds. */
  free_by?: 'own' | 'usual' | 'mixed' | null;
  /** The parts of what sending him costs, in seconds; records made before the parts were kept have none. */
  terms?: Record<string, number>;
  cost_s?: number | null;
}
export interface Decision {
  id: Id;
  at: Instant;
  kind: 'auto' | 'manual' | 'switch' | 'proposal';
  /** Of a switch or a proposal. */
  facts?: { from?: Named; to?: Named; clock?: 'contact' | 'arrival'; why?: string; late_s?: number; gain_s?: number };
  provider: string;
  radius_m: number | null;
  reason: string | null;
  chosen: Named | null;
  candidates: Candidate[];
}
export interface Near {
  surveyor: Named;
  distance_m: number | null;
  eta_s: number | null;
  eta_low_s?: number | null;
  eta_high_s?: number | null;
  eta_by?: string;
  /** With what he has in hand before it; `eta_s` is the drive alone. */
  soonest_s?: number | null;
  age_s: number | null;
  /** Of another organisation, lent in a catastrophe. */
  borrowed?: boolean;
  reason: string | null;
  rank?: number | null;
  outcome?: 'able' | 'passed_over';
  open_jobs?: number;
  reasons?: string[];
}
/** Somebody inside the rings; `chances` of being there within each of the times, 0 to 1. */
export interface Inside extends Near {
  chances: number[];
}
/** From where a claim's place is reached in time: GeoJSON, and who is inside, soonest first. */
export interface Reach {
  type: 'FeatureCollection';
  by: string;
  claim_id: Id;
  features: {
    type: 'Feature';
    properties: { minutes: number; by: string };
    geometry: { type: 'MultiPolygon'; coordinates: number[][][][] };
  }[];
  people: Inside[];
}
