/** The JSON the API speaks: one type per shape of the contract. Ids are opaque strings, times RFC 3339 in UTC, money in fen. */

export type Id = string;
export type Instant = string;
export type Datum = 'wgs84' | 'gcj02' | 'bd09';
export type Line = 'motor' | 'property' | 'agri' | 'assist';
export type Role = 'seat' | 'dispatcher' | 'surveyor' | 'adjuster' | 'supervisor' | 'admin' | 'integration';
export type ClaimState = 'open' | 'surveying' | 'assessing' | 'approved' | 'closed' | 'withdrawn' | 'reopened';
export type TaskState =
  | 'pending' | 'offered' | 'accepted' | 'contacted' | 'en_route' | 'on_scene' | 'submitted' | 'approved'
  | 'returned' | 'unassigned' | 'cancelled';
export type OfferState = 'open' | 'accepted' | 'declined' | 'expired' | 'withdrawn';
export type ClockKind = 'dispatch' | 'contact' | 'arrival' | 'assessment';
export type Freshness = 'fresh' | 'amber' | 'stale' | 'never';
export type SurveyorState = 'off' | 'idle' | 'offered' | 'busy' | 'stale';
export type Cause = string;

export interface Page<T> { items: T[]; next: string | null }
export interface Named { id: Id; name: string }
/** WGS-84 unless `datum` says otherwise, longitude first. */
export interface Position { lon: number; lat: number; datum?: Datum }

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

export interface Tracking { state: Freshness; age_s: number | null; source: string | null }
export interface Me {
  person: { id: Id; name: string; username: string; roles: Role[]; org: Named; authority_fen: number; lang: string };
  device: { id: Id; label: string } | null;
  surveyor: { id: Id; on_duty: boolean; skills: string[]; max_open: number; tracking: Tracking } | null;
  /** Null for a device or API token, which needs none. */
  csrf: string | null;
}

export interface OpenOffer { id: Id; surveyor: Named; expires_at: Instant; round: number }
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
  clocks: Clock[];
  priority: number;
  duplicate: boolean;
}

