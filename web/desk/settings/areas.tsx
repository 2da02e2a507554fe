/** Service areas: whose ground a place is and how soon one must arrive there; drawn on the map or pasted as GeoJSON. */
import { lazy, Suspense } from 'preact/compat';
import { useState } from 'preact/hooks';
import { api, type ApiError } from '@shared/api';
import type { LonLat } from '@shared/datum';
import { either } from '@shared/i18n';
import { asApiError, useLoad } from '@shared/resource';
import { may } from '@shared/session';
import type { Datum, Page, SettingArea } from '@shared/types';
import {
  Badge,
  Banner,
  Button,
  Dialog,
  EmptyState,
  Field,
  Loaded,
  Select,
  Spinner,
  Table,
  tell,
  tellError,
  TextArea,
} from '@shared/ui';
import { common, explain } from '@shared/words';
import { mapInfo } from '../mapinfo';
import { useOrganisations } from '../orgs';
import { outlineOf, pasted, rings, type Shape, shapeOf } from './outline';
import { t } from './words';

const RingMap = lazy(() => import('@shared/map/ring'));
const KINDS = ['urban', 'suburb', 'remote'] as const;
const TONE = { urban: 'blue', suburb: 'teal', remote: 'grey' } as const;
const DATUMS: readonly Datum[] = ['wgs84', 'gcj02', 'bd09'];
interface Edited {
  of: SettingArea | null;
  all: SettingArea[];
  onDone: (changed: boolean) => void;
}

function AreaDialog({ of, all, onDone }: Edited) {
  const orgs = useOrganisations();
  const info = useLoad(mapInfo, []);
  const [typed, setTyped] = useState({
    name: of?.name ?? '',
    name_en: of?.name_en ?? '',
    kind: of?.kind ?? 'urban',
    org_id: of?.org?.id ?? '',
  });
  const [ring, setRing] = useState<LonLat[]>(() => outlineOf(of?.shape) ?? []);
  // A shape the hand cannot pull stays as it is until another is drawn or pasted.
  const [whole, setWhole] = useState<Shape | null>(() => (of && !outlineOf(of.shape) ? (of.shape ?? null) : null));
  const [text, setText] = useState('');
  const [datum, setDatum] = useState<Datum>('wgs84');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const org = typed.org_id || (orgs.data?.items[0]?.id ?? '');
  const put = (part: Partial<typeof typed>) => setTyped({ ...typed, ...part });
  const read = (said: string, by: Datum) => {
    setText(said);
    setDatum(by);
    const found = said.trim() ? pasted(said, by) : null;
    if (!found) return;
    setRing(outlineOf(found) ?? []);
    setWhole(outlineOf(found) ? null : found);
  };
  const draw = (next: LonLat[]) => {
    setRing(next);
    setWhole(null);
  };
  const ready = typed.name.trim() !== '' && org !== '' && (whole !== null || ring.length > 2);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    setError(null);
    const body = { ...typed, name: typed.name.trim(), name_en: typed.name_en.trim(), org_id: org, shape: whole ?? shapeOf(ring) };
    try {
      await (of ? api.put(`/areas/${of.id}`, body) : api.post('/areas', body));
      tell('ok', t(of ? 'saved' : 'added'));
      onDone(true);
    } catch (failure) {
      setError(asApiError(failure));
      setBusy(false);
    }
  };
  const others = all.filter((one) => one.id !== of?.id).flatMap((one) => rings(one.shape).map((part) => part[0] ?? []));
  return (
    <Dialog
      wide
      title={of ? `${t('edit')} · ${either(of.name, of.name_en)}` : t('addArea')}
      onClose={() => onDone(false)}
      actions={
        <>
          <Button onClick={() => onDone(false)}>{common('cancel')}</Button>
          <Button kind="primary" type="submit" form="area" busy={busy} disabled={!ready}>
            {common('save')}
          </Button>
        </>
      }
    >
      <form id="area" class="stack" onSubmit={submit}>
        {error && <Banner kind="error">{explain(error)}</Banner>}
        <div class="area-fields">
          <Field
            label={t('orgName')}
            required
            maxLength={100}
            autofocus
            value={typed.name}
            onInput={(event) => put({ name: event.currentTarget.value })}
          />
          <Field
            label={t('nameEn')}
            maxLength={100}
            value={typed.name_en}
            onInput={(event) => put({ name_en: event.currentTarget.value })}
          />
          <Select
            label={t('areaKind')}
            value={typed.kind}
            choices={KINDS.map((value) => ({ value, label: t(value) }))}
            onChange={(event) => put({ kind: event.currentTarget.value })}
          />
          <Select
            label={t('org')}
            value={org}
            choices={(orgs.data?.items ?? []).map((one) => ({ value: one.id, label: one.name }))}
            onChange={(event) => put({ org_id: event.currentTarget.value })}
          />
        </div>
        <div class="row wrap">
          <span class="grow small muted">{t(whole ? 'drawnElsewhere' : 'drawNote', { n: ring.length })}</span>
          <Button size="small" icon="undo" disabled={!ring.length} onClick={() => draw(ring.slice(0, -1))}>
            {t('lastCorner')}
          </Button>
          <Button size="small" icon="x" disabled={!ring.length && !whole} onClick={() => draw([])}>
            {t('drawAnew')}
          </Button>
        </div>
        <div class="pin-box">
          <Loaded of={info}>
            {(facts) => (
              <Suspense fallback={<Spinner />}>
                <RingMap
                  info={facts}
                  label={t('drawLabel')}
                  ring={ring}
                  onRing={draw}
                  others={others.map((one) => one.map(([lon = 0, lat = 0]) => ({ lon, lat })))}
                  cornerLabel={(n) => t('corner', { n })}
                />
              </Suspense>
            )}
          </Loaded>
        </div>
        <details>
          <summary>{t('pasteShape')}</summary>
          <div class="stack">
            <TextArea
              label="GeoJSON"
              rows={4}
              class="mono"
              value={text}
              error={text.trim() && !pasted(text, datum) ? t('badShape') : null}
              onInput={(event) => read(event.currentTarget.value, datum)}
            />
            <Select
              label={t('datum')}
              value={datum}
              choices={DATUMS.map((value) => ({ value, label: value.toUpperCase() }))}
              onChange={(event) => read(text, event.currentTarget.value as Datum)}
            />
          </div>
        </details>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ of, onDone }: { of: SettingArea; onDone: (changed: boolean) => void }) {
  const remove = () =>
    api.del(`/areas/${of.id}`).then(
      () => {
        tell('ok', t('areaRemoved', { name: either(of.name, of.name_en) }));
        onDone(true);
      },
      (error: unknown) => {
        tellError(error);
        onDone(false);
      },
    );
  return (
    <Dialog
      title={t('removeAreaAsk', { name: either(of.name, of.name_en) })}
      onClose={() => onDone(false)}
      actions={
        <>
          <Button onClick={() => onDone(false)}>{common('cancel')}</Button>
          <Button kind="danger" icon="trash" onClick={() => void remove()}>
            {t('removeArea')}
          </Button>
        </>
      }
    >
      <p>{t('removeAreaNote')}</p>
    </Dialog>
  );
}

