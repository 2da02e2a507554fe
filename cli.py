"""The command line: reads the words, then hands over. Nothing heavy is imported before it is needed."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from launch.errors import CannotStart
from launch.places import DATA, ENVIRONMENT, ROOT, TEST_DATA

Handler = Callable[[argparse.Namespace], int]


def main() -> int:
    """Runs one command and returns its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["test"]:  # everything after it belongs to pytest
        return _plainly(lambda: _test(arguments))
    given = parser().parse_args(arguments)
    return _plainly(lambda: _enter_and_run(given, arguments))


def _plainly(command: Callable[[], int]) -> int:
    """An expected failure is a plain message and exit code 1; Ctrl-C is 130."""
    try:
        return command()
    except CannotStart as error:
        print(f"chakan: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # `chakan … | head`: who read it has seen enough. What is still to be flushed at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on where it stopped.", file=sys.stderr)
        return 130


def _enter_and_run(given: argparse.Namespace, arguments: list[str]) -> int:
    from launch import begin

    # The benches drive the system with the tools of the tests (tuspy, playwright); these two do not.
    dev = given.dev or (given.command == "bench" and given.name not in ("list", "start"))
    begin.enter(arguments, dev=dev, engines_for=_wants_engines(given))
    run: Handler = given.run
    return run(given)


def _wants_engines(given: argparse.Namespace) -> Path | None:
    wanted = given.command == "up" and not os.environ.get("CHAKAN_DATABASE_URL")
    return given.data if wanted else None


def _test(arguments: list[str]) -> int:
    from launch import begin

    begin.enter(
        arguments, dev=True, engines_for=None if os.environ.get("CHAKAN_TEST_DATABASE_URL") else TEST_DATA
    )
    from launch.testrun import test

    return test(arguments[1:])


def parser() -> argparse.ArgumentParser:
    """All commands."""
    top = argparse.ArgumentParser(prog="chakan", description="查勘 · insurance field-survey dispatch")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_up(commands)
    commands.add_parser("test", help="set up and run the tests; all further words go to pytest")
    setup = _add(commands, "setup", _setup, "only make the environment")
    setup.add_argument("--dev", action="store_true", help="with the packages of the tests and checks")
    _data(_add(commands, "doctor", _doctor, "what is installed, running, reachable, late"))
    verify = _data(_add(commands, "verify", _verify, "check an evidence pack"))
    verify.add_argument("file", type=Path, metavar="PACK.zip")
    _add_roads(commands)
    _add_bench(commands)
    _add_lab(commands)
    _add_administration(commands)
    return top


def _add(commands: Any, name: str, run: Handler, text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    added.set_defaults(run=run, dev=False)
    return added


def _data(added: argparse.ArgumentParser) -> argparse.ArgumentParser:
    added.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help="the data folder (default: .chakan)"
    )
    return added


def _add_up(commands: Any) -> None:
    up = _data(_add(commands, "up", _up, "start everything in the foreground"))
    up.add_argument("--demo", action="store_true", help="a generated city with people, surveyors and reports")
    up.add_argument("--roads", type=Path, metavar="FILE.osm.pbf", help="real roads from OpenStreetMap")
    up.add_argument("--port", type=int, default=8000, help="0 picks a free one (default: 8000)")
    up.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: this machine only)"
    )
    up.add_argument("--logs", action="store_true", help="show every line of every process, not only warnings")


def _add_roads(commands: Any) -> None:
    jobs = commands.add_parser("roads", help="the road graph that drive times come from").add_subparsers(
        dest="job", required=True, metavar="JOB"
    )
    build = _data(
        _add(jobs, "build", _roads_build, "build it from an OpenStreetMap extract; replaces the old one")
    )
    build.add_argument("file", type=Path, metavar="FILE.osm.pbf")
    info = _data(_add(jobs, "info", _roads_info, "which one is in force"))
    learn = _data(_add(jobs, "learn", _roads_learn, "learn road speeds from the surveyors' own tracks"))
    learn.add_argument("--from", dest="since", metavar="TIME", help="ISO 8601 (default: 28 days before --to)")
    learn.add_argument("--to", dest="until", metavar="TIME", help="ISO 8601 (default: now)")
    for job in (build, info, learn):
        job.add_argument("--json", action="store_true", help="print JSON")


