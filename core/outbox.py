"""The outbox: an event row commits with the change; the relay turns it into one delivery a listener."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, metrics
from core.database import Sessions
from core.models import Delivery, Outbox

log = logging.getLogger(__name__)

CHANNEL = "chakan_outbox"
TASKS_CHANNEL = "chakan_tasks"
# A worker that died in a delivery is noticed when its lease ends; promise R-09 gives it 15 s.
LEASE = timedelta(seconds=12)
MAX_ATTEMPTS = 8

Listeners = Mapping[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class Due:
    """A delivery to hand to a queue."""

    delivery_id: int
    queue: str


def append(session: Session, event: str, **payload: Any) -> None:
    """Records `event` in the caller's transaction and wakes the relay when it commits."""
    session.add(Outbox(event=event, payload=payload))
    wake(session, CHANNEL)


def wake(session: Session, channel: str) -> None:
    """Wakes a listening process when the transaction commits; a missed wake costs at most a second."""
    session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})


def relay(sessions: Sessions, listeners: Listeners, *, limit: int = 200) -> list[Outbox]:
    """Turns unrelayed events into deliveries; returns the events. Two relays at once share the work."""
    with sessions.begin() as session:
        now = clock.read(session)
        events = list(
            session.query(Outbox)
            .filter(Outbox.relayed_at.is_(None))
            .order_by(Outbox.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if not events:
            return []
        # Each in one statement however many: a burst writes a hundred events a second.
        session.execute(
            update(Outbox).where(Outbox.id.in_([e.id for e in events])).values(relayed_at=now),
            execution_options={"synchronize_session": False},
        )
        rows = [
            {
                "outbox_id": e.id,
                "listener": name,
                "queue": queue,
                "event": e.event,
                # Two events of one kind can carry the same facts; their listeners must be able to tell them apart.
                "payload": e.payload | {"event_id": e.id},
            }
            for e in events
            for queue, name in listeners.get(e.event, [])
        ]
        if rows:
            session.execute(insert(Delivery).on_conflict_do_nothing(), rows)
    for event in events:
        metrics.EVENTS.labels(event.event).inc()
    return events


def lease_due(sessions: Sessions, *, limit: int = 200) -> list[Due]:
    """Takes the deliveries that are due and pushes their next try behind the lease."""
    with sessions.begin() as session:
        rows = session.execute(
            # MATERIALIZED: as a plain subquery it may be run again for every row, and then takes more than the limit.
            text(
                "WITH due AS MATERIALIZED ("
                " SELECT id FROM delivery WHERE state = 'waiting' AND due_at <= clock_timestamp()"
                " ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
                " UPDATE delivery AS d SET due_at = clock_timestamp() + :lease FROM due WHERE d.id = due.id"
                " RETURNING d.id, d.queue"
            ),
            {"lease": LEASE, "limit": limit},
        ).all()
    return [Due(row.id, row.queue) for row in rows]


def deliver(
    sessions: Sessions, delivery_ids: Sequence[int], call: Callable[[str, dict[str, Any]], Any]
) -> list[Any]:
    """Runs deliveries one after the other: `call(listener, payload)`; returns what the listeners returned.

    Success marks a delivery done; failure backs off, then parks it, and never touches the others. Listeners are safe to
    repeat, so a crash between call and mark does no harm.
    """
    with sessions.begin() as session:
        rows = session.execute(
            select(Delivery.id, Delivery.listener, Delivery.payload, Delivery.attempts)
            .where(Delivery.id.in_(delivery_ids), Delivery.state == "waiting")
            .order_by(Delivery.outbox_id)
        ).all()
    done, returned = [], []
    for row in rows:
        try:
            returned.append(call(row.listener, row.payload))
        except Exception as error:
            log.exception("delivery failed", extra={"delivery_id": row.id, "listener": row.listener})
            _postpone(sessions, row.id, row.attempts + 1, type(error).__name__)
        else:
            done.append(row.id)
    if done:
        with sessions.begin() as session:
            session.execute(
                text("UPDATE delivery SET state = 'done', done_at = clock_timestamp() WHERE id = ANY(:ids)"),
                {"ids": done},
            )
    return returned


def _postpone(sessions: Sessions, delivery_id: int, attempts: int, error: str) -> None:
    with sessions.begin() as session:
        session.execute(
            text(
                "UPDATE delivery SET attempts = :attempts, last_error = :error,"
                " state = CASE WHEN :attempts >= :most THEN 'parked' ELSE 'waiting' END,"
                " due_at = clock_timestamp() + make_interval(secs => :wait) WHERE id = :id"
            ),
            {
                "id": delivery_id,
                "attempts": attempts,
                "error": error,
                "most": MAX_ATTEMPTS,
                "wait": 2.0**attempts,
            },
        )


def forget_old(session: Session, before: datetime) -> int:
    """Deletes finished deliveries and relayed events older than `before`."""
    session.execute(
        text("DELETE FROM delivery WHERE state = 'done' AND done_at < :before"), {"before": before}
    )
    result = session.execute(
        text(
            "DELETE FROM outbox WHERE relayed_at < :before"
            " AND NOT EXISTS (SELECT FROM delivery AS d WHERE d.outbox_id = outbox.id)"
        ),
        {"before": before},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def listener_names(listeners: Listeners) -> Iterable[str]:
    """Every dotted name the map mentions."""
    return {name for duties in listeners.values() for _, name in duties}
