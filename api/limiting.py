"""How often a stranger may ask: counted in Redis, or in this process while Redis is away."""

import hashlib

from flask import current_app
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis import RedisError

from api import parts
from core.errors import TooMany

SHARED, OWN = "chakan.limits", "chakan.limits.own"


def hold(name: str, times: int, per_s: int, *who: str) -> None:
    """Counts one more `name` by `who`. Raises TooMany beyond `times` within `per_s` seconds."""
    item = RateLimitItemPerSecond(times, per_s)
    # Addresses and slugs are personal or secret: Redis gets their digest.
    key = hashlib.sha256("\n".join(who).encode()).hexdigest()[:32]
    try:
        fine = FixedWindowRateLimiter(_shared()).hit(item, name, key)
    except RedisError:
        # Redis may vanish at any moment; each process then counts for itself.
        fine = FixedWindowRateLimiter(_own()).hit(item, name, key)
    if not fine:
        raise TooMany("too many requests; try again later", retry_after_s=per_s)


def _shared() -> Storage:
    known = current_app.extensions
    if SHARED not in known:
        pool = parts().redis.connection_pool
        known[SHARED] = RedisStorage("redis://", connection_pool=pool, key_prefix="chakan:limit")
    return known[SHARED]  # type: ignore[no-any-return]


def _own() -> Storage:
    return current_app.extensions.setdefault(OWN, MemoryStorage())  # type: ignore[no-any-return]
