"""One frozen `Settings`, read once from the environment, naming every missing key."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from core.errors import BadSettings


@dataclass(frozen=True)
class Settings:
    """Everything a process must be told. Each field is read from `CHAKAN_<NAME>`; see docs/settings.md."""

    database_url: str
    redis_url: str
    secret_key: str = field(repr=False)
    data: Path
    public_url: str = "http://127.0.0.1:8000"
    api_url: str = ""
    live_url: str = ""
    demo: bool = False
    roads: str = ""
    pool_size: int = 24
    trusted_proxies: int = 0
    secure_cookies: bool = False
    max_upload_bytes: int = 20 * 1024 * 1024
    sms_driver: str = "outbox"
    sms_gateway_url: str = ""
    sms_gateway_token: str = field(default="", repr=False)
    sms_gateway_knows_ids: bool = True
    mail_driver: str = "outbox"
    mail_smtp: str = field(default="", repr=False)
    mail_from: str = "chakan@localhost"
    chat_urls: str = field(default="", repr=False)
    webhook_hosts: str = ""
    tianditu_key: str = field(default="", repr=False)
    amap_key: str = field(default="", repr=False)
    amap_url: str = "https://restapi.amap.com"
    routing: str = ""
    osrm_url: str = ""
    valhalla_url: str = ""
    amap_tiles: str = ""

    @property
    def internal_api_url(self) -> str:
        """Where the stream process asks what a viewer may see."""
        return self.api_url or self.public_url

    @property
    def photos(self) -> Path:
        """The folder of the local photo store."""
        return self.data / "photos"

    @property
    def uploads(self) -> Path:
        """The folder of unfinished uploads; on the volume of the photo store, so that a finished one is only linked."""
        return self.data / "uploads"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Reads the environment. Raises BadSettings naming every missing or unreadable key."""
        hints = get_type_hints(cls)
        wanted = {f.name: f for f in fields(cls)}
        given = {n: env[key(n)] for n in wanted if env.get(key(n), "") != ""}
        missing = [n for n, f in wanted.items() if n not in given and f.default is MISSING]
        if missing:
            raise BadSettings("set " + ", ".join(key(n) for n in missing))
        # Behind TLS nobody should have to remember it: started one by one, the processes were told by nobody.
        if given.get("public_url", "").lower().startswith("https://"):
            given.setdefault("secure_cookies", "1")
        return cls(**{n: parse(n, hints[n], text) for n, text in given.items()})


def key(name: str) -> str:
    """The environment variable of a field."""
    return f"CHAKAN_{name.upper()}"


def parse(name: str, kind: type, text: str) -> Any:
    """Turns the text of a variable into the field's type."""
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                text.lower()
            ]
        return kind(text)
    except (KeyError, ValueError) as error:
        raise BadSettings(f"{key(name)} is not a {kind.__name__}") from error
