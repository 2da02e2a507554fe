"""`chakan replay`: opens the instance's database and lets the lab play a recorded day again."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from launch.administer import adopt
from launch.errors import CannotStart


def replay(given: argparse.Namespace) -> int:
    """Plays the day under the rules in force and under what was asked for; prints both. Raises CannotStart."""
    from core.errors import ChakanError

    try:
        day = date.fromisoformat(given.day)
    except ValueError as error:
        raise CannotStart(f"{given.day!r} is no day: write it like 2026-11-26") from error
    adopt(given.data)
    try:
        return _replay(given, day)
    except ChakanError as error:
        raise CannotStart(error.detail or error.code) from error


def _replay(given: argparse.Namespace, day: date) -> int:
    import os

    from core import database
    from lab import replay as lab
    from lab import runs

    changes = runs.parsed(given.set)
    runs.writable(given.out)
    # A day that was holds no word of what nobody could see: the all-seeing ones have nothing to see there.
    if given.policy not in runs.USUAL:
        raise CannotStart(
            f"No policy {given.policy!r} for a day that was; there are: {', '.join(runs.USUAL)}"
        )
    sessions = database.sessions(
        database.connect(os.environ["CHAKAN_DATABASE_URL"], pool_size=1, name="chakan-replay")
    )
    with sessions.begin() as session:
        today = lab.clock_day(session)
        if day > today:
            raise CannotStart(f"{day} has not been yet")
        org = lab.organisation(session, given.org)
        values = lab.rules_of(session, org.id)
        real = lab.load(session, org, day, Path(given.data) / "roads", values)
        title = f"{org.name} {day}"
    bar = runs.Bar()
    sims = lab.arms(real, given.policy, values, values | changes if changes else None, bar)
    bar.end()
    told = lab.facts(real, sims["before"], day)
    if day == today:
        told.insert(
            1,
            "这一天还没结束，未到达的案件不在实际数字里。 "
            "The day is not over: what nobody has reached yet is not in what was observed.",
        )
    played = lab.page(real, sims, given.policy)
    if given.out:
        runs.write(given.out, f"重放 Replay · {title}", told, played)
    print(runs.as_json(told, played) if given.json else "\n".join([*told, runs.show(played), *_gaps(sims)]))
    return 0


def _gaps(sims: dict[str, Any]) -> list[str]:
    from lab import replay as lab

    if "after" not in sims:
        return []
    lines = []
    for name, one in lab.compare([sims["before"]], [sims["after"]]).items():
        sure = "" if one.sure else "  (不能排除偶然 may be chance)"
        lines.append(
            f"{name:<16} {one.before:9.3f} → {one.after:9.3f}  [{one.low:+.3f}, {one.high:+.3f}]{sure}"
        )
    return lines
