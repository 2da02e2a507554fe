"""`chakan up`: everything in the foreground, under one supervisor."""

import hashlib
import http.client
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from launch import processes, revisions, roads, welcome
from launch.addresses import choose_port, knock_host, knock_url, public_url
from launch.board import Board
from launch.errors import CannotStart
from launch.places import Places, read_json, write_json
from launch.redis import free_port
from launch.site import Site, held, open_site, prepare_database, start_engines
from launch.supervise import Supervisor

SET_UP_S = 600.0
READY_S = 90.0
HOPELESS_STARTS = 4
SHOWN_CHARACTERS = 240
LOUD = re.compile(
    r'"level": ?"(warning|error|critical)"|^Traceback|^[\w.]*(Error|Exception)\b|\b(ERROR|FATAL|PANIC|WARNING)\b'
)


@dataclass(frozen=True)
class Options:
    """What the command line says. `logs` shows every line of every process, not only warnings."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    demo: bool = False
    roads: Path | None = None
    logs: bool = False


def up(options: Options) -> int:
    """Starts everything, says where it is, and runs until it is told to stop. Returns the exit code."""
    began = time.monotonic()
    if options.roads and not options.roads.is_file():
        raise CannotStart(f"There is no file {options.roads}")
    places = Places(options.data.resolve())
    places.make()
    with held(places):
        port = choose_port(options.host, options.port)
        url = public_url(options.host, port)
        write_json(places.state, {"pid": os.getpid(), "url": url})
        with Board() as board:
            site = open_site(places, board)
        run = Run(options, places, site, port, url)
        with Supervisor(places.log, run.hear, run.save) as supervisor:
            run.supervisor = supervisor
            if run.start():
                welcome.show(places, url, options, time.monotonic() - began, building=run.builds_roads)
                run.quiet = False
                supervisor.run_until(lambda: False, every_s=5.0)
            welcome.say("Stopping …")
            supervisor.stop_all()
    welcome.say("Stopped.")
    return 0


class Run:
    """One run of `chakan up`: the order in which things start."""

    def __init__(self, options: Options, places: Places, site: Site, port: int, url: str) -> None:
        self.options, self.places, self.site, self.port, self.url = options, places, site, port, url
        self.supervisor: Supervisor | None = None
        self.quiet = True  # the engines grumble while they start, which would only worry people
        self.builds_roads = False
        self.live_port = free_port()
        self.told = processes.environment(
            site,
            public_url=url,
            api_url=knock_url(options.host, port),
            live_port=self.live_port,
            demo=options.demo,
            roads=options.roads,
        )

    def start(self) -> bool:
        """Engines, database, processes. False when it was told to stop meanwhile."""
        assert self.supervisor is not None  # noqa: S101  set by up()
        start_engines(self.supervisor, self.site)
        if not self.supervisor.stopping():
            self._prepare(self.supervisor)
        for program in (
            processes.door(self.told, self.options.host, self.port),
            processes.sweeper(self.told),
            processes.live(self.told, self.live_port),
        ):
            if not self.supervisor.stopping():
                self.supervisor.start(program)
        self._wait_for_the_door(self.supervisor)
        if self.supervisor.stopping():
            return False
        # Last, because importing is the whole cost of a start: the door has to open first.
        for program in processes.workers(self.told):
            self.supervisor.start(program)
        if self.options.demo:
            self.supervisor.start(processes.demonstration(self.told))
        self._build_roads(self.supervisor)
        return True

    def _build_roads(self, supervisor: Supervisor) -> None:
        """Builds the graph when it is not that of the roads asked for. Nothing waits: until then lines are straight."""
        source = str(self.options.roads.resolve()) if self.options.roads else roads.DEMO_CITY
        wanted = self.options.roads is not None or self.options.demo
        self.builds_roads = wanted and roads.due(self.places.data, source)
        if self.builds_roads:
            supervisor.start(processes.roads(self.told, source, roads.folder_of(self.places.data)))

    def _prepare(self, supervisor: Supervisor) -> None:
        prepare_database(self.site)
        done = read_json(self.places.prepared)
        mark = hashlib.sha256(self.site.database_url.partition("@")[2].encode()).hexdigest()[:16]
        wanted = {"database": mark, "people": True} | ({"demo": True} if self.options.demo else {})
        known = all(done.get(name) == value for name, value in wanted.items())
        if known and revisions.current(self.site.database_url) == revisions.head():
            if self.options.demo:
                welcome.move_demo(self.places, self.url)
            return
        welcome.say("  … preparing the database" + (" and the demonstration" if self.options.demo else ""))
        child = supervisor.start(processes.first_start(self.told))
        if supervisor.run_until(lambda: not child.alive, SET_UP_S):
            if child.exit_code != 0:
                raise CannotStart(
                    "The database could not be prepared:\n" + _last_words(child.said, self.places)
                )
            same = done if done.get("database") == mark else {}
            write_json(self.places.prepared, {"cluster": bool(self.site.cluster)} | same | wanted)
        elif not supervisor.stopping():
            raise CannotStart(
                f"Preparing the database took longer than {SET_UP_S:.0f} s. Logs: {self.places.log}"
            )

    def _wait_for_the_door(self, supervisor: Supervisor) -> None:
        def open_or_hopeless() -> bool:
            api = supervisor.children.get("api")
            return self._is_ready() or (api is not None and api.starts >= HOPELESS_STARTS)

        if (supervisor.run_until(open_or_hopeless, READY_S) and self._is_ready()) or supervisor.stopping():
            return
        api = supervisor.children["api"]
        raise CannotStart("The API does not start:\n" + _last_words(api.said, self.places))

    def _is_ready(self) -> bool:
        link = http.client.HTTPConnection(knock_host(self.options.host), self.port, timeout=1)
        try:
            link.request("GET", "/readyz")
            return link.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()

    def hear(self, name: str, line: str) -> None:
        """Shows a line of a process: all of them with --logs, otherwise what a person should know."""
        told = name == "roads" and line.startswith("roads in force")
        if self.options.logs or name == "supervisor" or told or (not self.quiet and LOUD.search(line)):
            shown = line if self.options.logs else line[:SHOWN_CHARACTERS]  # the log has the whole traceback
            print(f"{name:>15} | {shown}", file=sys.stderr, flush=True)

    def save(self) -> None:
        """Writes down what runs, for `chakan doctor` and the administration commands."""
        if self.supervisor is None or self.supervisor.stopping():
            return
        children = self.supervisor.children.values()
        state = {
            "pid": os.getpid(),
            "url": self.url,
            "environment": self.told,
            "processes": {
                c.program.name: {"pid": c.process.pid if c.process else None, "starts": c.starts}
                for c in children
                if not c.program.once
            },
        }
        write_json(self.places.state, state)


def _last_words(said: object, places: Places) -> str:
    lines = [f"    {line[:300]}" for line in list(said)[-8:]]  # type: ignore[call-overload]
    return "\n".join(lines or ["    (it said nothing)"]) + f"\n  Logs: {places.log}"
