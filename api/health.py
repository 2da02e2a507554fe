"""Is it alive, is it ready, what are its figures."""

import logging
import os
import time
from datetime import timedelta
from functools import cache
from typing import Any

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api import figures, parts
from api.door import Door, public, roles
from core import metrics

log = logging.getLogger(__name__)
bp = Door("health", tag="Health", prefix="")

# A sweeper that has not beaten for this long is not keeping deadlines.
SWEEPER_LATE = timedelta(seconds=10)

CHECKS = """
SELECT (SELECT extract(epoch FROM clock_timestamp() - max(beat_at)) FROM heartbeat WHERE part LIKE 'sweeper%') AS sweeper_age_s,
       (SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM outbox WHERE relayed_at IS NULL) AS outbox_age_s,
       (SELECT count(*) FROM delivery WHERE state = 'parked') AS parked
"""


@bp.get("/livez")
@public
def livez() -> ResponseReturnValue:
    """The process answers."""
    return {"ok": True}


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Database (a must), Redis, sweeper and outbox lag. 503 only when reports could not be taken."""
    state: dict[str, Any] = {"database": "ok", "redis": "ok"}
    try:
        with parts().sessions() as session:
            row = session.execute(text(CHECKS)).one()
    except SQLAlchemyError as error:
        log.error("not ready", extra={"error": type(error).__name__})
        return {"ready": False, "database": "away"}, 503, {"Retry-After": "2"}
    try:
        parts().redis.ping()
    except RedisError:
        state["redis"] = "away"
    late = row.sweeper_age_s is None or row.sweeper_age_s > SWEEPER_LATE.total_seconds()
    state |= {
        "ready": True,
        "sweeper": "late" if late else "ok",
        "outbox_age_s": round(float(row.outbox_age_s or 0), 1),
        "parked": row.parked,
    }
    return state


@bp.get("/metrics")
@roles("admin", "integration")
def prometheus() -> ResponseReturnValue:
    """Prometheus text format: of all processes of this machine when they share a folder, else of this one."""
    with parts().sessions() as session:
        figures.measure(session)
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@cache
def _timing(endpoint: str, status: int) -> Any:
    """The histogram of an endpoint and status: looking it up anew costs as much as filling it."""
    return metrics.REQUESTS.labels(endpoint, status)


def record(endpoint: str, status: int, seconds: float, request_id: str | None) -> None:
    """Times a request by endpoint and status; logs it without its path, which can hold a slug."""
    _timing(endpoint, status).observe(seconds)
    if status >= 500 or seconds > 1:
        facts = {
            "endpoint": endpoint,
            "status": status,
            "ms": round(seconds * 1000),
            "request_id": request_id,
        }
        log.info("request", extra=facts)


def install(app: Flask) -> None:
    """Times every request."""

    @app.after_request
    def measure(answer: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        record(request.endpoint or "none", answer.status_code, seconds, g.get("request_id"))
        return answer
