"""Telling the live map that a dot moved."""

from flask import g

from api import parts
from core import live
from dispatch import board
from geo.service import Taken
from staff.accounts import Actor


def show_dot(actor: Actor, taken: Taken) -> None:
    """Publishes the surveyor's card after a commit. Redis being away is harmless: the sweeper draws anew."""
    if taken.last is None:
        return
    with g.sessions.begin() as session:
        changes = board.surveyor_changes(session, [actor.person_id])
    live.publish(parts().redis, changes)
