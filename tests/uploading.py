"""A hand-made tus client for tests: every header is the test's own, nothing is repaired on the way."""

import base64
from dataclasses import dataclass
from typing import Any

from tests import pictures

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


def metadata(**pairs: Any) -> str:
    """An Upload-Metadata header."""
    return ",".join(
        f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in pairs.items()
    )


def creation(data: bytes, task: Any, /, **meta: Any) -> dict[str, str]:
    """The headers of a creation of these bytes for a task."""
    pairs = {"task": task, "sha256": pictures.sha256(data), "shot": "scene", "filename": "IMG.jpg"} | meta
    return TUS | {"Upload-Length": str(len(data)), "Upload-Metadata": metadata(**pairs)}


@dataclass
class Tus:
    """Speaks tus through a test client, below `base`."""

    client: Any
    base: str = "/uploads"

    def create(self, data: bytes, task: Any, /, **meta: Any) -> str:
        """Opens an upload; returns its address."""
        answer = self.client.post(self.base, headers=creation(data, task, **meta))
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def patch(self, where: str, offset: int, body: bytes, **headers: str) -> Any:
        """Sends bytes from an offset."""
        given = (
            TUS
            | {"Upload-Offset": str(offset), "Content-Type": BYTES}
            | {k.replace("_", "-"): v for k, v in headers.items()}
        )
        return self.client.patch(where, data=body, headers=given)

    def head(self, where: str) -> Any:
        """Asks how far it is."""
        return self.client.head(where, headers=TUS)

    def send(self, data: bytes, task: Any, /, *, piece: int = 0, **meta: Any) -> str:
        """Sends a whole photo; returns the Photo-Id."""
        where = self.create(data, task, **meta)
        piece = piece or len(data)
        answer = None
        for start in range(0, len(data), piece):
            answer = self.patch(where, start, data[start : start + piece])
            assert answer.status_code == 204, answer.text
        assert answer is not None
        return str(answer.headers["Photo-Id"])
