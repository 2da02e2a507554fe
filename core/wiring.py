"""The one global we allow: what RQ jobs need, filled once by worker.py (RQ calls by name and injects nothing)."""

from typing import Any

from redis import Redis

from core.database import Sessions
from core.settings import Settings

settings: Settings
sessions: Sessions
redis: Redis
# What the photo jobs write to; typed where it is used, because core may not know a photo store.
storage: Any


def fill(new_settings: Settings, new_sessions: Sessions, new_redis: Redis, new_storage: Any) -> None:
    """Fills the wiring of this process."""
    global settings, sessions, redis, storage
    settings, sessions, redis, storage = new_settings, new_sessions, new_redis, new_storage
