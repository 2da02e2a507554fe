/** A new job asks to be answered: the whole screen, the time left, two thumbs. */
import { useState } from 'preact/hooks';
import { secondsUntil } from '@shared/clock';
import { distance, duration } from '@shared/format';
import type { OfferJob } from '@shared/types';
import { Badge, Button, Icon } from '@shared/ui';
import { cause, declineReason, line } from '@shared/words';
import { unlockSound } from '../alert';
import { here } from '../position';
import { taps } from '../ops';
import { ops } from '../queue';
import { offline, tap } from '../sync';
import { Dial } from '../ui/dial';
import { ReasonSheet } from '../ui/sheet';
import { Sketch } from '../ui/sketch';
import { SyncChip } from '../ui/bar';
import { w } from '../words.job';
import { p } from '../words.plan';

const WHY = ['busy', 'too_far', 'off_road', 'unsafe', 'other'];
/** The longest time each offer was seen to have left: the whole ring. */
const whole = new Map<string, number>();

function wholeOf(offer: OfferJob): number {
  const known = whole.get(offer.id) ?? Math.max(1, offer.expires_in_s);
  whole.set(offer.id, known);
  return known;
}

function Facts({ offer }: { offer: OfferJob }) {
  return (
    <div class="offer-facts">
      <div><small>{w('away')}</small><strong>{distance(offer.distance_m)}</strong></div>
      <div><small>{w('eta')}</small><strong>{duration(offer.eta_s)}</strong></div>
      <div><small>{line(offer.line)}</small><strong>{cause(offer.cause) || '—'}</strong></div>
    </div>
  );
}

/** In a catastrophe a yes brings the losses near by along. */
function Together({ of }: { of: NonNullable<OfferJob['bundle']> }) {
  return (
    <div class="panel together" data-testid="bundle">
      <strong><Icon name="layers" size={18} /> {p('bundle', { n: of.length })}</strong>
      <ul>{of.slice(0, 5).map((one) => <li key={one.task_id} class="clip">{one.place || one.report_no}{one.cause && <span class="muted"> · {cause(one.cause)}</span>}</li>)}</ul>
      <p class="muted small">{p('bundleNote')}</p>
    </div>
  );
}

export function OfferPage({ offer, more }: { offer: OfferJob; more: number }) {
  const [declining, setDeclining] = useState(false);
  const left = secondsUntil(offer.expires_at);
  const answered = ops.value.find((op) => op.offer_id === offer.id);
  const accept = () => {
    unlockSound();
    void tap(taps.accept(offer));
  };
  return (
    <section class="offer" role="alertdialog" aria-label={w('newOffer')} data-testid="offer">
      <header><Badge tone="violet" icon="radio">{w('newOffer')}</Badge><span class="mono muted grow clip">{offer.report_no}</span><SyncChip /></header>
      <div class="offer-body">
        <Dial left={left} of={wholeOf(offer)} label={w('newOffer')} />
        <Facts offer={offer} />
        <div class="offer-marks">
          {offer.injured > 0 && <Badge tone="red" icon="alert">{w('injuredN', { n: offer.injured })}</Badge>}
          {offer.movable === false && <Badge tone="amber" icon="car">{w('notMovable')}</Badge>}
        </div>
        {offer.bundle && offer.bundle.length > 0 && <Together of={offer.bundle} />}
        <div class="place panel">
          <p class="place-text strong"><Icon name="pin" size={20} />{offer.place || w('navNoPlace')}</p>
          {offer.position && <Sketch loss={offer.position} me={here.value} height={190} />}
        </div>
        {more > 0 && <p class="muted">{w('moreOffers', { n: more })}</p>}
      </div>
      <footer class="actionbar">
        {answered
          ? <p class="offer-waiting" role="status"><Icon name="loader" class="spin" size={22} /><span>{offline.value ? w('offerWaitingOffline') : w('offerWaiting')}</span></p>
          : (
            <div class="actionbar-row">
              <Button size="big" class="decline" data-testid="decline" onClick={() => setDeclining(true)}>{w('decline')}</Button>
              <Button kind="primary" size="big" icon="check" data-testid="accept" disabled={left <= 0} onClick={accept}>{left <= 0 ? w('offerExpired') : w('accept')}</Button>
            </div>
            )}
      </footer>
      {declining && <ReasonSheet title={w('declineTitle')} reasons={WHY.map((value) => ({ value, label: declineReason(value) }))} onPick={(why) => { setDeclining(false); void tap(taps.decline(offer, why)); }} onClose={() => setDeclining(false)} />}
    </section>
  );
}
