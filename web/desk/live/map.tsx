/** The live map: layers from files of their own, picking, and dropping a job on a surveyor. */
import { effect } from '@preact/signals';
import { LngLatBounds, type Map as GlMap, type MapMouseEvent } from 'maplibre-gl';
import { useEffect, useRef, useState } from 'preact/hooks';
import { serverNow } from '@shared/clock';
import { look } from '@shared/live';
import MapView from '@shared/map';
import { may, me } from '@shared/session';
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
import { addJobs, chooseJob, claimAt, drawJobs, JOB_LAYER, jobClusterAt } from './layers/jobs';
import { addLinks, drawLink, drawTrack } from './layers/links';
import { addRings, followRings } from './layers/rings';
import { addSurveyors, chooseSurveyor, clusterAt, drawSurveyors, openCluster, surveyorAt } from './layers/surveyors';
import { Legend } from './legend';
import { track } from './track';
import { Layers } from './layers';
import { showHistory } from './layers/history';
import { maskedName, toWall, view, wall, wantsJob, wantsSurveyor, week } from './view';

// A little less than the stream's second, so that a message never just misses its turn.
const REDRAW_MS = 800;
const LONGEST_REST_MS = 4000;

function chosenTask() {
  const claim = openClaim.value;
  return claim ? ([...tasks.value.values()].find((card) => card.claim_id === claim) ?? null) : null;
}

function drawAll(map: GlMap): void {
  if (!map.getLayer(JOB_LAYER)) return;
  const at = serverNow();
  const shown = [...surveyors.peek().values()].filter(wantsSurveyor);
  drawSurveyors(map, wall.peek() ? shown.map((card) => ({ ...card, name: maskedName(card.name) })) : shown, at);
  drawJobs(map, [...tasks.peek().values()].filter(wantsJob), at);
  drawChoice(map);
}

function drawChoice(map: GlMap): void {
  if (!map.getLayer(JOB_LAYER)) return;
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

function pick(map: GlMap, event: MapMouseEvent): void {
  const { x, y } = event.point;
  const claim = claimAt(map, x, y);
  if (claim) return go('live', 'claim', claim);
  const pile = jobClusterAt(map, x, y);
  if (pile) return openCluster(map, pile);
  const person = surveyorAt(map, x, y);
  if (person) return go('live', 'surveyor', person);
  const cluster = clusterAt(map, x, y);
  if (cluster) openCluster(map, cluster);
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
    effect(() => {
      const { layers } = view.value;
      const shown = week.value === openSurveyor.value ? week.value : null;
      if (map.getLayer(JOB_LAYER)) showHistory(map, layers, shown, dark.peek());
    }),
  ];
  // What came is drawn with the next frame, at most once a second; minutes on pins move even in silence. A desk without
  // a graphics card draws in software: there the next picture waits as long as the last one took.
  let drawn = 0;
  let frame = 0;
  let rest = REDRAW_MS;
  const draw = () => {
    frame = 0;
    const begun = performance.now();
    if (document.hidden || begun - drawn < rest) return;
    drawn = begun;
    dirty = false;
    drawAll(map);
    void map.once('render', () => {
      rest = Math.min(LONGEST_REST_MS, Math.max(REDRAW_MS, 2 * (performance.now() - begun)));
    });
  };
  const soon = () => void (frame ||= requestAnimationFrame(draw));
  stops.push(
    effect(() => {
      void [surveyors.value, tasks.value, view.value, dark.value];
      soon();
    }),
  );
  let turns = 0;
  const timer = window.setInterval(() => {
    turns += 1;
    if (dirty || turns % 40 === 0) soon();
  }, REDRAW_MS / 4);
  const turned = () => {
    const box = map.getBounds();
    look([box.getWest(), box.getSouth(), box.getEast(), box.getNorth()]);
  };
  map.on('moveend', turned);
  turned();
  const pointer = () => void (map.getCanvas().style.cursor = '');
  map.on('mousemove', ({ point: { x, y } }) => {
    if (map.isMoving()) return;
    const pressable = [claimAt, jobClusterAt, surveyorAt, clusterAt].some((find) => find(map, x, y));
    map.getCanvas().style.cursor = pressable ? 'pointer' : '';
  });
  map.on('movestart', pointer);
  map.on('click', (event) => {
    if (!wall.peek()) pick(map, event);
  });
  return () => {
    stops.forEach((stop) => stop());
    clearInterval(timer);
    cancelAnimationFrame(frame);
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

export default function LiveMap({ info, wall: onWall }: { info: MapInfo; wall?: boolean }) {
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
    const found = surveyorAt(map.current, event.clientX - box.left, event.clientY - box.top, 22);
    return found ? (surveyors.peek().get(found) ?? null) : null;
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
          // Nobody stands at the wall to move it: it begins with everybody in sight.
          if (onWall) void made.once('idle', () => fitAll(made));
          const stops = [follow(made), followRings(made)];
          return () => stops.forEach((stop) => stop());
        }}
        onStyle={(made) => {
          addCoverage(made, dark.peek());
          addDay(made, dark.peek());
          addLinks(made, dark.peek());
          addRings(made, dark.peek());
          addSurveyors(made, dark.peek());
          addJobs(made, dark.peek());
          addDayNumbers(made);
          drawCoverage(made, cover.peek());
          drawDay(made, shownDay.peek());
          showHistory(made, view.peek().layers, week.peek() === openSurveyor.peek() ? week.peek() : null, dark.peek());
          drawAll(made);
        }}
      />
      <div class="map-tools">
        {!onWall && may('dispatcher', 'supervisor') && me.value?.person.org.kind !== 'firm' && !catastrophes.value.some((one) => !one.area) && (
          <Button icon="storm" size="small" data-testid="catastrophe-switch" onClick={() => setAsking(true)}>
            {p('catastrophe')}
          </Button>
        )}
        {!onWall && <CoverageSwitch />}
        {!onWall && <Layers />}
        {!onWall && (
          <Button icon="monitor" size="small" hotkey="W" onClick={() => toWall(true)}>
            {t('wall')}
          </Button>
        )}
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
