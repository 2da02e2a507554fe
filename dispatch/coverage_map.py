"""The coverage of a part of the tree as it stands: history and people from the tables, drives from the engine, cached.

What changes slowly (the hexagons, their demand, what one reaches from each) is kept for a quarter of an hour a scope; the
picture itself for seconds, so that any number of desks looking at it cost one computation.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from claims.models import Claim
from core import clock
from core.database import Sessions
from dispatch import candidates, coverage, policy, posts
from dispatch.candidates import Habits
from dispatch.coverage import Cover, Floats, Grid, Move
from dispatch.posts import Moving
from geo.eta import Engine, StraightLine
from geo.fix import LonLat
from geo.store import lonlat_of
from staff import rules
from staff.models import Organisation

# The hours of the day people live by; demand follows them, wherever the server stands.
CHINA = timezone(timedelta(hours=8))
GRID_S, PICTURE_S = 900.0, 15.0
# More pairs than these are not asked of the roads one by one: people in the same hexagon share its centre.
MOST_PAIRS = 400_000
WITHIN_S = (600, 1800)
MOST_REPORTS = 200_000
# Nobody is sent across a province to wait.
MOST_DRIVE_S = 3600.0


@dataclass(frozen=True)
class Ground:
    """The slow part: hexagons, and the demand in each now (reports an hour)."""

    grid: Grid
    demand: Floats
    reports: int
    weeks: int


@dataclass(frozen=True)
class Person:
    """Somebody on duty and heard of: where, how soon free (s), whether he could be asked to move."""

    id: int
    name: str
    place: LonLat
    free_in_s: float
    free: bool


@dataclass(frozen=True)
class Picture:
    """Coverage at a moment: per hexagon the seconds to the soonest, the shares by limit, and the best move."""

    ground: Ground
    people: tuple[Person, ...]
    cover: Cover
    shares: dict[int, float]
    within_s: int
    move: Move | None
    target: LonLat | None
    provider: str
    at: datetime
    took_ms: int

    def mover(self) -> Person | None:
        """Who would move."""
        return self.people[self.move.surveyor] if self.move is not None else None


@dataclass
class Atlas:
    """The caches of one process. Safe between threads: a scope is computed by one of them at a time."""

    grounds: dict[Any, tuple[float, Ground]] = field(default_factory=dict)
    pictures: dict[Any, tuple[float, Picture]] = field(default_factory=dict)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def picture(
        self,
        sessions: Sessions,
        engine: Engine,
        org: Organisation,
        within_s: int,
        now: datetime | None = None,
    ) -> Picture:
        """The coverage of an organisation and all below it, at most PICTURE_S old (never cached under a given `now`)."""
        key = (org.path, within_s)
        with self.turn:
            kept = self.pictures.get(key)
            if now is None and kept is not None and time.monotonic() - kept[0] < PICTURE_S:
                return kept[1]
            made = self._make(sessions, engine, org, within_s, now)
            self.pictures = {k: v for k, v in self.pictures.items() if time.monotonic() - v[0] < PICTURE_S}
            self.pictures[key] = (time.monotonic(), made)
            return made

    def ground(self, session: Session, path: str, weeks: int, now: datetime) -> Ground:
        """The slow part for everything below a path, at most GRID_S old."""
        with self.turn:
            return self._ground(session, path, weeks, now)

    def _make(
        self, sessions: Sessions, engine: Engine, org: Organisation, within_s: int, now: datetime | None
    ) -> Picture:
        begun = time.perf_counter()
        with sessions.begin() as session:
            moment = clock.read(session, now)
            values = rules.values(session, org.id, policy.DEFAULTS | coverage.DEFAULTS)
            ground = self._ground(session, org.path, int(values["coverage_weeks"]), moment)
            rule = policy.Policy.of(values)
            people = people_of(session, org.path, rule, moment)
        straight = StraightLine(rule.speed_kmh, rule.winding)
        # No transaction is open while a road engine thinks.
        seen = look(engine, ground, people, within_s, straight, Moving.of(values).drive_share)
        took_ms = round((time.perf_counter() - begun) * 1000)
        return Picture(ground, tuple(people), *seen, at=moment, took_ms=took_ms)

    def _ground(self, session: Session, path: str, weeks: int, now: datetime) -> Ground:
        hour = now.astimezone(CHINA).replace(minute=0, second=0, microsecond=0)
        key = (path, weeks, hour)
        kept = self.grounds.get(key)
        if kept is not None and time.monotonic() - kept[0] < GRID_S:
            return kept[1]
        made = ground_of(session, path, weeks, now)
        self.grounds = {k: v for k, v in self.grounds.items() if time.monotonic() - v[0] < GRID_S}
        self.grounds[key] = (time.monotonic(), made)
        return made


def ground_of(session: Session, path: str, weeks: int, now: datetime) -> Ground:
    """Hexagons over the reports of the last weeks, and the demand to expect in the hour to come."""
    lon, lat = lonlat_of(Claim.place)
    rows = session.execute(
        select(lon, lat, Claim.reported_at)
        .join(Organisation, Organisation.id == Claim.org_id)
        .where(Organisation.path.startswith(path), Claim.place.is_not(None))
        .where(Claim.reported_at >= now - timedelta(weeks=weeks), Claim.reported_at < now)
        .order_by(Claim.reported_at.desc())
        .limit(MOST_REPORTS)
    ).all()
    if not rows:
        return Ground(coverage.grid_over(np.zeros((0, 2))), np.zeros(0), 0, weeks)
    places = np.array([(row[0], row[1]) for row in rows])
    grid = coverage.grid_over(places)
    alike, hours = alike_hours([row[2] for row in rows], now, weeks)
    return Ground(grid, coverage.demand(grid, places, alike, hours), len(rows), weeks)


def alike_hours(times: list[datetime], now: datetime, weeks: int) -> tuple[NDArray[np.bool_], float]:
    """Which reports came in an hour like the coming one, and how many such hours the history holds.

    Like: on a working day or at a weekend as today, and within an hour either way on the clock in China.
    """
    here = now.astimezone(CHINA)
    weekend = here.weekday() >= 5
    seconds = np.array([at.timestamp() for at in times]) + 8 * 3600
    hour = (seconds // 3600) % 24
    weekday = (seconds // 86400 + 3) % 7  # 1 January 1970 was a Thursday
    apart = np.abs((hour - here.hour + 12) % 24 - 12)
    span_weeks = min(float(weeks), max(1.0, (now.timestamp() + 8 * 3600 - seconds.min()) / (7 * 86400)))
    return (apart <= 1) & ((weekday >= 5) == weekend), 3 * (2 if weekend else 5) * span_weeks


def people_of(session: Session, path: str, rule: policy.Policy, now: datetime) -> list[Person]:
    """Everybody on duty and heard of lately enough to be sent somewhere (P9), when he is free and where."""
    found = []
    for one in candidates.read_people(session, now, Habits.learned(session, path, rule), scopes=[path]):
        standing = one.standing
        if not standing.on_duty or standing.age_s > rule.stale_s or standing.open_jobs >= standing.max_open:
            continue
        idle = standing.open_jobs == 0 and not standing.has_offer
        place = standing.free_at or standing.place
        found.append(Person(standing.id, one.name, place, standing.free_in_s, idle))
    return found


def look(
    engine: Engine,
    ground: Ground,
    people: list[Person],
    within_s: int,
    straight: StraightLine,
    drive_share: float = Moving.drive_share,
) -> tuple[Cover, dict[int, float], int, Move | None, LonLat | None, str]:
    """Cover, shares by limit, the limit, the best move with its target, and who said the drives."""
    grid, demand = ground.grid, ground.demand
    if not len(grid):
        return coverage.cover(np.zeros((0, 0)), np.zeros(0)), {}, within_s, None, None, "none"
    times, provider = drives(engine, grid, people, straight)
    seen = coverage.cover(times, np.array([p.free_in_s for p in people]))
    shares = {limit: seen.share(demand, limit) for limit in WITHIN_S}
    move, target = _move(engine, ground, people, seen, within_s, straight)
    if move is None:
        move, target = _sooner(
            engine, ground, people, times, seen.share(demand, within_s), drive_share, straight
        )
    return seen, shares, within_s, move, target, provider


def drives(engine: Engine, grid: Grid, people: list[Person], straight: StraightLine) -> tuple[Floats, str]:
    """Seconds from each of the people to each centre [people, cells], and who said so."""
    if not people:
        return np.zeros((0, len(grid))), "none"
    centres = [LonLat(*row) for row in grid.centres.tolist()]
    places = np.array([p.place for p in people])
    if len(people) * len(grid) <= MOST_PAIRS:
        table = engine.table(centres, [p.place for p in people], last=straight)
        return table.seconds, table.names[int(table.by.min())]
    cells, which = np.unique(grid.cell_of(places), return_inverse=True)
    table = engine.table(centres, [centres[int(i)] for i in cells], last=straight)
    return table.seconds[which], table.names[int(table.by.min())]


def _move(
    engine: Engine, ground: Ground, people: list[Person], seen: Cover, within_s: int, straight: StraightLine
) -> tuple[Move | None, LonLat | None]:
    movers = [i for i, p in enumerate(people) if p.free]
    grid = ground.grid
    speed_mps = straight.speed_kmh / 3.6 / straight.winding
    found = coverage.targets(grid, ground.demand, seen, within_s, speed_mps)
    if not movers or not found:
        return None, None
    centres = [LonLat(*row) for row in grid.centres.tolist()]
    spots = [centres[i] for i in found]
    reach = engine.matrix(centres, spots, last=straight)
    there = engine.matrix(spots, [people[i].place for i in movers], last=straight)
    move = coverage.best_move(ground.demand, seen, within_s, movers, reach, there, MOST_DRIVE_S)
    return (move, spots[move.target]) if move is not None else (None, None)


def _sooner(
    engine: Engine,
    ground: Ground,
    people: list[Person],
    times: Floats,
    share: float,
    drive_share: float,
    straight: StraightLine,
) -> tuple[Move | None, LonLat | None]:
    """Where nobody need be brought into reach: the move after which the next reports wait least."""
    grid, demand = ground.grid, ground.demand
    free_in = np.array([p.free_in_s for p in people])
    movers = [i for i, p in enumerate(people) if p.free]
    if not movers or demand.sum() <= 0:
        return None, None
    there = posts.soonest(times, free_in)
    cells = posts.worth_looking(grid, demand, there, straight.speed_kmh / 3.6 / straight.winding)
    centres = [LonLat(*row) for row in grid.centres.tolist()]
    reach = engine.matrix(centres, [centres[c] for c in cells], last=straight)
    found = posts.moves(demand, times, free_in, movers, cells, reach, drive_share=drive_share, most=1)
    if not found:
        return None, None
    (post,) = found
    move = Move(post.surveyor, cells.index(post.cell), 0.0, share, share, post.drive_s, sooner_s=post.saved_s)
    return move, centres[post.cell]
