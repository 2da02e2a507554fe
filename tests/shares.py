"""How test processes share the work: what one of them does alone, and what they begin with."""

from xdist.scheduler import LoadScopeScheduling

# Two processes share the screens, each with one site and one browser: these are the longest lines of work, and what the
# other processes do fills the time in which a browser waits. About half of it is the desk's.
SCREENS = "tests/screens/"
AT_THE_DESK = tuple(f"{SCREENS}test_{name}" for name in ("desk", "tracking", "live"))
# Each of these starts something for all of its tests that takes longer to start than they take.
TOGETHER = (
    "tests/faults/test_live.py",
    "tests/faults/test_silent_senders.py",
    "tests/faults/test_uploads.py",
    "tests/launch/test_environment.py",
)
# Each runs a whole installation of this tree.
INSTALLATIONS = ("tests/launch/test_up.py", "tests/launch/test_roads.py::test_up_")


class Shares(LoadScopeScheduling):
    """The largest share first, each to one process; every test outside of them goes to whoever is free.

    Not by the marks of pytest-xdist: 3.8 forgets them under pytest 9.2 without a word (its issue 1386), and every
    process then starts every site of its own.
    """

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def share_of(nodeid: str) -> str:
    """The share a test belongs to; its own name where it belongs to none."""
    if nodeid.startswith(SCREENS):
        return "desk" if nodeid.startswith(AT_THE_DESK) else "phone"
    if nodeid.startswith(INSTALLATIONS):
        return "installations"
    file = nodeid.partition("::")[0]
    return file if file in TOGETHER else nodeid
