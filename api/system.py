"""What works by itself, for people at the desk: is it alive, what did it do last, what is behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from api import parts, present
from api.door import Door, roles
from api.health import SWEEPER_LATE
from core import clock
from geo import filters, queries, store
from staff import rules

bp = Door("system", tag="Health")

SWEEPERS = "SELECT part, beat_at FROM heartbeat WHERE part LIKE 'sweeper%' AND beat_at > :since ORDER BY part"
BEHIND = """
SELECT (SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM outbox WHERE relayed_at IS NULL) AS outbox_age_s,
       (SELECT count(*) FROM delivery WHERE state = 'parked') AS parked
"""
# A sweeper of a machine that was taken away is no news for ever.
SHOWN_FOR = timedelta(days=1)
# The days positions must find a table for: from the oldest fix that is taken to tomorrow's first.
DAYS_NEEDED_AHEAD = 1


def show_days(session: Session, now: datetime, org_id: int) -> dict[str, Any]:
    """The day tables of positions: which there are, which are lacking, how large they are, and what was done last."""
    days = {partition.day for partition in store.partitions(session)}
    today = now.astimezone(UTC).date()
    needed = {today + timedelta(days=n) for n in range(DAYS_NEEDED_AHEAD + 1)}
    last = queries.days_note(session)
    return {
        "first": min(days).isoformat() if days else None,
        "last": max(days).isoformat() if days else None,
        "ahead": sum(day > today for day in days),
        "missing": sorted(day.isoformat() for day in needed - days),
        "size_bytes": store.history_bytes(session),
        "keep_days": rules.value(session, org_id, "track_keep_days", filters.DEFAULTS["track_keep_days"]),
        "done_at": None if last is None else present.time(last.beat_at),
        "made": None if last is None else last.facts.get("made"),
        "forgotten": None if last is None else last.facts.get("forgotten"),
    }


@bp.get("/system")
@roles("admin", "supervisor")
def system() -> ResponseReturnValue:
    """The sweeper's beat, the day tables of positions, what waits to be told, and whether Redis is there."""
    redis = "ok"
    try:
        parts().redis.ping()
    except RedisError:
        redis = "away"
    with g.sessions.begin() as session:
        now = clock.read(session)
        sweepers = [
            {
                "part": row.part,
                "beat_at": present.time(row.beat_at),
                "late": now - row.beat_at > SWEEPER_LATE,
            }
            for row in session.execute(text(SWEEPERS), {"since": now - SHOWN_FOR})
        ]
        behind = session.execute(text(BEHIND)).one()
        return {
            "sweepers": sweepers,
            "days": show_days(session, now, g.actor.org_id),
            "outbox_age_s": round(float(behind.outbox_age_s or 0), 1),
            "parked": behind.parked,
            "redis": redis,
            "server_time": present.time(now),
        }
