"""Whether anything is in motion: one look in place of a whole round of an idle night."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from claims.states import TaskState

# A job that waits for somebody or is on its way to the scene. Reports in review move by people's own hands.
MOVING = (
    TaskState.PENDING, TaskState.OFFERED, TaskState.UNASSIGNED, TaskState.ACCEPTED, TaskState.CONTACTED, TaskState.EN_ROUTE,
    TaskState.ON_SCENE,
)  # fmt: skip

IN_MOTION = """
SELECT EXISTS (SELECT FROM task WHERE state = ANY(:moving))
    OR EXISTS (SELECT FROM offer WHERE state = 'open')
    OR EXISTS (SELECT FROM escalation WHERE state = 'waiting' AND due_at <= clock_timestamp())
"""


def in_motion(session: Session) -> bool:
    """Whether a job moves, an offer is open or a rung of a ladder is due."""
    found = session.execute(text(IN_MOTION), {"moving": [str(state) for state in MOVING]})
    return bool(found.scalar_one())
