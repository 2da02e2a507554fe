"""A load generator of its own: one process, many connections, raw sockets; costs the server's machine little.

Closed loop: each connection sends its next request when the last is answered. Paced: requests are due at a fixed rate
and count from the moment they were due, so a server that stalls cannot slow its own measuring.
"""

import heapq
import json
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# Paced, it looks so often; what it sees late counts as late.
PACE_S = 0.001


@dataclass(frozen=True)
class Plan:
    """What to send: `kind` owntracks, recorder (one fix) or positions (`batch` fixes), from devices `first`…`first+devices`."""

    port: int
    kind: str
    keys: str  # a file: one line a device, "device_id secret"
    connections: int
    seconds: float
    batch: int = 1
    step_s: float = 1.0
    start: float | None = None  # epoch seconds of the first fix; None: each fix is of the moment it is sent
    turn: int = 0  # requests already sent: the devices take turns, and each goes on where it stopped
    per_s: float | None = None  # None: closed loop
    build_ahead: int = 0


@dataclass(frozen=True)
class Heard:
    """What came back. Times in milliseconds; `seconds` is the wall clock from first to last answer."""

    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]
    turn: int  # requests sent so far, those before this plan included
    first_shed_s: float | None = None
    cpu_s: float = 0.0  # of this generator, from first to last answer

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.statuses.get("200", 0) / self.seconds if self.seconds else 0.0


def run(plan: Plan) -> Heard:
    """Runs a plan in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", json.dumps(asdict(plan))],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Heard(**json.loads(done.stdout))


class Sender:
    """Builds the next request of each device: a car at 15 m/s going round, one fix every `step_s` seconds."""

    def __init__(self, plan: Plan) -> None:
        from base64 import b64encode

        self.plan = plan
        lines = [line.split() for line in Path(plan.keys).read_text().splitlines()]
        # What was built ahead and never sent does not count: a car that skipped it would seem to jump, and doubt is dear.
        self.sent = self.turn = plan.turn
        self.clocks: dict[int, str] = {}
        paths = {
            "owntracks": "/api/v1/ingest/owntracks",
            "recorder": "/pub",
            "positions": "/api/v1/positions",
        }
        self.heads = []
        for ident, secret in lines:
            basic = b64encode(f"{ident}:{secret}".encode()).decode()
            signed = f"Bearer {secret}" if plan.kind == "positions" else f"Basic {basic}"
            self.heads.append(
                f"POST {paths[plan.kind]} HTTP/1.1\r\nHost: bench\r\nAuthorization: {signed}\r\n"
                f"X-Limit-U: bench\r\nX-Limit-D: {ident}\r\n"
                "Content-Type: application/json\r\nContent-Length: ".encode()
            )
        self.ready: list[bytes] = [self._build() for _ in range(plan.build_ahead)]
        self.ready.reverse()

    def next(self) -> bytes:
        """The next device's next request."""
        self.sent += 1
        return self.ready.pop() if self.ready else self._build()

    def _build(self) -> bytes:
        plan = self.plan
        number, which = divmod(self.turn, len(self.heads))
        self.turn += 1
        first = number * plan.batch
        if plan.kind != "positions":
            body = self._message(which, first)
        else:
            fixes = ",".join(self._fix(which, first + n) for n in range(plan.batch))
            body = '{"fixes":[' + fixes + "]}"
        return self.heads[which] + f"{len(body)}\r\n\r\n{body}".encode()

    def _message(self, which: int, n: int) -> str:
        lon, lat, heading, at = self._where(which, n)
        return (
            f'{{"_type":"location","tid":"b1","lat":{lat:.6f},"lon":{lon:.6f},"acc":9,"alt":4,"vel":54,'
            f'"batt":81,"cog":{heading},"conn":"m","tst":{at:.3f}}}'
        )

    def _where(self, which: int, n: int) -> tuple[float, float, int, float]:
        """Longitude, latitude, heading and time of a device's n-th fix."""
        at = time.time() if self.plan.start is None else self.plan.start + n * self.plan.step_s
        # Along a street and back at the 15 m/s it tells, heading where it goes: cars that belied themselves would be
        # doubted, and doubt is dear.
        along, heading = at % 400, 1
        if along > 200:
            along, heading = 400 - along, 181
        lon, lat = 121.4 + (which % 100) * 0.001, 31.2 + (which // 100 % 100) * 0.001 + along * 0.000135
        return lon, lat, heading, at

    def _fix(self, which: int, n: int) -> str:
        lon, lat, heading, at = self._where(which, n)
        second, ms = divmod(round(at * 1000), 1000)
        clock = self.clocks.get(second)
        if clock is None:
            clock = self.clocks[second] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return (
            f'{{"at":"{clock}.{ms:03d}Z","lon":{lon:.6f},"lat":{lat:.6f},"accuracy_m":9.5,'
            f'"speed_mps":15.0,"heading_deg":{heading}.5,"battery":80,"seq":{n}}}'
        )


class Line:
    """One connection; `due` is when its request should have gone out."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.got = b""

    def send(self, request: bytes, due: float) -> None:
        """Sends a whole request."""
        self.due, self.got = due, b""
        self.socket.sendall(request)

    def answer(self) -> int | None:
        """The status once the whole answer is there."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed")
        self.got += piece
        head, found, body = self.got.partition(b"\r\n\r\n")
        if not found:
            return None
        at = head.find(b"content-length:")  # as ours spells it; a copy in small letters only for others
        if at < 0:
            at = head.lower().find(b"content-length:")
        size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        return int(head[9:12]) if len(body) >= size else None


def play(plan: Plan) -> Heard:
    """Runs a plan here."""
    sender = Sender(plan)
    lines = {line.socket.fileno(): line for line in (Line(plan.port) for _ in range(plan.connections))}
    poll = select.epoll()
    for number in lines:
        poll.register(number, select.EPOLLIN)
    took: list[float] = []
    statuses: Counter[int] = Counter()
    first_shed: float | None = None
    began, spent = time.perf_counter(), time.process_time()
    until = began + plan.seconds
    idle = list(lines.values())
    due = [began]
    busy = 0
    while True:
        now = time.perf_counter()
        while idle and now < until:
            at = now
            if plan.per_s is not None:
                if due[0] > now:
                    break
                at = heapq.heappop(due)
                heapq.heappush(due, at + 1 / plan.per_s)
            idle.pop().send(sender.next(), at)
            busy += 1
        if not busy and now >= until:
            break
        wait = 0.5
        if plan.per_s is not None:
            # As on another machine: woken for each answer by itself this process would take a fifth of a core from the server.
            time.sleep(PACE_S)
            wait = max(0.0, due[0] - time.perf_counter()) if idle else 0.5
        for number, _ in poll.poll(min(wait, 0.5)):
            line = lines[number]
            status = line.answer()
            if status is not None:
                ended = time.perf_counter()
                took.append(ended - line.due)
                statuses[status] += 1
                if status in (429, 503) and first_shed is None:
                    first_shed = ended - began
                idle.append(line)
                busy -= 1
    took.sort()
    return Heard(
        len(took), time.perf_counter() - began, 1000 * took[len(took) // 2], 1000 * took[len(took) * 99 // 100],
        {str(k): v for k, v in statuses.items()}, sender.sent, first_shed,
        time.process_time() - spent,
    )  # fmt: skip


def main_line() -> None:
    """`python -m bench.load PLAN`: one line of JSON out."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    print(json.dumps(asdict(play(Plan(**given)))))


if __name__ == "__main__":
    main_line()
