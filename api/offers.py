"""Offers: the surveyor says yes or no."""

from typing import Any, Literal

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api.claims import Shown
from api.door import Door, LongText, Strict, roles
from api.fields import FromPhone
from dispatch import offers
from dispatch.models import Offer

bp = Door("offers", tag="Offers")


class OfferPath(Strict):
    """An id in the path."""

    offer_id: int = Field(ge=1, lt=2**63)


class DeclineIn(FromPhone):
    """Why not."""

    reason: Literal["busy", "too_far", "off_road", "unsafe", "other"]
    note: LongText = Field("", max_length=500)


def _answer(offer_id: int) -> dict[str, Any]:
    with g.sessions.begin() as session:
        offer = session.get_one(Offer, offer_id)
        return {"offer": {"id": str(offer.id), "state": offer.state}, "task_id": str(offer.task_id)}


@bp.post("/offers/<int:offer_id>/accept", responses={200: Shown})
@roles("surveyor", idempotent=True)
def accept(path: OfferPath, body: FromPhone) -> ResponseReturnValue:
    """Takes the job. Too late, withdrawn or settled: 409 `offer_settled` with the state."""
    me = g.actor.person_id
    assignment_id = offers.accept(g.sessions, path.offer_id, me, g.actor, device_at=body.at)
    return _answer(path.offer_id) | {"assignment_id": str(assignment_id)}


@bp.post("/offers/<int:offer_id>/decline", responses={200: Shown})
@roles("surveyor", idempotent=True)
def decline(path: OfferPath, body: DeclineIn) -> ResponseReturnValue:
    """Says no, with a reason; the next candidate is asked at once."""
    me = g.actor.person_id
    offers.decline(g.sessions, path.offer_id, me, body.reason, g.actor, device_at=body.at, note=body.note)
    return _answer(path.offer_id)
