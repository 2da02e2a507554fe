"""What RQ calls: one listener an event, and the sending of one message. All safe to repeat.

Their dotted names are a contract: queued deliveries hold them.
"""

import logging
from collections.abc import Sequence
from typing import Any

from core import wiring
from core.queues import Wake, Work
from notify import announce, channels, service

log = logging.getLogger(__name__)


def _tell(event: str, payload: dict[str, Any]) -> Wake | None:
    return _to_send(service.tell(wiring.sessions, wiring.settings, event, payload))


def _announce(event: str, payload: dict[str, Any]) -> Wake | None:
    return _to_send(announce.announce(wiring.sessions, wiring.settings, event, payload))


def _to_send(message_ids: Sequence[int]) -> Wake | None:
    return Wake(Work.MESSAGES, "notify.jobs.send_all", message_ids) if message_ids else None


def send_all(message_ids: list[int]) -> None:
    """Hands messages to their providers, one after the other; the failure of one is not the others'."""
    drivers = channels.drivers(wiring.settings)
    for message_id in message_ids:
        try:
            service.send(wiring.sessions, drivers, message_id)
        except Exception:
            # Its lease ends and the sweeper hands it out again.
            log.exception("sending failed", extra={"message_id": message_id})


def send(message_id: int) -> None:
    """One message: jobs queued by the release before bear this name."""
    send_all([message_id])


def on_claim_opened(payload: dict[str, Any]) -> Wake | None:
    """A report was taken."""
    return _tell("claim.opened", payload)


def on_claim_amended(payload: dict[str, Any]) -> Wake | None:
    """A claim's facts changed."""
    return _tell("claim.amended", payload)


def on_claim_withdrawn(payload: dict[str, Any]) -> Wake | None:
    """The reporter drops the claim."""
    return _tell("claim.withdrawn", payload)


def on_claim_approved(payload: dict[str, Any]) -> Wake | None:
    """A claim is settled."""
    return _tell("claim.approved", payload)


def on_offer_made(payload: dict[str, Any]) -> Wake | None:
    """A surveyor is asked."""
    return _tell("offer.made", payload)


def on_offer_accepted(payload: dict[str, Any]) -> Wake | None:
    """A surveyor took the job."""
    return _tell("offer.accepted", payload)


def on_offer_unreached(payload: dict[str, Any]) -> Wake | None:
    """No phone of the one asked could be reached: the next one is asked."""
    return _tell("offer.unreached", payload)


def on_task_assigned(payload: dict[str, Any]) -> Wake | None:
    """The desk gave the job to somebody."""
    return _tell("task.assigned", payload)


def on_task_unassigned(payload: dict[str, Any]) -> Wake | None:
    """Nobody is left to ask."""
    return _tell("task.unassigned", payload)


def on_task_contacted(payload: dict[str, Any]) -> Wake | None:
    """The surveyor spoke to the reporter."""
    return _tell("task.contacted", payload)


def on_task_contact_taken_back(payload: dict[str, Any]) -> Wake | None:
    """It was a slip: the reporter was not spoken to."""
    return _tell("task.contact_taken_back", payload)


def on_task_departed(payload: dict[str, Any]) -> Wake | None:
    """The surveyor is on his way."""
    return _tell("task.departed", payload)


def on_task_arrived(payload: dict[str, Any]) -> Wake | None:
    """The surveyor is on scene."""
    return _tell("task.arrived", payload)


def on_task_appointed(payload: dict[str, Any]) -> Wake | None:
    """A later time was agreed."""
    return _tell("task.appointed", payload)


def on_task_appointment_off(payload: dict[str, Any]) -> Wake | None:
    """The agreed time is off."""
    return _tell("task.appointment_off", payload)


def on_task_done_by(payload: dict[str, Any]) -> Wake | None:
    """The surveyor said when he will be done, or took that back."""
    return _tell("task.done_by", payload)


def on_task_submitted(payload: dict[str, Any]) -> Wake | None:
    """The survey was handed in."""
    return _tell("task.submitted", payload)


def on_task_returned(payload: dict[str, Any]) -> Wake | None:
    """The desk wants more of a survey."""
    return _tell("task.returned", payload)


def on_task_approved(payload: dict[str, Any]) -> Wake | None:
    """A survey was accepted."""
    return _tell("task.approved", payload)


def on_assignment_ended(payload: dict[str, Any]) -> Wake | None:
    """A duty is over: done, given back, given to another, or cancelled."""
    return _tell("assignment.ended", payload)


def on_clock_warned(payload: dict[str, Any]) -> Wake | None:
    """A limit is near."""
    return _tell("clock.warned", payload)


def on_clock_breached(payload: dict[str, Any]) -> Wake | None:
    """A limit is broken, or still broken."""
    return _tell("clock.breached", payload)


def on_photo_sent_back(payload: dict[str, Any]) -> Wake | None:
    """A photo has to be taken again."""
    return _tell("photo.sent_back", payload)


def on_rating_given(payload: dict[str, Any]) -> Wake | None:
    """The customer rated the service."""
    return _tell("rating.given", payload)


def on_catastrophe_requested(payload: dict[str, Any]) -> Wake | None:
    """Somebody asks for catastrophe mode or for a step back from it."""
    return _announce("catastrophe.requested", payload)


def on_catastrophe_confirmed(payload: dict[str, Any]) -> Wake | None:
    """A second person agreed: the mode or the step is in force."""
    return _announce("catastrophe.confirmed", payload)


def on_catastrophe_refused(payload: dict[str, Any]) -> Wake | None:
    """A second person did not agree."""
    return _announce("catastrophe.refused", payload)


def on_catastrophe_lapsed(payload: dict[str, Any]) -> Wake | None:
    """Nobody confirmed in time."""
    return _announce("catastrophe.lapsed", payload)


def on_catastrophe_proposed(payload: dict[str, Any]) -> Wake | None:
    """Reports surge: the system proposes catastrophe mode."""
    return _announce("catastrophe.proposed", payload)


def on_move_up_asked(payload: dict[str, Any]) -> Wake | None:
    """A free surveyor is asked to wait elsewhere."""
    return _announce("move_up.asked", payload)


def on_move_up_accepted(payload: dict[str, Any]) -> Wake | None:
    """He goes there."""
    return _announce("move_up.accepted", payload)


def on_move_up_declined(payload: dict[str, Any]) -> Wake | None:
    """He does not go."""
    return _announce("move_up.declined", payload)


def on_move_up_withdrawn(payload: dict[str, Any]) -> Wake | None:
    """The desk took the request back."""
    return _announce("move_up.withdrawn", payload)


EVENTS = """
claim.opened claim.amended claim.withdrawn claim.approved offer.made offer.accepted offer.unreached
task.assigned task.unassigned task.contacted task.contact_taken_back task.departed task.arrived task.appointed
task.appointment_off
task.done_by task.submitted task.returned task.approved assignment.ended
clock.warned clock.breached photo.sent_back rating.given
catastrophe.requested catastrophe.confirmed catastrophe.refused catastrophe.lapsed catastrophe.proposed
move_up.asked move_up.accepted move_up.declined move_up.withdrawn
"""
# For worker.py: which event calls which of these.
LISTENS = {event: f"notify.jobs.on_{event.replace('.', '_')}" for event in EVENTS.split()}
