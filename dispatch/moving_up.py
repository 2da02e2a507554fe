"""The free moved up by the machine, where an organisation says so: once a minute, in the name of whoever saved the rule.

Who is asked where is `posts`; this reads the people, asks the roads, and puts the requests. Each is its own transaction;
somebody who took a job in between is left alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from dispatch import candidates, coverage, moving, policy, posts
from dispatch.candidates import Habits, Someone
from dispatch.coverage_map import Atlas, Ground, Person, drives
from dispatch.errors import MovePending, NotFree
from dispatch.moving import Latest, Wanted
from dispatch.policy import Policy
from dispatch.posts import Moving
from geo.eta import Engine, StraightLine
from geo.fix import LonLat
from staff import rules
from staff.models import Organisation, Rule

KEY = "move_up"
# The share of demand within this is kept with a request, as with one by hand.
WITHIN_S = 600


@dataclass(frozen=True)
class Where:
    """An organisation that set the rule, and whose people it holds for: all below it but those below `but`."""

    org_id: int
    path: str
    by: int
    but: tuple[str, ...]

    def holds(self, org_path: str) -> bool:
        """Whether the rule is this one's for people of that organisation."""
        return org_path.startswith(self.path) and not org_path.startswith(self.but)


@dataclass(frozen=True)
class Town:
    """What one look needs, read at one moment."""

    at: datetime
    rule: Policy
    how: Moving
    ground: Ground
    people: tuple[Someone, ...]
    asked: dict[int, Latest]


def ask_free(sessions: Sessions, engine: Engine, atlas: Atlas, now: datetime | None = None) -> int:
    """Asks whoever had better wait elsewhere; returns how many were asked."""
    with sessions.begin() as session:
        wheres = where(session)
    return sum(_ask(sessions, engine, atlas, one, now) for one in wheres)


def where(session: Session) -> list[Where]:
    """Where the machine asks by itself: a nearer organisation's rule goes before a farther one's."""
    rows = session.execute(
        select(Organisation.id, Organisation.path, Rule.value, Rule.changed_by)
        .join(Rule, Rule.org_id == Organisation.id)
        .where(Rule.key == KEY)
    ).all()
    return [
        Where(row.id, row.path, row.changed_by, _nearer(row.path, [other.path for other in rows]))
        for row in rows
        if row.value == "ask" and row.changed_by is not None
    ]


def _nearer(path: str, others: list[str]) -> tuple[str, ...]:
    return tuple(other for other in others if other != path and other.startswith(path))


def _ask(sessions: Sessions, engine: Engine, atlas: Atlas, one: Where, now: datetime | None) -> int:
    with sessions.begin() as session:
        town = _read(session, atlas, one, clock.read(session, now))
    # No transaction is open while a road engine thinks.
    asked = 0
    for wanted in look(engine, town):
        try:
            moving.ask_by_rule(sessions, one.org_id, one.by, wanted, now)
            asked += 1
        except (NotFree, MovePending):
            continue  # he took a job or was asked by hand meanwhile
    return asked


def _read(session: Session, atlas: Atlas, one: Where, now: datetime) -> Town:
    values = rules.values(session, one.org_id, policy.DEFAULTS | coverage.DEFAULTS)
    rule, how = Policy.of(values), Moving.of(values)
    everybody = candidates.read_people(
        session, now, Habits.learned(session, one.path, rule), scopes=[one.path]
    )
    people = tuple(
        p for p in everybody
        if p.standing.on_duty and p.standing.age_s <= rule.stale_s and one.holds(p.standing.org_path)
        and p.standing.free_in_s <= posts.SOON_S
    )  # fmt: skip
    ground = atlas.ground(session, one.path, int(values["coverage_weeks"]), now)
    since = now - timedelta(seconds=max(how.rest_s, how.answer_s + posts.MOST_DRIVE_S))
    ids = {one.standing.id for one in everybody}
    asked = {who: last for who, last in moving.latest(session, since).items() if who in ids}
    return Town(now, rule, how, ground, people, asked)


def look(engine: Engine, town: Town) -> list[Wanted]:
    """Whom to ask to wait where, best first."""
    grid, demand = town.ground.grid, town.ground.demand
    if not len(grid) or not town.people:
        return []
    straight = StraightLine(town.rule.speed_kmh, town.rule.winding)
    stand = [_stands(one, town) for one in town.people]
    times, provider = drives(engine, grid, stand, straight)
    free_in = np.array([one.free_in_s for one in stand])
    there = posts.soonest(times, free_in)
    cells = posts.worth_looking(grid, demand, there, straight.speed_kmh / 3.6 / straight.winding)
    centres = [LonLat(*row) for row in grid.centres.tolist()]
    reach = engine.matrix(centres, [centres[c] for c in cells], last=straight)
    # Another sweeper may have looked half a minute ago: its requests count.
    lately = sum(
        (town.at - last.made_at).total_seconds() < 0.9 * posts.EVERY_S for last in town.asked.values()
    )
    found = posts.moves(
        demand, times, free_in, [k for k, one in enumerate(stand) if one.free], cells, reach,
        drive_share=town.how.drive_share, most=max(0, town.how.most - lately),
    )  # fmt: skip
    wanted = []
    for move in found:
        before = coverage.share(demand, there.min(axis=0), WITHIN_S)
        there[move.surveyor] = np.minimum(reach[cells.index(move.cell)], posts.MOST_WAIT_S)
        who, after = stand[move.surveyor], coverage.share(demand, there.min(axis=0), WITHIN_S)
        wanted.append(
            Wanted(who.id, centres[move.cell], "", WITHIN_S, round(move.drive_s), before, after, provider)
        )
    return wanted


def _stands(one: Someone, town: Town) -> Person:
    """Where he will be free and when; who said yes to a request and is on his way counts where he will wait."""
    standing, last = one.standing, town.asked.get(one.standing.id)
    idle = standing.open_jobs == 0 and not standing.has_offer
    if idle and last is not None and last.accepted and town.at < last.there_at:
        return Person(standing.id, "", last.place, 0.0, False)
    rested = last is None or (town.at - last.made_at).total_seconds() >= town.how.rest_s
    place = standing.free_at or standing.place
    return Person(standing.id, "", place, standing.free_in_s, idle and rested)
