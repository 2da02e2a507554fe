/** Photos, review, money. */
import type { Clock, Id, Instant, Line, Named, TaskState } from './base';

/** Photos, review, money. */
export type Verdict = 'waiting' | 'approved' | 'sent_back';
export interface PhotoReview {
  verdict: Verdict;
  reason: string | null;
  note: string;
  region: unknown;
  by: Named;
  at: Instant;
  answered_by: Id | null;
}
export interface Photo {
  id: Id;
  shot: string;
  shot_zh: string;
  shot_en: string;
  seq: number | null;
  state: 'received' | 'processed' | 'damaged';
  verdict: Verdict;
  taken_at: Instant | null;
  received_at: Instant;
  width: number;
  height: number;
  size_bytes: number;
  sha256: string;
  position: { lon: number; lat: number; accuracy_m: number | null } | null;
  distance_m: number | null;
  flags: string[];
  reviews: PhotoReview[];
  urls: { thumb: string; preview: string; original: string };
}
export interface Photos {
  items: Photo[];
  next: string | null;
  missing: { code: string; zh: string; en: string }[];
}
export interface ReviewRow {
  task: { id: Id; state: TaskState };
  claim_id: Id;
  report_no: string;
  line: Line;
  submitted_at: Instant | null;
  surveyor: Named | null;
  photos: { total: number; waiting: number; approved: number; sent_back: number };
  reviewer: Named | null;
  clocks: Clock[];
  total_fen: number | null;
  place: string | null;
}
export interface AssessmentLine {
  item: string;
  part: string;
  action: 'replace' | 'repair' | 'paint' | 'labour' | 'other';
  qty: number;
  unit_fen: number;
  note: string;
}
export interface Assessment {
  version: number;
  lines: AssessmentLine[];
  total_fen: number;
  note?: string;
  versions: { version: number; total_fen: number; by?: Named; at?: Instant }[];
}
