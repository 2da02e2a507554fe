"""The tracker apps' payloads with a present time in them."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "protocols"


def payload(name: str, at: datetime, tracker_id: str = "") -> bytes:
    """A payload as the app sends it at a time, to whole seconds; the last spelling is two seconds later, in +0800."""
    at = at.replace(microsecond=0).astimezone(UTC)
    later = (at + timedelta(seconds=2)).astimezone(timezone(timedelta(hours=8)))
    words = {
        "now": str(int(at.timestamp())),
        "now_ms": str(int(at.timestamp()) * 1000),
        "now_iso": at.strftime("%Y-%m-%dT%H:%M:%S.862Z"),
        "now_z": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "now_offset": later.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "hour_ago": (at - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "id": tracker_id,
    }
    text = (FOLDER / name).read_text(encoding="utf-8").rstrip("\n")
    for word, value in words.items():
        text = text.replace("{{" + word + "}}", value)
    return text.encode()
