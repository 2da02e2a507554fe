/** What a phone needs to work offline, and what it hears back. */
import type { Cause, Clock, Id, Instant, Line, OfferState, Position, TaskState } from './base';
import type { ContactRow, Item, Reporter } from './claims';
import type { Verdict } from './photos';

/** The phone's day: everything it needs to work offline. */
export interface OfferJob {
  id: Id;
  task_id: Id;
  claim_id: Id;
  report_no: string;
  expires_at: Instant;
  expires_in_s: number;
  distance_m: number;
  eta_s: number;
  place: string | null;
  position: Position | null;
  cause: Cause | null;
  line: Line;
  injured: number;
  movable: boolean | null;
  /** Losses near by that come with a yes (catastrophe). */
  bundle?: { task_id: Id; report_no: string; place: string | null; cause: Cause | null }[];
}
export interface Shot {
  code: string;
  zh: string;
  en: string;
  required: number;
  taken: number;
  approved: number;
  sent_back: number;
  tip_zh?: string;
  tip_en?: string;
}
export interface JobPhoto {
  id: Id;
  shot: string;
  verdict: Verdict;
  reason: string | null;
  note: string;
  sha256: string;
  thumb: string;
  answered_by?: Id | null;
}
export interface TaskJob {
  id: Id;
  claim_id: Id;
  report_no: string;
  state: TaskState;
  line: Line;
  cause: Cause | null;
  note: string;
  place: string | null;
  position: Position | null;
  reporter: Reporter;
  items: Item[];
  injured: number;
  movable: boolean | null;
  clocks: Clock[];
  accepted_at: Instant | null;
  contacted_at: Instant | null;
  departed_at: Instant | null;
  arrived_at: Instant | null;
  appointment_at: Instant | null;
  /** His own word on when the job will be done. */
  done_by_at?: Instant | null;
  /** By his track: at the scene since, and when he left it again. */
  near_since?: Instant | null;
  left_at?: Instant | null;
  shots: Shot[];
  photos: JobPhoto[];
  contacts: ContactRow[];
}
export interface PhoneCatastrophe {
  id: Id;
  name: string;
  since: Instant;
  contact_limit_min: number;
  max_open: number;
  borrowed: boolean;
}
export interface MoveAsked {
  id: Id;
  position: Position;
  place: string | null;
  drive_s: number;
  expires_at: Instant;
}
export interface Jobs {
  offers: OfferJob[];
  tasks: TaskJob[];
  catastrophe?: PhoneCatastrophe | null;
  move?: MoveAsked | null;
  server_time: Instant;
}
export interface TaskMoved {
  task: { id: Id; state: TaskState };
  clocks: Clock[];
}
export interface Accepted {
  offer: { id: Id; state: OfferState };
  task_id: Id;
  assignment_id: Id;
}
