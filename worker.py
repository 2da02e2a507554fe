"""Who listens to what; the RQ workers; and the sweeper, which owns every deadline."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redis import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

# A foreign key names a table of another room: SQLAlchemy must have seen every room before the first flush.
import claims.models  # noqa: F401
import dispatch.models  # noqa: F401
import geo.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
import staff.models  # noqa: F401
from core import bell, database, live, logs, metrics, outbox, queues, wiring
from core.loops import Loop
from core.models import Outbox
from core.queues import Work
from core.settings import Settings

log = logging.getLogger("worker")

# Each is `notify.jobs.on_…`: a text to somebody, or only a webhook to the insurer's own systems.
MESSAGE_EVENTS = (
    "claim.opened", "claim.amended", "claim.withdrawn", "claim.approved", "offer.made", "offer.accepted", "offer.unreached",
    "task.assigned", "task.unassigned", "task.contacted", "task.contact_taken_back",
    "task.departed", "task.arrived", "task.appointed", "task.appointment_off",
    "task.done_by", "task.submitted", "task.returned", "task.approved", "assignment.ended", "clock.warned", "clock.breached",
    "photo.sent_back", "rating.given", "catastrophe.requested", "catastrophe.confirmed", "catastrophe.refused",
    "catastrophe.lapsed", "catastrophe.proposed", "move_up.asked", "move_up.accepted", "move_up.declined",
    "move_up.withdrawn",
)  # fmt: skip

LISTENERS: outbox.Listeners = {
    **{event: [(Work.MESSAGES, "notify.jobs.on_" + event.replace(".", "_"))] for event in MESSAGE_EVENTS},
    "photo.stored": [(Work.PHOTOS, "media.jobs.on_stored")],
}

# The dispatcher's promise is a second: NOTIFY wakes it at once, this is the longest it sleeps when a wake was missed.
DISPATCH_EVERY_S = 0.5
# Every event notifies; what comes by time alone is a second try, whose waits are counted in seconds.
RELAY_EVERY_S = 1.0
FORESEE_EVERY_S = 1.0
CHORES_EVERY_S = 2.0
# The whole picture is laid anew now and then, so that a lost publish cannot leave a wrong dot for long.
REDRAW_EVERY_S = 60.0
DAILY_CHORES_EVERY_S = 600.0
# A storm is not seen a second after its first report; the count of the last hour is taken so often.
SURGE_EVERY_S = 60.0
# What reports need of settled claims is kept so often, by claims of so many days; what is not kept yet is counted when asked.
KEEP_MILESTONES_EVERY_S = 3600.0
MILESTONE_DAYS, MILESTONES_S = 100, 1800
KEEP_OUTBOX = timedelta(days=3)
# As long as tracks are kept unless a rule says otherwise: a past without positions shows nothing.
KEEP_PAST = timedelta(days=90)


def wire(name: str) -> Settings:
    """Fills `core.wiring` for this process."""
    from media.storage import LocalStorage

    settings = Settings.from_env(os.environ)
    engine = database.connect(settings.database_url, pool_size=8, name=f"chakan-{name}")
    wiring.fill(
        settings,
        database.sessions(engine),
        queues.connect(settings.redis_url, timeout_s=1),
        LocalStorage(settings.photos),
    )
    return settings


def main() -> int:
    """`worker.py rq QUEUE` or `worker.py sweep`."""
    parser = argparse.ArgumentParser(prog="worker")
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("rq").add_argument("queue", choices=[w.value for w in Work])
    parts.add_parser("sweep")
    given = parser.parse_args()
    logs.set_up()
    settings = wire(given.part if given.part == "sweep" else given.queue)
    if given.part == "rq":
        run_queue(settings, Work(given.queue))
        return 0
    return Sweeper(settings).run()


def run_queue(settings: Settings, name: Work) -> None:
    """Works one queue for ever; Redis being away is waited out."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            queues.work(settings.redis_url, name)
            return
        except RedisError as error:
            log.warning("queue unreachable", extra={"queue": name, "error": type(error).__name__})
            stop.wait(1)


def bury(session: Session, host: str) -> None:
    """Takes away the beats of sweepers of this machine that were killed: beside their heirs they would be shown as late."""
    theirs = f"sweeper-{host}-"
    parts = session.scalars(
        text("SELECT part FROM heartbeat WHERE starts_with(part, :theirs)"), {"theirs": theirs}
    )
    dead = [part for part in parts if not Path("/proc", part.removeprefix(theirs)).exists()]
    session.execute(text("DELETE FROM heartbeat WHERE part = ANY(:dead)"), {"dead": dead})


