/** The live map: layers from files of their own, picking, and dropping a job on a surveyor. */
import { effect } from '@preact/signals';
import { LngLatBounds, type Map as GlMap, type MapGeoJSONFeature, type MapMouseEvent, type PointLike } from 'maplibre-gl';
import { useEffect, useRef, useState } from 'preact/hooks';
import { serverNow } from '@shared/clock';
import MapView from '@shared/map';
import { may } from '@shared/session';
import { dark } from '@shared/theme';
import type { MapInfo } from '@shared/types';
import { Button } from '@shared/ui';
import { askAssign } from '../claim/assign';
import { go, openClaim, openSurveyor } from '../route';
import { surveyors, tasks } from '../store';
import { t } from '../words';
import { dragged, dropped, over } from './drag';
import { AskDialog } from '../planning/dialogs';
import { catastrophes } from '../planning/store';
import { t as p } from '../planning/words';
import { cover, CoveragePanel, CoverageSwitch, useCoverage } from './coverage';
import { shownDay } from './dayplan';
import { addCoverage, drawCoverage } from './layers/coverage';
import { addDay, addDayNumbers, drawDay } from './layers/day';
import { addJobs, chooseJob, drawJobs, JOB_LAYER } from './layers/jobs';
import { addLinks, drawLink, drawTrack } from './layers/links';
import { addRings, followRings } from './layers/rings';
import { addShapes } from './layers/shapes';
import { addSurveyors, chooseSurveyor, drawSurveyors, openCluster } from './layers/surveyors';
import { Legend } from './legend';
import { track } from './track';
import { view, wantsJob, wantsSurveyor } from './view';

const REDRAW_MS = 1000;
const LONGEST_REST_MS = 8000;

function chosenTask() {
  const claim = openClaim.value;
  return claim ? ([...tasks.value.values()].find((card) => card.claim_id === claim) ?? null) : null;
}

function drawAll(map: GlMap): void {
  if (!map.getSource('jobs')) return;
  const at = serverNow();
  drawSurveyors(map, [...surveyors.peek().values()].filter(wantsSurveyor), at);
  drawJobs(map, [...tasks.peek().values()].filter(wantsJob), at);
  drawChoice(map);
}

function drawChoice(map: GlMap): void {
  if (!map.getSource('jobs')) return;
  const job = chosenTask();
  const person = job ? (job.surveyor ?? job.offer?.surveyor ?? null) : null;
  chooseJob(map, job?.id ?? null);
  chooseSurveyor(map, openSurveyor.value ?? person?.id ?? null);
  drawLink(map, job, person ? (surveyors.value.get(person.id) ?? null) : null);
  drawTrack(
    map,
    track.value && track.value.surveyor === openSurveyor.value ? track.value.points.map((point) => [point.lon, point.lat]) : [],
  );
}

function hit(map: GlMap, at: PointLike, layers: string[]): MapGeoJSONFeature | undefined {
  const present = layers.filter((id) => map.getLayer(id));
  return present.length ? map.queryRenderedFeatures(at, { layers: present })[0] : undefined;
}

function pick(map: GlMap, event: MapMouseEvent): void {
  const job = hit(map, event.point, [JOB_LAYER]);
  if (job) return go('live', 'claim', String(job.properties.claim));
  const person = hit(map, event.point, ['surveyor']);
  if (person) return go('live', 'surveyor', String(person.properties.id));
  const cluster = hit(map, event.point, ['cluster']);
  if (cluster)
    return void openCluster(
      map,
      Number(cluster.properties.cluster_id),
      (cluster.geometry as GeoJSON.Point).coordinates as [number, number],
    );
}

/** Brings the chosen job into view, unless it is comfortably there already. */
function seeChoice(map: GlMap): void {
  const job = chosenTask();
  const person = openSurveyor.value ? surveyors.peek().get(openSurveyor.value)?.position : null;
  const at = job?.lon != null && job.lat != null ? { lon: job.lon, lat: job.lat } : person;
  if (!at) return;
  const box = map.getCanvas().getBoundingClientRect();
  const point = map.project([at.lon, at.lat]);
  const margin = 70;
  if (point.x < margin || point.y < margin || point.x > box.width - margin || point.y > box.height - margin)
    map.easeTo({ center: [at.lon, at.lat], duration: 400 });
}

