"""The decision record: everybody considered, in order, and why each other was passed over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.crowd import BEFORE, Candidate
from dispatch.models import Decision
from staff.models import Person

# In a crowd the hundredth able one was not weighed: the record holds so many, and everybody asked before the chosen.
CONSIDERED = 30
# Parts of a cost that rank rather than weigh.
RANKS = ("cascade", "again")


# What the chosen one had over somebody, by the part of the cost that differs most.
OVER = {
    "drive": "farther", "late_arrival": "farther", "late_contact": "busier", "in_hand": "busier", "silence": "less_sure",
    "load": "more_today", "area": "other_org", "hole": "leaves_hole", "idle": "less_idle",
}  # fmt: skip


def why_not(candidate: Candidate, chosen: Candidate | None, taken: Collection[int] = ()) -> str:
    """The one word for somebody passed over: what stood against him, else what the chosen one had over him.

    `taken`: whom the same window asks for one of its other jobs.
    """
    if candidate.reasons:
        return candidate.reasons[0]
    if candidate.surveyor_id in taken:
        return "needed_elsewhere"
    if chosen is None:
        return "taken_meanwhile"
    if candidate.terms and chosen.terms:
        return _dearer_by(candidate, chosen)
    if candidate.open_jobs > chosen.open_jobs and candidate.distance_m <= chosen.distance_m:
        return "busier"
    return "farther" if candidate.distance_m >= chosen.distance_m else "less_idle"


def _dearer_by(candidate: Candidate, chosen: Candidate) -> str:
    more = {name: seconds - chosen.terms.get(name, 0.0) for name, seconds in candidate.terms.items()}
    if more.get("again", 0.0) > 0:
        return BEFORE.get(candidate.asked or "", "silent_before")
    if candidate.step > chosen.step:
        return "firm_last" if candidate.firm else "outside_scope"
    name = max(OVER, key=lambda term: more.get(term, 0.0))
    return OVER[name] if more.get(name, 0.0) > 0 else "less_idle"


def line(candidate: Candidate, rank: int, outcome: str, reason: str | None) -> dict[str, Any]:
    """One considered person, as kept: ids, never a name (he may ask to be forgotten) nor a coordinate.

    Of somebody off duty not even the distance is kept: where he went home is nobody's business (P19).
    """
    home = "off_duty" in candidate.reasons
    there = candidate.there
    return {
        "surveyor_id": str(candidate.surveyor_id),
        "rank": rank,
        "distance_m": None if home else candidate.distance_m,
        "eta_s": None if home else candidate.eta_s,
        # The span that holds eight of ten such drives, by all that was known of his position then.
        "eta_low_s": None if home else round(there.low_s),
        "eta_mid_s": None if home else round(there.median_s),
        "eta_high_s": None if home else round(there.high_s),
        "eta_by": None if home else candidate.provider,
        "soonest_s": None if home else candidate.soonest_s,
        "age_s": None if home else candidate.age_s,
        "open_jobs": candidate.open_jobs,
        # Whose figure the time in hand is: his own word, or what such surveys usually take.
        "free_by": candidate.free_by,
        # How likely he speaks to the customer, and is on scene, before the promises end.
        "contact_p": None if candidate.contact_p is None else round(candidate.contact_p, 3),
        "arrive_p": None if candidate.arrive_p is None else round(candidate.arrive_p, 3),
        "outcome": outcome,
        "reason": reason,
        "reasons": list(candidate.reasons),
        # Ranks are told by the reason: as seconds they would dwarf every bar.
        "terms": {name: round(s) for name, s in candidate.terms.items() if name not in RANKS and round(s)},
        "cost_s": None
        if candidate.cost_s is None
        else round(sum(s for name, s in candidate.terms.items() if name not in RANKS)),
    }


def account(
    able: Sequence[Candidate],
    around: Sequence[Candidate],
    chosen: Candidate | None,
    taken: Collection[int] = (),
) -> list[dict[str, Any]]:
    """Everybody considered: the able in the order of asking, then the others who were near, each with his reason.

    Somebody cheaper than the chosen one who has no reason of his own is asked for another job in the same moment.
    """
    lines: list[dict[str, Any]] = []
    ids = [candidate.surveyor_id for candidate in able]
    place = ids.index(chosen.surveyor_id) if chosen is not None and chosen.surveyor_id in ids else len(able)
    able = able[: max(CONSIDERED, place + 1)]
    for i, candidate in enumerate(able):
        if chosen is not None and candidate.surveyor_id == chosen.surveyor_id:
            lines.append(line(candidate, i + 1, "chosen", None))
        else:
            reason = why_not(candidate, chosen, taken)
            if i < place and reason not in ("needed_elsewhere", *candidate.reasons):
                reason = "taken_meanwhile"
            lines.append(line(candidate, i + 1, "passed_over", reason))
    known = {candidate.surveyor_id for candidate in able}
    others = [candidate for candidate in around if candidate.surveyor_id not in known]
    lines += [
        line(c, len(able) + i + 1, "passed_over", why_not(c, chosen, taken)) for i, c in enumerate(others)
    ]
    return lines


def shown(session: Session, task_id: int, time: Any) -> list[dict[str, Any]]:
    """The decisions of a task, newest first, with names; `time` renders a datetime."""
    decisions = list(
        session.scalars(
            select(Decision).where(Decision.task_id == task_id).order_by(Decision.id.desc()).limit(50)
        )
    )
    ids = (
        {int(c["surveyor_id"]) for d in decisions for c in d.candidates}
        | {d.chosen_id for d in decisions if d.chosen_id}
        | {int(d.facts[end]) for d in decisions for end in ("from", "to") if end in d.facts}
    )
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
    names = {row[0]: row[1] for row in rows}
    return [_shown(decision, names, time) for decision in decisions]


def _shown(decision: Decision, names: dict[int, str], time: Any) -> dict[str, Any]:
    def who(ident: int) -> dict[str, Any]:
        return {"id": str(ident), "name": names.get(ident, "")}

    at: datetime = decision.at
    return {
        "id": str(decision.id),
        "at": time(at),
        "kind": decision.kind,
        "provider": decision.provider,
        "radius_m": decision.radius_m,
        "reason": decision.reason,
        # Of a switch or a proposal: whom it was taken from, the clock, seconds late and gained.
        "facts": {
            name: who(int(value)) if name in ("from", "to") else value
            for name, value in decision.facts.items()
        },
        "made_by": str(decision.made_by) if decision.made_by else None,
        "chosen": who(decision.chosen_id) if decision.chosen_id else None,
        "candidates": [
            {"surveyor": who(int(c["surveyor_id"])), **{k: v for k, v in c.items() if k != "surveyor_id"}}
            for c in decision.candidates
        ],
    }