export interface SurveyorPosition {
  lon: number; lat: number; fixed_at: Instant; received_at?: Instant; accuracy_m: number | null; speed_mps: number | null;
  heading_deg: number | null; battery: number | null; source: string | null;
}
export interface SurveyorCard {
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

export interface Snapshot { surveyors: SurveyorCard[]; tasks: TaskCard[]; server_time: Instant }
export interface ClockChange { task_id: Id; clock: Clock }
/** `session` means: signed out, or the right to look was taken away. */
export interface Gone { kind: 'surveyor' | 'task' | 'session'; id: Id }

export interface Item { id?: Id; kind: string; plate: string | null; vin: string | null; description?: string }
export interface Duplicate { claim_id: Id; report_no: string; reasons: string[] }
export interface DuplicateHint extends Duplicate { reported_at: Instant; place: string | null; state: ClaimState }
export interface Reporter { name: string | null; phone: string; relation: string | null }

export interface ClaimRow {
  id: Id; report_no: string; line: Line; state: ClaimState; reported_at: Instant; place: string | null; area: string | null;
  reporter: { name: string | null; phone: string }; plate: string | null; task: { id: Id; state: TaskState } | null;
  surveyor: Named | null; clocks: Clock[];
}

export interface OfferRow {
  id: Id; surveyor: Named; state: OfferState; made_at: Instant; expires_at: Instant; settled_at: Instant | null;
  decline_reason: string | null; distance_m: number; eta_s: number; round: number;
}
export interface AssignmentRow {
  id: Id; surveyor: Named; accepted_at: Instant; contacted_at: Instant | null; departed_at: Instant | null;
  arrived_at: Instant | null; appointment_at?: Instant | null; completed_at: Instant | null; ended_at: Instant | null; end_reason: string | null; reason: string | null;
}
export interface ContactRow { result: string; channel: string; at: Instant; surveyor?: Named; marks?: string[] }
export interface TaskDetail {
  id: Id; state: TaskState; round: number; unassigned_reason: string | null;
  offers: OfferRow[]; assignments: AssignmentRow[]; contacts: ContactRow[];
}
export interface LossIn {
  at: Instant | null; position: Position | null; place: string | null; cause: Cause | null; injured: number;
  movable: boolean | null; scene_left: boolean | null;
}
export interface ClaimDetail {
  id: Id; report_no: string; state: ClaimState; org: Named; area: Named | string | null;
  reported_at: Instant; call_ended_at: Instant | null; reporter: Reporter; loss: LossIn; line: Line; policy_no: string | null;
  items: Item[]; needs: string[]; external_no: string | null; note: string; clocks: Clock[]; task: TaskDetail | null;
  duplicates: Duplicate[]; marks: string[]; customer_link: string | null; version?: number;
}
export interface ClaimIn {
  reported_at: Instant; call_ended_at: Instant | null; reporter: Reporter; loss: LossIn; line: Line; policy_no: string | null;
  items: Item[]; needs: string[] | null; external_no: string | null; note: string;
}
export interface Opened { id: Id; report_no: string; state: ClaimState; clocks: Clock[]; duplicates: Duplicate[] }

export interface TimelineEvent {
  id: Id; at: Instant; device_at: Instant | null; kind: string;
  actor: { id: Id | null; name: string | null; kind: 'person' | 'device' | 'system' | 'customer' } | null;
  facts: Record<string, unknown>;
}
export interface Candidate {
  surveyor: Named; rank: number | null; distance_m: number | null; eta_s: number | null; age_s: number | null;
  outcome: 'chosen' | 'passed_over'; reason: string | null;
}
export interface Decision {
  id: Id; at: Instant; kind: 'auto' | 'manual'; provider: string; radius_m: number | null; reason: string | null;
  chosen: Named | null; candidates: Candidate[];
}
export interface Near {
  surveyor: Named; distance_m: number | null; eta_s: number | null; age_s: number | null; reason: string | null;
  rank?: number | null; outcome?: 'able' | 'passed_over'; open_jobs?: number; reasons?: string[];
}

/** The phone's day: everything it needs to work offline. */
export interface OfferJob {
  id: Id; task_id: Id; claim_id: Id; report_no: string; expires_at: Instant; expires_in_s: number; distance_m: number; eta_s: number;
  place: string | null; position: Position | null; cause: Cause | null; line: Line; injured: number; movable: boolean | null;
}
export interface Shot { code: string; zh: string; en: string; required: number; taken: number; approved: number; sent_back: number; tip_zh?: string; tip_en?: string }
export interface JobPhoto { id: Id; shot: string; verdict: Verdict; reason: string | null; note: string; sha256: string; thumb: string; answered_by?: Id | null }
export interface TaskJob {
  id: Id; claim_id: Id; report_no: string; state: TaskState; line: Line; cause: Cause | null; note: string; place: string | null;
  position: Position | null; reporter: Reporter; items: Item[]; injured: number; movable: boolean | null; clocks: Clock[];
  accepted_at: Instant | null; contacted_at: Instant | null; departed_at: Instant | null; arrived_at: Instant | null;
  appointment_at: Instant | null; shots: Shot[]; photos: JobPhoto[]; contacts: ContactRow[];
}
export interface Jobs { offers: OfferJob[]; tasks: TaskJob[]; server_time: Instant }
export interface TaskMoved { task: { id: Id; state: TaskState }; clocks: Clock[] }
export interface Accepted { offer: { id: Id; state: OfferState }; task_id: Id; assignment_id: Id }

/** Photos, review, money. */
export type Verdict = 'waiting' | 'approved' | 'sent_back';
export interface PhotoReview { verdict: Verdict; reason: string | null; note: string; region: unknown; by: Named; at: Instant; answered_by: Id | null }
export interface Photo {
  id: Id; shot: string; shot_zh: string; shot_en: string; seq: number | null; state: 'received' | 'processed' | 'damaged';
  verdict: Verdict; taken_at: Instant | null; received_at: Instant; width: number; height: number; size_bytes: number; sha256: string;
  position: { lon: number; lat: number; accuracy_m: number | null } | null; distance_m: number | null; flags: string[];
  reviews: PhotoReview[]; urls: { thumb: string; preview: string; original: string };
}
export interface Photos { items: Photo[]; next: string | null; missing: { code: string; zh: string; en: string }[] }
export interface ReviewRow {
  task: { id: Id; state: TaskState }; claim_id: Id; report_no: string; line: Line; submitted_at: Instant | null; surveyor: Named | null;
  photos: { total: number; waiting: number; approved: number; sent_back: number }; reviewer: Named | null; clocks: Clock[];
  total_fen: number | null; place: string | null;
}
export interface AssessmentLine { item: string; part: string; action: 'replace' | 'repair' | 'paint' | 'labour' | 'other'; qty: number; unit_fen: number; note: string }
export interface Assessment { version: number; lines: AssessmentLine[]; total_fen: number; note?: string; versions: { version: number; total_fen: number; by?: Named; at?: Instant }[] }

export interface Message {
  id: Id; claim_id: Id | null; report_no?: string | null; audience: string; channel: string; address: string; template: string; text: string;
  state: 'waiting' | 'sent' | 'failed' | 'dropped'; attempts: number; created_at: Instant; sent_at: Instant | null; last_error: string | null;
}
/** `judged` cases had a promise to keep; `excused` ones are held apart and never counted against anybody. */
export interface Leg {
  leg: string; group: string | null; count: number; p50_s: number | null; p90_s: number | null; p99_s: number | null; judged: number; kept: number | null; kept_pct: number | null; excused: number;
}
export interface Legs { legs: Leg[]; totals: Leg[]; by: string | null; from: Instant; to: Instant }
export interface PersonFigures {
  id: Id; name: string; org: Named; offers: number; accepted: number; declined: number; expired: number; accepted_pct: number | null; answer_p50_s: number | null; jobs: number; completed: number;
  contact_kept_pct: number | null; arrival_kept_pct: number | null; photos: number; photos_returned_pct: number | null; ratings: number; rating_avg: number | null;
}

/** The customer's page. */
export interface TrackPage {
  report_no: string; state: string; steps: { key: string; at: Instant | null }[];
  surveyor: {
    name: string; eta_s: number | null; eta_kind?: 'under_way' | 'if_leaves_now' | null; appointment_at?: Instant | null; position: Position | null; updated_age_s: number | null;
  } | null;
  place: string | null; loss?: Position | null; rated: boolean; messages: string; server_time?: Instant;
}

export interface MapInfo {
  label: string; label_en?: string; centre: { lon: number; lat: number } | null; bbox: [number, number, number, number] | null;
  raster: { name: string; url: string; datum: Datum }[];
}
export interface Pairing { code: string; expires_at: Instant; qr_svg: string; url: string }
export interface Paired {
  token: string; device: { id: Id }; surveyor: Named;
  owntracks: { url: string; username: string; password: string }; traccar: { url: string; id: string }; overland: { url: string; token: string };
}

/** A rung of a clock's ladder that fired. */
export interface Escalation {
  id: Id; stage: 'warn_1' | 'warn_2' | 'breach' | 'branch_head'; due_at: Instant; fired_at: Instant; acknowledged_at: Instant | null; acknowledged_by: string | null;
  claim_id: Id; report_no: string; task: { id: Id; state: TaskState } | null; clock: { id: Id; kind: ClockKind; due_at: Instant; stopped_at: Instant | null; state: Clock['state'] };
}

/** Settings. */
export interface SettingArea { id: Id; name: string; name_en: string; kind: string; org?: Named; org_id?: Id }
export interface PersonRow {
  id: Id; username: string; name: string; roles: Role[]; org: Named; authority_fen: number; disabled_at: Instant | null;
  surveyor: { skills: string[]; max_open: number; on_duty: boolean; devices: number } | null;
}
export interface DeviceRow { id: Id; label: string; paired_at: Instant; seen_at: Instant | null; revoked_at: Instant | null; refused_today: Record<string, number> }
export interface Organisation { id: Id; parent_id: Id | null; kind: string; code: string; name: string }
export interface RuleRow {
  key: string; room: string; kind: 'int' | 'bool' | 'choice' | 'text'; zh: string; en: string; unit: string; least: number | null; most: number | null; choices: string[];
  default: unknown; value: unknown; set_here: boolean; from_org: Named | null; changed_at: Instant | null;
}
export interface Rules extends Page<RuleRow> { org: Named; rooms: { key: string; zh: string; en: string }[] }
