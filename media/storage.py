"""Where originals and copies live: a port of two methods, and the local disk behind it."""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from media.errors import NoSuchObject

PIECE_BYTES = 1024 * 1024
PREVIEW_PX, THUMB_PX = 1600, 320  # longer side of the copies people look at


class Storage(Protocol):
    """Keeps bytes under a key. An object appears whole or not at all, and is on disk when `put` returns."""

    def put(self, key: str, chunks: Iterable[bytes]) -> str:
        """Stores the chunks and returns their SHA-256 in hex."""
        ...

    def open(self, key: str) -> BinaryIO:
        """Opens an object for reading. Raises NoSuchObject."""
        ...


def original_key(sha256: bytes) -> str:
    """The key of an untouched original: its digest, so that one file is one object however often it is sent."""
    name = sha256.hex()
    return f"original/{name[:2]}/{name}"


def copy_key(sha256: bytes, edge_px: int) -> str:
    """The key of a served copy of an original, `edge_px` on its longer side."""
    name = sha256.hex()
    return f"copy/{name[:2]}/{name}-{edge_px}.jpg"


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file in pieces."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


class WholeFile:
    """A finished, fsynced file and its digest: chunks for any store; a local one links it without copying."""

    def __init__(self, path: Path, sha256: bytes) -> None:
        self.path = path
        self.sha256 = sha256

    def __iter__(self) -> Iterator[bytes]:
        return pieces_of(self.path)


class LocalStorage:
    """A folder. Keys are jailed in it; a file is fsynced, then renamed or linked, then its folder is fsynced."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def put(self, key: str, chunks: Iterable[bytes]) -> str:
        """Stores the chunks and returns their SHA-256 in hex."""
        path = self._path(key)
        make_folder(path.parent)
        if isinstance(chunks, WholeFile) and self._link(chunks, path):
            return chunks.sha256.hex()
        return self._write(chunks, path)

    def open(self, key: str) -> BinaryIO:
        """Opens an object for reading. Raises NoSuchObject."""
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NoSuchObject(f"no object {key!r}") from error

    def originals(self) -> Iterator[Path]:
        """Every original there is, for the janitor."""
        return (p for p in self._root.glob("original/*/*") if len(p.name) == 64)

    def _path(self, key: str) -> Path:
        if "\0" in key:
            raise NoSuchObject(f"no object {key!r}")
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root) or path == self._root:
            raise NoSuchObject(f"no object {key!r}")  # never say why
        return path

    def _link(self, file: WholeFile, path: Path) -> bool:
        """Gives the file its final name without copying; False when it lies on another volume."""
        try:
            os.link(file.path, path)
        except FileExistsError:
            if digest(path) != file.sha256:
                return False  # the stored bytes rotted: write the good ones over them
            # Sent again: the janitor counts the days of an object nobody refers to from its last use.
            os.utime(path)
        except OSError:
            return False
        sync_folder(path.parent)
        return True

    def _write(self, chunks: Iterable[bytes], path: Path) -> str:
        sha256 = hashlib.sha256()
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        try:
            with temporary.open("xb") as file:
                for piece in chunks:
                    sha256.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
        return sha256.hexdigest()


def digest(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Makes a folder and its missing parents; each new name is on disk when this returns."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        with suppress(FileExistsError):
            new.mkdir(mode=0o750)
        sync_folder(new.parent)
