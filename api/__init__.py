"""The door: who asks, what for. Builds the Flask application from its parts."""

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flask import current_app
from redis import Redis
from sqlalchemy import Engine

from core.database import Sessions
from core.settings import Settings

if TYPE_CHECKING:
    from flask_openapi import OpenAPI

    from dispatch.coverage_map import Atlas
    from geo.eta import Engine as DriveTimes

# Each module offers `bp`. The order is the order of the documentation.
MODULES = (
    "session", "staff", "claims", "board", "offers", "assignments", "pings", "protocols.owntracks", "protocols.traccar",
    "protocols.overland", "surveyors", "tracks", "phones", "nearest", "able", "roads", "planning", "catastrophes", "areas",
    "map", "uploads", "photos", "review", "messages", "settings", "lab", "reports", "customer", "live", "bell", "playback",
    "preferences", "health", "system", "pages",
)  # fmt: skip

# The documentation of the API is no secret; its pages come from flask-openapi and carry no mark of ours.
DOCUMENTATION = re.compile(r"^/api/($|v1/openapi.json$|swagger|static/|oauth2-redirect)")


# The stream process is a module of this room too, and needs neither matching nor roads: half of what it would load.
def _no_roads() -> "DriveTimes":
    from geo.eta import Engine

    return Engine()


def _no_atlas() -> "Atlas":
    from dispatch.coverage_map import Atlas

    return Atlas()


@dataclass(frozen=True)
class Parts:
    """What the application is built from; nothing is made on import."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    redis: Redis
    storage: Any
    drive_times: "DriveTimes" = field(default_factory=_no_roads)
    atlas: "Atlas" = field(default_factory=_no_atlas)


def parts() -> Parts:
    """The parts of the running application."""
    return current_app.extensions["chakan"]  # type: ignore[no-any-return]


def create_app(built_from: Parts) -> "OpenAPI":
    """Plugs the blueprints together. Raises RuntimeError when a view forgot to say who may enter."""
    from flask_openapi import OpenAPI
    from flask_openapi.models.schema import Schema
    from werkzeug.middleware.proxy_fix import ProxyFix

    from api import auth, errors, health, idempotency
    from api.door import Problem

    app = OpenAPI(
        "chakan",
        info={"title": "Chakan 查勘", "version": "1", "description": "Field survey and loss assessment."},
        security_schemes={
            "bearer": {"type": "http", "scheme": "bearer"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": auth.COOKIE},
        },
        validation_error_callback=errors.invalid_fields,
        doc_prefix="/api",
        doc_url="/v1/openapi.json",
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = 4 * 1024 * 1024  # uploads stream past it (api/uploads.py)
    app.config["MAX_FORM_MEMORY_SIZE"] = 64 * 1024
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["chakan"] = built_from
    if built_from.settings.trusted_proxies:
        hops = built_from.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    auth.install(app)
    idempotency.install(app)
    health.install(app)
    errors.install(app)
    app.components_schemas["Problem"] = Schema(**Problem.model_json_schema())
    for name in MODULES:
        app.register_api(import_module(f"api.{name}").bp)
    addresses: set[tuple[str, str]] = set()
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            # Of two views at one address the first would answer and the second never be heard of.
            if (rule.rule, method) in addresses and method != "OPTIONS":
                raise RuntimeError(f"two views answer {method} {rule.rule}")
            addresses.add((rule.rule, method))
        view = app.view_functions[rule.endpoint]
        if DOCUMENTATION.match(rule.rule):
            mark: Any = getattr(view, "__func__", view)
            mark.is_public = True
        elif not (hasattr(view, "allowed") or hasattr(view, "is_public")):
            raise RuntimeError(f"{rule} does not say who may enter")
    return app
