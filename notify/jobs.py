"""What RQ calls: one listener an event, and the sending of one message. All safe to repeat.

Their dotted names are a contract: queued deliveries hold them.
"""

from typing import Any

from core import queues, wiring
from core.queues import Work
from notify import announce, channels, service


def _tell(event: str, payload: dict[str, Any]) -> None:
    _wake(service.tell(wiring.sessions, wiring.settings, event, payload))


def _announce(event: str, payload: dict[str, Any]) -> None:
    _wake(announce.announce(wiring.sessions, wiring.settings, event, payload))


def _wake(message_ids: list[int]) -> None:
    for message_id in message_ids:
        # Only a wake-up: the sweeper finds the row by itself when Redis is away.
        queues.enqueue(wiring.redis, Work.MESSAGES, "notify.jobs.send", message_id)


def send(message_id: int) -> None:
    """Hands one message to its provider."""
    service.send(wiring.sessions, channels.drivers(wiring.settings), message_id)


def on_claim_opened(payload: dict[str, Any]) -> None:
    """A report was taken."""
    _tell("claim.opened", payload)


def on_claim_amended(payload: dict[str, Any]) -> None:
    """A claim's facts changed."""
    _tell("claim.amended", payload)


def on_claim_withdrawn(payload: dict[str, Any]) -> None:
    """The reporter drops the claim."""
    _tell("claim.withdrawn", payload)


def on_claim_approved(payload: dict[str, Any]) -> None:
    """A claim is settled."""
    _tell("claim.approved", payload)


def on_offer_made(payload: dict[str, Any]) -> None:
    """A surveyor is asked."""
    _tell("offer.made", payload)


def on_offer_accepted(payload: dict[str, Any]) -> None:
    """A surveyor took the job."""
    _tell("offer.accepted", payload)


def on_offer_unreached(payload: dict[str, Any]) -> None:
    """No phone of the one asked could be reached: the next one is asked."""
    _tell("offer.unreached", payload)


def on_task_assigned(payload: dict[str, Any]) -> None:
    """The desk gave the job to somebody."""
    _tell("task.assigned", payload)


def on_task_unassigned(payload: dict[str, Any]) -> None:
    """Nobody is left to ask."""
    _tell("task.unassigned", payload)


def on_task_contacted(payload: dict[str, Any]) -> None:
    """The surveyor spoke to the reporter."""
    _tell("task.contacted", payload)


def on_task_contact_taken_back(payload: dict[str, Any]) -> None:
    """It was a slip: the reporter was not spoken to."""
    _tell("task.contact_taken_back", payload)


def on_task_departed(payload: dict[str, Any]) -> None:
    """The surveyor is on his way."""
    _tell("task.departed", payload)


def on_task_arrived(payload: dict[str, Any]) -> None:
    """The surveyor is on scene."""
    _tell("task.arrived", payload)


def on_task_appointed(payload: dict[str, Any]) -> None:
    """A later time was agreed."""
    _tell("task.appointed", payload)


def on_task_appointment_off(payload: dict[str, Any]) -> None:
    """The agreed time is off."""
    _tell("task.appointment_off", payload)


def on_task_done_by(payload: dict[str, Any]) -> None:
    """The surveyor said when he will be done, or took that back."""
    _tell("task.done_by", payload)


def on_task_submitted(payload: dict[str, Any]) -> None:
    """The survey was handed in."""
    _tell("task.submitted", payload)


def on_task_returned(payload: dict[str, Any]) -> None:
    """The desk wants more of a survey."""
    _tell("task.returned", payload)


def on_task_approved(payload: dict[str, Any]) -> None:
    """A survey was accepted."""
    _tell("task.approved", payload)


def on_assignment_ended(payload: dict[str, Any]) -> None:
    """A duty is over: done, given back, given to another, or cancelled."""
    _tell("assignment.ended", payload)


def on_clock_warned(payload: dict[str, Any]) -> None:
    """A limit is near."""
    _tell("clock.warned", payload)


def on_clock_breached(payload: dict[str, Any]) -> None:
    """A limit is broken, or still broken."""
    _tell("clock.breached", payload)


def on_photo_sent_back(payload: dict[str, Any]) -> None:
    """A photo has to be taken again."""
    _tell("photo.sent_back", payload)


def on_rating_given(payload: dict[str, Any]) -> None:
    """The customer rated the service."""
    _tell("rating.given", payload)


def on_catastrophe_requested(payload: dict[str, Any]) -> None:
    """Somebody asks for catastrophe mode or for a step back from it."""
    _announce("catastrophe.requested", payload)


def on_catastrophe_confirmed(payload: dict[str, Any]) -> None:
    """A second person agreed: the mode or the step is in force."""
    _announce("catastrophe.confirmed", payload)


def on_catastrophe_refused(payload: dict[str, Any]) -> None:
    """A second person did not agree."""
    _announce("catastrophe.refused", payload)


def on_catastrophe_lapsed(payload: dict[str, Any]) -> None:
    """Nobody confirmed in time."""
    _announce("catastrophe.lapsed", payload)


def on_catastrophe_proposed(payload: dict[str, Any]) -> None:
    """Reports surge: the system proposes catastrophe mode."""
    _announce("catastrophe.proposed", payload)


def on_move_up_asked(payload: dict[str, Any]) -> None:
    """A free surveyor is asked to wait elsewhere."""
    _announce("move_up.asked", payload)


def on_move_up_accepted(payload: dict[str, Any]) -> None:
    """He goes there."""
    _announce("move_up.accepted", payload)


def on_move_up_declined(payload: dict[str, Any]) -> None:
    """He does not go."""
    _announce("move_up.declined", payload)


def on_move_up_withdrawn(payload: dict[str, Any]) -> None:
    """The desk took the request back."""
    _announce("move_up.withdrawn", payload)


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
