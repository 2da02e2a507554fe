"""The lifecycles of a claim and of its survey task: a table each, moved by one function each."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from claims import errors
from claims.models import Claim, Task


class ClaimState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    SURVEYING = "surveying"
    ASSESSING = "assessing"
    APPROVED = "approved"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"


class TaskState(StrEnum):
    """Where a survey job stands. `unassigned` is the dispatcher's queue, `returned` waits for a retake."""

    PENDING = "pending"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    CONTACTED = "contacted"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    UNASSIGNED = "unassigned"
    CANCELLED = "cancelled"


C, T = ClaimState, TaskState

CLAIM: Mapping[ClaimState, frozenset[ClaimState]] = {
    C.OPEN: frozenset({C.SURVEYING, C.WITHDRAWN}),
    C.SURVEYING: frozenset({C.ASSESSING, C.WITHDRAWN}),
    C.ASSESSING: frozenset({C.APPROVED, C.SURVEYING, C.WITHDRAWN}),
    C.APPROVED: frozenset({C.CLOSED, C.REOPENED}),
    C.CLOSED: frozenset({C.REOPENED}),
    C.REOPENED: frozenset({C.SURVEYING, C.ASSESSING, C.APPROVED, C.WITHDRAWN}),
    C.WITHDRAWN: frozenset({C.REOPENED}),
}

# From anywhere before the report is in, the job may go back to the pool or to another person.
_GIVEN_UP = {T.PENDING, T.ACCEPTED, T.CANCELLED}

TASK: Mapping[TaskState, frozenset[TaskState]] = {
    T.PENDING: frozenset({T.OFFERED, T.UNASSIGNED, T.ACCEPTED, T.CANCELLED}),
    T.OFFERED: frozenset({T.ACCEPTED, T.PENDING, T.UNASSIGNED, T.CANCELLED}),
    T.UNASSIGNED: frozenset({T.PENDING, T.OFFERED, T.ACCEPTED, T.CANCELLED}),
    T.ACCEPTED: frozenset({T.CONTACTED, T.EN_ROUTE, T.ON_SCENE, *_GIVEN_UP}),
    T.CONTACTED: frozenset({T.EN_ROUTE, T.ON_SCENE, *_GIVEN_UP}),
    T.EN_ROUTE: frozenset({T.ON_SCENE, *_GIVEN_UP}),
    T.ON_SCENE: frozenset({T.SUBMITTED, *_GIVEN_UP}),
    T.SUBMITTED: frozenset({T.APPROVED, T.RETURNED, T.CANCELLED}),
    T.RETURNED: frozenset({T.SUBMITTED, T.APPROVED, *_GIVEN_UP}),
    T.APPROVED: frozenset(),
    T.CANCELLED: frozenset(),
}

# Somebody holds the job and has not handed in his report.
HELD = frozenset({T.ACCEPTED, T.CONTACTED, T.EN_ROUTE, T.ON_SCENE, T.RETURNED})
SETTLED = frozenset({T.APPROVED, T.CANCELLED})


def next_task(now: str, to: TaskState) -> TaskState:
    """`to`, when a task that is `now` may become it. Raises errors.TaskState."""
    if to not in TASK[TaskState(now)]:
        raise errors.TaskState(f"a task that is {now} cannot become {to}", state=str(now), wanted=str(to))
    return to


def next_claim(now: str, to: ClaimState) -> ClaimState:
    """`to`, when a claim that is `now` may become it. Raises errors.ClaimState."""
    if to not in CLAIM[ClaimState(now)]:
        raise errors.ClaimState(f"a claim that is {now} cannot become {to}", state=str(now), wanted=str(to))
    return to


def move_task(task: Task, to: TaskState, at: datetime) -> None:
    """Moves the task. The caller holds its row lock. Raises errors.TaskState."""
    task.state = str(next_task(task.state, to))
    task.state_since = at
    if to is not T.UNASSIGNED:
        task.unassigned_reason = None
    if to not in (T.PENDING, T.UNASSIGNED):
        task.next_try_at = None


def move_claim(claim: Claim, to: ClaimState, at: datetime) -> None:
    """Moves the claim; saying where it already stands is harmless. Raises errors.ClaimState."""
    if claim.state == to:
        return
    claim.state = str(next_claim(claim.state, to))
    if to in (C.APPROVED, C.WITHDRAWN):
        claim.closed_at = at
