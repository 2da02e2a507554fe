"""`chakan bench`: finds the benches, runs one, prints its figures."""

import importlib
import inspect
import json
import os
import platform
from pathlib import Path
from typing import Any

from launch.errors import CannotStart
from launch.places import ROOT

FOLDER = ROOT / "bench"


def names(folder: Path = FOLDER) -> list[str]:
    """The benches of this tree: modules that offer `main`."""
    return sorted(
        path.stem for path in folder.glob("*.py") if "\ndef main(" in path.read_text(encoding="utf-8")
    )


def bench(name: str, *, quick: bool, as_json: bool, only: str | None = None) -> int:
    """Runs the bench, or some parts of one that has parts (`only`, by commas); exit code 1 when a goal is missed."""
    if name == "list":
        print("\n".join(names()))
        return 0
    if name not in names():
        raise CannotStart(f"There is no bench {name!r}; there are: {', '.join(names())}")
    main = importlib.import_module(f"bench.{name}").main
    parts = {} if only is None else {"only": tuple(only.split(","))}
    if parts and "only" not in inspect.signature(main).parameters:
        raise CannotStart(f"The bench {name} has no parts to choose from")
    result: dict[str, Any] = {"name": name, "machine": machine(), **main(quick, **parts)}
    for figure in result["figures"]:
        verdict = ""
        if figure.get("goal") is not None:
            holds = {True: "holds", False: "MISSED"}.get(figure.get("holds"), "")
            verdict = f"  goal {figure['goal']} {figure['unit']}  {holds}"
        print(f"{figure['metric']:<44} {figure['ours']:>10} {figure['unit']:<6}{verdict}")
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    return 1 if any(figure.get("holds") is False for figure in result["figures"]) else 0


def machine() -> str:
    """What it was measured on."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")),
        platform.machine(),
    )
    return f"{os.cpu_count()} × {cpu}, {memory_gib:.0f} GiB, {platform.system()} {platform.release()}"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
