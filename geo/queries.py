"""Reads of this room that need no map functions."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from geo import filters, staleness
from geo.clock_offset import PhoneClock, Send
from geo.fix import Fix
from geo.models import LastPosition
from staff import rules

# One statement opens a batch: it takes the surveyor's turn (batches of one surveyor go one after the other,
# so that a dot is judged against the newest one), tells the time, and reads duty, device and rules.
OPENING = """
SELECT pg_advisory_xact_lock(:turn, hashint8(:surveyor_id)) AS turn, clock_timestamp() AS now,
       s.on_duty, s.on_duty_since, s.org_id, d.seen_at, k.offset_s, k.learned_at, k.sends,
       (SELECT jsonb_object_agg(r.key, r.value ORDER BY length(a.path))
          FROM organisation AS o
          JOIN organisation AS a ON o.path LIKE a.path || '%'
          JOIN rule AS r ON r.org_id = a.id AND r.key = ANY(:keys)
         WHERE o.id = s.org_id) AS rules
  FROM surveyor AS s
  LEFT JOIN device AS d ON d.id = :device_id
  LEFT JOIN device_clock AS k ON k.device_id = :device_id
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


UNKNOWN_CLOCK = PhoneClock()


@dataclass(frozen=True)
class Opening:
    """What must be known before a batch is judged."""

    now: datetime
    on_duty: bool
    on_duty_since: datetime | None
    org_id: int
    seen_at: datetime | None
    rules: dict[str, Any]
    clock: PhoneClock = UNKNOWN_CLOCK


def opening(session: Session, surveyor_id: int, device_id: int) -> Opening | None:
    """Takes the surveyor's turn and reads what a batch needs; None when there is no such surveyor."""
    args = {"turn": TURN, "surveyor_id": surveyor_id, "device_id": device_id, "keys": list(filters.KNOWN)}
    row = session.execute(text(OPENING), args).one_or_none()
    if row is None:
        return None
    known = UNKNOWN_CLOCK if row.offset_s is None else phone_clock(row.offset_s, row.learned_at, row.sends)
    return Opening(row.now, row.on_duty, row.on_duty_since, row.org_id, row.seen_at, row.rules or {}, known)


def phone_clock(offset_s: int, learned_at: datetime | None, sends: list[list[Any]]) -> PhoneClock:
    """What a row of `device_clock` says."""
    told = tuple(Send(datetime.fromisoformat(at), ahead_s) for at, ahead_s in sends)
    return PhoneClock(offset_s, learned_at, told)


KEEP_CLOCK = """
INSERT INTO device_clock AS k (device_id, offset_s, learned_at, sends)
VALUES (:device_id, :offset_s, :learned_at, CAST(:sends AS jsonb))
    ON CONFLICT (device_id) DO UPDATE
   SET offset_s = EXCLUDED.offset_s, learned_at = EXCLUDED.learned_at, sends = EXCLUDED.sends
"""


def keep_clock(session: Session, device_id: int, known: PhoneClock) -> None:
    """Writes down what is known of a phone's clock."""
    sends = json.dumps([[send.at.isoformat(), send.ahead_s] for send in known.sends])
    args = {
        "device_id": device_id,
        "offset_s": known.offset_s,
        "learned_at": known.learned_at,
        "sends": sends,
    }
    session.execute(text(KEEP_CLOCK), args)


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


PHONES = """
SELECT d.id, d.label, d.app, d.paired_at, d.seen_at, d.revoked_at, k.offset_s, k.learned_at,
       (SELECT COALESCE(jsonb_object_agg(days.day, days.counts), '{}')
          FROM (SELECT r.day, jsonb_object_agg(r.reason, r.count) AS counts
                  FROM fix_refusal AS r
                 WHERE r.device_id = d.id AND r.day > CAST(:today AS date) - 7
                 GROUP BY r.day) AS days) AS refused
  FROM device AS d
  LEFT JOIN device_clock AS k ON k.device_id = d.id
 WHERE d.surveyor_id = :surveyor_id
 ORDER BY d.revoked_at IS NOT NULL, d.seen_at DESC NULLS LAST, d.id DESC
 LIMIT 20
"""


def phones(session: Session, surveyor_id: int, today: date) -> list[Any]:
    """The devices of a surveyor, live ones first: app, clock offset, and what was refused by UTC day and reason."""
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
