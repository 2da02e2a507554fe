/** What the live stream says. */
import type { Cause, Clock, Freshness, Id, Instant, Line, Named, OpenOffer, SurveyorState, TaskState } from './base';

export interface TaskCard {
  id: Id;
  claim_id: Id;
  report_no: string;
  line: Line;
  state: TaskState;
  org_id: Id;
  area: string | null;
  place: string | null;
  lon: number | null;
  lat: number | null;
  reported_at: Instant;
  cause: Cause | null;
  plate: string | null;
  unassigned_reason: string | null;
  /** `on_duty` false: he went home with the job in his hands. */
  surveyor: (Named & { on_duty?: boolean }) | null;
  offer: OpenOffer | null;
  /** When the one asked or holding it will be there: median and the span that holds eight of ten, and who says so. */
  arrives?: { at: Instant; low_at: Instant; high_at: Instant; by: string; under_way: boolean } | null;
  /** The holder's own word on when the job will be done. */
  done_by_at?: Instant | null;
  /** A time agreed with the customer, by whoever holds the job. */
  appointment_at?: Instant | null;
  clocks: Clock[];
  priority: number;
  duplicate: boolean;
}

export interface SurveyorPosition {
  lon: number;
  lat: number;
  fixed_at: Instant;
  received_at?: Instant;
  accuracy_m: number | null;
  speed_mps: number | null;
  heading_deg: number | null;
  battery: number | null;
  source: string | null;
}
export interface SurveyorCard {
  /** He is outside the part of the map that is followed: his place is old, his state is not. */
  unseen?: boolean;
  id: Id;
  name: string;
  org_id: Id;
  on_duty: boolean;
  state: SurveyorState;
  position: SurveyorPosition | null;
  age_s: number | null;
  freshness: Freshness;
  open_jobs: number;
  max_open: number;
  skills: string[];
}

export interface PackedSnapshot {
  /** The name of this stream, to turn it elsewhere. */
  stream: string;
  columns: string[];
  rows: unknown[][];
  tasks: TaskCard[];
  server_time: Instant;
}
export interface ClockChange {
  task_id: Id;
  clock: Clock;
}
/** `session` means: signed out, or the right to look was taken away. */
export interface Gone {
  kind: 'surveyor' | 'task' | 'session';
  id: Id;
}
