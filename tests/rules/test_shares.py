"""Test processes: what is started once is started once, and the longest begins first."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests import shares
from tests.shares import Shares

ROOT = Path(__file__).parent.parent.parent
SCREENS = [
    f"tests/screens/test_{name}.py::test_{n}" for name in ("desk_map", "tracking", "review") for n in range(9)
]
TESTS = [
    *(f"tests/db/test_claims.py::test_{n}" for n in range(40)),
    *(f"tests/faults/test_uploads.py::test_{n}" for n in range(5)),
    *SCREENS,
]  # fmt: skip


class Process:
    """A test process as the scheduler sees it."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.given: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def run(count: int) -> dict[str, list[str]]:
    """Every test in so many processes, one after the other a test each; what each of them did, in its order."""
    config = SimpleNamespace(
        getvalue=lambda name: ["popen"] * count, option=SimpleNamespace(loadscopereorder=True)
    )
    plan: Any = Shares(config, SimpleNamespace(loadscopesched=lambda *words: None))  # type: ignore[arg-type]
    processes = [Process(f"gw{n}") for n in range(count)]
    for process in processes:
        plan.add_node(process)
    for process in processes:
        plan.add_node_collection(process, TESTS)
    plan.schedule()
    did: dict[str, list[str]] = defaultdict(list)
    while any(len(p.given) > len(did[p.gateway.id]) for p in processes):
        for process in processes:
            mine = did[process.gateway.id]
            if len(process.given) > len(mine):
                index = process.given[len(mine)]
                mine.append(TESTS[index])
                plan.mark_test_complete(process, index)
    return did


def test_every_test_runs_once_and_each_share_in_one_process_the_screens_first():
    did = run(3)
    assert sorted(test for tests in did.values() for test in tests) == sorted(TESTS)
    for share in ("desk", "phone", "tests/faults/test_uploads.py"):
        homes = [name for name, tests in did.items() if share in map(shares.share_of, tests)]
        assert len(homes) == 1, share
    first = [shares.share_of(tests[0]) for tests in did.values()]
    assert sorted(first) == ["desk", "phone", "tests/faults/test_uploads.py"]
    assert all(len(tests) > 10 for tests in did.values()), "whoever is free takes what is left"


def test_the_shares_name_what_there_is():
    for name in (*shares.TOGETHER, *(where.partition("::")[0] for where in shares.INSTALLATIONS)):
        assert (ROOT / name).exists(), name
    assert all(list(ROOT.glob(f"{start}*.py")) for start in shares.AT_THE_DESK)
