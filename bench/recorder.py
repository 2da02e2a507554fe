"""OwnTracks Recorder as an optional peer of `pings`: measured when `ot-recorder` is installed on this machine."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.load import Plan, run
from core import parent

CONNECTIONS = 32


def figures(keys: str, devices: int, ours: float, seconds: float) -> list[dict[str, Any]]:
    """Our requests a second beside the Recorder's; no line when it is not here."""
    program = shutil.which("ot-recorder")
    if program is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [
            program,
            "--storage",
            folder,
            "--port",
            "0",
            "--http-host",
            "127.0.0.1",
            "--http-port",
            str(port),
        ]
        process = subprocess.Popen(parent.tied(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait(port)
            heard = run(
                Plan(port, "recorder", keys, CONNECTIONS, seconds, start=time.time() - 3600, step_s=1.0)
            )
        finally:
            process.terminate()
            process.wait(timeout=10)
        stored = sum(1 for _ in Path(folder).rglob("*.rec"))
    assert stored > 0, "the Recorder stored nothing"
    ratio, goal = ours / heard.per_s, 8 if devices == 100 else 50
    return [
        {
            "metric": f"one fix a request, {devices} devices, ÷ OwnTracks Recorder", "unit": "×", "ours": round(ratio, 2),
            "peer": round(heard.per_s), "peer_name": "OwnTracks Recorder, not durable", "ratio": round(ratio, 2),
            "goal": goal, "holds": ratio >= goal,
        }
    ]  # fmt: skip


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the Recorder did not open its port")
