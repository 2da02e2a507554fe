"""The tree of organisations; a scope is a prefix of its path."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.errors import Invalid
from staff.errors import NameTaken
from staff.models import Organisation

KINDS = ("head", "branch", "sub_branch", "firm")


def add(session: Session, parent: Organisation | None, kind: str, code: str, name: str) -> Organisation:
    """Adds a node below `parent` (None makes a root). Raises Invalid for an unknown kind, NameTaken for a used code."""
    if kind not in KINDS:
        raise Invalid.field("kind", "one of " + ", ".join(KINDS))
    if session.scalar(select(Organisation.id).where(Organisation.code == code)) is not None:
        raise NameTaken("that code is taken", code=code)
    new_id = session.execute(text("SELECT chakan_id()")).scalar_one()
    path = f"{parent.path if parent else '/'}{new_id}/"
    node = Organisation(
        id=new_id, parent_id=parent.id if parent else None, kind=kind, code=code, name=name, path=path
    )
    session.add(node)
    session.flush()
    return node


def path_of(session: Session, org_id: int) -> str:
    """The path of an organisation."""
    return session.execute(select(Organisation.path).where(Organisation.id == org_id)).scalar_one()


def locked_path(session: Session, org_id: int) -> str:
    """The path of an organisation, its row locked: whoever else asks this way waits."""
    return session.execute(
        select(Organisation.path).where(Organisation.id == org_id).with_for_update(key_share=True)
    ).scalar_one()


def ancestors(path: str) -> list[int]:
    """Ids from the root down to the node itself."""
    return [int(part) for part in path.strip("/").split("/")]
