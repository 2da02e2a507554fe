"""One claim's transaction with a time of its own, who acts in it, and the photographs that it will need."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, text

from core import database
from core.database import Sessions
from core.models import Outbox
from core.settings import Settings
from lab.scenes import Scenes
from media import shots
from media.storage import Storage
from notify import service as notify
from staff.accounts import Actor


@dataclass(frozen=True)
class Cast:
    """Who acts in the history."""

    seat: Actor
    adjuster: Actor
    crew: tuple[Actor, ...]
    homes: dict[int, str]  # surveyor → path of his organisation


@dataclass(frozen=True)
class Album:
    """The photographs of one claim: whose picture family, and where they are stored."""

    storage: Storage
    scenes: Scenes
    job: Mapping[str, Any]

    @property
    def shots(self) -> list[str]:
        """The codes of what is photographed, in order."""
        wanted = shots.shots_for(self.job["line"], self.job["cause"])
        return [shot.code for shot in wanted for _ in range(min(shot.required, 2))]

    def draw(self, at: datetime) -> None:
        """Draws what will be needed. Inside the claim's transaction the living demonstration would wait for it:
        that holds the surveyor's row."""
        for code in self.shots:
            self.scenes.drawn(self.job, code, at)


@dataclass
class Stage:
    """One claim's transaction and its simulated clock."""

    connection: Connection
    sessions: Sessions
    settings: Settings
    now: datetime
    claim_id: int = 0
    told: list[int] = field_of(default_factory=list)

    def later(self, seconds: float) -> datetime:
        """Moves the clock on and tells the database."""
        self.now += timedelta(seconds=seconds)
        self.connection.execute(
            text("SELECT set_config('chakan.now', :now, true)"), {"now": self.now.isoformat()}
        )
        return self.now

    def tell(self) -> None:
        """Writes what the events so far would have told people, as sent at that time."""
        # Only this claim's: the running site writes events of its own meanwhile, and they are the relay's to tell.
        mine = Outbox.payload["claim_id"].as_string() == str(self.claim_id)
        with self.sessions.begin() as session:
            events = list(
                session.scalars(select(Outbox).where(mine, Outbox.id.not_in(self.told)).order_by(Outbox.id))
            )
        for event in events:
            self.told.append(event.id)
            notify.tell(self.sessions, self.settings, event.event, event.payload, self.now)


@contextmanager
def staged(engine: Engine, settings: Settings, start: datetime) -> Iterator[Stage]:
    """A transaction with its own time; the events it made are taken out before it commits: nobody is told twice."""
    with engine.connect() as connection, connection.begin():
        stage = Stage(connection, database.sessions(connection), settings, start)
        stage.later(0)
        yield stage
        stage.tell()
        connection.execute(delete(Outbox).where(Outbox.id.in_(stage.told)))
