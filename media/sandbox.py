"""The handle on the decoder process: started on first use, asked one photo at a time, replaced when it dies."""

import atexit
import functools
import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from media.decoder import WALL_S

START_S = 20
HOME = Path(__file__).resolve().parent.parent


class DecoderDied(Exception):
    """The decoder process itself ended or fell silent; the photo may be tried again."""


class Decoder:
    """One decoder process. Its environment holds no secret: a photo that takes it over finds none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def make(self, source: Path, out: Path) -> dict[str, Any]:
        """Makes the copies of a photo in `out`: `{"ok": {...}}` or `{"failed": reason, "final": bool}`. Raises DecoderDied."""
        with self._lock:
            process = self._running()
            try:
                return self._ask(process, {"source": str(source), "out": str(out)})
            except (OSError, ValueError) as error:
                self._end()
                raise DecoderDied(type(error).__name__) from error

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "media.decoder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=HOME,
                env={
                    "PATH": os.defpath,
                    "LANG": "C.UTF-8",
                    "PYTHONPATH": str(HOME),
                    "OPENBLAS_NUM_THREADS": "1",
                },
                start_new_session=True,
            )
        return self._process

    def _ask(self, process: "subprocess.Popen[bytes]", asked: dict[str, str]) -> dict[str, Any]:
        if process.stdin is None or process.stdout is None:
            raise OSError("the decoder has no pipes")
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], START_S + WALL_S)
        if not ready:
            raise OSError("the decoder is silent")
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # what was still to be written had no reader any more


@functools.cache
def shared() -> Decoder:
    """The decoder of this worker process."""
    decoder = Decoder()
    atexit.register(decoder.close)
    return decoder
