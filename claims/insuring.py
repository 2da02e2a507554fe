"""Nationwide claims 通赔: the branch where the loss happened surveys, the branch that insures sees the case."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.errors import Invalid
from geo import areas
from geo.fix import LonLat
from geo.models import Area
from staff import organisations
from staff.accounts import Actor
from staff.models import Organisation


@dataclass(frozen=True)
class Home:
    """Whose case it is: who surveys, who insures when that is another branch, and the service area of the loss."""

    org_id: int
    path: str
    insurer_id: int | None
    area: Area | None


def root_path(path: str) -> str:
    """The insurer's own path: nothing ever crosses from one insurer to another."""
    return "/" + path.strip("/").split("/")[0] + "/"


def home(
    session: Session, actor: Actor, place: LonLat | None, insuring_org_id: int | None, rule: dict[str, Any]
) -> Home:
    """Where a new report belongs. Raises Invalid for an insuring organisation outside the actor's insurer.

    The branch of the service area the loss lies in surveys: within the actor's part of the tree first, and anywhere in
    the insurer's when the rule allows nationwide claims. Without an area it stays with who insures it, or who took it.
    """
    insuring_id, insuring_path = _insuring(session, actor, insuring_org_id)
    area = area_of(session, actor.org_path, place, rule)
    if area is None or area.org_id == insuring_id:
        return Home(insuring_id, insuring_path, None, area)
    path = organisations.path_of(session, area.org_id)
    return Home(area.org_id, path, None if path.startswith(insuring_path) else insuring_id, area)


def area_of(session: Session, org_path: str, place: LonLat | None, rule: dict[str, Any]) -> Area | None:
    """The service area of a loss: one's own part of the tree first, then the whole insurer's."""
    if place is None:
        return None
    own = areas.area_at(session, org_path, place)
    if own is not None or not rule["nationwide_claims"] or org_path == root_path(org_path):
        return own
    return areas.area_at(session, root_path(org_path), place)


def insurer_beside(session: Session, insuring: Organisation, surveying_id: int) -> int | None:
    """The insuring organisation when it would not see the case by its place in the tree."""
    surveying = session.get_one(Organisation, surveying_id)
    return None if surveying.path.startswith(insuring.path) else insuring.id


def _insuring(session: Session, actor: Actor, org_id: int | None) -> tuple[int, str]:
    if org_id is None:
        return actor.org_id, actor.org_path
    found = session.get(Organisation, org_id)
    if found is None or not found.path.startswith(root_path(actor.org_path)):
        raise Invalid.field("insuring_org_id", "no such organisation")
    return found.id, found.path
