"""Settings → the applications that the servers serve."""

import gc
import os
from collections.abc import Mapping
from typing import Any

from api import Parts, create_app
from core import database, logs, parent, queues
from core.settings import Settings

# Objects that hold others and were made but not let go before the collector looks; then so many looks of each kind.
COLLECT_AFTER = (50_000, 20, 20)


def build(env: Mapping[str, str]) -> Any:
    """The API as a WSGI application, built pages and static files included."""
    from whitenoise import WhiteNoise

    from api.pages import DIST, SAFE_HEADERS
    from geo.eta import Engine as DriveTimes
    from media.storage import LocalStorage

    settings = Settings.from_env(env)
    engine = database.connect(settings.database_url, pool_size=settings.pool_size, name="chakan-api")
    app = create_app(
        Parts(
            settings,
            engine,
            database.sessions(engine),
            queues.connect(settings.redis_url),
            LocalStorage(settings.photos),
            DriveTimes.from_settings(settings),
        )
    )

    door = open_short_door(app)

    def safe(headers: Any, path: str, url: str) -> None:
        for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
            headers[name] = SAFE_HEADERS[name]
        if url == "/sw.js":
            headers["Cache-Control"] = "no-cache"
            headers["Service-Worker-Allowed"] = "/"

    served = WhiteNoise(
        app,
        root=DIST,
        index_file=False,
        add_headers_function=safe,
        immutable_file_test=r"^/assets/",
        max_age=0,
    )
    served.flask, served.short_door = app, door
    return served


def open_short_door(app: Any) -> Any:
    """Puts the short way for positions in front of an application, and patience with bodies in front of that; returns it.

    Its threads begin with the first ping.
    """
    from api.dots import Dots
    from api.patience import Patience
    from api.short_door import ShortDoor
    from dispatch.delivery_queries import offers_waiting
    from geo.group import Group

    parts: Parts = app.extensions["chakan"]
    dots = Dots(parts.sessions, parts.redis)
    group = Group(parts.engine, news=offers_waiting, moved=dots.moved)
    door = ShortDoor(app.wsgi_app, parts.sessions, group)
    door.patience = app.wsgi_app = Patience(door)
    return door


def api() -> Any:
    """The factory Granian calls."""
    from api import later

    parent.end_with_server()
    logs.set_up()
    later.install()
    application = build(os.environ)
    # What was imported and built lives as long as the process: looked through again and again by the collector, it kept
    # every request waiting, and young things that die by themselves were looked at seven batches of positions apart.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    application.short_door.begin()
    return application


def live() -> Any:
    """The factory gunicorn calls for the stream process."""
    from redis import Redis

    from api.stream import Stream

    # gunicorn forks its workers, and each looks once a second whether its master is still there.
    logs.set_up()
    settings = Settings.from_env(os.environ)
    # Blocks a second in XREAD, so it needs more patience than the request path's connection.
    redis = Redis.from_url(
        settings.redis_url, decode_responses=True, socket_connect_timeout=1, socket_timeout=5
    )
    return Stream(settings, redis)
