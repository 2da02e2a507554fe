/** The customer's page behind the link in the SMS: who comes, when, own photographs, a rating. No sign-in. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, type ApiError } from '@shared/api';
import { learnServerTime } from '@shared/clock';
import { clockTime } from '@shared/format';
import { isZh, lang, setLang } from '@shared/i18n';
import { asApiError } from '@shared/resource';
import { start } from '@shared/start';
import type { TrackPage } from '@shared/types';
import { Banner, Button, Failed, Icon, Skeleton, Toasts } from '@shared/ui';
import { OwnPhotos, Rating, Safety, Steps, WhoComes } from './parts';
import { unsent } from './photos';
import { headline, t } from './words';
import './style.css';

const SLOW_MS = 20_000;
const EN_ROUTE_MS = 8_000;
const GONE = new Set([404, 410, 422]);

const slug = /^\/t\/([^/]+)/.exec(location.pathname)?.[1] ?? '';

interface Seen { page: TrackPage; at: number }

/** Asks again while the page is looked at; what was seen last stays when the network goes. */
function useProgress(): { seen: Seen | null; error: ApiError | null; reload: () => void } {
  const [seen, setSeen] = useState<Seen | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const ask = useRef<() => Promise<void>>(async () => undefined);
  ask.current = async () => {
    const sentMs = Date.now();
    try {
      const page = await api.get<TrackPage>(`/t/${encodeURIComponent(slug)}`, { lang: lang.peek() }, { tries: 1 });
      if (page.server_time) learnServerTime(page.server_time, sentMs);
      setSeen({ page, at: Date.now() });
      setError(null);
    } catch (failure) {
      setError(asApiError(failure));
    }
  };
  const wait = seen?.page.state === 'en_route' ? EN_ROUTE_MS : SLOW_MS;
  const gone = error !== null && GONE.has(error.status);
  useEffect(() => {
    void ask.current();
    const look = () => { if (document.visibilityState === 'visible') void ask.current(); };
    const timer = gone ? 0 : window.setInterval(look, wait);
    document.addEventListener('visibilitychange', look);
    window.addEventListener('online', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
      window.removeEventListener('online', look);
    };
  }, [wait, gone, lang.value]);
  return { seen, error, reload: () => void ask.current() };
}

function Header({ reportNo }: { reportNo?: string }) {
  return (
    <header class="head">
      <img src="/favicon.svg" alt="" width="36" height="36" />
      <div><strong>{t('title')}</strong>{reportNo && <small>{t('reportNo')} <span class="mono">{reportNo}</span></small>}</div>
      <Button kind="quiet" icon="languages" lang={isZh() ? 'en' : 'zh-CN'} data-testid="language" onClick={() => setLang(isZh() ? 'en' : 'zh-CN')}>{t('language')}</Button>
    </header>
  );
}

function Progress({ seen, error }: { seen: Seen; error: ApiError | null }) {
  const [thanked, setThanked] = useState(false);
  const { page, at } = seen;
  const waits = ['reported', 'assigned', 'contacted', 'en_route'].includes(page.state);
  const over = page.state === 'surveyed' || page.state === 'settled';
  return (
    <>
      {error && <Banner kind="warning">{t('offline', { t: clockTime(at) })}</Banner>}
      <section class="lead" aria-live="polite" data-testid="state" data-state={page.state}><h1>{headline(page.state)}</h1><p>{page.messages}</p></section>
      {over && <Rating slug={slug} rated={page.rated || thanked} onRated={() => setThanked(true)} />}
      {page.photos_first && <OwnPhotos slug={slug} first />}
      <WhoComes page={page} heardAt={at} />
      {page.place && <p class="where"><Icon name="pin" size={22} /><span>{page.place}</span></p>}
      <Steps page={page} />
      {page.state !== 'withdrawn' && page.state !== 'settled' && !page.photos_first && <OwnPhotos slug={slug} late={over} />}
      {waits && <Safety />}
      <p class="foot">{t('updated', { t: clockTime(at) })}<br />{t('footer')}</p>
    </>
  );
}

function Track() {
  const { seen, error, reload } = useProgress();
  useEffect(() => { document.title = `${t('title')} · 查勘 Chakan`; });
  useEffect(() => {
    // Leaving now would lose photographs that exist nowhere else.
    const hold = (event: BeforeUnloadEvent) => { if (unsent() > 0) event.preventDefault(); };
    window.addEventListener('beforeunload', hold);
    return () => window.removeEventListener('beforeunload', hold);
  }, []);
  const gone = error !== null && GONE.has(error.status);
  return (
    <div class="track">
      <Header {...(seen && !gone ? { reportNo: seen.page.report_no } : {})} />
      <main>
        {gone
          ? <section class="card gone" data-testid="gone"><Icon name="link" size={40} /><h1>{t('goneTitle')}</h1><p>{t('goneNote')}</p></section>
          : seen ? <Progress seen={seen} error={error} /> : error ? <Failed error={error} onRetry={reload} /> : <Skeleton rows={6} />}
      </main>
      <Toasts />
    </div>
  );
}

start(<Track />);
