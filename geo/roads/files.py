"""The road graph on disk: one folder per build, plain arrays that every process maps, and one word that says which.

    <data>/roads/current          the name of the build in force, replaced as a whole
    <data>/roads/<build>/*.npy    arrays, opened with mmap: the pages are shared by all processes
    <data>/roads/<build>/about.json

A build is written beside the one in force and named only when it is complete. Processes that still use the old one
keep their pages until they let go: an unlinked file lives as long as it is mapped."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.errors import NoRoads
from geo.roads.version import FORMAT

CURRENT, ABOUT = "current", "about.json"
ABANDONED_S = 24 * 3600
Arrays = dict[str, NDArray[Any]]


def current(folder: Path) -> str:
    """The name of the build in force; empty when there is none. Cheap enough to ask before every batch."""
    try:
        return (folder / CURRENT).read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def about(folder: Path) -> dict[str, Any]:
    """What is known of the build in force. Raises NoRoads."""
    build = current(folder)
    if not build:
        raise NoRoads(f"there is no road graph in {folder.name}")
    try:
        found = json.loads((folder / build / ABOUT).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        if current(folder) != build:  # another one took its place this moment
            return about(folder)
        raise NoRoads(f"the road graph {build} is not complete: build it again") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NoRoads(f"the road graph {build} belongs to another version of the program: build it again")
    return found


def load(folder: Path) -> tuple[dict[str, Any], Arrays]:
    """Maps the arrays of the build in force, read only. Raises NoRoads."""
    while True:
        said = about(folder)
        place = folder / str(said["build"])
        try:
            return said, {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in said["arrays"]}
        except (OSError, ValueError) as error:
            # Between the two readings another build may have taken the place of this one.
            if current(folder) == said["build"]:
                raise NoRoads(f"the road graph {said['build']} is damaged: build it again") from error


@contextmanager
def draft(folder: Path) -> Iterator[Path]:
    """A fresh folder for a build; gone again when the build fails."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / secrets.token_hex(6)
    place.mkdir()
    try:
        yield place
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def publish(
    folder: Path, place: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes the arrays, makes the build the one in force, and takes the others away. Returns what `about` will say."""
    for name, values in arrays.items():
        with (place / f"{name}.npy").open("wb") as out:
            np.save(out, np.ascontiguousarray(values))
            out.flush()
            os.fsync(out.fileno())
    size = sum(path.stat().st_size for path in place.iterdir())
    said = {**facts, "format": FORMAT, "build": place.name, "arrays": sorted(arrays), "size_bytes": size}
    _write(place / ABOUT, json.dumps(said, indent=1, ensure_ascii=False))
    _write(folder / CURRENT, place.name)
    for old in folder.iterdir():
        if old.is_dir() and old.name != place.name and _over(old):
            shutil.rmtree(old, ignore_errors=True)
    return said


def _over(place: Path) -> bool:
    """Whether a build was in force once, or was cut off so long ago that nobody can still be writing it."""
    return (place / ABOUT).exists() or time.time() - place.stat().st_mtime > ABANDONED_S


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)  # without it a crash may bring the old name back while the old build is gone
    finally:
        os.close(handle)
