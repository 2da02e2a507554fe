"""RQ: the wake-up for work that already is a row. One queue a worker process, JSON only, no deadlines."""

import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from core import outbox, wiring

log = logging.getLogger(__name__)


class Work(StrEnum):
    """Queues in order of human urgency: a thumbnail never waits in front of an offer."""

    OFFERS = "offers"
    MESSAGES = "messages"
    PHOTOS = "photos"
    CHORES = "chores"


# What RQ does for a job costs more than a delivery or a message does itself: a burst's share a job. Few enough to end
# within a delivery's lease. A photo takes a second and comes alone.
TOGETHER = {Work.OFFERS: 20, Work.MESSAGES: 20}


class Wake(NamedTuple):
    """What a listener may leave behind: the ids of rows, and the dotted name of the job that takes a list of them."""

    queue: Work
    name: str
    idents: Sequence[int]


def connect(url: str, *, timeout_s: float = 0.2) -> Redis:
    """Connects with short time-outs and no retries: a slow Redis must not slow a request (R-04)."""
    return Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )


def enqueue(redis: Redis, work: str, name: str, *args: Any, timeout_s: int = 120) -> bool:
    """Wakes a worker for a row. Returns False when Redis is away; the sweeper comes back to the row."""
    try:
        Queue(work, connection=redis, serializer=JSONSerializer).enqueue(
            name, *args, result_ttl=0, failure_ttl=3600, ttl=600, job_timeout=timeout_s
        )
    except RedisError:
        return False
    return True


def shares(work: str, idents: Sequence[int]) -> Iterator[list[int]]:
    """The ids in the order given, as many together as one job of that queue takes."""
    most = TOGETHER.get(Work(work), 1)
    for at in range(0, len(idents), most):
        yield list(idents[at : at + most])


def run_deliveries(delivery_ids: list[int]) -> None:
    """The RQ job of outbox deliveries. What their listeners leave behind goes on together, too."""
    left: dict[tuple[Work, str], list[int]] = {}
    for wake in outbox.deliver(wiring.sessions, delivery_ids, call):
        if wake is not None:
            left.setdefault((wake.queue, wake.name), []).extend(wake.idents)
    for (work, name), idents in left.items():
        for share in shares(work, idents):
            # Only a wake-up: the sweeper finds the rows by itself when Redis is away.
            enqueue(wiring.redis, work, name, share)


def run_delivery(delivery_id: int) -> None:
    """One delivery: jobs queued by the release before bear this name."""
    run_deliveries([delivery_id])


def call(name: str, payload: dict[str, Any]) -> Wake | None:
    """Calls a listener by its dotted name."""
    left: Wake | None = resolve(name)(payload)
    return left


def resolve(name: str) -> Callable[..., Any]:
    """The function a dotted name stands for."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def work(url: str, name: Work) -> None:
    """Runs one worker process on one queue until it is told to stop."""
    # A worker blocks on its queue for minutes: it needs a patient connection, not the request path's.
    connection = Redis.from_url(url, socket_connect_timeout=2)
    queue = Queue(name, connection=connection, serializer=JSONSerializer)
    # No fork a job: hostile photos are decoded in a limited process of their own (media/sandbox.py), which this one keeps.
    SimpleWorker(
        [queue], connection=connection, serializer=JSONSerializer, worker_ttl=40, maintenance_interval=20
    ).work(logging_level="WARNING")
