/** The pieces of the customer's page: who comes, the steps, his photographs, his rating. */
import { useState } from 'preact/hooks';
import { api, newKey } from '@shared/api';
import { now } from '@shared/clock';
import { clockTime, dayTime, distance, duration } from '@shared/format';
import { metresBetween } from '@shared/metres';
import { asApiError } from '@shared/resource';
import { Sketch } from '@shared/sketch';
import type { TrackPage } from '@shared/types';
import { Button, Icon, tell, tellError, TextArea } from '@shared/ui';
import { explain } from '@shared/words';
import { ApiError } from '@shared/api';
import { add, mine, type OwnPhoto, retry, unsent } from './photos';
import { step, t } from './words';

const STALE_S = 120;
const SOON_S = 60;

/** The arrival in words that stay true: rounded up to the minute, with the age of what it is made from. */
function Arrival({ of, heardAt }: { of: NonNullable<TrackPage['surveyor']>; heardAt: number }) {
  const passed = now.value > 0 ? Math.max(0, (Date.now() - heardAt) / 1000) : 0;
  if (of.eta_kind === 'under_way') {
    if (of.eta_s === null) return <p class="eta-note">{t('etaPassed')}</p>;
    const left = of.eta_s - passed;
    if (left <= SOON_S) return <strong class="eta">{left > -SOON_S ? t('etaSoon') : t('etaPassed')}</strong>;
    return <><strong class="eta">{t('etaUnderWay', { t: duration(Math.ceil(left / 60) * 60) })}</strong><p class="eta-note tabular">{t('etaAt', { t: clockTime(Date.now() + left * 1000) })}</p></>;
  }
  if (of.appointment_at) return <strong class="eta">{t('appointed', { t: dayTime(of.appointment_at) })}</strong>;
  if (of.eta_s !== null) return <p class="eta-note">{t('etaIfLeaves', { t: duration(Math.ceil(of.eta_s / 60) * 60) })}</p>;
  return <p class="eta-note">{t('etaUnknown')}</p>;
}

export function WhoComes({ page, heardAt }: { page: TrackPage; heardAt: number }) {
  const who = page.surveyor;
  if (!who) return null;
  const travelling = page.state === 'assigned' || page.state === 'contacted' || page.state === 'en_route';
  const age = who.updated_age_s === null ? null : who.updated_age_s + (now.value > 0 ? Math.max(0, (Date.now() - heardAt) / 1000) : 0);
  return (
    <section class="card who" data-testid="who">
      <div class="who-row"><span class="avatar" aria-hidden="true">{who.name.slice(0, 1)}</span><div><small>{t('whoComes')}</small><h2>{who.name}</h2></div></div>
      {travelling && <Arrival of={who} heardAt={heardAt} />}
      {page.state === 'en_route' && who.position && page.loss && (
        <div class="who-map" data-testid="map"><Sketch loss={page.loss} other={who.position} height={190} label={`${t('mapLabel')}: ${distance(metresBetween(who.position, page.loss))}`} /></div>
      )}
      {page.state === 'en_route' && (age === null
        ? <p class="age">{t('noPosition')}</p>
        : <p class={`age ${age > STALE_S ? 'old' : ''}`}><Icon name={age > STALE_S ? 'warning' : 'locate'} size={20} />{age > STALE_S ? t('staleNote', { t: duration(age) }) : t('fresh', { t: duration(age) })}</p>)}
    </section>
  );
}

