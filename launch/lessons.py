"""`chakan roads learn`: a lesson on demand, in the foreground."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from launch.administer import adopt
from launch.errors import CannotStart


def learn(data: Path, since: str | None, until: str | None) -> dict[str, Any]:
    """Learns from the tracks of a span and puts what was learned in force, unless it is worse than what is."""
    from core import clock, database
    from core.errors import ChakanError
    from geo import queries
    from geo.roads import lessons

    adopt(data)
    sessions = database.sessions(
        database.connect(os.environ["CHAKAN_DATABASE_URL"], pool_size=2, name="chakan-cli")
    )
    with sessions.begin() as session:
        now = clock.read(session)
        last = moment("--to", until) or now
        first = moment("--from", since) or last - lessons.SPAN
        if first >= last:
            raise CannotStart("--from must be before --to")
        lesson_id = queries.ask_lesson(session, now, first, last)
    if lesson_id is None:
        raise CannotStart("A lesson is already asked for or under way; `chakan doctor` names the workers.")
    try:
        found = lessons.run(sessions, Path(os.environ["CHAKAN_DATA"]), lesson_id, _progress)
    except ChakanError as error:
        raise CannotStart(str(error)) from error
    if found is None:
        raise CannotStart("A worker took the lesson; its figures are in the table road_lesson.")
    return {"lesson": str(lesson_id), **found}


def moment(name: str, given: str | None) -> datetime | None:
    """A time from its text; without an offset it is UTC."""
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError as error:
        raise CannotStart(f"{name} is not a time: 2026-11-01 or 2026-11-01T08:00+08:00") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def told(found: dict[str, Any]) -> list[str]:
    """What a person wants to know."""
    lines = [
        f"driven    {found['km']:,} km in {found['drives']:,} drives by {found['surveyors']:,} surveyors"
        f" ({found['fixes']:,} positions)"
    ]
    for when in ("before", "after"):
        if when in found:
            e = found[when]
            lines.append(
                f"{when:<9} median error {e['median']:.1%}, 90 % within {e['p90']:.1%}, bias {e['bias'] - 1:+.1%}"
                f" ({e['journeys']:,} journeys of people not learned from)"
            )
    why = {"too_little_driven": "too few drives to judge by", "no_better": "no better than what is in force"}
    lines.append(
        f"in force  {found['version']}"
        if found["state"] == "done"
        else f"kept      nothing changed: {why[found['why']]}"
    )
    return lines


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= of else ""
        print(
            f"\rmatching {done / max(of, 1):4.0%} of {of:,} positions", end=end, file=sys.stderr, flush=True
        )
