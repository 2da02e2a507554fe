"""How many reports come in against a normal hour, and the system's own proposal of catastrophe mode (a rule, no switch)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import catastrophes, limits
from claims.models import Catastrophe
from core import clock
from core.database import Sessions
from dispatch import catastrophe, catastrophe_queries
from staff import organisations, rules

# A proposal somebody waved away is not made again at once.
SILENT = timedelta(hours=3)


@dataclass(frozen=True)
class Pulse:
    """Reports of the last hour beside those of a normal one."""

    seen: int
    normal: int
    times: int

    @property
    def surging(self) -> bool:
        """Whether that calls for a proposal."""
        return catastrophes.surging(self.seen, self.normal, self.times)


def pulse_of(
    seen: int,
    earlier: Mapping[datetime, int],
    first: datetime | None,
    given: Mapping[str, Any],
    now: datetime,
) -> Pulse:
    """The pulse from the reports of the last hour and of its twins in earlier weeks; weeks before `first` say nothing."""
    twins = [at for at in catastrophes.same_hours(now) if first is not None and at >= first]
    counts = [earlier.get(at, 0) for at in twins]
    normal = catastrophes.normal_hour(counts, int(given["cat_propose_floor"]))
    return Pulse(seen, normal, int(given["cat_propose_times"]))


def pulses(session: Session, scope: str, now: datetime) -> dict[int, Pulse]:
    """The pulse of every organisation below `scope` that had a report in the last hour, by its id."""
    hours = [now - catastrophes.HOUR, *catastrophes.same_hours(now)]
    by_org: dict[int, dict[datetime, int]] = defaultdict(dict)
    for row in catastrophe_queries.counts(session, scope, hours):
        by_org[row.org_id][hours[row.n - 1]] = row.reports
    lately = {org_id: counts for org_id, counts in by_org.items() if counts.get(hours[0])}
    first = catastrophe_queries.first_reports(session, list(lately))
    return {
        org_id: pulse_of(
            counts[hours[0]],
            counts,
            first.get(org_id),
            rules.values(session, org_id, catastrophes.DEFAULTS),
            now,
        )
        for org_id, counts in lately.items()
    }


def pulse(session: Session, org_id: int, path: str, now: datetime) -> Pulse:
    """The pulse of an organisation and everything below it."""
    hours = [now - catastrophes.HOUR, *catastrophes.same_hours(now)]
    earlier: dict[datetime, int] = defaultdict(int)
    orgs = {org_id}
    for row in catastrophe_queries.counts(session, path, hours):
        earlier[hours[row.n - 1]] += row.reports
        orgs.add(row.org_id)
    first = min(catastrophe_queries.first_reports(session, sorted(orgs)).values(), default=None)
    given = rules.values(session, org_id, catastrophes.DEFAULTS)
    return pulse_of(earlier.get(hours[0], 0), earlier, first, given, now)


def propose(sessions: Sessions, now: datetime | None = None) -> list[int]:
    """Proposes catastrophe mode wherever reports surge and none stands or was waved away lately; returns the ids."""
    with sessions.begin() as session:
        moment = clock.read(session, now)
        surging = {org_id: p for org_id, p in pulses(session, "/", moment).items() if p.surging}
    return [ident for org_id, pulse in surging.items() if (ident := _propose(sessions, org_id, pulse, now))]


def _propose(sessions: Sessions, org_id: int, pulse: Pulse, now: datetime | None) -> int | None:
    with sessions.begin() as session:
        moment = clock.read(session, now)
        # Two sweepers see the same surge: the organisation's row is the queue they stand in.
        path = organisations.locked_path(session, org_id)
        if _spoken_of(session, path, org_id, moment):
            return None
        given = rules.values(session, org_id, catastrophes.DEFAULTS)
        row = Catastrophe(
            org_id=org_id,
            name="",
            reason="",
            state="proposed",
            rule=catastrophes.limits_in(limits.read(session, org_id), given),
            max_open=int(given["cat_max_open"]),
            borrowed=[],
            seen=pulse.seen,
            normal=pulse.normal,
            made_at=moment,
        )
        session.add(row)
        session.flush()
        catastrophe.told_of_proposal(session, row, moment)
        return row.id


def _spoken_of(session: Session, path: str, org_id: int, now: datetime) -> bool:
    """Whether one stands over the organisation or above it, or was dropped a moment ago."""
    found = session.scalars(
        select(Catastrophe.id)
        .where(Catastrophe.org_id.in_(organisations.ancestors(path)), Catastrophe.area_id.is_(None))
        .where(
            Catastrophe.state.in_(catastrophe.LIVE)
            | ((Catastrophe.state == "dropped") & (Catastrophe.made_at > now - SILENT))
            | ((Catastrophe.state == "over") & (Catastrophe.over_at > now - SILENT))
        )
        .limit(1)
    )
    return found.first() is not None
