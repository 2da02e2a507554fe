"""The live desk: 10,000 moving surveyors and 500 open jobs before 200 viewers, one of them a real Chromium.

A feeder tells the stream of a thousand moves a second, as phones that report every ten seconds do; one surveyor among
them is real and pings over HTTP, and the time counts from before his request until his mark is seen in the pixels of the
page. The light viewers come through the one address of the site, as the desks of `chakan up` do. A second part asks
what a thousand viewers cost the stream process when nothing is in front of it.
"""

import math
import multiprocessing
import os
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

import claims.models  # noqa: F401  every table must be known, or the database cannot be emptied
import dispatch.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
from api import packing
from bench import watchers
from bench.dispatch import percentile
from bench.mainjob import private_redis
from bench.place import fresh_database
from core import clock, database, live
from core.live import Change
from geo import tiles
from launch.errors import CannotStart
from staff import devices, organisations, service, shifts, tokens
from tests import site as sites

MOVERS, JOBS, VIEWERS, MANY = 10_000, 500, 200, 1000
REPORT_EVERY_S = 10.0
CENTRE = (121.47, 31.23)
SPREAD_DEG = (0.22, 0.18)
# The real ones stand apart from the crowd, in corners of the city's view, and walk so fast as a car may.
PROBES = ((-0.33, 0.22), (-0.33, -0.2), (-0.29, 0.23), (-0.29, -0.22))
STEP_DEG = 0.0015
CITY = "121.05,30.95,121.90,31.50"
FEW = 300
LONGEST_WAIT_S = 15.0
PASSWORD = "a long enough word 7"
# No word about how to draw: without a graphics card Chromium itself takes SwiftShader for the map and puts the page together
# in plain software. (--use-angle=swiftshader would draw the whole page through an emulated card, as no desk does.)
FLAGS = [
    "--no-sandbox", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--no-first-run",
]  # fmt: skip


@dataclass
class Page:
    """What the real browser saw."""

    waits_s: list[float] = field(default_factory=list)
    frames_a_s: float = 0.0
    crowded_frames_a_s: float = 0.0
    memory_mb: float = 0.0
    heap_mb: float = 0.0
    kb_a_s: float = 0.0
    people: int = 0


@dataclass(frozen=True)
class Ready:
    """A running site with its people."""

    site: sites.Site
    redis_url: str
    token: str
    probes: list[tuple[str, str]]  # id and device token


def main(quick: bool) -> dict[str, Any]:
    """Measures both parts; `quick` ends within 50 s on an idle machine."""
    with (
        fresh_database() as url,
        private_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="chakan-live-") as folder,
    ):
        ready = begin(Path(folder), url, redis_url)
        try:
            with feeder(redis_url, MOVERS, REPORT_EVERY_S):
                page, crowd = desk(ready, 14.0 if quick else 60.0)
            print(f"{page.people} people on the page, {len(page.waits_s)} pings seen", flush=True)
            many, busy = thousand(ready, 6.0 if quick else 20.0)
        finally:
            ready.site.stop()
    print(
        f"light viewers: {crowd.open} of {VIEWERS - 1}, {crowd.messages} messages, "
        f"most in one second {crowd.most_a_second}; {many.open} of {MANY} viewers in the second part"
    )
    return {"figures": [*of_page(page), *of_crowd(crowd), *of_many(many, busy)]}


