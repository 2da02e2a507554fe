"""Serving an application for a bench as a site serves it: Granian, the same options, a process of its own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from core import parent
from launch.processes import API_THREADS

ROOT = Path(__file__).parent.parent
# The process that serves a port: what it costs is measured from outside.
SERVERS: dict[int, int] = {}
# `n` from :first on; the secret of device n is "bench-n".
DEVICES = """
WITH o AS (SELECT id FROM organisation WHERE parent_id IS NULL LIMIT 1),
p AS (
  INSERT INTO person (org_id, username, name, roles)
  SELECT o.id, 'dev' || n, '查勘员', '{surveyor}' FROM o, generate_series(:first, :last) AS n
  RETURNING id, CAST(substr(username, 4) AS bigint) AS n
), s AS (
  INSERT INTO surveyor (id, org_id, skills, on_duty, on_duty_since, max_open)
  SELECT p.id, o.id, '{motor}', true, now() - interval '3 days', 5 FROM p, o
), d AS (
  INSERT INTO device (id, surveyor_id, label, tracker_sha256)
  SELECT p.id, p.id, 'bench', sha256(CAST('tracker-' || n AS bytea)) FROM p
), t AS (
  INSERT INTO token (kind, sha256, person_id, device_id, created_at)
  SELECT 'device', sha256(CAST('bench-' || n AS bytea)), p.id, p.id, now() FROM p
)
SELECT count(*) FROM p
"""


def add_devices(engine: Engine, count: int, first: int = 0) -> None:
    """Surveyors on duty since three days, each with a device whose token is `bench-n`."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(
            text(
                "INSERT INTO organisation (kind, code, name, path) SELECT 'head', 'PINGS', '量测', '/1/'"
                " WHERE NOT EXISTS (SELECT FROM organisation)"
            )
        )
        connection.execute(text("UPDATE organisation SET path = '/' || id || '/' WHERE path = '/1/'"))
        connection.execute(text(DEVICES), {"first": first, "last": first + count - 1})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        # Whoever first reads a row just inserted marks its page: fixes would pay for the making of their surveyors.
        connection.execute(text("VACUUM ANALYZE person, surveyor, device, token, last_position"))


def keys_of(engine: Engine, folder: Path, count: int, spread: int | None = None, first: int = 0) -> str:
    """A file of `count` devices' ids and secrets, spread evenly over those from `first` up to `spread`."""
    step = max(1, ((spread or first + count) - first) // count)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT p.id, substr(p.username, 4) AS n FROM person AS p JOIN device AS d ON d.id = p.id"
                " WHERE p.username = ANY(:names) ORDER BY p.id"
            ),
            {"names": [f"dev{first + n * step}" for n in range(count)]},
        ).all()
    path = folder / f"keys-{secrets.token_hex(4)}"
    path.write_text("".join(f"{row.id} bench-{row.n}\n" for row in rows))
    return str(path)


@contextmanager
def serving(factory: str, url: str, *, workers: int = 1, log: Path | None = None) -> Iterator[int]:
    """Runs `module:factory` on a free port over a database; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        told = os.environ | {
            "CHAKAN_DATABASE_URL": url, "CHAKAN_SECRET_KEY": secrets.token_hex(16), "CHAKAN_DATA": folder,
            "CHAKAN_REDIS_URL": os.environ.get("CHAKAN_TEST_REDIS_URL", "redis://127.0.0.1:1/0"),
            "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "4", "PROMETHEUS_MULTIPROC_DIR": folder,
        }  # fmt: skip
        options = ["--interface", "wsgi", "--factory", "--no-ws", "--workers", str(workers)]
        options += ["--blocking-threads", str(API_THREADS), "--log-level", "warning", "--backlog", "2048"]
        command = [
            sys.executable,
            "-m",
            "granian",
            *options,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            factory,
        ]
        with (log or Path(os.devnull)).open("w") as out:
            process = subprocess.Popen(parent.tied(command), cwd=ROOT, env=told, stdout=out, stderr=out)
        try:
            _wait_for(port, process)
            SERVERS[port] = process.pid
            yield port
        finally:
            SERVERS.pop(port, None)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError("the server ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not open its port")
