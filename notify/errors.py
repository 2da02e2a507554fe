"""What can go wrong when somebody is to be told, and on the customer's page."""

from core.errors import Conflict, Gone, Missing


class SendFailed(Exception):
    """A driver could not hand a message over. `reason` is a word or two without personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Transient(SendFailed):
    """Worth another try: the provider is away, busy or slow. `retry_after_s` is what it asked for."""

    def __init__(self, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Permanent(SendFailed):
    """Another try would fail the same way: refused by the provider, or an address that cannot be."""


class Unsure(SendFailed):
    """The provider may have taken it and does not know our ids: a repeat could reach the person twice."""


class NoSuchLink(Missing):
    """Nobody has this slug; says nothing about claims."""


class LinkExpired(Gone):
    code = "link_expired"


class AlreadyRated(Conflict):
    code = "already_rated"


class MessageWaiting(Conflict):
    code = "message_waiting"
