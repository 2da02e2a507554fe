/** Catastrophe mode, and the request to wait somewhere else. */
import { useState } from 'preact/hooks';
import { api, newKey } from '@shared/api';
import { now, secondsUntil } from '@shared/clock';
import { countdown, duration } from '@shared/format';
import type { MoveAsked, PhoneCatastrophe } from '@shared/types';
import { Banner, Button, Icon, tell, tellError } from '@shared/ui';
import { jobs, pollJobs } from '../jobs';
import { ReasonSheet } from '../ui/sheet';
import { p } from '../words.plan';

const WHY = ['busy', 'too_far', 'rest', 'other'] as const;

function Storm({ of }: { of: PhoneCatastrophe }) {
  return (
    <Banner kind="warning">
      <strong data-testid="storm">{p('storm', { name: of.name })}</strong>
      <br />
      {of.borrowed && p('lent')} {p('stormNote', { contact: of.contact_limit_min, open: of.max_open })}
    </Banner>
  );
}

function Move({ of }: { of: MoveAsked }) {
  const [why, setWhy] = useState(false);
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  void now.value;
  const left = secondsUntil(of.expires_at);
  const answer = async (what: 'accept' | 'decline', reason?: string) => {
    setBusy(true);
    try {
      await api.post(`/moves/${of.id}/${what}`, reason ? { reason } : {}, { key: `${key}${what}` });
      tell('ok', p('moveThanks'));
      await pollJobs();
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  };
  if (left <= 0) return null;
  return (
    <section class="panel move-up" role="alert" data-testid="move-up">
      <div class="row">
        <Icon name="route" size={24} />
        <strong class="grow">{p('moveTitle')}</strong>
        <b class="tabular">{countdown(left)}</b>
      </div>
      <p>{p('moveNote', { place: of.place ? `${of.place} · ` : '', t: duration(of.drive_s) })}</p>
      <div class="actionbar-row">
        <Button size="big" onClick={() => setWhy(true)}>
          {p('moveNo')}
        </Button>
        <Button size="big" kind="primary" icon="check" busy={busy} onClick={() => void answer('accept')}>
          {p('moveYes')}
        </Button>
      </div>
      {why && (
        <ReasonSheet
          title={p('moveWhy')}
          reasons={WHY.map((value) => ({ value, label: p(`why_${value}`) }))}
          onPick={(reason) => {
            setWhy(false);
            void answer('decline', reason);
          }}
          onClose={() => setWhy(false)}
        />
      )}
    </section>
  );
}

export function StormAndMove() {
  const { catastrophe, move } = jobs.value;
  return (
    <>
      {catastrophe && <Storm of={catastrophe} />}
      {move && <Move key={move.id} of={move} />}
    </>
  );
}
