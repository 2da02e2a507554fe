"""What the queue calls: trying an organisation's rules on its last days."""

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from core import clock, wiring
from core.database import Sessions
from core.errors import Missing
from dispatch import tries
from lab import recorded, replay
from lab.ours import DEFAULTS
from lab.recorded import Recorded
from lab.replay import Compared
from lab.runs import MAKERS, finite
from lab.simulate import Sim, play
from staff import rules
from staff.models import Organisation

# A try is an answer while somebody waits: of busy weeks it plays as many of the newest days as fit.
MOST_REPORTS, MOST_S = 6_000, 90.0
# So few claims say little, whatever the interval.
FEW = 30
BEAT_EVERY_S = 0.5


class Unwanted(Exception):
    """Somebody has cancelled the try while it was played."""


def run_try(try_id: int) -> None:
    """Safe to repeat: a try that is over, or that another job is at, is left alone."""
    attempt(wiring.sessions, try_id, wiring.settings.data / "roads")


def attempt(sessions: Sessions, try_id: int, roads: Path) -> None:
    """Takes the try, plays the days, writes the figures."""
    with sessions.begin() as session:
        row = tries.take(session, try_id, clock.read(session))
        if row is None:
            return
        org = session.get_one(Organisation, row.org_id)
        path, today = org.path, replay.clock_day(session)
        values = rules.values(session, org.id, DEFAULTS)
        changes, days = dict(row.changes), row.days
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if time.monotonic() - told >= BEAT_EVERY_S:
            told = time.monotonic()
            with sessions.begin() as session:
                wanted = tries.beat(session, try_id, min(0.99, share))
            if not wanted:
                raise Unwanted

    try:
        result = try_out(sessions, path, today, days, values, changes, roads, tell)
    except Unwanted:
        return
    except Missing:
        with sessions.begin() as session:
            tries.finish(session, try_id, None, "nothing_recorded")
        return
    except Exception:
        with sessions.begin() as session:
            tries.finish(session, try_id, None, "failed")
        raise
    with sessions.begin() as session:
        tries.finish(session, try_id, result)


def try_out(
    sessions: Sessions, path: str, today: date, days: int, values: dict[str, Any], changes: dict[str, Any],
    roads: Path, tell: Any,
) -> dict[str, Any]:  # fmt: skip
    """The last days under the rules in force and under the changed ones. Raises Missing when nothing was reported."""
    began, claims = time.monotonic(), 0
    before: list[Sim] = []
    after: list[Sim] = []
    used: list[date] = []
    real: list[Recorded] = []
    net = None
    for back in range(1, days + 1):
        day = today - timedelta(days=back)
        start = replay.midnight(day)
        with sessions.begin() as session:
            if net is None:
                net = replay.net_for(roads, values, replay.centre_of(session, path, start, 24.0))
            found = recorded.read(session, net, path, start, 24.0)
        if found.day.losses and found.day.people:
            share = (back - 1) / days

            def part(of: float, share: float = share) -> None:
                tell(share + of / days)

            before.append(play(found.day, MAKERS["ours"](values), lambda s, part=part: part(s / 2)))  # type: ignore[misc]
            after.append(
                play(found.day, MAKERS["ours"](values | changes), lambda s, part=part: part(0.5 + s / 2))  # type: ignore[misc]
            )
            used.append(day)
            real.append(found)
            claims += len(found.day.losses)
        tell(back / days)
        if claims >= MOST_REPORTS or time.monotonic() - began > MOST_S:
            break
    if not used:
        raise Missing("nothing was reported")
    return told(before, after, used, real)


def told(before: list[Sim], after: list[Sim], used: list[date], real: list[Recorded]) -> dict[str, Any]:
    """The result as the row keeps it."""
    figures = replay.compare(before, after)
    asked = [{c.loss.no: c.asked[0].person for c in sim.cases if c.asked} for sim in before]
    same = [recorded.reproduced(day, first) for day, first in zip(real, asked, strict=True)]
    claims = sum(len(day.day.losses) for day in real)
    found: dict[str, Any] = finite(
        {
            "simulated": True,
            "days": [str(day) for day in sorted(used)],
            "claims": claims,
            "few": claims < FEW,
            "reproduced": sum(same) / len(same),
            "figures": {name: shown(one) for name, one in figures.items()},
        }
    )
    return found


def shown(one: Compared) -> dict[str, Any]:
    """A figure before and after, the interval of the difference, and whether it is more than chance."""
    return {"before": one.before, "after": one.after, "low": one.low, "high": one.high, "sure": one.sure}
