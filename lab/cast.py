"""Who takes part while a day is played: a claim's fate so far, and a surveyor's hands and wheels."""

from dataclasses import dataclass, field
from typing import Literal

from claims.states import TaskState, next_task
from geo.fix import LonLat
from lab.day import Day, Loss, Person

Doing = Literal["idle", "settling", "driving", "on_scene"]
# So long before now somebody may have been heard: what happened earlier is forgotten.
REMEMBERED_DRIVES = 8


@dataclass(slots=True)
class Asked:
    """A question put to somebody about a claim, and what became of it."""

    person: int
    at_s: float
    until_s: float
    rank: int
    outcome: str = "open"  # accepted | declined | expired | withdrawn | too_late
    settled_s: float = 0.0
    believed_s: float = 0.0  # when the dispatcher believed he could be there


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
    """From a place to a loss; an index each."""

    start: int
    loss: int
    depart_s: float
    arrive_s: float


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
    driven_s: float = 0.0
    worked_s: float = 0.0
    on_duty: bool = False

    @property
    def now_at(self) -> int | None:
        """The loss he settles, drives or works at."""
        return self.jobs[0] if self.doing != "idle" else None

    def set_out(self, drive: Drive) -> None:
        """Off he goes."""
        self.doing = "driving"
        self.drives = [*self.drives[-REMEMBERED_DRIVES + 1 :], drive]


def seen_at(mate: Mate, day: Day, now: float) -> tuple[int | LonLat, float]:
    """Where the server believes somebody is, and the age of that belief in seconds.

    An index when he stood at a place of the day, degrees when his phone last spoke on the road.
    """
    heard = mate.person.heard_s(now)
    for drive in reversed(mate.drives):
        if heard >= drive.arrive_s:
            return day.losses[drive.loss].place, now - heard
        if heard >= drive.depart_s:
            return on_the_way(day, drive, heard), now - heard
    start = mate.drives[0].start if mate.drives else mate.at
    return start, now - heard


def on_the_way(day: Day, drive: Drive, at: float) -> LonLat:
    """Where a drive is at a moment."""
    way = day.way(drive.start, drive.loss)
    share = (at - drive.depart_s) / max(1e-9, drive.arrive_s - drive.depart_s)
    second = share * way.at_s[-1]
    i = next((n for n, reached in enumerate(way.at_s) if reached >= second), len(way.at_s) - 1)
    return LonLat(way.lon[i], way.lat[i])
