"""The lifecycle of an offer: open, then exactly one outcome."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from dispatch.errors import OfferSettled
from dispatch.models import Offer


class OfferState(StrEnum):
    """Where an offer stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNREACHED = "unreached"
    WITHDRAWN = "withdrawn"


O = OfferState  # noqa: E741

OFFER: Mapping[OfferState, frozenset[OfferState]] = {
    O.OPEN: frozenset({O.ACCEPTED, O.DECLINED, O.EXPIRED, O.UNREACHED, O.WITHDRAWN}),
    O.ACCEPTED: frozenset(),
    O.DECLINED: frozenset(),
    O.EXPIRED: frozenset(),
    O.UNREACHED: frozenset(),
    O.WITHDRAWN: frozenset(),
}


def next_offer(now: str, to: OfferState) -> OfferState:
    """`to`, when an offer that is `now` may become it. Raises OfferSettled."""
    if to not in OFFER[OfferState(now)]:
        raise OfferSettled(f"the offer is {now}", state=str(now))
    return to


def settle(offer: Offer, to: OfferState, at: datetime) -> None:
    """Gives the offer its outcome. The caller holds the task's lock and the offer's."""
    offer.state = str(next_offer(offer.state, to))
    offer.settled_at = at