function follow(map: GlMap): () => void {
  let dirty = true;
  const stops = [
    effect(() => {
      void [surveyors.value, tasks.value, view.value, dark.value];
      dirty = true;
    }),
    effect(() => drawCoverage(map, cover.value)),
    effect(() => drawDay(map, shownDay.value)),
    effect(() => {
      drawChoice(map);
      seeChoice(map);
    }),
  ];
  let turns = 0;
  let notBefore = 0;
  // Not once per message: at most once a second, and minutes on pins move even in silence. A desk without a graphics
  // card draws in software: there the next picture waits three times as long as the last one took.
  const timer = window.setInterval(() => {
    turns += 1;
    const begun = performance.now();
    if (document.hidden || begun < notBefore || (!dirty && turns % 10)) return;
    dirty = false;
    notBefore = begun + LONGEST_REST_MS;
    void map.once('idle', () => {
      notBefore = Math.min(notBefore, performance.now() + 3 * (performance.now() - begun));
    });
    drawAll(map);
  }, REDRAW_MS);
  map.on('click', (event) => pick(map, event));
  for (const layer of [JOB_LAYER, 'surveyor', 'cluster']) {
    map.on('mouseenter', layer, () => void (map.getCanvas().style.cursor = 'pointer'));
    map.on('mouseleave', layer, () => void (map.getCanvas().style.cursor = ''));
  }
  return () => {
    stops.forEach((stop) => stop());
    clearInterval(timer);
  };
}

function fitAll(map: GlMap): void {
  const bounds = new LngLatBounds();
  for (const card of surveyors.peek().values())
    if (card.position && wantsSurveyor(card)) bounds.extend([card.position.lon, card.position.lat]);
  for (const card of tasks.peek().values())
    if (card.lon !== null && card.lat !== null && wantsJob(card)) bounds.extend([card.lon, card.lat]);
  if (!bounds.isEmpty()) map.fitBounds(bounds, { padding: 60, maxZoom: 15, duration: 400 });
}

export default function LiveMap({ info }: { info: MapInfo }) {
  const map = useRef<GlMap | null>(null);
  const [lit, setLit] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  useCoverage();
  useEffect(() => {
    if (!dragged.value) setLit(null);
  }, [dragged.value]);
  const under = (event: DragEvent) => {
    const box = map.current?.getCanvas().getBoundingClientRect();
    if (!map.current || !box) return null;
    const [x, y, reach] = [event.clientX - box.left, event.clientY - box.top, 14];
    const found = hit(
      map.current,
      [
        [x - reach, y - reach],
        [x + reach, y + reach],
      ] as unknown as PointLike,
      ['surveyor'],
    );
    return found ? (surveyors.peek().get(String(found.properties.id)) ?? null) : null;
  };
  return (
    <div
      class="live-map"
      onDragOver={(event) => {
        const person = under(event);
        if (person && over(event)) setLit(person.name);
        else setLit(null);
      }}
      onDrop={(event) => {
        const person = under(event);
        const job = dropped(event);
        setLit(null);
        if (person && job) askAssign(job.claim_id, job, { id: person.id, name: person.name });
      }}
    >
      <MapView
        info={info}
        label={t('mapLabel')}
        onMap={(made) => {
          map.current = made;
          const stops = [follow(made), followRings(made)];
          return () => stops.forEach((stop) => stop());
        }}
        onStyle={(made) => {
          addShapes(made, dark.peek());
          addCoverage(made, dark.peek());
          addDay(made, dark.peek());
          addLinks(made, dark.peek());
          addRings(made, dark.peek());
          addSurveyors(made, dark.peek());
          addJobs(made, dark.peek());
          addDayNumbers(made);
          drawCoverage(made, cover.peek());
          drawDay(made, shownDay.peek());
          drawAll(made);
        }}
      />
      <div class="map-tools">
        {may('dispatcher', 'supervisor') && !catastrophes.value.some((one) => !one.area) && (
          <Button icon="storm" size="small" data-testid="catastrophe-switch" onClick={() => setAsking(true)}>
            {p('catastrophe')}
          </Button>
        )}
        <CoverageSwitch />
        <Button icon="maximize" size="small" onClick={() => map.current && fitAll(map.current)}>
          {t('fit')}
        </Button>
      </div>
      <Legend />
      <CoveragePanel />
      {asking && <AskDialog onClose={() => setAsking(false)} />}
      {dragged.value && <div class="drop-hint">{lit ? t('assignTo', { name: lit }) : t('dropHere')}</div>}
    </div>
  );
}
