/** The bar under the head of every desk page while catastrophe mode is proposed, asked for or in force. */
import { useState } from 'preact/hooks';
import { now } from '@shared/clock';
import { clockTime, countdown, dayTime } from '@shared/format';
import { secondsUntil } from '@shared/clock';
import { either } from '@shared/i18n';
import { may } from '@shared/session';
import type { Catastrophe } from '@shared/types';
import { Button, Icon } from '@shared/ui';
import { AskDialog, ConfirmDialog, ReasonDialog, StepDialog } from './dialogs';
import { catastrophes } from './store';
import { t } from './words';

type Opened = 'ask' | 'confirm' | 'refuse' | 'release' | 'restore' | null;

const where = (one: Catastrophe) => (one.area ? `${one.org.name} · ${either(one.area.name, one.area.name_en)}` : one.org.name);

function headline(one: Catastrophe): string {
  if (one.state === 'proposed') return t('barProposed', { seen: one.seen ?? 0, normal: one.normal ?? 0 });
  if (one.state === 'requested') return t('barRequested', { who: one.pending?.requested_by.name ?? '', name: one.name });
  return t(one.state === 'released' ? 'barReleased' : 'barOn', { name: one.name });
}

export function limitsText(one: Catastrophe): string {
  const arrive = one.limits.arrive_limit_urban_min;
  return t('barLimits', {
    contact: one.limits.contact_limit_min,
    arrive: arrive ? t('arriveMin', { n: arrive }) : t('arriveAgreed'),
    open: one.max_open,
  });
}

function Facts({ one }: { one: Catastrophe }) {
  const standing = one.state === 'on' || one.state === 'released';
  const facts = [
    where(one),
    standing && one.on_at && t('onSince', { t: dayTime(one.on_at) }),
    one.state !== 'proposed' && limitsText(one),
    one.state === 'on' && one.borrowed.length > 0 && t('barBorrowed', { names: one.borrowed.map((o) => o.name).join('、') }),
    standing && t('barClaims', { n: one.claims, w: one.waiting }),
    standing && one.visits > 0 && t('barVisits', { v: one.visits, c: one.companions }),
  ].filter(Boolean);
  return <span class="cat-facts">{facts.join(' · ')}</span>;
}

function Pending({ one, open }: { one: Catastrophe; open: (what: Opened) => void }) {
  const step = one.pending;
  if (!step) return null;
  void now.value;
  const what = step.step === 'switch_on' ? '' : `${t(step.step)}：`;
  return (
    <span class="cat-pending">
      <Icon name="timer" size={15} />
      {step.step !== 'switch_on' && <strong>{step.requested_by.name}</strong>} {what}
      {t('waitsFor', { t: clockTime(step.expires_at) })}
      <b class="tabular">{countdown(Math.max(0, secondsUntil(step.expires_at)))}</b>
      {may('dispatcher', 'supervisor') && (
        <>
          {!step.mine && (
            <Button size="small" kind="primary" icon="check" onClick={() => open('confirm')}>
              {t('confirm')}
            </Button>
          )}
          <Button size="small" onClick={() => open('refuse')}>
            {step.mine ? t('takeBack') : t('refuse')}
          </Button>
        </>
      )}
    </span>
  );
}

function Actions({ one, open }: { one: Catastrophe; open: (what: Opened) => void }) {
  if (!may('dispatcher', 'supervisor') || one.pending) return null;
  if (one.state === 'proposed')
    return (
      <>
        <Button size="small" kind="primary" onClick={() => open('ask')}>
          {t('start')}
        </Button>
        <Button size="small" onClick={() => open('refuse')}>
          {t('dismiss')}
        </Button>
      </>
    );
  if (one.state === 'on' && one.borrowed.length > 0)
    return (
      <Button size="small" onClick={() => open('release')}>
        {t('requestRelease')}
      </Button>
    );
  if (one.state === 'on' || one.state === 'released')
    return (
      <Button size="small" onClick={() => open('restore')}>
        {t('requestRestore')}
      </Button>
    );
  return null;
}

function One({ one }: { one: Catastrophe }) {
  const [opened, open] = useState<Opened>(null);
  const close = () => open(null);
  return (
    <section class={`cat-bar ${one.state}`} role="status" data-testid="catastrophe" data-state={one.state}>
      <Icon name="storm" size={20} />
      <div class="cat-text">
        <strong>{headline(one)}</strong>
        <Facts one={one} />
      </div>
      <div class="cat-actions">
        <Pending one={one} open={open} />
        <Actions one={one} open={open} />
      </div>
      {opened === 'ask' && <AskDialog org={one.org.id} onClose={close} />}
      {opened === 'confirm' && <ConfirmDialog one={one} onClose={close} />}
      {opened === 'refuse' && <ReasonDialog one={one} onClose={close} />}
      {(opened === 'release' || opened === 'restore') && <StepDialog one={one} step={opened} onClose={close} />}
    </section>
  );
}

/** A seat is told what stands, for it changes what he may promise; what is only proposed is not his to answer. */
const STANDS = new Set<Catastrophe['state']>(['on', 'released']);

/** What is in force stands above what is asked for, and that above what is only proposed. */
const FIRST: Catastrophe['state'][] = ['on', 'released', 'requested', 'proposed'];

export function CatastropheBar() {
  const [all, setAll] = useState(false);
  const decides = may('dispatcher', 'supervisor', 'admin');
  const shown = catastrophes.value
    .filter((one) => decides || STANDS.has(one.state))
    .sort((a, b) => FIRST.indexOf(a.state) - FIRST.indexOf(b.state));
  const proposed = shown.filter((one) => one.state === 'proposed');
  // A storm proposes itself in every branch at once; the board must not sink under the bars.
  const rest = all ? 0 : Math.max(0, proposed.length - 1);
  return (
    <>
      {shown
        .filter((one) => all || one.state !== 'proposed' || one === proposed[0])
        .map((one) => (
          <One key={one.id} one={one} />
        ))}
      {(rest > 0 || (all && proposed.length > 1)) && (
        <div class="cat-rest">
          <Button
            size="small"
            kind="quiet"
            icon={all ? 'chevron-up' : 'chevron-down'}
            aria-expanded={all}
            onClick={() => setAll(!all)}
          >
            {all ? t('fewerProposed') : t('moreProposed', { n: rest })}
          </Button>
        </div>
      )}
    </>
  );
}
