"""`chakan roads` and what `up` and `doctor` say about the graph."""

import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launch import doctor, roads
from launch.board import Board
from launch.errors import CannotStart
from launch.places import ROOT, Places
from tests.launch.test_up import chakan, running

TOWN = """<osm version="0.6">
 <node id="1" lon="114.00" lat="32.40"/><node id="2" lon="114.01" lat="32.40"/><node id="3" lon="114.01" lat="32.41"/>
 <way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/></way>
 <way id="2"><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>
</osm>"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    path = tmp_path / "town.osm"
    path.write_text(TOWN, encoding="utf-8")
    return path


def test_a_build_is_summed_up_is_in_force_and_is_not_due_again(town: Path, places: Places) -> None:
    assert roads.due(places.data, str(town))
    assert doctor._roads(places).ok is None
    facts = roads.build(town, places.data)
    assert not roads.due(places.data, str(town)) and roads.due(places.data, roads.DEMO_CITY)
    assert roads.in_force(places.data) == facts
    summary = roads.summary(facts)
    assert summary["source"] == "town.osm" and summary["roads"].startswith(
        "2 km in 4 directed edges between 3 nodes"
    )
    assert "town.osm: 2 km, 4 edges" in roads.said(facts)
    found = doctor._roads(places)
    assert found.ok and "opened in" in found.text
    town.write_text(TOWN.replace("residential", "tertiary"), encoding="utf-8")
    assert roads.due(places.data, str(town))


def test_a_file_that_is_no_map_is_said_plainly_and_the_graph_in_force_stays(
    town: Path, places: Places
) -> None:
    before = roads.build(town, places.data)
    bad = town.with_name("bad.osm.pbf")
    bad.write_bytes(b"\0\0\0\5hello")
    with pytest.raises(CannotStart, match=r"bad\.osm\.pbf"):
        roads.build(bad, places.data)
    with pytest.raises(CannotStart, match="no file"):
        roads.build(town.with_name("absent.osm"), places.data)
    assert roads.in_force(places.data) == before


def test_a_disk_that_is_full_is_said_plainly_and_the_graph_in_force_stays(town: Path, places: Places) -> None:
    before = roads.build(town, places.data)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(CannotStart, match="could not be written"):
            roads.build(town, places.data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert roads.in_force(places.data) == before
    assert sorted(path.name for path in roads.folder_of(places.data).iterdir()) == sorted(
        ["current", before["build"]]
    )


def test_who_reads_only_the_head_of_an_answer_is_spared_a_traceback() -> None:
    asked = f"{sys.executable} cli.py bench list | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}"
    found = subprocess.run(
        ["bash", "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
        env=os.environ | {"CHAKAN_ENVIRONMENT": "given", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert "Traceback" not in found.stderr and found.stdout.strip() == "0"


def test_a_graph_that_cannot_be_opened_is_a_finding(town: Path, places: Places) -> None:
    facts = roads.build(town, places.data)
    (roads.folder_of(places.data) / facts["build"] / "tail.npy").unlink(missing_ok=True)
    (roads.folder_of(places.data) / facts["build"] / "start.npy").unlink()
    assert doctor._roads(places).ok is False


def test_the_bar_moves_forward_and_ends_with_its_part() -> None:
    written = io.StringIO()
    with Board(written) as board:
        progress = roads.Progress(board, roads.DEMO_CITY)
        shares = []
        for part, start, end in (("reading", 0.0, 0.4), ("ordering", 0.4, 1.0)):
            for _ in range(3):
                progress.tell(part, "x", start, end)
                assert progress._step is not None
                shares.append(progress._step.text)
                time.sleep(0.02)
        progress.end()
    assert len(set(shares)) >= 2 and shares == sorted(shares)
    assert "✓ roads: ordering" in written.getvalue()


def test_the_command_builds_and_tells(town: Path, places: Places) -> None:
    data = str(places.data)
    none = chakan("roads", "info", "--data", data)
    assert none.returncode == 1 and "straight lines" in none.stdout
    built = chakan("roads", "build", str(town), "--data", data)
    assert built.returncode == 0, built.stderr
    assert "4 directed edges" in built.stdout and "roads: ordering" in built.stderr
    told = json.loads(chakan("roads", "info", "--data", data, "--json").stdout)
    assert told["source"] == "town.osm" and told["edges"] == 4


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(300)
def test_up_builds_the_graph_behind_the_open_door_once(town: Path, places: Places) -> None:
    def said(instance: object, words: str) -> bool:
        return any(words in line for line in instance.said)  # type: ignore[attr-defined]

    with running(places, "--port", "0", "--roads", str(town)) as instance:
        assert said(instance, "straight lines until then")
        limit = time.monotonic() + 60
        while not said(instance, "roads in force: town.osm") and time.monotonic() < limit:
            time.sleep(0.1)
        assert said(instance, "roads in force: town.osm")
        with contextlib.suppress(KeyError):
            assert "roads" not in instance.state()["processes"]
    with running(places, "--port", "0", "--roads", str(town)) as instance:
        assert said(instance, "town.osm: 2 km") and not said(instance, "straight lines until then")
