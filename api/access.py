"""Rows are reached through here: what is absent and what is forbidden look the same from outside."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from claims.models import Claim, Task
from core.errors import Denied, Missing
from media.models import Photo
from staff.accounts import Actor
from staff.models import Device, Surveyor


class NotSurveying(Denied):
    """The actor's branch insures the claim, and sees it; another branch surveys it."""

    code = "not_surveying"


DESK = ("seat", "dispatcher", "adjuster", "supervisor", "admin", "integration")

IN_SCOPE = "SELECT 1 FROM organisation WHERE id = :org_id AND path LIKE :scope"

# A surveyor sees a claim while he is asked, while he holds the job, and after he finished it; not after it was taken away.
MINE = """
SELECT 1
  FROM task AS t
 WHERE t.claim_id = :claim_id
   AND (EXISTS (SELECT FROM offer AS o WHERE o.task_id = t.id AND o.surveyor_id = :me AND o.state = 'open')
     OR EXISTS (SELECT FROM assignment AS a WHERE a.task_id = t.id AND a.surveyor_id = :me
                   AND (a.ended_at IS NULL OR a.end_reason = 'done')))
"""
# Photos taken before a reassignment must still come home (O-06), so holding the job once is enough for them.
EVER_MINE = "SELECT 1 FROM assignment WHERE task_id = :task_id AND surveyor_id = :me"


def _in_scope(session: Session, actor: Actor, org_id: int) -> bool:
    found = session.execute(text(IN_SCOPE), {"org_id": org_id, "scope": actor.org_path + "%"})
    return found.first() is not None


def claim_seen_by(session: Session, actor: Actor, claim_id: int) -> Claim:
    """The claim, or Missing when it is absent or not the actor's to see."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        raise Missing("no such claim")
    if actor.has(*DESK) and (
        _in_scope(session, actor, claim.org_id)
        # 通赔: the branch that insures sees what another branch surveys for it.
        or (claim.insurer_id is not None and _in_scope(session, actor, claim.insurer_id))
    ):
        return claim
    if (
        actor.has("surveyor")
        and session.execute(text(MINE), {"claim_id": claim_id, "me": actor.person_id}).first()
    ):
        return claim
    raise Missing("no such claim")


def claim_dispatched_by(session: Session, actor: Actor, claim_id: int) -> Claim:
    """The claim when the actor's organisation is the one that surveys it. Raises Missing; NotSurveying when it only insures."""
    claim = claim_seen_by(session, actor, claim_id)
    if not _in_scope(session, actor, claim.org_id):
        raise NotSurveying("another branch surveys this claim; its dispatcher decides who goes")
    return claim


def task_of(session: Session, actor: Actor, task_id: int, *, mine: bool = False) -> Task:
    """The task. With `mine` only one the actor holds or held himself."""
    task = session.get(Task, task_id)
    if task is None:
        raise Missing("no such task")
    if mine:
        if session.execute(text(EVER_MINE), {"task_id": task_id, "me": actor.person_id}).first() is None:
            raise Missing("no such task")
        return task
    claim_seen_by(session, actor, task.claim_id)
    return task


def photo_seen_by(session: Session, actor: Actor, photo_id: int) -> Photo:
    """The photo of a claim the actor sees, or one of his own tasks."""
    photo = session.get(Photo, photo_id)
    if photo is None:
        raise Missing("no such photo")
    claim_seen_by(session, actor, photo.claim_id)
    return photo


def surveyor_seen_by(session: Session, actor: Actor, surveyor_id: int) -> Surveyor:
    """The surveyor in the actor's part of the tree, or himself."""
    surveyor = session.get(Surveyor, surveyor_id)
    if surveyor is None:
        raise Missing("no such surveyor")
    if surveyor.id == actor.person_id:
        return surveyor
    if not actor.has(*DESK) or not _in_scope(session, actor, surveyor.org_id):
        raise Missing("no such surveyor")
    return surveyor


def device_seen_by(session: Session, actor: Actor, device_id: int) -> Device:
    """The device of a surveyor the actor sees."""
    device = session.get(Device, device_id)
    if device is None:
        raise Missing("no such device")
    surveyor_seen_by(session, actor, device.surveyor_id)
    return device
