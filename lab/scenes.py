"""The simulation's photographs: drawn once a kind and case family, told apart by a comment in the file."""

import random
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from geo.fix import LonLat
from lab import pictures

# Drawing takes a tenth of a second, a demonstration makes thousands a day: so many different cars are drawn.
FAMILIES = 12
SIZE = (1280, 960)


class Scenes:
    """Photographs by task and shot."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def photo(
        self,
        task: Mapping[str, Any],
        shot: str,
        here: LonLat,
        rng: random.Random,
        taken_at: datetime | None = None,
    ) -> bytes:
        """A JPEG of one shot of a task: the family's picture, unique by task and moment, with the camera's time and place."""
        taken_at = taken_at or datetime.now(UTC)
        drawn = pictures.taken(self.drawn(task, shot, taken_at), taken_at, here.lon, here.lat)
        mark = f"{task['id']} {shot} {taken_at.isoformat()} {here.lon:.6f},{here.lat:.6f} {rng.random()}"
        return with_comment(drawn, mark)

    def drawn(self, task: Mapping[str, Any], shot: str, taken_at: datetime) -> bytes:
        """The family's picture of a shot; asked for early it is there at once later."""
        family = int(task["id"]) % FAMILIES + self.seed * FAMILIES
        night = (taken_at.hour + 8) % 24 in (20, 21, 22, 23, 0, 1, 2, 3, 4, 5)
        kind = shot if shot in pictures.KINDS else "other"
        line, cause = str(task.get("line") or "motor"), str(task.get("cause") or "collision")
        return family_picture(kind, family, line, cause, night)


@lru_cache(maxsize=600)
def family_picture(kind: str, family: int, line: str, cause: str, night: bool) -> bytes:
    """One drawn picture; the same car for all shots of a family."""
    moment = datetime(2026, 1, 15, 14 if night else 3, tzinfo=UTC)  # local night or noon
    return pictures.picture(
        kind,
        family,
        plate=f"豫X{10000 + family * 37}",
        vin=f"LDEMO{family:012d}",
        taken_at=moment,
        size=SIZE,
        line=line,
        cause=cause,
    )


def with_comment(jpeg: bytes, words: str) -> bytes:
    """The same picture with a JPEG comment, hence other bytes: each photograph is a file of its own."""
    body = words.encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]
