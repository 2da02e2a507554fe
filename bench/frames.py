"""What a frame of the desk map costs, layer by layer, beside the limit of the machine: an empty map of the same size.

The same hand drags the map over the same way while ten thousand people move: with nothing but a background, with the
base map, with areas, with jobs, with people. Beside each stand the frames a second and the processor time of a frame.
Without a graphics card all of it is drawn in software: a bare canvas tells what the machine can do at all.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import live, watchers
from bench.mainjob import private_redis
from bench.place import fresh_database

GOAL_FRAMES = 30.0
PAN_S, STILL_S, SETTLE_MS = 2.5, 5.0, 900
SCRIPT = """
window.chakanMap = (map) => {
  window.map = map; window.drawn = 0; map.on('render', () => { window.drawn += 1; });
  let ratio;
  Object.defineProperty(map, '_overridePixelRatio', {
    get: () => (window.sharp ? undefined : ratio), set: (to) => { ratio = to; },
  });
};
window.tasks = [];
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.tasks.push(one.duration); })
  .observe({ type: 'longtask' });
"""
# Everything that is in no other row is in the last one only: what a page shows.
BASE = [
    "land", "park", "water", "river", "wide-area", "road-casing", "road", "road-name", "water-name",
]  # fmt: skip
AREAS = ["area-edge", "area-name"]
JOBS = ["job", "job-chosen"]
ROWS: list[tuple[str, list[str] | None]] = [
    ("empty map", ["sea"]),
    ("base map", BASE),
    ("base map, areas", [*BASE, *AREAS]),
    ("base map, areas, jobs", [*BASE, *AREAS, *JOBS]),
    ("the whole desk", None),
]
SHARP = "the whole desk, never coarser"
SHOW = """names => {
  window.asked ??= new Map(map.getLayersOrder().map((id) => [id, map.getLayoutProperty(id, 'visibility')]));
  // The page fills the ground by itself where it draws in software: only the empty map shows nothing but a filled ground.
  const shown = (id) => names.includes(id) || (id === 'sea' && asked.get(id) !== 'none');
  for (const id of map.getLayersOrder())
    map.setLayoutProperty(id, 'visibility', names ? (shown(id) ? 'visible' : 'none') : asked.get(id));
}"""
CANVAS = """async ([width, height, seconds]) => {
  document.body.innerHTML = `<canvas id="c" width="${width}" height="${height}"></canvas>`;
  const gl = document.getElementById('c').getContext('webgl2', { antialias: false });
  const begun = performance.now();
  let frames = 0;
  while (performance.now() - begun < seconds * 1000) {
    await new Promise(requestAnimationFrame);
    frames += 1;
    gl.clearColor(frames % 2, 0.5, 0.5, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }
  return frames / seconds;
}"""
RENDERER = """() => {
  const gl = document.createElement('canvas').getContext('webgl2');
  return gl.getParameter(gl.getExtension('WEBGL_debug_renderer_info').UNMASKED_RENDERER_WEBGL);
}"""


@dataclass(frozen=True)
class Pan:
    """What one drag over the map cost; milliseconds are of one frame, `long_share` of the time in long tasks."""

    frames_a_s: float
    script_ms: float
    page_ms: float
    drawing_ms: float
    long_share: float


@dataclass(frozen=True)
class Still:
    """What a second of news costs a page that nobody touches, in milliseconds of its main thread."""

    script_ms: float
    task_ms: float
    longest_ms: float


def main(quick: bool) -> dict[str, Any]:
    """Measures all rows in interleaved rounds; `quick` ends within 50 s on an idle machine."""
    with (
        fresh_database() as url,
        private_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="chakan-frames-") as folder,
    ):
        ready = live.begin(Path(folder), url, redis_url)
        try:
            with live.feeder(redis_url, live.MOVERS, live.REPORT_EVERY_S), live.browser() as chromium:
                return measure(ready, chromium, 1 if quick else 5)
        finally:
            ready.site.stop()


def measure(ready: live.Ready, chromium: Any, rounds: int) -> dict[str, Any]:
    """Opens the desk, then so many rounds of every row."""
    context = live.desk_of(ready, chromium)
    page = context.new_page()
    page.add_init_script(SCRIPT)
    page.goto("/desk#/live")
    page.wait_for_function("() => window.map?.loaded() && window.map.getLayer('surveyor')", timeout=60_000)
    size = page.evaluate("() => [map.getCanvas().clientWidth, map.getCanvas().clientHeight]")
    print(f"map of {size[0]} × {size[1]} pixels, drawn by {page.evaluate(RENDERER)}", flush=True)
    bare: list[float] = []
    rows: dict[str, list[Pan]] = {name: [] for name in (*dict(ROWS), SHARP)}
    probe = Probe(page, context)
    for _ in range(rounds):
        bare.append(canvas(chromium, size))
        for name, layers in ROWS:
            page.evaluate(SHOW, layers)
            page.evaluate("sharp => { window.sharp = sharp }", layers is not None)
            page.wait_for_timeout(SETTLE_MS)
            rows[name].append(probe.pan())
        page.wait_for_timeout(SETTLE_MS)
        page.evaluate("() => { window.sharp = true }")
        rows[SHARP].append(probe.pan())
    still = probe.still()
    context.close()
    for name, pans in rows.items():
        print(told(name, pans), flush=True)
    return {"figures": figures(bare, rows, still)}


def canvas(chromium: Any, size: list[int]) -> float:
    """Frames a second of a canvas that only changes its colour."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    frames = float(page.evaluate(CANVAS, [*size, PAN_S]))
    page.close()
    return frames


class Probe:
    """Reads the page's counters around something that is done to it."""

    def __init__(self, page: Any, context: Any) -> None:
        self.page, self.told = page, context.new_cdp_session(page)
        self.told.send("Performance.enable")

    def counters(self) -> dict[str, float]:
        """Frames drawn, seconds of the main thread by kind, long tasks in ms, processor seconds by process."""
        metrics = {m["name"]: m["value"] for m in self.told.send("Performance.getMetrics")["metrics"]}
        drawn, long_ms = self.page.evaluate("() => [drawn, tasks.reduce((sum, ms) => sum + ms, 0)]")
        return {
            "frames": drawn,
            "long": long_ms / 1000,
            "script": metrics["ScriptDuration"],
            "task": metrics["TaskDuration"],
            "page": watchers.chromium_s("renderer"),
            "drawing": watchers.chromium_s("gpu-process"),
            "at": time.monotonic(),
        }

    def pan(self) -> Pan:
        """Drags the map with the mouse."""
        box = self.page.locator(".live-map canvas").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + 5, y)
        before = self.counters()
        while (t := time.monotonic() - before["at"]) < PAN_S:
            self.page.mouse.move(x + 180 * (t % 1 if int(t) % 2 else 1 - t % 1), y + 60 * (t % 1))
        after = self.counters()
        self.page.mouse.up()
        gone = {name: after[name] - before[name] for name in after}
        frames = max(gone["frames"], 1)
        a_frame = {name: gone[name] / frames * 1000 for name in ("script", "page", "drawing")}
        return Pan(
            gone["frames"] / gone["at"],
            a_frame["script"],
            a_frame["page"],
            a_frame["drawing"],
            gone["long"] / gone["at"],
        )

    def still(self) -> Still:
        """Waits while the news come in."""
        self.page.evaluate("() => { tasks.length = 0 }")
        before = self.counters()
        self.page.wait_for_timeout(STILL_S * 1000)
        after = self.counters()
        seconds = after["at"] - before["at"]
        longest = float(self.page.evaluate("() => Math.max(0, ...tasks)"))
        return Still(
            (after["script"] - before["script"]) / seconds * 1000,
            (after["task"] - before["task"]) / seconds * 1000,
            longest,
        )


