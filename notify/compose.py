"""Who is told what when something happens: one function an event, each returning drafts.

Every function asks whether the news still holds: an event may be delivered late, or twice.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from notify import message, queries
from notify.draft import Draft, Telling, minutes_until
from notify.templates import CLOCKS, SENT_BACK, UNASSIGNED, word

Payload = dict[str, Any]


def claim_opened(t: Telling, p: Payload) -> list[Draft]:
    """The customer hears that his report is taken; in a catastrophe also how long he will wait, and what he can do."""
    if t.claim.state == "withdrawn":
        return []
    if t.claim.catastrophe and t.claim.longer_wait_min:
        event, minutes = t.claim.catastrophe, t.claim.longer_wait_min
        return [
            t.to_customer(
                "report_taken_catastrophe", t.claim.id, t.claim.created_at, event=event, minutes=minutes
            )
        ]
    return [t.to_customer("report_taken", t.claim.id, t.claim.created_at)]


def surveyor_found(t: Telling, p: Payload) -> list[Draft]:
    """The customer hears who will ring; the surveyor too when the desk chose him."""
    duty = queries.active_assignment(t.session, p["task_id"])
    if duty is None or duty.surveyor_id != p["surveyor_id"] or t.claim.state == "withdrawn":
        return []
    person = queries.person(t.session, duty.surveyor_id)
    lang = str(t.rules["customer_lang"])
    name = message.courtesy_name(person.name if person else "", lang)
    due_at = queries.contact_due(t.session, t.claim.id)
    left = minutes_until(due_at, t.now) if due_at else 0
    if left:
        drafts = [t.to_customer("surveyor_assigned", duty.id, duty.accepted_at, surveyor=name, minutes=left)]
    else:
        drafts = [t.to_customer("surveyor_assigned_soon", duty.id, duty.accepted_at, surveyor=name)]
    if "offer_id" not in p:
        place = t.place(person.lang if person else lang)
        drafts += t.to_person(person, "surveyor", "assigned_by_hand", duty.id, duty.accepted_at, place=place)
    return drafts


def offer_made(t: Telling, p: Payload) -> list[Draft]:
    """The surveyor is asked; worthless after the offer's end."""
    offer = queries.offer(t.session, p["offer_id"])
    if not t.rules["offer_sms"] or offer is None or offer.state != "open" or offer.expires_at <= t.now:
        return []
    seconds = int((offer.expires_at - t.now).total_seconds())
    km = f"{offer.distance_m / 1000:.1f}"
    person = queries.person(t.session, offer.surveyor_id)
    place = t.place(person.lang if person else "zh-CN")
    drafts = t.to_person(
        person, "surveyor", "offer_made", offer.id, offer.made_at, place=place, km=km, seconds=seconds
    )
    return [_until(draft, offer.expires_at) for draft in drafts]


def departed(t: Telling, p: Payload) -> list[Draft]:
    """The customer hears that somebody is on his way, with the time when it is known."""
    duty = queries.active_assignment(t.session, p["task_id"])
    if (
        duty is None
        or duty.surveyor_id != p["surveyor_id"]
        or duty.departed_at is None
        or duty.arrived_at is not None
    ):
        return []
    person = queries.person(t.session, duty.surveyor_id)
    name = message.courtesy_name(person.name if person else "", str(t.rules["customer_lang"]))
    left = minutes_until(duty.departed_at + timedelta(seconds=duty.drive_s), t.now) if duty.drive_s else 0
    if left:
        return [t.to_customer("on_the_way", duty.id, duty.departed_at, surveyor=name, minutes=left)]
    return [t.to_customer("on_the_way_no_eta", duty.id, duty.departed_at, surveyor=name)]


def submitted(t: Telling, p: Payload) -> list[Draft]:
    """The customer hears that the survey is done; once a claim, however often photos are taken again."""
    at = queries.submitted_at(t.session, p["task_id"])
    return [] if at is None else [t.to_customer("survey_done", t.claim.id, at)]


def approved(t: Telling, p: Payload) -> list[Draft]:
    """The customer hears that his claim is settled."""
    if t.claim.state not in ("approved", "closed"):
        return []
    return [t.to_customer("settled", t.claim.id, t.claim.closed_at or t.now)]


def called_back(t: Telling, p: Payload) -> list[Draft]:
    """The surveyor hears that he need not go; not when he gave the job back himself, or finished it."""
    template = {"cancelled": "task_cancelled", "reassigned": "task_reassigned"}.get(p.get("reason", ""))
    ended = queries.ended_assignment(t.session, p["task_id"], p["surveyor_id"])
    if template is None or ended is None:
        return []
    return t.to_person(
        queries.person(t.session, p["surveyor_id"]), "surveyor", template, ended.id, ended.ended_at
    )


