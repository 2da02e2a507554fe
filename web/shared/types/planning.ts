/** Catastrophe mode, coverage, moving up, day plans. */
import type { Cause, Id, Instant, Line, Named, Position, TaskState } from './base';

export interface CatastropheStep {
  id: Id;
  step: 'switch_on' | 'release' | 'restore';
  state: 'open' | 'confirmed' | 'refused' | 'expired';
  reason: string;
  requested_by: Named;
  requested_at: Instant;
  expires_at: Instant;
  settled_by: Named | null;
  settled_at: Instant | null;
  settle_reason: string | null;
  mine: boolean;
}
export interface Catastrophe {
  id: Id;
  org: Named;
  area: (Named & { name_en: string }) | null;
  name: string;
  reason: string;
  state: 'proposed' | 'requested' | 'on' | 'released' | 'over' | 'dropped';
  limits: { contact_limit_min: number; dispatch_limit_min: number; arrive_limit_urban_min: number };
  max_open: number;
  borrowed: Named[];
  seen: number | null;
  normal: number | null;
  made_at: Instant;
  on_at: Instant | null;
  over_at: Instant | null;
  claims: number;
  waiting: number;
  visits: number;
  companions: number;
  steps: CatastropheStep[];
  pending: CatastropheStep | null;
}
export interface Pulse {
  org: Named;
  seen: number;
  normal: number;
  times: number;
  surging: boolean;
  neighbours: (Named & { on_duty: number })[];
}

export interface BestMove {
  surveyor: Named;
  from: Position;
  to: Position;
  drive_s: number;
  gain_per_h: number;
  covered_before: number;
  covered_after: number;
  /** Seconds an average report waits less; 0 where the move is for reach. */
  sooner_s: number;
  within_s: number;
}
/** A hexagon: longitude, latitude, expected reports an hour, seconds to the soonest (null: nobody). */
export type CoverCell = [number, number, number, number | null];
export interface Coverage {
  at: Instant;
  took_ms: number;
  provider: string;
  cell_m: number;
  within_s: number;
  reports: number;
  weeks: number;
  demand_per_h: number;
  shares: Record<string, number>;
  on_duty: number;
  cells: CoverCell[];
  move: BestMove | null;
}

export interface DayJob {
  task_id: Id;
  claim_id: Id;
  report_no: string;
  line: Line;
  cause: Cause | null;
  state: TaskState;
  place: string | null;
  position: Position | null;
  appointment_at: Instant | null;
}
export interface DayVisit extends DayJob {
  pinned: boolean;
  in_hand: boolean;
  arrive_at: Instant;
  begin_at: Instant;
  end_at: Instant;
  drive_s: number;
  wait_s: number;
  late_s: number;
}
export interface DayPlan {
  surveyor: Named;
  from: Instant;
  until: Instant;
  on_duty: boolean;
  over_shift: boolean;
  start: (Position & { age_s: number }) | null;
  provider: string;
  drive_s: number;
  visits: DayVisit[];
  left: (DayJob & { reason: string; against: DayJob | null })[];
}
