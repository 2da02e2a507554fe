"""One translation from errors to RFC 9457 answers. Never a stack trace, never driver text."""

import logging
from typing import Any

from flask import Flask, Response, g, json, make_response, request
from pydantic import ValidationError
from redis import RedisError
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException

from core.errors import ChakanError, Kind

log = logging.getLogger(__name__)

STATUS: dict[Kind, int] = {
    "malformed": 400, "unsigned": 401, "denied": 403, "missing": 404, "conflict": 409, "gone": 410, "too_large": 413,
    "wrong_type": 415, "invalid": 422, "too_many": 429, "busy": 503, "full": 507,
}  # fmt: skip
TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 410: "Gone", 413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content",
    429: "Too Many Requests", 460: "Checksum Mismatch", 500: "Internal Server Error", 503: "Service Unavailable",
    507: "Insufficient Storage",
}  # fmt: skip
CODES = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "wrong_type",
    429: "too_many",
}


def problem_parts(
    status: int, code: str, detail: str, facts: dict[str, Any], errors: list[dict[str, str]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and the headers of an application/problem+json answer, for a door with or without Flask."""
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
        "facts": facts,
        "errors": errors,
    }
    headers = {"Content-Type": "application/problem+json"}
    if status in (429, 503):
        headers["Retry-After"] = str(facts.get("retry_after_s", 2))
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="chakan"'
    return body, headers


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    facts: dict[str, Any] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """An application/problem+json answer; `retry_after_s` in the facts becomes Retry-After."""
    body, headers = problem_parts(status, code, detail, facts or {}, errors or [])
    answer = make_response(json.dumps(body), status)
    answer.headers.update(headers)
    return answer


def field_errors(error: ValidationError) -> list[dict[str, str]]:
    """Names each wrong field. The refused value itself is not repeated: it may be somebody's phone."""
    return [
        {"path": ".".join(str(part) for part in e["loc"]) or "body", "message": e["msg"]}
        for e in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def invalid_fields(error: ValidationError) -> Response:
    """The answer to a body or query that does not fit its model; 400 when it was not JSON at all."""
    errors = field_errors(error)
    if any(e["type"] == "json_invalid" for e in error.errors(include_url=False, include_input=False)):
        return problem(400, "malformed", "the body is not JSON", errors=errors)
    return problem(
        422, "invalid", "; ".join(f"{e['path']}: {e['message']}" for e in errors[:3]), errors=errors
    )


def refuse_broken_json() -> Response | None:
    """400 for a body that says it is JSON and is not: the validation behind would call it an empty one.

    The trackers' addresses read their bodies themselves: an app that is refused sends the same for ever.
    """
    if request.mimetype != "application/json" or request.path.startswith(
        ("/api/v1/ingest/", "/api/v1/positions")
    ):
        return None
    if not request.get_data(cache=True):
        return None
    try:
        json.loads(request.get_data(cache=True))
    except (ValueError, RecursionError):
        return problem(400, "malformed", "the body is not JSON")
    return None


def by_a_person() -> bool:
    """Whether somebody typed an address into a browser; programs ask for JSON, and everything under /api is theirs."""
    return (
        request.method == "GET"
        and not request.path.startswith(("/api", "/assets"))
        and request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"
    )


def install(app: Flask) -> None:
    """Registers the handlers."""
    from api import pages  # its door is built on this module

    app.before_request(refuse_broken_json)

    @app.errorhandler(ChakanError)
    def ours(error: ChakanError) -> Response:
        return problem(STATUS[error.kind], error.code, error.detail, facts=error.facts, errors=error.errors)

    @app.errorhandler(HTTPException)
    def werkzeugs(error: HTTPException) -> Response:
        status = error.code or 500
        if status == 404 and by_a_person():
            return pages.lost(request.path)
        answer = problem(status, CODES.get(status, "http_error"), error.description or "")
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(ValidationError)
    def pydantics(error: ValidationError) -> Response:
        return invalid_fields(error)

    @app.errorhandler(OperationalError)
    @app.errorhandler(TimeoutError)
    @app.errorhandler(RedisError)
    def away(error: Exception) -> Response:
        log.error("a part is away", extra={"error": type(error).__name__, "request_id": g.get("request_id")})
        return problem(503, "busy", "a part of the system is away; try again", facts={"retry_after_s": 2})

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        # The text of a driver error can hold a row's values: log its kind and place, not its words.
        if isinstance(error, DBAPIError):
            log.error(
                "database error",
                extra={"error": type(error.orig).__name__, "sqlstate": getattr(error.orig, "pgcode", None)},
                exc_info=error if app.debug else None,
            )
        else:
            log.exception("unforeseen error", extra={"request_id": g.get("request_id")})
        return problem(
            500,
            "internal",
            "something went wrong; it has been recorded",
            facts={"request_id": g.get("request_id")},
        )