export function Areas() {
  const [open, setOpen] = useState<{ kind: 'edit' | 'remove'; area: SettingArea | null } | null>(null);
  const list = useLoad<Page<SettingArea>>((signal) => api.get('/areas', { limit: 500 }, { signal }), []);
  const kind = (one: string) => (one === 'urban' || one === 'suburb' || one === 'remote' ? t(one) : one);
  const done = (changed: boolean) => {
    setOpen(null);
    if (changed) list.reload();
  };
  return (
    <section class="panel list">
      <header class="tools row">
        <div class="grow">
          <Banner kind="info">{t('areaNote')}</Banner>
        </div>
        {may('admin') && (
          <Button kind="primary" icon="plus" disabled={!list.data} onClick={() => setOpen({ kind: 'edit', area: null })}>
            {t('addArea')}
          </Button>
        )}
      </header>
      <Loaded of={list}>
        {({ items }) => (
          <>
            {items.length === 0 ? (
              <EmptyState icon="map" title={t('noAreas')} />
            ) : (
              <Table<SettingArea>
                caption={t('areas')}
                rows={items}
                id={(row) => row.id}
                columns={[
                  { key: 'name', head: t('orgName'), cell: (row) => <strong>{either(row.name, row.name_en)}</strong> },
                  {
                    key: 'kind',
                    head: t('areaKind'),
                    cell: (row) => (
                      <Badge tone={TONE[row.kind as keyof typeof TONE] ?? 'grey'} icon="map">
                        {kind(row.kind)}
                      </Badge>
                    ),
                  },
                  { key: 'org', head: t('org'), cell: (row) => row.org?.name ?? '' },
                  {
                    key: 'act',
                    head: '',
                    align: 'right',
                    cell: (row) =>
                      may('admin') && (
                        <span class="row actions">
                          <Button
                            size="small"
                            icon="edit"
                            aria-label={t('edit')}
                            title={t('edit')}
                            onClick={() => setOpen({ kind: 'edit', area: row })}
                          />
                          <Button
                            size="small"
                            icon="trash"
                            aria-label={t('removeArea')}
                            title={t('removeArea')}
                            onClick={() => setOpen({ kind: 'remove', area: row })}
                          />
                        </span>
                      ),
                  },
                ]}
              />
            )}
            {open?.kind === 'edit' && <AreaDialog of={open.area} all={items} onDone={done} />}
            {open?.kind === 'remove' && open.area && <RemoveDialog of={open.area} onDone={done} />}
          </>
        )}
      </Loaded>
    </section>
  );
}
