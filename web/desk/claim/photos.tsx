/** The photos of a claim as a strip; judging them is the review page's work. */
import { api } from '@shared/api';
import { dayTime, distance } from '@shared/format';
import { either } from '@shared/i18n';
import { useLoad } from '@shared/resource';
import { may } from '@shared/session';
import type { Id, Photos as PhotoPage } from '@shared/types';
import { Badge, Banner, EmptyState, Icon, Loaded, VerdictBadge } from '@shared/ui';
import { photoFlag } from '@shared/words';
import { t } from './words';

export function Photos({ claim, turn }: { claim: Id; turn: string }) {
  const list = useLoad<PhotoPage>((signal) => api.get(`/claims/${claim}/photos`, { limit: 200 }, { signal }), [claim, turn]);
  return (
    <Loaded of={list}>
      {({ items, missing }) => (
        <div class="stack">
          {missing.length > 0 && (
            <Banner kind="info">{t('missing', { list: missing.map((one) => either(one.zh, one.en)).join('、') })}</Banner>
          )}
          {items.length === 0 && <EmptyState icon="camera" title={t('noPhotos')} />}
          <div class="photo-strip">
            {items.map((photo, n) => (
              <a key={photo.id} class="photo" href={photo.urls.preview} target="_blank" rel="noreferrer">
                <img
                  src={photo.urls.thumb}
                  alt={t('photoOf', { shot: either(photo.shot_zh, photo.shot_en), n: n + 1 })}
                  width="160"
                  height="120"
                  loading="lazy"
                  decoding="async"
                />
                <span class="photo-name clip">{either(photo.shot_zh, photo.shot_en)}</span>
                <span class="row wrap">
                  <VerdictBadge of={photo.verdict} />
                  {photo.flags.map((flag) => (
                    <Badge key={flag} tone="amber" icon="flag">
                      {photoFlag(flag)}
                    </Badge>
                  ))}
                </span>
                <span class="muted small">
                  {dayTime(photo.taken_at ?? photo.received_at)}
                  {photo.distance_m !== null && ` · ${t('fromLoss', { d: distance(photo.distance_m) })}`}
                </span>
              </a>
            ))}
          </div>
          {items.length > 0 && may('adjuster', 'supervisor') && (
            <a class="button" href={`/review#/claim/${claim}`}>
              <Icon name="external" size={15} />
              {t('toReview')}
            </a>
          )}
        </div>
      )}
    </Loaded>
  );
}
