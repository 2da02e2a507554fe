"""What can go wrong with a claim."""

from core.errors import Conflict, Invalid


class TaskState(Conflict):
    """The survey job is in a state that does not lead there. Facts: `state`, `wanted`."""

    code = "task_state"


class ClaimState(Conflict):
    """The case is in a state that does not lead there. Facts: `state`, `wanted`."""

    code = "claim_state"


class ExternalNoTaken(Conflict):
    """Another claim of this organisation already carries that number. Facts: `claim_id`, `report_no`."""

    code = "external_no_taken"


class FromTheFuture(Invalid):
    """A time lies more than a minute ahead of the database's clock."""

    code = "from_the_future"


class VersionMoved(Conflict):
    """Somebody else changed the claim since it was read. Facts: `version`."""

    code = "version_moved"