def begin(folder: Path, url: str, redis_url: str) -> Ready:
    """The API and the stream process over a database with one dispatcher and one real surveyor."""
    engine = database.connect(url, pool_size=2, name="chakan-bench")
    with database.sessions(engine).begin() as session:
        now = clock.read(session)
        root = organisations.add(session, None, "head", "HQ", "总公司")
        wanted = service.NewPerson("desk", "调度", ("dispatcher",), password=PASSWORD)
        desk_id = service.add_person(session, root, wanted, by=None, now=now).id
        token = tokens.issue(session, "api", desk_id, now=now, life=None)[1]
        probes = []
        for n in range(len(PROBES)):
            wanted = service.NewPerson(f"probe{n}", f"真人{n}", ("surveyor",), skills=("motor",))
            who = service.add_person(session, root, wanted, by=None, now=now)
            session.flush()
            shifts.set_duty(session, who.id, True, now=now)
            probes.append((str(who.id), devices.add(session, who.id, label="bench", now=now).token))
        tiles.lay(session, "城市", "A city", streets())
        path = root.path
    engine.dispose()
    redis: Redis = Redis.from_url(redis_url)
    live.refresh(redis, "task", [job(n, path) for n in range(JOBS)])
    live.refresh(redis, "surveyor", [mover(n, path, *place(n, 0), time.time(), 0) for n in range(MOVERS)])
    site = sites.build(folder, url, redis_url, workers=())
    for name in ("api", "live"):
        site.start(name)
    deadline = time.monotonic() + 60
    while watchers.knock(site.url) != 200:
        if time.monotonic() > deadline:
            site.stop()
            raise CannotStart("the site does not start:\n" + site.tail("api") + site.tail("live"))
        time.sleep(0.1)
    return Ready(site, redis_url, token, probes)


@dataclass(frozen=True)
class Street:
    """A line of the base map."""

    kind: str
    name: str
    name_en: str
    min_zoom: int
    wkt: str