def _add_bench(commands: Any) -> None:
    bench = _add(commands, "bench", _bench, "measure; `bench list` names what there is")
    bench.add_argument("name")
    bench.add_argument("--quick", action="store_true", help="end within 50 s")
    bench.add_argument("--json", action="store_true", help="print one line of JSON last")
    bench.add_argument(
        "--only", metavar="PARTS", help="some parts of a bench that has parts, by commas: pings"
    )


def _add_lab(commands: Any) -> None:
    simulate = _add(commands, "simulate", _simulate, "play dispatch policies on days that never were")
    simulate.add_argument(
        "--policy",
        action="append",
        metavar="NAME",
        help="ours, ours_moving, nearest, top_five, broadcast, all_seeing, foreknown; may be repeated",
    )
    simulate.add_argument(
        "--claims", type=int, help="reports in all, by the hours of the day (default: by --load)"
    )
    simulate.add_argument("--surveyors", type=int, default=100)
    simulate.add_argument("--hours", type=float, default=10.0)
    simulate.add_argument(
        "--from-hour", type=float, default=7.0, help="the local hour it begins (default: 7)"
    )
    simulate.add_argument(
        "--load", type=float, default=0.8, help="work ÷ people who can be reached (default: 0.8)"
    )
    simulate.add_argument(
        "--silent", type=float, default=0.2, help="share of phones that are mute (default: 0.2)"
    )
    simulate.add_argument(
        "--words",
        type=float,
        default=0.0,
        help="share of surveyors who say when they will be done (default: 0)",
    )
    simulate.add_argument("--seeds", type=int, default=1, help="how many days (default: 1)")
    simulate.add_argument(
        "--trips", type=Path, metavar="CSV", help="losses happen at the ends of these trips"
    )
    simulate.add_argument("--roads", type=Path, metavar="DIR", help="a road graph made by `roads build`")
    _lab_output(simulate)
    replay = _data(
        _add(commands, "replay", _replay, "play a recorded day again, under other rules or another policy")
    )
    replay.add_argument("day", metavar="DAY", help="2026-11-26, a day in China")
    replay.add_argument("--policy", default="ours", help="ours, nearest, top_five, broadcast (default: ours)")
    replay.add_argument("--org", metavar="CODE", help="an organisation and all below it (default: the root)")
    _lab_output(replay)


def _lab_output(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a rule of ours, to be tried"
    )
    added.add_argument("--out", type=Path, metavar="REPORT.html", help="write a report that needs no network")
    added.add_argument("--json", action="store_true", help="print JSON")


