"""How values look outside: ids as text, times in RFC 3339 UTC, personal data masked."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any


def time(value: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds, or None."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ident(value: int | None) -> str | None:
    """An id as opaque text."""
    return None if value is None else str(value)


def phone(value: str | None) -> str | None:
    """138****1234: what a list may show of a telephone number."""
    if not value:
        return value
    bare = value.removeprefix("+86")
    return bare[:3] + "****" + bare[-4:] if len(bare) >= 9 else "****" + bare[-2:]


def name(value: str | None) -> str | None:
    """张*, 张*三: the first and, from three characters on, the last character of a name."""
    if not value:
        return value
    if len(value) == 1:
        return value
    return value[0] + "*" * max(1, len(value) - 2) + (value[-1] if len(value) > 2 else "")


def plate(value: str | None) -> str | None:
    """京A·**345: province, letter and the last three places."""
    if not value:
        return value
    return value[:2] + "·" + "*" * max(0, len(value) - 5) + value[-3:] if len(value) >= 6 else "***"


def items(
    rows: Sequence[Any], show: Callable[[Any], dict[str, Any]], limit: int, *, key: str = "id"
) -> dict[str, Any]:
    """A list answer: the items, and the cursor of the next page when there may be one."""
    shown = [show(row) for row in rows]
    return {"items": shown, "next": shown[-1][key] if len(shown) == limit and shown else None}