class Sweeper:
    """Four loops: dispatch and clocks; foreseen breaches; the outbox; chores. Several sweepers may run: SKIP LOCKED."""

    def __init__(self, settings: Settings) -> None:
        # Here and not above: three of four workers need neither roads nor matching, and start in half the time.
        from dispatch import coverage_map, sweep
        from geo.eta import Engine as DriveTimes

        sweep.warm_up()
        self.settings = settings
        self.engine = wiring.sessions.kw["bind"]
        self.drive_times = DriveTimes.from_settings(settings)
        self.pace = sweep.Pace()
        self.rest = sweep.Rest()
        self.atlas = coverage_map.Atlas()
        self.part = f"sweeper-{socket.gethostname()}-{os.getpid()}"
        self.done = threading.Event()
        self.redrawn = 0.0
        self.swept_daily = 0.0
        self.watched = 0.0
        self.kept_milestones = 0.0
        self.loops = [
            Loop("dispatch", self.engine, outbox.TASKS_CHANNEL, DISPATCH_EVERY_S, self.dispatch),
            Loop("foresight", self.engine, None, FORESEE_EVERY_S, self.foresee),
            Loop("relay", self.engine, outbox.CHANNEL, RELAY_EVERY_S, self.relay),
            Loop("chores", self.engine, None, CHORES_EVERY_S, self.chores),
        ]

    def run(self) -> int:
        """Runs until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.done.set())
        with wiring.sessions.begin() as session:
            bury(session, socket.gethostname())
        for loop in self.loops:
            loop.start()
        self.done.wait()
        for loop in self.loops:
            loop.stop()
        for loop in self.loops:
            loop.join(timeout=5)
        with wiring.sessions.begin() as session:
            session.execute(text("DELETE FROM heartbeat WHERE part = :part"), {"part": self.part})
        return 0

    def dispatch(self) -> bool:
        """Offers, expiries, escalations."""
        from dispatch import sweep

        if self.rest.may_skip(sweep.in_motion(wiring.sessions)):
            return False
        with metrics.SWEEP.time():
            return sweep.tick(wiring.sessions, self.drive_times, pace=self.pace).more

    def foresee(self) -> bool:
        """Jobs in hand that will be late, while another could be in time."""
        from dispatch import switching

        if self.rest.resting:
            return False
        switching.look(wiring.sessions, self.drive_times)
        return False

    def relay(self) -> bool:
        """Outbox → bells, live picture and deliveries → workers."""
        events = outbox.relay(wiring.sessions, LISTENERS)
        if events:
            self.ring(events)
            self.show(events)
        due = outbox.lease_due(wiring.sessions)
        for queue in dict.fromkeys(duty.queue for duty in due):
            idents = [duty.delivery_id for duty in due if duty.queue == queue]
            self.hand_over(queue, "core.queues.run_deliveries", idents)
        return len(events) >= 200 or len(due) >= 200

    def hand_over(self, queue: str, name: str, idents: list[int]) -> None:
        """Wakes a worker; without Redis the sweeper does a short duty itself rather than let people wait."""
        for share in queues.shares(queue, idents):
            if queues.enqueue(wiring.redis, queue, name, share):
                continue
            if queue != Work.PHOTOS:
                function: Callable[[list[int]], Any] = queues.resolve(name)
                function(share)

    def ring(self, events: list[Outbox]) -> None:
        """Rings the phones of those whom the events concern, before anything is drawn: their seconds count."""
        from dispatch import ringing

        with wiring.sessions.begin() as session:
            rings = ringing.rings(session, events)
        if bell.ring(wiring.redis, rings):
            for one in rings:
                metrics.RINGS.labels(one.what).inc()

    def show(self, events: list[Outbox]) -> None:
        """Publishes the cards that the events touched."""
        from dispatch import board

        tasks = {e.payload["task_id"] for e in events if e.payload.get("task_id")}
        people = {e.payload["surveyor_id"] for e in events if e.payload.get("surveyor_id")}
        claims = {
            e.payload["claim_id"]
            for e in events
            if e.payload.get("claim_id") and not e.payload.get("task_id")
        }
        with wiring.sessions.begin() as session:
            if claims:
                tasks |= set(
                    session.scalars(
                        text("SELECT id FROM task WHERE claim_id = ANY(:ids)"), {"ids": list(claims)}
                    )
                )
            changes = board.task_changes(session, tasks) + board.surveyor_changes(session, people)
        live.publish(wiring.redis, changes)

    def chores(self) -> bool:
        """What may wait a moment: heartbeat, swept rows, the whole picture, old rows, tomorrow's partitions."""
        self.beat()
        self.sweep_rows()
        if not live.healthy(wiring.redis) or time.monotonic() - self.redrawn > REDRAW_EVERY_S:
            self.redraw()
        if time.monotonic() - self.watched > SURGE_EVERY_S:
            self.watched = time.monotonic()
            self.watch()
        if time.monotonic() - self.kept_milestones > KEEP_MILESTONES_EVERY_S:
            self.kept_milestones = time.monotonic()
            queues.enqueue(
                wiring.redis,
                Work.CHORES,
                "dispatch.jobs.keep_milestones",
                MILESTONE_DAYS,
                timeout_s=MILESTONES_S,
            )
        if time.monotonic() - self.swept_daily > DAILY_CHORES_EVERY_S:
            self.swept_daily = time.monotonic()
            self.daily()
        return False

    def beat(self) -> None:
        """Says that this sweeper lives, and takes down those that have long been silent."""
        with wiring.sessions.begin() as session:
            session.execute(
                text(
                    "INSERT INTO heartbeat (part, beat_at, facts) VALUES (:part, clock_timestamp(), '{}')"
                    " ON CONFLICT (part) DO UPDATE SET beat_at = EXCLUDED.beat_at"
                ),
                {"part": self.part},
            )
            session.execute(
                text("DELETE FROM heartbeat WHERE beat_at < clock_timestamp() - interval '1 hour'")
            )

    def sweep_rows(self) -> None:
        """Duties whose wake-up was lost: messages to send, photos to process."""
        from core import clock
        from dispatch import tries
        from media import service as media
        from notify import service as notify

        with wiring.sessions.begin() as session:
            now = clock.read(session)
            messages = notify.due_messages(session, now, 100)
            photos = media.due_photos(session, now, 50)
            waiting = tries.due(session, now)
        self.hand_over(Work.MESSAGES, "notify.jobs.send_all", messages)
        self.hand_over(Work.PHOTOS, "media.jobs.process_all", photos)
        for ident in waiting:
            # A replay takes a minute: without a worker it waits, the sweeper never does it itself.
            queues.enqueue(wiring.redis, Work.CHORES, "lab.jobs.run_try", ident)

    def watch(self) -> None:
        """Once a minute: surging reports, requests to move up that ran out, who had better wait elsewhere, who fell silent."""
        from dispatch import moving, moving_up, surge
        from geo import service as geo

        geo.mark_quiet(wiring.sessions)
        surge.propose(wiring.sessions)
        moving.expire(wiring.sessions)
        moving_up.ask_free(wiring.sessions, self.drive_times, self.atlas)

    def redraw(self) -> None:
        """Lays the whole live picture anew."""
        from dispatch import board

        with wiring.sessions.begin() as session:
            tasks, people = board.open_task_changes(session), board.all_surveyor_changes(session)
        if live.refresh(wiring.redis, "task", tasks) and live.refresh(wiring.redis, "surveyor", people):
            self.redrawn = time.monotonic()

    def daily(self) -> None:
        """Partitions for the days to come, and the end of what is old."""
        from api import idempotency
        from dispatch import learning, past_queries
        from geo import service as geo
        from media import janitor

        geo.chores(wiring.sessions)
        self.learn_roads()
        learning.learn_service_times(wiring.sessions)
        with wiring.sessions.begin() as session:
            outbox.forget_old(session, datetime.now(UTC) - KEEP_OUTBOX)
            idempotency.forget_old(session, datetime.now(UTC) - idempotency.KEPT)
            past_queries.forget(session, datetime.now(UTC) - KEEP_PAST)
        janitor.tidy(wiring.sessions, wiring.storage, wiring.settings.uploads)

    def learn_roads(self) -> None:
        """Once a night the speeds of the roads are learned anew, in the worker of chores; without Redis a little later."""
        from geo.roads import lessons

        lesson_id = lessons.nightly(wiring.sessions, wiring.settings.data)
        if lesson_id is not None:
            queues.enqueue(
                wiring.redis, Work.CHORES, "geo.jobs.learn_roads", lesson_id, timeout_s=lessons.LONGEST_S
            )


if __name__ == "__main__":
    sys.exit(main())
