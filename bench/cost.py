"""What a stretch of load costs: processor seconds of the server, of PostgreSQL and of the load generator.

On a machine that others use too the wall clock says how busy they are; the processor time says what the work costs. It
still grows by a half or more when the cores are shared, so only figures of the same minute are compared.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from bench.load import Heard
from bench.server import SERVERS

PROC = Path("/proc")
# Our own among them: left out of one list and not of the other, it would count with all it ever did.
BACKENDS = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
"""


@dataclass(frozen=True)
class Cost:
    """Microseconds of processor for each answered request."""

    server_us: float
    database_us: float
    generator_us: float

    @property
    def total_us(self) -> float:
        """All but the generator."""
        return self.server_us + self.database_us

    def __str__(self) -> str:
        parts = f"server {self.server_us:,.0f}, PostgreSQL {self.database_us:,.0f}"
        return f"{parts}, generator {self.generator_us:,.0f} µs of processor a request"


def of(engine: Engine, port: int, load: Callable[[], Heard]) -> tuple[Heard, Cost]:
    """Runs a stretch of load; returns what came back and what it cost."""
    server = family(SERVERS[port])
    backends = _backends(engine)
    before = spent_us(server), {pid: spent_us([pid]) for pid in backends}
    heard = load()
    # A connection made meanwhile began at nothing.
    later = sum(spent_us([pid]) - before[1].get(pid, 0.0) for pid in _backends(engine))
    each = max(1, heard.answered)
    return heard, Cost((spent_us(server) - before[0]) / each, later / each, heard.cpu_s * 1e6 / each)


def _backends(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return [row.pid for row in connection.execute(text(BACKENDS))]


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for path in (PROC / str(pid) / "task").glob("*/children"):
        for child in path.read_text().split():
            found += family(int(child))
    return found


def spent_us(pids: list[int]) -> float:
    """Microseconds on a processor of all threads of these processes; those that are gone or elsewhere count nothing."""
    total = 0
    for pid in pids:
        for path in (PROC / str(pid) / "task").glob("*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except OSError:
                continue  # a thread that ended between the listing and the reading
    return total / 1000
