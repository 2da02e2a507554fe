"""One tree of errors. Each knows a permanent public `code` and a `kind`; only the door turns kinds into statuses."""

from typing import Any, Literal

Kind = Literal[
    "malformed", "unsigned", "denied", "missing", "conflict", "gone", "too_large",
    "wrong_type", "invalid", "too_many", "busy", "full",
]  # fmt: skip


class ChakanError(Exception):
    """Any refusal a caller may see. `detail` is safe to show; `facts` are machine readable; `errors` name fields."""

    code = "error"
    kind: Kind = "invalid"

    def __init__(self, detail: str = "", *, errors: list[dict[str, str]] | None = None, **facts: Any) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.facts = facts
        self.errors = errors or []


class Invalid(ChakanError):
    code, kind = "invalid", "invalid"

    @classmethod
    def field(cls, path: str, message: str) -> "Invalid":
        """Names the one field that is wrong."""
        return cls(f"{path}: {message}", errors=[{"path": path, "message": message}])


class Missing(ChakanError):
    code, kind = "not_found", "missing"


class Denied(ChakanError):
    code, kind = "denied", "denied"


class Unsigned(ChakanError):
    code, kind = "unsigned", "unsigned"


class Conflict(ChakanError):
    code, kind = "conflict", "conflict"


class Gone(ChakanError):
    code, kind = "gone", "gone"


class TooMany(ChakanError):
    """Carries `retry_after_s` in its facts."""

    code, kind = "too_many", "too_many"


class Busy(ChakanError):
    """A part is away for the moment; carries `retry_after_s` in its facts."""

    code, kind = "busy", "busy"


class BadSettings(Exception):
    """The process cannot start: a setting is missing or wrong."""