def sent_back(t: Telling, p: Payload) -> list[Draft]:
    """The surveyor hears which kind of fault a photo has."""
    review = queries.sent_back(t.session, p["photo_id"])
    person = queries.person(t.session, p["surveyor_id"]) if p.get("surveyor_id") else None
    if review is None or person is None:
        return []
    reason = word(SENT_BACK, review.reason, person.lang)
    return t.to_person(person, "surveyor", "photo_sent_back", review.id, review.at, reason=reason)


def unassigned(t: Telling, p: Payload) -> list[Draft]:
    """The desk hears that a job needs a hand."""
    task = queries.task(t.session, p["task_id"])
    if task is None or task.state != "unassigned":
        return []
    reason = task.unassigned_reason or p.get("reason")
    # The same job may come to this more than once; each time is news.
    fact = f"{task.id}@{task.state_since.timestamp():.3f}"
    return t.to_desk(
        "task_unassigned", fact, task.state_since,
        lambda lang: {"reason": word(UNASSIGNED, reason, lang), "place": t.place(lang)},
    )  # fmt: skip


def clock_fired(t: Telling, p: Payload) -> list[Draft]:
    """warn_1 goes to the surveyor, warn_2 and breach to the desk, branch_head to the branch head.

    A warning about a clock that has stopped meanwhile is dropped; a breach is told, it happened.
    """
    stage = p["stage"]
    clock = queries.clock_stage(t.session, p["clock_id"], stage)
    if (
        clock is None
        or clock.state in ("void", "paused")
        or (stage.startswith("warn") and clock.state != "running")
    ):
        return []
    at = clock.fired_at or t.now
    holder = queries.person(t.session, clock.surveyor_id) if clock.surveyor_id else None
    if stage == "branch_head":
        return [] if clock.stopped_at else _to_head(t, clock, at)
    if stage == "warn_1" and holder is not None:
        return t.to_person(
            holder, "surveyor", "clock_warning", clock.id, at,
            clock=word(CLOCKS, clock.kind, holder.lang), minutes=minutes_until(clock.due_at, t.now),
        )  # fmt: skip
    template = "desk_clock_warning" if stage.startswith("warn") else "desk_clock_breached"

    def values(lang: str) -> dict[str, Any]:
        given = {
            "clock": word(CLOCKS, clock.kind, lang),
            "place": t.place(lang),
            "surveyor": holder.name if holder else ("nobody yet" if lang == "en" else "暂无"),
        }
        return given | ({"minutes": minutes_until(clock.due_at, t.now)} if stage.startswith("warn") else {})

    return t.to_desk(template, f"{clock.id}:{stage}", at, values)


def _to_head(t: Telling, clock: Any, at: datetime) -> list[Draft]:
    drafts = []
    late = max(1, int((t.now - clock.due_at).total_seconds()) // 60)
    for person in queries.nearest_with_role(t.session, "supervisor", t.claim.org_path):
        values = {"clock": word(CLOCKS, clock.kind, person.lang), "minutes": late}
        if t.rules["head_sms"]:
            drafts += t.to_person(person, "branch_head", "head_clock_breached", clock.id, at, **values)
        if person.email:
            given = values | {"report_no": t.claim.report_no}
            drafts.append(
                Draft(
                    "branch_head",
                    "mail",
                    person.email,
                    "head_clock_breached",
                    clock.id,
                    at,
                    person.lang,
                    given,
                )
            )
    return drafts


def _until(draft: Draft, end: datetime) -> Draft:
    return replace(draft, stale_at=end)


COMPOSERS: dict[str, Callable[[Telling, Payload], list[Draft]]] = {
    "claim.opened": claim_opened,
    "claim.approved": approved,
    "offer.made": offer_made,
    "offer.accepted": surveyor_found,
    "task.assigned": surveyor_found,
    "task.departed": departed,
    "task.submitted": submitted,
    "assignment.ended": called_back,
    "task.unassigned": unassigned,
    "clock.warned": clock_fired,
    "clock.breached": clock_fired,
    "photo.sent_back": sent_back,
}


def drafts(t: Telling, event: str, payload: Payload) -> list[Draft]:
    """Every message an event calls for; none for events nobody is told of."""
    composer = COMPOSERS.get(event)
    return composer(t, payload) if composer else []