export function Steps({ page }: { page: TrackPage }) {
  const reached = page.steps.filter((one) => one.at !== null);
  const current = reached.at(-1)?.key;
  const lastAt = page.steps.findIndex((one) => one.key === current);
  return (
    <section class="card">
      <h2>{t('stepsTitle')}</h2>
      <ol class="steps">
        {page.steps.map((one, n) => (
          <li key={one.key} class={one.key === current ? 'now' : one.at || n < lastAt ? 'done' : ''} aria-current={one.key === current ? 'step' : undefined}>
            <i><Icon name={n <= lastAt ? 'check' : 'minus'} size={18} /></i><span>{step(one.key)}</span><time class="tabular">{one.at ? dayTime(one.at) : ''}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function Safety() {
  return (
    <section class="card safety">
      <h2><Icon name="shield" size={24} />{t('safeTitle')}</h2>
      <ul><li>{t('safe1')}</li><li>{t('safe2')}</li><li>{t('safe3')}</li></ul>
      <div class="calls"><a class="button" href="tel:120"><Icon name="phone" size={22} />{t('call120')}</a><a class="button" href="tel:122"><Icon name="phone" size={22} />{t('call122')}</a></div>
    </section>
  );
}

function Own({ photo, slug }: { photo: OwnPhoto; slug: string }) {
  return (
    <li class={photo.state} data-testid="own-photo" data-state={photo.state}>
      <img src={photo.preview} alt="" />
      {photo.state === 'sending' && <i style={{ width: `${photo.share * 100}%` }} />}
      {photo.state === 'sent' && <span class="mark"><Icon name="check" size={18} /></span>}
      {photo.state === 'failed' && <div class="failed"><span>{explain(new ApiError(photo.code ?? '', 0, t('failedPhoto')))}</span><Button onClick={() => retry(slug, photo)}>{t('retry')}</Button></div>}
    </li>
  );
}

/** `first`: asked for before anybody comes, as in a catastrophe; `late`: the surveyor has been there. */
export function OwnPhotos({ slug, first, late }: { slug: string; first?: boolean; late?: boolean }) {
  const take = (files: File[]) => {
    const photos = files.filter((file) => !file.type || file.type.startsWith('image/'));
    if (photos.length < files.length) tell('warning', t('notImage'));
    if (photos.length) add(slug, photos);
  };
  const [going, sent] = [unsent(), mine.value.filter((photo) => photo.state === 'sent').length];
  return (
    <section class="card">
      <h2>{first ? t('photosFirstTitle') : t('photosTitle')}</h2>
      <p class="soft">{t(first ? 'photosFirstNote' : late ? 'photosMore' : 'photosNote')}</p>
      {mine.value.length > 0 && <ul class="own">{mine.value.map((photo) => <Own key={photo.id} photo={photo} slug={slug} />)}</ul>}
      {(going > 0 || sent > 0) && <p class="soft" role="status">{[going ? t('sending', { n: going }) : '', sent ? t('sent', { n: sent }) : ''].filter(Boolean).join(' · ')}{going > 0 && <><br />{t('keepOpen')}</>}</p>}
      <label class={`button big pick ${first ? 'primary' : ''}`}>
        <input type="file" accept="image/jpeg,image/png,image/webp" multiple data-testid="pick" onChange={(event) => { const files = [...(event.currentTarget.files ?? [])]; event.currentTarget.value = ''; take(files); }} />
        <Icon name="camera" size={24} /><span>{t('addPhotos')}</span>
      </label>
    </section>
  );
}

const STARS = [1, 2, 3, 4, 5] as const;
const STAR_WORDS = ['star1', 'star2', 'star3', 'star4', 'star5'] as const;

export function Rating({ slug, rated, onRated }: { slug: string; rated: boolean; onRated: () => void }) {
  const [stars, setStars] = useState(0);
  const [comment, setComment] = useState('');
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await api.post(`/t/${slug}/rating`, { stars, comment: comment.trim() }, { key });
      onRated();
    } catch (error) {
      if (asApiError(error).code === 'already_rated') onRated();
      else tellError(error);
    }
    setBusy(false);
  };
  if (rated) return <section class="card thanks" data-testid="rated"><Icon name="ok" size={28} /><p>{t('rated')}</p></section>;
  return (
    <form class="card rating" data-testid="rating" onSubmit={submit}>
      <h2>{t('rateTitle')}</h2>
      <div class="stars" role="radiogroup" aria-label={t('rateTitle')}>
        {STARS.map((n) => <button key={n} type="button" role="radio" aria-checked={stars === n} aria-label={t('stars', { n })} class={n <= stars ? 'lit' : ''} onClick={() => setStars(n)}><Icon name="star" size={38} /></button>)}
      </div>
      <p class="star-word" aria-live="polite">{stars ? t(STAR_WORDS[stars - 1] ?? 'star5') : ' '}</p>
      {stars > 0 && <><TextArea label={t('comment')} rows={3} maxLength={500} value={comment} onInput={(event) => setComment(event.currentTarget.value)} /><Button type="submit" kind="primary" size="big" busy={busy}>{t('rateGo')}</Button></>}
    </form>
  );
}
