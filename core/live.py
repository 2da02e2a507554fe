"""The live feed in Redis: a stream of changes and a hash of what is true now. Losing it costs a redraw, no fact."""

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
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
# Two commands a card cost the client five times what all else does, so one script takes many. The shelves before the
# stream: whoever reads of a change finds it there. Redis does nothing else meanwhile, so not too many at once.
CARDS_AT_ONCE = 250
PUBLISH = """
local shelves = {task = KEYS[2], surveyor = KEYS[3]}
for n = 2, #ARGV, 4 do
    local shelf = shelves[ARGV[n]]
    if shelf and ARGV[n + 3] == '1' then
        redis.call('HSET', shelf, ARGV[n + 1], ARGV[n + 2])
    elseif shelf then
        redis.call('HDEL', shelf, ARGV[n + 1])
    end
end
for n = 2, #ARGV, 4 do
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'kind', ARGV[n], 'key', ARGV[n + 1], 'body', ARGV[n + 2])
end
"""


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


def _body(change: Change) -> str:
    return msgspec.json.encode({"org_path": change.org_path, "card": change.card}).decode()


def publish(redis: Redis, changes: Iterable[Change]) -> bool:
    """Tells every viewer. Returns False when Redis is away: the next full refresh heals it."""
    told = [word for c in changes for word in (c.kind, c.key, _body(c), int(c.card is not None))]
    try:
        for start in range(0, len(told), 4 * CARDS_AT_ONCE):
            some = told[start : start + 4 * CARDS_AT_ONCE]
            redis.eval(PUBLISH, 3, STREAM, shelf("task"), shelf("surveyor"), KEPT_EVENTS, *some)
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
                    _body(change),
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
