"""The bytes of an unfinished upload on disk. One writer at a time; a newer one takes over from one gone silent.

No lock is held while waiting for the network: a phone that vanished in a tunnel leaves a half-open socket whose thread
may sleep for minutes (U-04). Each piece is written under a short file lock, after checking that the writer's own token
still stands in the lock file. Whoever lost the token writes nothing more, so bytes of two senders never mix (U-03).
"""

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from media.errors import OffsetConflict, StorageFull, UploadLocked
from media.storage import make_folder, sync_folder

# A writer that wrote nothing for so long is taken to be gone; a client's own retry waits about as long.
QUIET_S = 2.0
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
TOKEN_BYTES = 16


@contextmanager
def full_is_said() -> Iterator[None]:
    """Turns the ways a volume says it is full into StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull("the photo storage is full; what arrived is kept") from error
        raise


class Partial:
    """The part file of one upload and the lock file beside it. `key` is one of ours, never a name from outside."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self.path = folder / f"{key}.part"
        self._lock = folder / f"{key}.lock"

    def length(self) -> int:
        """How many bytes are in the file; 0 when there is none yet."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def writer(self, offset: int) -> "Writer":
        """Begins writing at `offset`, dropping what lies beyond it. Raises UploadLocked while somebody else writes."""
        with full_is_said():
            make_folder(self._folder)
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            return self._take_over(lock, offset)
        except BaseException:
            os.close(lock)
            raise

    def _take_over(self, lock: int, offset: int) -> "Writer":
        token = secrets.token_bytes(TOKEN_BYTES)
        with held(lock), full_is_said():
            holder = os.pread(lock, TOKEN_BYTES, 0)
            quiet_s = time.time() - os.fstat(lock).st_mtime
            # A clock that stepped back must not lock an upload for ever: a negative age counts as silence.
            if any(holder) and 0 <= quiet_s < QUIET_S:
                raise UploadLocked("another request is writing to this upload", retry_after_s=1)
            new = not self.path.exists()
            if self.length() < offset:
                raise OffsetConflict("fewer bytes are stored", offset=self.length())
            part = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.ftruncate(part, offset)
                os.pwrite(lock, token, 0)
            except OSError:
                os.close(part)
                raise
        if new:
            sync_folder(self._folder)
        return Writer(part, lock, token, offset)

    def remove(self) -> None:
        """Deletes what is left of the upload; repeating it is harmless."""
        for path in (self.path, self._lock):
            with suppress(FileNotFoundError):
                path.unlink()


@contextmanager
def held(lock: int) -> Iterator[None]:
    """Holds the file lock for a moment; a crash releases it."""
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


class Writer:
    """Appends to one part file until it is closed or another writer takes over."""

    def __init__(self, part: int, lock: int, token: bytes, offset: int) -> None:
        self._part, self._lock, self._token = part, lock, token
        self.position = offset
        self._alive_at = time.monotonic()
        self._closed = False

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _mine(self) -> Iterator[None]:
        with held(self._lock), full_is_said():
            if os.pread(self._lock, TOKEN_BYTES, 0) != self._token:
                raise UploadLocked("a newer request took this upload over", retry_after_s=1)
            yield

    def write(self, piece: bytes) -> None:
        """Appends a piece. Raises UploadLocked when a newer writer took over, StorageFull when the volume is full."""
        view = memoryview(piece)
        with self._mine():
            while view:
                written = os.pwrite(self._part, view, self.position)
                self.position += written
                view = view[written:]
            if time.monotonic() - self._alive_at > QUIET_S / 4:
                self._alive_at = time.monotonic()
                os.utime(self._lock)

    def sync(self) -> int:
        """Puts everything written on disk and returns the position up to which it is safe."""
        position = self.position
        with full_is_said():
            os.fsync(self._part)
        with self._mine():
            return position

    def cut(self, position: int) -> None:
        """Throws away everything from `position` on."""
        with self._mine():
            os.ftruncate(self._part, position)
            self.position = position

    def close(self) -> None:
        """Frees the upload for the next request."""
        if self._closed:
            return
        self._closed = True
        try:
            # The next request of the same phone need not wait: an empty token means nobody is writing.
            with suppress(UploadLocked, StorageFull), self._mine():
                os.pwrite(self._lock, bytes(TOKEN_BYTES), 0)
        finally:
            os.close(self._part)
            os.close(self._lock)
