"""Reads of this room that need no map functions."""

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from geo import filters, staleness
from geo.fix import Fix
from geo.models import LastPosition, RoadLesson
from staff import rules

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

# The doctor and /readyz's neighbours read it; an hour's silence takes it away.
NOTE_DAYS = """
INSERT INTO heartbeat (part, beat_at, facts)
VALUES ('position-days', clock_timestamp(), CAST(:facts AS jsonb))
    ON CONFLICT (part) DO UPDATE SET (beat_at, facts) = (EXCLUDED.beat_at, EXCLUDED.facts)
"""


def note_days(session: Session, **facts: object) -> None:
    """Leaves a row that says when the day tables were last kept, and what became of them."""
    session.execute(text(NOTE_DAYS), {"facts": json.dumps(facts)})


def days_note(session: Session) -> Any | None:
    """When the day tables were last kept, and what became of them; None before the first time."""
    return session.execute(
        text("SELECT beat_at, facts FROM heartbeat WHERE part = 'position-days'")
    ).one_or_none()


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


PHONES = """
SELECT d.id, d.label, d.app, d.paired_at, d.seen_at, d.revoked_at, k.offset_s, k.learned_at,
       (SELECT COALESCE(jsonb_object_agg(days.day, days.counts), '{}')
          FROM (SELECT r.day, jsonb_object_agg(r.reason, r.count) AS counts
                  FROM fix_refusal AS r
                 WHERE r.device_id = d.id AND r.day > CAST(:today AS date) - 7 AND r.count > 0
                 GROUP BY r.day) AS days) AS refused,
       (SELECT COALESCE(jsonb_object_agg(days.day, days.counts), '{}')
          FROM (SELECT r.day, jsonb_object_agg(r.reason, r.held) AS counts
                  FROM fix_refusal AS r
                 WHERE r.device_id = d.id AND r.day > CAST(:today AS date) - 7 AND r.held > 0
                 GROUP BY r.day) AS days) AS held
  FROM device AS d
  LEFT JOIN device_clock AS k ON k.device_id = d.id
 WHERE d.surveyor_id = :surveyor_id
 ORDER BY d.revoked_at IS NOT NULL, d.seen_at DESC NULLS LAST, d.id DESC
 LIMIT 20
"""


def phones(session: Session, surveyor_id: int, today: date) -> list[Any]:
    """The devices of a surveyor, live ones first: app, clock offset, and what was refused or held by UTC day and reason."""
    return list(session.execute(text(PHONES), {"surveyor_id": surveyor_id, "today": today}))


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
