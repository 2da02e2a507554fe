"""Reads of this room that need no map functions."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from geo import filters, staleness
from geo.fix import Fix
from geo.models import LastPosition
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
