"""Who takes part while a day is played: a claim's fate so far, and a surveyor's hands and wheels."""

from dataclasses import dataclass, field
from typing import Literal

from claims.states import TaskState, next_task
from geo.fix import LonLat
from lab.day import Day, Loss, Person

Doing = Literal["idle", "settling", "driving", "on_scene"]
# So long before now somebody may have been heard: what happened earlier is forgotten.
REMEMBERED_DRIVES = 8
# A replayed offer may come a moment earlier or later than the recorded one.
ASTRAY_AFTER_S = 120.0


@dataclass(slots=True)
class Asked:
    """A question put to somebody about a claim, and what became of it."""

    person: int
    at_s: float
    until_s: float
    rank: int
    outcome: str = "open"  # accepted | declined | expired | unreached | withdrawn | too_late
    settled_s: float = 0.0
    believed_s: float = 0.0  # when the dispatcher believed he could be there
    reach_s: float = float("inf")  # until when a phone of his must have fetched it
    fetched_s: float = float("inf")  # when one does


@dataclass(slots=True)
class Case:
    """A claim in play. Times are seconds of the day; None has not happened."""

    loss: Loss
    state: TaskState = TaskState.PENDING
    asked: list[Asked] = field(default_factory=list)
    holder: int | None = None
    first_asked_s: float | None = None
    accepted_s: float | None = None
    contacted_s: float | None = None
    departed_s: float | None = None
    arrived_s: float | None = None
    done_s: float | None = None
    said_s: float | None = None  # when he last said how long he needs, …
    word_s: float = 0.0  # … and how long
    rings: int = 0
    switches: int = 0
    due_s: float = 0.0  # not asked for before this
    since: int = 0  # index into `asked` of the first question since it was last sent out

    def move(self, to: TaskState) -> None:
        """The production's own table of states. Raises claims.errors.TaskState."""
        self.state = next_task(self.state, to)

    @property
    def waits(self) -> bool:
        """Whether somebody has to be found."""
        return self.state in (TaskState.PENDING, TaskState.UNASSIGNED)

    def asked_now(self, outcome: str) -> set[int]:
        """Who was asked since the job was last sent out, with that outcome."""
        return {asked.person for asked in self.asked[self.since :] if asked.outcome == outcome}


@dataclass(slots=True)
class Drive:
    """From a place to a place, each an index or degrees. `loss`: what he drives to; None: to wait there (moving up)."""

    start: int | LonLat
    to: int | LonLat
    depart_s: float
    arrive_s: float
    loss: int | None = None


@dataclass(slots=True)
class Mate:
    """A surveyor at work. `at` is the place he stands at, or set out from."""

    person: Person
    at: int
    since_s: float = 0.0
    doing: Doing = "idle"
    jobs: list[int] = field(default_factory=list)
    question: int | None = None  # the loss he is being asked about, alone
    drives: list[Drive] = field(default_factory=list)
    idle_since_s: float = 0.0
    on_scene_s: float = 0.0
    done: int = 0
    driven_m: float = 0.0
    moved_m: float = 0.0  # of these, to wait elsewhere
    moves: int = 0
    move_asked_s: float | None = None  # when he was last asked to wait elsewhere
    driven_s: float = 0.0
    worked_s: float = 0.0
    on_duty: bool = False
    had: set[int] = field(default_factory=set)  # every claim he ever took
    astray: bool = (
        False  # does something else than on the recorded day: his recorded track says nothing any more
    )

    def moving(self, now: float) -> Drive | None:
        """The drive to where he is to wait, while it lasts."""
        last = self.drives[-1] if self.drives else None
        under_way = last is not None and last.loss is None and self.doing == "idle" and now < last.arrive_s
        return last if under_way else None

    @property
    def now_at(self) -> int | None:
        """The loss he settles, drives or works at."""
        return self.jobs[0] if self.doing != "idle" else None

    def set_out(self, drive: Drive) -> None:
        """Off he goes."""
        self.doing = "driving" if drive.loss is not None else "idle"
        self.drives = [*self.drives[-REMEMBERED_DRIVES + 1 :], drive]


def seen_at(mate: Mate, day: Day, now: float) -> tuple[int | LonLat, float]:
    """Where the server believes somebody is, and the age of that belief in seconds.

    An index when he stood at a place of the day, degrees when his phone last spoke on the road.
    """
    track = mate.person.track
    if track is not None and not astray(mate, day, now):
        found = track.at(now)
        if found is not None:
            return found[0], now - found[1]
    heard = mate.person.heard_s(now)
    for drive in reversed(mate.drives):
        if heard >= drive.arrive_s:
            return drive.to, now - heard
        if heard >= drive.depart_s:
            return on_the_way(day, drive, heard), now - heard
    start = mate.drives[0].start if mate.drives else mate.at
    return start, now - heard


def astray(mate: Mate, day: Day, now: float) -> bool:
    """Whether he has left what he did on the recorded day: took another claim, or not the one he took then."""
    if not mate.astray:
        taken = day.taken.get(mate.person.no, ())
        mate.astray = any(at + ASTRAY_AFTER_S < now and loss not in mate.had for loss, at in taken) or any(
            loss not in {one for one, _ in taken} for loss in mate.had
        )
    return mate.astray


def stands(mate: Mate, day: Day, now: float) -> int | LonLat:
    """Where he really is when he turns to his next job."""
    track = mate.person.track
    if track is not None and not astray(mate, day, now):
        found = track.at(now)
        if found is not None:
            return found[0]
    last = mate.drives[-1] if mate.drives else None
    if last is not None and last.loss is None:
        return last.to if now >= last.arrive_s else on_the_way(day, last, now)
    return mate.at


def on_the_way(day: Day, drive: Drive, at: float) -> LonLat:
    """Where a drive is at a moment."""
    way = day.way(drive.start, drive.to)
    share = (at - drive.depart_s) / max(1e-9, drive.arrive_s - drive.depart_s)
    if not len(way.lon):
        return day.places[drive.to] if isinstance(drive.to, int) else drive.to
    second = share * way.at_s[-1]
    i = next((n for n, reached in enumerate(way.at_s) if reached >= second), len(way.at_s) - 1)
    return LonLat(way.lon[i], way.lat[i])
