"""What can go wrong when work is handed out, and which database constraint means which of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from core.errors import ChakanError, Conflict, Denied, Invalid


class OfferSettled(Conflict):
    """The offer has an outcome already, or its time is up. Facts: `state`."""

    code = "offer_settled"


class AlreadyAssigned(Conflict):
    """Somebody else holds the job. Facts: `surveyor_id`."""

    code = "already_assigned"


class AtCap(Conflict):
    """The surveyor holds as many open jobs as he may."""

    code = "at_cap"


class HasOpenOffer(Conflict):
    """The surveyor, or the job, has an unanswered offer."""

    code = "open_offer"


class NotYours(Conflict):
    """The job was given to somebody else meanwhile. Facts: `state` of the task, `end_reason` of the old assignment."""

    code = "not_assigned"


class ArrivalUnproven(Invalid):
    """Neither a position near the loss nor a reason was given. Facts: `distance_m`, `within_m`."""

    code = "arrival_unproven"


class NobodyHolds(Conflict):
    """The job is in nobody's hands."""

    code = "nobody_holds"


class AppointmentMoved(Conflict):
    """Another time was agreed meanwhile. Facts: `appointment_at`."""

    code = "appointment_moved"


class TooLateToTakeBack(Conflict):
    """An answered call stands once its minute is over. Facts: `seconds`."""

    code = "too_late"


class NotASurveyor(Invalid):
    """The person cannot be sent: unknown, of another organisation, or his account has ended."""

    code = "not_a_surveyor"


class FourEyes(Denied):
    """Who asked for a step cannot confirm it: a second person must. Facts: `requested_by`."""

    code = "four_eyes"


class CatastropheStands(Conflict):
    """There is one already over this organisation or area. Facts: `catastrophe_id`, `state`."""

    code = "catastrophe_stands"


class StepPending(Conflict):
    """A step is being asked for already; it must be confirmed, refused or run out first."""

    code = "step_pending"


class NoStep(Conflict):
    """Nothing waits to be confirmed: settled by somebody, or its time ran out. Facts: `state`."""

    code = "no_step"


class OutOfTurn(Conflict):
    """The way back has an order: borrowed people first, then the limits. Facts: `state`."""

    code = "out_of_turn"


class MovePending(Conflict):
    """The surveyor has an unanswered request to move up."""

    code = "move_pending"


class MoveSettled(Conflict):
    """The request to move up has an answer already, or its time is up. Facts: `state`."""

    code = "move_settled"


class NotFree(Conflict):
    """Only somebody free, on duty and heard of is asked to move up."""

    code = "not_free"


# The database is the referee; this is the only place where its verdicts get their public names.
CONSTRAINTS: dict[str, tuple[type[ChakanError], str]] = {
    "uq_assignment_active_task": (AlreadyAssigned, "somebody else holds the job"),
    "ck_assignment_cap": (AtCap, "the surveyor holds as many open jobs as he may"),
    "uq_offer_open_surveyor": (HasOpenOffer, "the surveyor has an unanswered offer"),
    "uq_offer_open_task": (HasOpenOffer, "the job has an unanswered offer"),
    "uq_catastrophe_live": (CatastropheStands, "there is one already"),
    "uq_catastrophe_step_open": (StepPending, "a step is being asked for already"),
    "ck_catastrophe_step_four_eyes": (FourEyes, "a second person must confirm"),
    "uq_move_up_open_surveyor": (MovePending, "he has an unanswered request to move up"),
}


@contextmanager
def refereed() -> Iterator[None]:
    """Turns a refusal by a known constraint into its domain error; anything else passes unchanged."""
    try:
        yield
    except IntegrityError as error:
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if name not in CONSTRAINTS:
            raise
        kind, detail = CONSTRAINTS[name]
        raise kind(detail) from error
