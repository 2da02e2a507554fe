"""`chakan replay DAY` and "try on last week": a recorded day played again, as it was ruled and as it might be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.errors import Missing
from geo.errors import NoRoads
from geo.fix import LonLat
from lab import measure, recorded
from lab.citymap import Plane
from lab.net import Net, RoadNet, StraightNet
from lab.ours import DEFAULTS
from lab.recorded import Recorded
from lab.report import Played
from lab.runs import MAKERS
from lab.simulate import Sim, play
from staff import rules
from staff.models import Organisation

# China keeps one clock; a day is what people there call a day.
ZONE = timezone(timedelta(hours=8))
Tell = Callable[[str, float], None]


@dataclass(frozen=True)
class Compared:
    """A figure before and after, claim by claim; the interval is of the mean difference (95 %)."""

    before: float
    after: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def midnight(day: date) -> datetime:
    """Where a day begins."""
    return datetime.combine(day, time(), ZONE)


def organisation(session: Session, code: str | None) -> Organisation:
    """By its code; without one the root. Raises Missing."""
    where = Organisation.parent_id.is_(None) if code is None else Organisation.code == code
    found = session.scalars(select(Organisation).where(where).order_by(Organisation.id)).first()
    if found is None:
        raise Missing("no such organisation")
    return found


def rules_of(session: Session, org_id: int) -> dict[str, Any]:
    """What is in force now for an organisation, of all that the lab's policy reads."""
    return rules.values(session, org_id, DEFAULTS)


def net_for(roads: Path, values: Mapping[str, Any], centre: LonLat) -> Net:
    """The site's road graph, as right as the map is; without one the straight line of its rules."""
    try:
        return RoadNet.open(roads, spread=0.0)
    except NoRoads:
        winding = int(values["eta_winding_pct"]) / 100
        return StraightNet(Plane(centre), float(values["eta_speed_kmh"]), winding)


def centre_of(session: Session, path: str, start: datetime, hours: float) -> LonLat:
    """Somewhere among the day's losses."""
    from lab import queries

    found = queries.rows(
        session, queries.REPORTS, scope=path + "%", start=start, end=start + timedelta(hours=hours), most=200
    )
    if not found:
        return LonLat(114.0, 32.4)
    return LonLat(float(np.mean([row.lon for row in found])), float(np.mean([row.lat for row in found])))


def load(
    session: Session,
    org: Organisation,
    day: date,
    roads: Path,
    values: Mapping[str, Any],
    *,
    hours: float = 24.0,
    seed: int = 1,
) -> Recorded:
    """A recorded day of an organisation. Raises Missing when nothing was reported on it."""
    start = midnight(day)
    net = net_for(roads, values, centre_of(session, org.path, start, hours))
    found = recorded.read(session, net, org.path, start, hours, seed=seed)
    if not found.day.losses:
        raise Missing(f"nothing was reported on {day}")
    return found


def arms(
    real: Recorded, policy: str, before: Mapping[str, Any], after: Mapping[str, Any] | None, tell: Tell
) -> dict[str, Sim]:
    """The day under the rules in force, and under others or another policy when asked for."""
    found = {"before": play(real.day, MAKERS["ours"](before), lambda share: tell("before", share))}
    if after is not None or policy != "ours":
        found["after"] = play(real.day, MAKERS[policy](after or before), lambda share: tell("after", share))
    return found


def facts(real: Recorded, sim: Sim, day: date) -> list[str]:
    """What was observed that day, and how well the replay under the same rules repeats it."""
    asked = {case.loss.no: case.asked[0].person for case in sim.cases if case.asked}
    share = recorded.reproduced(real, asked)
    reached = np.array(real.arrive_min)
    rung = np.array(real.contact_min)
    seen = (
        f"实际 observed {day}: {len(real.tasks)} 件报案 claims, {len(real.surveyors)} 名查勘员 surveyors"
        + (f", 平均到达 mean arrival {reached.mean():.1f} min" if len(reached) else "")
        + (
            f", 10 分钟内联系 contact ≤ 10 min {np.mean(rung <= measure.CONTACT_MIN):.1%}"
            if len(rung)
            else ""
        )
    )
    same = (
        f"按现行规则重放，首次派单与当日相同 {share:.0%}。 "
        f"Replayed under the rules in force, {share:.0%} of the first offers go to"
        " whom they went to."
    )
    return [seen, same, "以下所有数字均为模拟结果。 Every figure below is simulated."]


def page(real: Recorded, sims: Mapping[str, Sim], policy: str = "ours") -> list[Played]:
    """For the report; another policy than ours bears its own name."""
    names = {"after": policy} if policy != "ours" else {}
    return [Played.of(names.get(arm, arm), [sim], [None], real.report_nos) for arm, sim in sims.items()]


def compare(before: Sequence[Sim], after: Sequence[Sim]) -> dict[str, Compared]:
    """The figures a person decides by, of the same days under two sets of rules."""
    pairs: dict[str, tuple[list[float], list[float]]] = {
        name: ([], []) for name in ("contact_kept", "arrive_kept", "arrive_mean", "asked_per_claim")
    }
    for sims, side in ((before, 0), (after, 1)):
        for sim in sims:
            contact, arrive = measure.minutes(sim, "contacted_s"), measure.minutes(sim, "arrived_s")
            pairs["contact_kept"][side].extend((contact <= measure.CONTACT_MIN).astype(float))
            pairs["arrive_kept"][side].extend((arrive <= measure.ARRIVE_MIN).astype(float))
            pairs["arrive_mean"][side].extend(np.minimum(arrive, 24 * 60.0))
            pairs["asked_per_claim"][side].extend(float(len(case.asked)) for case in sim.cases)
    found = {name: _compared(np.array(a), np.array(b)) for name, (a, b) in pairs.items()}
    for name in ("km_per_claim", "gini"):
        a = measure.estimate([getattr(measure.figures(sim), name) for sim in before])
        b = measure.estimate([getattr(measure.figures(sim), name) for sim in after])
        found[name] = _by_day(before, after, name, a.mean, b.mean)
    return found


def _compared(a: measure.Floats, b: measure.Floats) -> Compared:
    gap = b - a
    half = 1.96 * float(gap.std(ddof=1)) / len(gap) ** 0.5 if len(gap) > 1 else float("inf")
    return Compared(float(a.mean()), float(b.mean()), float(gap.mean()) - half, float(gap.mean()) + half)


def _by_day(before: Sequence[Sim], after: Sequence[Sim], name: str, a: float, b: float) -> Compared:
    gaps = [
        getattr(measure.figures(y), name) - getattr(measure.figures(x), name)
        for x, y in zip(before, after, strict=True)
    ]
    if len(gaps) < 3:  # so few days have no interval, and no difference of theirs is sure
        return Compared(a, b, float("-inf"), float("inf"))
    found = measure.estimate(gaps)
    return Compared(a, b, found.low, found.high)


def clock_day(session: Session) -> date:
    """Today, as the database and people in China have it."""
    return clock.read(session).astimezone(ZONE).date()
