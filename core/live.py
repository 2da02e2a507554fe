"""The live feed in Redis: a stream of changes and a hash of what is true now. Losing it costs a redraw, no fact."""

import json
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from redis import Redis, RedisError

from core import bell

log = logging.getLogger(__name__)

Kind = Literal["surveyor", "task", "clock"]
STREAM = "chakan:live"
# What viewers look at, told to whichever stream process holds them.
VIEWS = "chakan:live:views"
# The kind of the entry that says: a shelf was laid anew, compare.
REDRAWN = "redrawn"
# In the order in which they are laid anew.
SHELVES: tuple[Kind, ...] = ("task", "surveyor")
EPOCH = "chakan:live:epoch"
AUTH_EPOCH = "chakan:auth:epoch"
SSE_HEADERS = [
    ("Content-Type", "text/event-stream; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Accel-Buffering", "no"),
    ("X-Content-Type-Options", "nosniff"),
]
# About ten minutes of a busy national desk; a reader that was away longer gets a fresh snapshot.
KEPT_EVENTS = 20_000
KEPT_VIEWS = 1000


@dataclass(frozen=True)
class Change:
    """One card that changed, seen by viewers whose scope is a prefix of `org_path`. `card` None = gone."""

    kind: Kind
    key: str
    org_path: str
    card: dict[str, Any] | None


def shelf(kind: str) -> str:
    """The hash that holds the newest card of everything of a kind."""
    return f"chakan:live:{kind}"


def publish(redis: Redis, changes: Iterable[Change]) -> bool:
    """Tells every viewer. Returns False when Redis is away: the next full refresh heals it."""
    try:
        with redis.pipeline(transaction=False) as pipe:
            told = [
                (c, json.dumps({"org_path": c.org_path, "card": c.card}, ensure_ascii=False)) for c in changes
            ]
            # The shelves before the stream, and each in one command: a command of its own for a card is half of its cost.
            for kind in SHELVES:
                newest = {c.key: None if c.card is None else body for c, body in told if c.kind == kind}
                laid: Any = {key: body for key, body in newest.items() if body is not None}
                if laid:
                    pipe.hset(shelf(kind), mapping=laid)
                if len(laid) < len(newest):
                    pipe.hdel(shelf(kind), *(key for key, body in newest.items() if body is None))
            for change, body in told:
                pipe.xadd(
                    STREAM,
                    {"kind": change.kind, "key": change.key, "body": body},
                    maxlen=KEPT_EVENTS,
                    approximate=True,
                )
            pipe.execute()
    except RedisError as error:
        log.warning("live feed unreachable", extra={"error": type(error).__name__})
        return False
    return True


def refresh(redis: Redis, kind: Kind, cards: Iterable[Change]) -> bool:
    """Replaces everything of a kind at once, as after Redis was emptied."""
    try:
        with redis.pipeline(transaction=True) as pipe:
            pipe.delete(shelf(kind))
            for change in cards:
                pipe.hset(
                    shelf(kind),
                    change.key,
                    json.dumps({"org_path": change.org_path, "card": change.card}, ensure_ascii=False),
                )
            if kind == SHELVES[-1]:
                # A new word after Redis was emptied: whoever was not looking just then notices by it, and finds all shelves full.
                pipe.set(EPOCH, secrets.token_hex(4), nx=True)
            told: Any = {"kind": REDRAWN, "key": kind, "body": "{}"}
            pipe.xadd(STREAM, told, maxlen=KEPT_EVENTS, approximate=True)
            pipe.execute()
    except RedisError as error:
        log.warning("live feed unreachable", extra={"error": type(error).__name__})
        return False
    return True


def healthy(redis: Redis) -> bool:
    """Whether the feed holds a full picture: False after Redis was emptied or while it is away."""
    try:
        return bool(redis.exists(EPOCH))
    except RedisError:
        return False


def look(redis: Redis, stream: str, box: tuple[float, float, float, float]) -> bool:
    """Turns an open stream to another part of the map. Returns False when Redis is away."""
    try:
        told: Any = {"key": stream, "box": ",".join(f"{side:.5f}" for side in box)}
        redis.xadd(VIEWS, told, maxlen=KEPT_VIEWS, approximate=True)
    except RedisError as error:
        log.warning("live feed unreachable", extra={"error": type(error).__name__})
        return False
    return True


def doubt_access(redis: Redis, person_id: int | None = None) -> None:
    """Makes every open stream ask again what its viewer may see (sign-out, role change, revocation).

    `person_id`: whose access it is about, so that of a thousand phones that listen only his ask; None is everybody's.
    """
    bell.doubt(redis, person_id)
    try:
        redis.incr(AUTH_EPOCH)
    except RedisError as error:
        # Streams also ask by themselves every few seconds while Redis is away, so nobody keeps access.
        log.warning("live feed unreachable", extra={"error": type(error).__name__})
