/** The organisations one sees: they change once a month, and every drawer and form wants them. */
import { api } from '@shared/api';
import { useLoad } from '@shared/resource';
import { me } from '@shared/session';
import type { Organisation, Page } from '@shared/types';

const KEPT_MS = 10 * 60_000;
let kept: { of: string; at: number; answer: Promise<Page<Organisation>> } | null = null;

export const forgetOrganisations = (): void => void (kept = null);

/** The last answer while it is young and this person's own; a failed one is not kept. */
function organisations(): Promise<Page<Organisation>> {
  const of = me.peek()?.person.id ?? '';
  if (kept?.of === of && performance.now() - kept.at < KEPT_MS) return kept.answer;
  const answer = api.get<Page<Organisation>>('/organisations');
  const asked = { of, at: performance.now(), answer };
  kept = asked;
  answer.catch(() => kept === asked && forgetOrganisations());
  return answer;
}

export const useOrganisations = () => useLoad(organisations, []);
