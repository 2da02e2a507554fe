"""The bell in Redis: «something of yours changed, look again». It carries no content; losing it costs a poll's wait."""

import logging
from collections.abc import Iterable
from typing import Any, NamedTuple

from redis import Redis, RedisError

log = logging.getLogger(__name__)

STREAM = "chakan:bell"
# In place of a person: everybody's access is in doubt.
EVERYBODY = "*"
# Not a ring to pass on: whoever listens as this person must show again that he may.
ACCESS = "access"
# Rings of some minutes of a busy national desk; whoever was away longer looks at everything.
KEPT_RINGS = 5_000


class Ring(NamedTuple):
    """Whose phone is to look again, at what kind of thing (offer, job, photo, shift, move, catastrophe), and its id."""

    surveyor_id: int
    what: str
    ident: str


def ring(redis: Redis, rings: Iterable[Ring]) -> bool:
    """Rings phones. Returns False when Redis is away: the phones ask by themselves meanwhile."""
    return _tell(redis, [(str(one.surveyor_id), one.what, one.ident) for one in rings])


def doubt(redis: Redis, person_id: int | None) -> bool:
    """Makes the bells of a person, or everybody's, ask again whether they may listen. Returns False when Redis is away."""
    return _tell(redis, [(EVERYBODY if person_id is None else str(person_id), ACCESS, "")])


def _tell(redis: Redis, told: list[tuple[str, str, str]]) -> bool:
    if not told:
        return True
    try:
        with redis.pipeline(transaction=False) as pipe:
            for who, what, ident in told:
                entry: Any = {"who": who, "what": what, "id": ident}
                pipe.xadd(STREAM, entry, maxlen=KEPT_RINGS, approximate=True)
            pipe.execute()
    except RedisError as error:
        log.warning("bell unreachable", extra={"error": type(error).__name__})
        return False
    return True