def streets() -> Iterator[Street]:
    """A city's streets, bent like real ones: what the map must draw under the dots in any case."""
    dice = random.Random(3)
    for n in range(240):
        across = n % 2 == 0
        share = (n // 2) / 119 - 0.5
        kind, zoom = ("primary", 8) if n % 24 < 2 else ("secondary", 10) if n % 8 < 2 else ("street", 11)
        points = []
        for step in range(60):
            along = step / 59 - 0.5
            bend = share + 0.004 * math.sin(step / 3 + n) + dice.uniform(-0.0005, 0.0005)
            x, y = (along, bend) if across else (bend, along)
            points.append(f"{CENTRE[0] + x * 0.8:.5f} {CENTRE[1] + y * 0.54:.5f}")
        yield Street(kind, f"第{n}路", f"Road {n}", zoom, f"LINESTRING({','.join(points)})")
    for n in range(12):
        west, south = CENTRE[0] - 0.4 + 0.2 * (n % 4), CENTRE[1] - 0.27 + 0.18 * (n // 4)
        yield Street("area", f"第{n}区", f"District {n}", 6, square(west, south, 0.2, 0.18))
        yield Street("park", f"第{n}园", f"Park {n}", 9, square(west + 0.05, south + 0.06, 0.03, 0.02))
        yield Street("water", f"第{n}湖", f"Lake {n}", 9, square(west + 0.12, south + 0.1, 0.02, 0.03))


def square(west: float, south: float, wide: float, high: float) -> str:
    """WKT of a rectangle."""
    corners = ((0, 0), (wide, 0), (wide, high), (0, high), (0, 0))
    return f"POLYGON(({','.join(f'{west + x:.5f} {south + y:.5f}' for x, y in corners)}))"


# -- the feed ----------------------------------------------------------------------------------------------------------


def place(number: int, step: int) -> tuple[float, float]:
    """Where a mover is at a step: a loop of his own around a home in the city, some 80 m a step."""
    dice = random.Random(number)
    lon, lat = dice.gauss(CENTRE[0], SPREAD_DEG[0] / 2), dice.gauss(CENTRE[1], SPREAD_DEG[1] / 2)
    lon, lat = (
        min(max(lon, CENTRE[0] - 0.24), CENTRE[0] + 0.4),
        min(max(lat, CENTRE[1] - 0.25), CENTRE[1] + 0.2),
    )
    turn = step % 24
    x, y = (turn if turn < 12 else 24 - turn), (turn % 6)
    return lon + 0.0008 * x, lat + 0.0006 * y


def mover(number: int, path: str, lon: float, lat: float, at: float, turn: int) -> Change:
    """A surveyor's card as the API publishes it."""
    key = str(10**17 + number)
    when = stamp(at)
    card = {
        "id": key, "name": f"查勘{number}", "org_id": "1", "on_duty": True, "state": ("idle", "busy")[number % 2],
        "position": {
            "lon": lon, "lat": lat, "fixed_at": when, "received_at": when, "accuracy_m": 8.0, "speed_mps": 8.5,
            "heading_deg": float(turn * 45 % 360), "battery": 80, "source": "phone",
        },
        "age_s": 0, "freshness": "fresh", "open_jobs": number % 3, "max_open": 5, "skills": ["motor"],
    }  # fmt: skip
    return Change("surveyor", key, path, card)


def job(number: int, path: str) -> Change:
    """An open job's card."""
    dice = random.Random(-number - 1)
    key, now = str(2 * 10**17 + number), time.time()
    due = {"id": key + "1", "kind": "contact", "start_event": "x", "limit_s": 600, "stopped_at": None,
           "breached_at": None, "state": "running", "predicted": "ok", "start_at": stamp(now),
           "due_at": stamp(now + dice.uniform(60, 3600))}  # fmt: skip
    card = {
        "id": key, "claim_id": key, "report_no": f"R{number:06}", "line": "motor", "state": "offered",
        "state_since": stamp(now), "org_id": "1", "area": "城区", "place": "某路口", "lon": dice.gauss(CENTRE[0], 0.1),
        "lat": dice.gauss(CENTRE[1], 0.08), "reported_at": stamp(now), "cause": "collision", "injured": 0,
        "plate": "沪A·***45", "unassigned_reason": None, "surveyor": None, "offer": None, "appointment_at": None,
        "clocks": [due], "priority": 0, "round": 1, "duplicate": False, "marks": [],
    }  # fmt: skip
    return Change("task", key, path, card)


def stamp(at: float) -> str:
    """RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"


@contextmanager
def feeder(redis_url: str, movers: int, every_s: float) -> Iterator[None]:
    """A process that keeps so many surveyors moving, each telling of himself every so many seconds."""
    fresh = multiprocessing.get_context("spawn")
    stop = fresh.Event()
    process = fresh.Process(target=feed, args=(redis_url, stop, movers, every_s), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(timeout=10)
        process.kill()


def feed(redis_url: str, stop: Any, movers: int, each_s: float) -> None:
    """Tells of moves, a hundredth of the movers at a time, and of two jobs a second that changed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    redis: Redis = Redis.from_url(redis_url)
    path, piece, begun, sent = "/1/", movers // 100, time.monotonic(), 0
    if found := redis.hget(live.shelf("task"), str(2 * 10**17)):
        path = str(packing.decode(found)["org_path"])
    every_s, told = each_s / 100, 0.0
    while not stop.is_set():
        step, first = divmod(sent * piece, movers)
        now = time.time()
        changes = [mover(n, path, *place(n, step + 1), now, step) for n in range(first, first + piece)]
        if now - told > 0.5:
            told = now
            changes.append(job(sent % JOBS, path))
        live.publish(redis, changes)
        sent += 1
        time.sleep(max(0.0, begun + sent * every_s - time.monotonic()))


# -- the first part: two hundred desks ---------------------------------------------------------------------------------


def desk(ready: Ready, seconds: float) -> tuple[Page, watchers.Seen]:
    """One real page among the light viewers, all through the site's own address."""
    crowd = watchers.Crowd(ready.site.url, ready.token, VIEWERS - 1, CITY)
    with crowd, browser() as chromium:
        context = desk_of(ready, chromium)
        page = context.new_page()
        page.add_init_script(PROBE_SCRIPT)
        page.goto("/desk#/live")
        page.wait_for_function("() => window.seen && window.seen.frames > 0", timeout=60_000)
        crowd.count_from_now()
        seen = Page()
        seen.waits_s = pings(ready, page, seconds)
        seen.crowded_frames_a_s = pan(page)
        result = crowd.finish()
        page.wait_for_timeout(1500)
        seen.frames_a_s = pan(page)
        measure(page, context, seen)
        if picture := os.environ.get("CHAKAN_BENCH_PICTURE"):
            page.screenshot(path=picture)
        context.close()
    seen.kb_a_s = result.kb_a_s
    return seen, result


def desk_of(ready: Ready, chromium: Any) -> Any:
    """A browser at a desk of 1440 × 900, signed in."""
    context = chromium.new_context(
        base_url=ready.site.url,
        viewport={"width": 1440, "height": 900},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    context.request.post("/api/v1/session", data={"username": "desk", "password": PASSWORD})
    return context


PROBE_SCRIPT = """
window.seen = { frames: 0, id: '', at: {}, shown: [] };
window.chakanProbe = (find, gl) => {
  const seen = window.seen;
  seen.frames += 1;
  const at = seen.id && find(seen.id);
  const before = seen.at[seen.id];
  if (!at || (before && Math.hypot(at.x - before.x, at.y - before.y) < 1)) return;
  // Moved in the data: is the mark really in the pixels? Its fill is neither land nor ring.
  const bytes = new Uint8Array(4 * 15 * 15);
  gl.readPixels(Math.round(at.x) - 7, Math.round(at.y) - 7, 15, 15, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  let filled = 0;
  for (let i = 0; i < bytes.length; i += 4) filled += bytes[i] < 60 && bytes[i + 1] > 90 && bytes[i + 2] < 130 ? 1 : 0;
  if (filled > 40) { seen.at[seen.id] = at; seen.shown.push(performance.timeOrigin + performance.now()); }
};
"""


def pings(ready: Ready, page: Any, seconds: float) -> list[float]:
    """Pings of the real surveyor, each timed from before the request until its mark is in the pixels."""
    waits: list[float] = []
    until, turn = time.monotonic() + seconds, 0
    dice = random.Random(5)
    while time.monotonic() < until or turn < 2 * len(PROBES):
        which, lap = turn % len(PROBES), turn // len(PROBES)
        ident, token = ready.probes[which]
        seen = page.evaluate("id => { window.seen.id = id; return window.seen.shown.length }", ident)
        x, y = PROBES[which]
        began = time.time()
        watchers.ping(ready.site.url, token, CENTRE[0] + x + STEP_DEG * (lap % 2), CENTRE[1] + y, began)
        if shown := shown_after(page, seen):
            waits += [shown / 1000 - began] * bool(lap)  # the first time he only appears
        else:
            # A machine that is busy with something else: it counts as the longest wait, and the rest is measured all the same.
            waits.append(LONGEST_WAIT_S)
            print(f"ping {turn} was not in the pixels within {LONGEST_WAIT_S:.0f} s", flush=True)
        # A lap takes ten seconds then: whoever moves 130 m in five is doubted by the filters, and his mark stays.
        page.wait_for_timeout(dice.uniform(1_500, 2_500))
        turn += 1
    return sorted(waits)


def shown_after(page: Any, seen: int) -> float:
    """When the mark was seen again, ms since 1970; 0 when it was not in time."""
    from playwright.sync_api import TimeoutError as TooLate

    try:
        page.wait_for_function("n => window.seen.shown.length > n", arg=seen, timeout=LONGEST_WAIT_S * 1000)
    except TooLate:
        return 0.0
    return float(page.evaluate("() => window.seen.shown.at(-1)"))


def pan(page: Any) -> float:
    """Frames a second that the map really drew while it was dragged by hand for three seconds."""
    box = page.locator(".live-map canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    frames, began = page.evaluate("() => window.seen.frames"), time.monotonic()
    while (t := time.monotonic() - began) < 3:
        page.mouse.move(x + 180 * (t % 1 if int(t) % 2 else 1 - t % 1), y + 60 * (t % 1))
    drawn = page.evaluate("() => window.seen.frames") - frames
    took = time.monotonic() - began
    page.mouse.up()
    return float(drawn / took)


def measure(page: Any, context: Any, seen: Page) -> None:
    """Memory of the page: the JavaScript heap, and what its process holds for itself."""
    told = context.new_cdp_session(page)
    told.send("Performance.enable")
    figures = {m["name"]: m["value"] for m in told.send("Performance.getMetrics")["metrics"]}
    seen.heap_mb = figures["JSHeapUsedSize"] / 2**20
    seen.memory_mb = max(watchers.renderers_mb(), default=0.0)
    page.keyboard.press("Escape")
    seen.people = int(page.locator(".side [data-tab=people] .count").inner_text() or 0)


class browser:
    """A headless Chromium, drawing in software as a desk without a graphics card would."""

    def __enter__(self) -> Any:
        from playwright.sync_api import sync_playwright

        path = os.environ.get("CHAKAN_CHROMIUM") or shutil.which("chromium")
        if not path:
            raise CannotStart("no Chromium: set CHAKAN_CHROMIUM")
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(executable_path=path, args=FLAGS)
        return self.chromium

    def __exit__(self, *error: object) -> None:
        self.chromium.close()
        self.playwright.stop()


# -- the second part: a thousand -------------------------------------------------------------------------------------


def thousand(ready: Ready, seconds: float) -> tuple[watchers.Seen, float]:
    """A thousand viewers at the stream process itself; returns what they saw and its share of a core.

    They watch one corner with three hundred movers, a move a second each: a frame of about four kilobytes.
    """
    redis: Redis = Redis.from_url(ready.redis_url)
    path = str(packing.decode(redis.hvals(live.shelf("task"))[0])["org_path"])
    live.refresh(redis, "surveyor", [mover(n, path, *place(n, 0), time.time(), 0) for n in range(FEW)])
    with (
        feeder(ready.redis_url, FEW, 1.0),
        watchers.Crowd(ready.site.env["CHAKAN_LIVE_URL"], ready.token, MANY, CITY) as crowd,
    ):
        crowd.count_from_now()
        group = ready.site.running["live"].pid
        before, began = watchers.cpu_s(group), time.monotonic()
        time.sleep(seconds)
        busy = (watchers.cpu_s(group) - before) / (time.monotonic() - began)
        return crowd.finish(), busy


# -- figures -----------------------------------------------------------------------------------------------------------


def figure(metric: str, unit: str, ours: float, goal: float | None, holds: bool | None) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": metric, "unit": unit, "ours": round(ours, 3), "peer": None, "peer_name": "none known",
        "ratio": round(goal / ours, 2) if goal and ours else None, "goal": goal, "holds": holds,
    }  # fmt: skip


def of_page(page: Page) -> list[dict[str, Any]]:
    """Ping to pixel, frames, memory."""
    median = statistics.median(page.waits_s) if page.waits_s else float("nan")
    p95 = percentile(page.waits_s, 95)
    return [
        figure("ping to pixel, p50", "s", median, None, None),
        figure("ping to pixel, p95", "s", p95, 2.0, p95 <= 2.0),
        figure("frames a second while panning", "1/s", page.frames_a_s, 30, page.frames_a_s >= 30),
        figure("the same, 199 viewers on the same cores", "1/s", page.crowded_frames_a_s, None, None),
        figure("memory of the page's process", "MB", page.memory_mb, 400, 0 < page.memory_mb <= 400),
        figure("JavaScript heap", "MB", page.heap_mb, None, None),
    ]


def of_crowd(seen: watchers.Seen) -> list[dict[str, Any]]:
    """What two hundred desks get and how soon."""
    there = seen.open == VIEWERS - 1
    return [
        figure("a viewer of the whole city gets", "KB/s", seen.kb_a_s, 20, there and 0 < seen.kb_a_s <= 20),
        figure(
            "messages a second a viewer, at most", "1/s", seen.most_a_second, 1.1, seen.most_a_second <= 1.1
        ),
        figure("200 viewers through one address, delivery p99", "s", seen.p99_s, None, None),
    ]


def of_many(seen: watchers.Seen, busy: float) -> list[dict[str, Any]]:
    """What a thousand cost."""
    there = seen.open == MANY
    return [
        figure("1,000 viewers at 1 Hz, of a core", "%", busy * 100, 15, there and busy <= 0.15),
        figure("1,000 viewers, delivery p99", "s", seen.p99_s, 0.3, there and seen.p99_s <= 0.3),
    ]
