"""Reads of this room that need no map functions."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from geo import filters, staleness
from geo.fix import Fix
from geo.models import LastPosition, RoadLesson
from staff import rules

# One statement opens a batch: it takes the surveyor's turn (batches of one surveyor go one after the other,
# so that a dot is judged against the newest one), tells the time, and reads duty, device and rules.
OPENING = """
SELECT pg_advisory_xact_lock(:turn, hashint8(:surveyor_id)) AS turn, clock_timestamp() AS now,
       s.on_duty, s.on_duty_since, s.org_id, d.seen_at,
       (SELECT jsonb_object_agg(r.key, r.value ORDER BY length(a.path))
          FROM organisation AS o
          JOIN organisation AS a ON o.path LIKE a.path || '%'
          JOIN rule AS r ON r.org_id = a.id AND r.key = ANY(:keys)
         WHERE o.id = s.org_id) AS rules
  FROM surveyor AS s
  LEFT JOIN device AS d ON d.id = :device_id
 WHERE s.id = :surveyor_id
"""
TURN = 0x67656F  # the lock space of this room

SHIFTS = """
SELECT started_at, ended_at
  FROM shift
 WHERE surveyor_id = :surveyor_id AND ended_at >= :since
 ORDER BY started_at
"""

DOT = """
SELECT fixed_at, received_at, lon, lat, accuracy_m, speed_mps, heading_deg, battery, source
  FROM last_position
 WHERE surveyor_id = :surveyor_id
"""

KEEP_DAYS = """
SELECT o.id,
       (SELECT r.value
          FROM organisation AS a
          JOIN rule AS r ON r.org_id = a.id AND r.key = 'track_keep_days'
         WHERE o.path LIKE a.path || '%'
         ORDER BY length(a.path) DESC
         LIMIT 1) AS days
  FROM organisation AS o
"""


@dataclass(frozen=True)
class Opening:
    """What must be known before a batch is judged."""

    now: datetime
    on_duty: bool
    on_duty_since: datetime | None
    org_id: int
    seen_at: datetime | None
    rules: dict[str, Any]


def opening(session: Session, surveyor_id: int, device_id: int) -> Opening | None:
    """Takes the surveyor's turn and reads what a batch needs; None when there is no such surveyor."""
    args = {"turn": TURN, "surveyor_id": surveyor_id, "device_id": device_id, "keys": list(filters.KNOWN)}
    row = session.execute(text(OPENING), args).one_or_none()
    if row is None:
        return None
    return Opening(row.now, row.on_duty, row.on_duty_since, row.org_id, row.seen_at, row.rules or {})


def shifts_since(
    session: Session, surveyor_id: int, since: datetime
) -> list[tuple[datetime, datetime | None]]:
    """Closed shifts that reach past `since`."""
    rows = session.execute(text(SHIFTS), {"surveyor_id": surveyor_id, "since": since})
    return [(row.started_at, row.ended_at) for row in rows]


def last(session: Session, surveyor_id: int) -> Fix | None:
    """The dot of a surveyor, or None when he was never heard of."""
    row = session.execute(text(DOT), {"surveyor_id": surveyor_id}).one_or_none()
    return None if row is None else Fix(**row._mapping)


def tracking(session: Session, surveyor_id: int, now: datetime | None = None) -> dict[str, Any]:
    """How well a surveyor is tracked: state, age in seconds, and which app spoke last."""
    dot = session.execute(
        select(LastPosition.fixed_at, LastPosition.received_at, LastPosition.source).where(
            LastPosition.surveyor_id == surveyor_id
        )
    ).one_or_none()
    if dot is None:
        return {"state": "never", "age_s": None, "source": None}
    age = staleness.age_s(clock.read(session, now), dot.fixed_at, dot.received_at)
    return {"state": staleness.state(age), "age_s": round(age), "source": dot.source}


def limits_of(session: Session, org_id: int) -> filters.Limits:
    """The filter settings of an organisation."""
    return filters.Limits.of(rules.values(session, org_id, filters.DEFAULTS))


def track_keep_days(session: Session) -> dict[int, int]:
    """How long each organisation keeps tracks, in days."""
    default = filters.DEFAULTS["track_keep_days"]
    return {
        row.id: default if row.days is None else int(row.days) for row in session.execute(text(KEEP_DAYS))
    }


HEARD = """
SELECT surveyor_id, count(*) AS fixes
  FROM position
 WHERE fixed_at >= :since AND fixed_at < :until
 GROUP BY surveyor_id
 ORDER BY hashint8(surveyor_id), surveyor_id
"""


def heard(session: Session, since: datetime, until: datetime) -> dict[int, int]:
    """How many positions there are of each surveyor in a span, in an order that has nothing to do with who he is."""
    rows = session.execute(text(HEARD), {"since": since, "until": until})
    return {row.surveyor_id: row.fixes for row in rows}


ASK_LESSON = """
INSERT INTO road_lesson (asked_at, since, until) VALUES (:now, :since, :until)
    ON CONFLICT DO NOTHING
RETURNING id
"""
# One that has been under way for hours belongs to a worker that is gone.
OPEN_LESSON = """
SELECT id FROM road_lesson
 WHERE state = 'due' OR (state = 'running' AND started_at < :given_up)
"""
START_LESSON = """
UPDATE road_lesson SET state = 'running', started_at = :now
 WHERE id = :id AND (state = 'due' OR (state = 'running' AND started_at < :given_up))
RETURNING since, until
"""
END_LESSON = """
UPDATE road_lesson SET state = :state, finished_at = clock_timestamp(), version = :version, figures = CAST(:figures AS jsonb)
 WHERE id = :id
"""


def ask_lesson(session: Session, now: datetime, since: datetime, until: datetime) -> int | None:
    """Asks for a lesson over a span; its id, or None when one is already open."""
    row = session.execute(text(ASK_LESSON), {"now": now, "since": since, "until": until}).one_or_none()
    return None if row is None else int(row.id)


def open_lesson(session: Session, given_up: datetime) -> int | None:
    """The lesson that waits for a worker, if one does."""
    found = session.execute(text(OPEN_LESSON), {"given_up": given_up}).scalar_one_or_none()
    return None if found is None else int(found)


def last_lesson_at(session: Session) -> datetime | None:
    """When a lesson was last asked for."""
    found: datetime | None = session.execute(text("SELECT max(asked_at) FROM road_lesson")).scalar_one()
    return found


def start_lesson(
    session: Session, ident: int, now: datetime, given_up: datetime
) -> tuple[datetime, datetime] | None:
    """Takes a lesson; its span, or None when another worker has it."""
    row = session.execute(text(START_LESSON), {"id": ident, "now": now, "given_up": given_up}).one_or_none()
    return None if row is None else (row.since, row.until)


def end_lesson(
    session: Session, ident: int, state: str, version: str | None, figures: dict[str, Any]
) -> None:
    """Closes a lesson with what it found."""
    args = {"id": ident, "state": state, "version": version, "figures": json.dumps(figures)}
    session.execute(text(END_LESSON), args)


def lessons(session: Session, limit: int = 10) -> list[RoadLesson]:
    """The last lessons, newest first."""
    return list(session.scalars(select(RoadLesson).order_by(RoadLesson.asked_at.desc()).limit(limit)))