def median(pans: list[Pan], name: str) -> float:
    """The median of one figure of several drags."""
    return float(statistics.median(getattr(pan, name) for pan in pans))


def told(name: str, pans: list[Pan]) -> str:
    """A row for reading."""
    return (
        f"{name:<32}{median(pans, 'frames_a_s'):6.1f} frames/s; a frame takes: scripts {median(pans, 'script_ms'):5.1f} ms, "
        f"page process {median(pans, 'page_ms'):5.1f} ms, drawing {median(pans, 'drawing_ms'):6.1f} ms; "
        f"long tasks {median(pans, 'long_share') * 100:3.0f} %"
    )


def figures(bare: list[float], rows: dict[str, list[Pan]], still: Still) -> list[dict[str, Any]]:
    """Every row beside the empty map; the goal is the whole desk's."""
    limit = median(rows["empty map"], "frames_a_s")
    found = [live.figure("bare canvas, nothing drawn", "1/s", statistics.median(bare), None, None)]
    for name, pans in rows.items():
        frames, goal = median(pans, "frames_a_s"), GOAL_FRAMES if name == "the whole desk" else None
        row = live.figure(f"{name}, panned", "1/s", frames, goal, frames >= GOAL_FRAMES if goal else None)
        row |= {
            "peer": round(limit, 1),
            "peer_name": "empty map, never coarser",
            "ratio": round(frames / limit, 2),
        }
        cost = median(pans, "page_ms") + median(pans, "drawing_ms")
        found += [row, live.figure(f"{name}, processor time of a frame", "ms", cost, None, None)]
    return [
        *found,
        live.figure("a second of news: scripts", "ms", still.script_ms, None, None),
        live.figure("a second of news: main thread", "ms", still.task_ms, None, None),
        live.figure("a second of news: longest task", "ms", still.longest_ms, None, None),
    ]
