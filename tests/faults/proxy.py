"""A bad network in one object: a TCP proxy that cuts, stalls and counts, on a thread with its own event loop."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE = 16 * 1024


@dataclass
class Plan:
    """What happens to the next connections; `None` means never."""

    cut_after: int | None = None  # bytes from the client, then both ends are torn off
    stall_after: int | None = None  # bytes from the client, then nothing more passes and nobody is told
    mute_answer: bool = False  # the request passes, its answer never arrives
    cut_answer_after: int | None = None  # bytes from the server, then both ends are torn off
    stall_answer_after: int | None = (
        None  # bytes from the server, then nothing more passes and nobody is told
    )
    late_s: float = 0.0  # how long each piece of the answer is under way


@dataclass
class Proxy:
    """Listens on `url`, forwards to `target`. `plan_for` is asked once a connection."""

    target: str
    plan_for: Callable[[int], Plan] = lambda _: Plan()
    sent: int = 0  # bytes that went from clients to the server
    connections: int = 0
    _server: asyncio.Server | None = None
    _stalled: list[asyncio.StreamWriter] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def __enter__(self) -> "Proxy":
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def cut_all(self) -> None:
        """Tears every connection off that is open now, at both ends."""
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in list(self._open)])

    @property
    def url(self) -> str:
        """Where to connect to."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        started.set()
        self._loop.run_forever()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._stalled:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plan = self.plan_for(self.connections)
        self.connections += 1
        to = urlsplit(self.target)
        there, onward = await asyncio.open_connection(to.hostname, to.port)
        back = asyncio.ensure_future(self._answers(there, writer, plan))
        self._open |= {writer, onward}
        try:
            await self._requests(reader, onward, plan)
        finally:
            self._open -= {writer, onward}
            if plan.stall_after is None:
                onward.transport.abort()
                writer.transport.abort()
                back.cancel()
            else:
                # Half-open: the server sees a connection that is still there and says nothing.
                self._stalled += [onward, writer]

    async def _requests(self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, plan: Plan) -> None:
        passed = 0
        limit = plan.cut_after if plan.cut_after is not None else plan.stall_after
        while limit is None or passed < limit:
            piece = await reader.read(PIECE if limit is None else min(PIECE, limit - passed))
            if not piece:
                return
            onward.write(piece)
            await onward.drain()
            passed += len(piece)
            self.sent += len(piece)
        if plan.cut_after is not None:
            # What passed really reached the server before the line broke.
            await asyncio.sleep(0.05)

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, plan: Plan) -> None:
        passed = 0
        while piece := await there.read(PIECE):
            if plan.mute_answer or (
                plan.stall_answer_after is not None and passed >= plan.stall_answer_after
            ):
                continue
            if plan.late_s:
                await asyncio.sleep(plan.late_s)
            if plan.cut_answer_after is not None:
                piece = piece[: plan.cut_answer_after - passed]
            writer.write(piece)
            await writer.drain()
            passed += len(piece)
            if plan.cut_answer_after is not None and passed >= plan.cut_answer_after:
                await asyncio.sleep(0.05)  # what passed reaches the client before the line breaks
                break
        writer.close()
