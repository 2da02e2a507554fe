"""The process that decodes photos: started bare, without secrets or connections, forking one limited child a photo.

`python -m media.decoder` reads one JSON line a photo from stdin and answers one line. It ends when stdin closes.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from core import parent

CPU_S = 5
WALL_S = 20
# Beyond what the bare process maps already: 50 million pixels in four channels, twice, and room to shrink them.
MEMORY_BYTES = 512 * 1024 * 1024
FILE_BYTES = 32 * 1024 * 1024
OPEN_FILES = 64
ANSWER_BYTES = 256 * 1024


def main() -> None:
    """Answers until stdin ends, also in the middle of a photo: whoever asked is gone then."""
    warm_up()
    base_bytes = mapped_bytes()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        answer = decode(Path(asked["source"]), Path(asked["out"]), base_bytes)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def warm_up() -> None:
    """Imports and first uses everything a child needs, so that each fork finds it ready."""
    from PIL import Image

    from media import images

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "warm.jpg"
        Image.new("RGB", (64, 64), "grey").save(source)
        images.make(source, Path(folder))


def mapped_bytes() -> int:
    """The address space in use now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def decode(source: Path, out: Path, base_bytes: int) -> dict[str, Any]:
    """Runs one photo in a child of its own: `{"ok": {...}}` or `{"failed": reason, "final": bool}`, with its `cost`."""
    read_end, write_end = os.pipe()
    ours = os.getpid()
    child = os.fork()
    if child == 0:
        parent.end_with(ours)
        os.close(read_end)
        _be_the_child(source, out, write_end, base_bytes)
    os.close(write_end)
    said = _listen(read_end, child)
    os.close(read_end)
    _, status, used = os.wait4(child, 0)
    cost = {"cpu_s": round(used.ru_utime + used.ru_stime, 3), "peak_bytes": used.ru_maxrss * 1024}
    return _judge(said, status) | {"cost": cost}


def _judge(said: bytes | None, status: int) -> dict[str, Any]:
    if said is None:
        return {"failed": "time", "final": False}
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return {"failed": "cpu" if number == signal.SIGXCPU else "killed", "final": False}
    try:
        answer: dict[str, Any] = json.loads(said)
        return answer
    except ValueError:
        return {"failed": "crashed", "final": False}


def _listen(read_end: int, child: int) -> bytes | None:
    """What the child says until it ends; None, and the child killed, when it takes too long."""
    said, until = b"", time.monotonic() + WALL_S
    told = select.poll()
    told.register(read_end, select.POLLIN)
    told.register(sys.stdin.fileno(), 0)  # only that it was hung up
    while True:
        ready = dict(told.poll(max(0.0, until - time.monotonic()) * 1000))
        if sys.stdin.fileno() in ready:
            os._exit(1)  # the child goes with us
        if not ready:
            os.kill(child, signal.SIGKILL)
            return None
        piece = os.read(read_end, 65536)
        if not piece or len(said) > ANSWER_BYTES:
            return said
        said += piece


def _be_the_child(source: Path, out: Path, write_end: int, base_bytes: int) -> None:
    code = 1
    try:
        limit(base_bytes)
        answer = _attempt(source, out)
        os.write(write_end, json.dumps(answer).encode())
        code = 0
    finally:
        # Never back into the parent's loop, and no clean-up that belongs to it.
        os._exit(code)


def limit(base_bytes: int) -> None:
    """What a hostile photo may use up."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, base_bytes + MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError):  # a stricter limit from outside stays
            resource.setrlimit(what, (most, most + 1 if what == resource.RLIMIT_CPU else most))


def _attempt(source: Path, out: Path) -> dict[str, Any]:
    from media import images

    try:
        return {"ok": images.make(source, out)}
    except images.CannotRead as error:
        return {"failed": "unreadable", "final": True, "why": str(error)}
    except MemoryError:
        return {"failed": "memory", "final": True}


if __name__ == "__main__":
    main()