def _add_administration(commands: Any) -> None:
    jobs: list[tuple[str, str, list[tuple[str, dict[str, Any]]]]] = [
        ("db upgrade", "run the migrations", [("--to", {"default": "head"})]),
        ("db downgrade", "undo migrations", [("to", {"help": "a revision, or base"})]),
        ("db current", "where the database stands", []),
        ("db seed", "fill an empty database with the demonstration", []),
        (
            "staff add",
            "add a person; the password is read from standard input or generated",
            [
                ("username", {}),
                ("--name", {"required": True}),
                ("--role", {"action": "append", "required": True, "help": "may be repeated"}),
                ("--org", {"help": "the code of the organisation (default: the root)"}),
                (
                    "--authority-fen",
                    {"type": int, "default": 0, "help": "what an adjuster may approve, in fen"},
                ),
                ("--password-stdin", {"action": "store_true"}),
            ],
        ),
        (
            "staff token",
            "make an API token of a person",
            [("username", {}), ("--label", {"default": "command line"})],
        ),
        ("staff disable", "end an account at once", [("username", {})]),
        ("device pair", "a code that pairs a surveyor's phone", [("username", {})]),
        ("device revoke", "end a device at once", [("device", {"type": int})]),
        ("shift", "put a surveyor on or off duty", [("username", {}), ("state", {"choices": ["on", "off"]})]),
        ("audit verify", "check the audit chain", []),
    ]
    groups: dict[str, Any] = {}
    for words, text, wanted in jobs:
        group, _, name = words.partition(" ")
        if name and group not in groups:
            groups[group] = commands.add_parser(group).add_subparsers(
                dest="job", required=True, metavar="JOB"
            )
        added = _add(groups[group] if name else commands, name or group, _administer, text)
        added.set_defaults(words=words)
        for flag, options in wanted:
            added.add_argument(flag, **options)
        _data(added).add_argument("--json", action="store_true", help="print JSON")


def _up(given: argparse.Namespace) -> int:
    from launch.up import Options, up

    return up(Options(given.data, given.host, given.port, given.demo, given.roads, given.logs))


def _roads_build(given: argparse.Namespace) -> int:
    from launch import roads

    _show(given, roads.build(given.file, given.data))
    return 0


def _roads_info(given: argparse.Namespace) -> int:
    from launch import roads

    facts = roads.in_force(given.data)
    if facts:
        _show(given, facts)
    else:
        print("{}" if given.json else f"roads: {roads.said(facts)}")
    return 0 if facts else 1


def _roads_learn(given: argparse.Namespace) -> int:
    from launch import lessons

    found = lessons.learn(given.data, given.since, given.until)
    if given.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join(lessons.told(found)))
    return 0


def _show(given: argparse.Namespace, facts: dict[str, Any]) -> None:
    from launch import roads

    if given.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print("\n".join(f"{name:<9} {value}" for name, value in roads.summary(facts).items()))


def _setup(given: argparse.Namespace) -> int:
    print(f"The environment is ready: {ENVIRONMENT}")
    return 0


def _doctor(given: argparse.Namespace) -> int:
    from launch.doctor import examine

    return examine(given.data)


def _verify(given: argparse.Namespace) -> int:
    from launch.packs import verify

    return verify(given.file, given.data)


def _bench(given: argparse.Namespace) -> int:
    import signal

    from launch.bench import bench

    # What a bench has started it stops on the way out, and a plain SIGTERM would leave no way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return bench(given.name, quick=given.quick, as_json=given.json, only=given.only)


def _simulate(given: argparse.Namespace) -> int:
    from core.errors import ChakanError
    from lab import runs
    from lab.day import Human
    from lab.throw import Plan

    plan = Plan(given.surveyors, given.hours, given.load, given.claims, given.from_hour)
    names = tuple(given.policy or runs.USUAL)
    try:
        runs.writable(given.out)
        asked = runs.Asked(
            names,
            plan,
            given.seeds,
            given.roads,
            given.trips,
            runs.parsed(given.set),
            Human(silent=given.silent, words=given.words),
        )
        bar = runs.Bar()
        facts, played = runs.simulate(asked, bar)
        bar.end()
        if given.out:
            runs.write(given.out, "派单策略对比 Policies compared", facts, played)
    except ChakanError as error:
        raise CannotStart(error.detail) from error
    print(runs.as_json(facts, played) if given.json else "\n".join([*facts, runs.show(played)]))
    return 0


def _replay(given: argparse.Namespace) -> int:
    from launch.replay import replay

    return replay(given)


def _administer(given: argparse.Namespace) -> int:
    from launch.administer import administer

    answer = administer(given)
    if given.json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        print("\n".join(f"{name}: {value}" for name, value in answer.items()))
    return 0 if answer.get("ok", True) else 1


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT)]
    sys.exit(main())
