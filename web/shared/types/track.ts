/** The customer’s page. */
import type { Instant, Position } from './base';

/** The customer's page. */
export interface TrackPage {
  report_no: string;
  state: string;
  steps: { key: string; at: Instant | null }[];
  surveyor: {
    name: string;
    eta_s: number | null;
    eta_kind?: 'under_way' | 'if_leaves_now' | null;
    appointment_at?: Instant | null;
    position: Position | null;
    updated_age_s: number | null;
  } | null;
  place: string | null;
  loss?: Position | null;
  rated: boolean;
  messages: string;
  /** In a catastrophe the customer is asked for his own photos before anybody comes. */
  photos_first?: boolean;
  server_time?: Instant;
}
