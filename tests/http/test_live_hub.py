"""What the stream tells whom: packed moves by cell, rows, leaving, narrowing, resuming, and who is let go."""

import base64
import json
import time
from typing import Any

import pytest

from api import live as door
from api import packing
from api.groups import MOST_WAITING_BYTES, Scope, Viewer
from api.hub import Hub
from core import live
from core.live import Change
from launch import processes

ALL = Scope("/1/", None)


def now_text(age_s: float = 0) -> str:
    at = time.time() - age_s
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"


def person(number: int, lon: float = 121.30, lat: float = 31.10, path: str = "/1/", **given: Any) -> Change:
    place = {
        "lon": lon, "lat": lat, "fixed_at": now_text(), "received_at": now_text(), "accuracy_m": 8.0, "speed_mps": 3.0,
        "heading_deg": 90.0, "battery": 80, "source": "phone",
    }  # fmt: skip
    card = {
        "id": str(number), "name": "甲", "org_id": "1", "on_duty": True, "state": "idle", "position": place, "age_s": 0,
        "freshness": "fresh", "open_jobs": 0, "max_open": 5, "skills": ["motor"],
    }  # fmt: skip
    return Change("surveyor", str(number), path, card | given)


def job(number: int, path: str = "/1/", **given: Any) -> Change:
    card = {"id": str(number), "lon": 121.3, "lat": 31.1, "state": "offered", "surveyor": None, "offer": None}
    return Change("task", str(number), path, card | given)


@pytest.fixture
def hub(feed):
    live.refresh(feed, "task", [job(7)])
    live.refresh(feed, "surveyor", [person(1), person(2, lon=121.9), person(3, path="/9/")])
    hub = Hub(feed)
    hub.load()
    return hub


def watch(hub: Hub, *, box: str = "", packed: bool = True, scope: Scope = ALL) -> Viewer:
    viewer = Viewer(packed, packing.read_box(box))
    viewer.cells = packing.cells_of(viewer.box) if packed and viewer.box else None
    hub.join(viewer, scope)
    hub.greet(viewer)
    return viewer


def told(viewer: Viewer) -> list[tuple[str, Any]]:
    found = []
    for block in viewer.take().decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def second(hub: Hub) -> None:
    hub.read()
    hub.tick()


def moves(batch: dict[str, Any]) -> list[tuple[int, float, float]]:
    found = []
    for x, y, text in batch["cells"]:
        for low, high, east, north, *_ in packing.MOVE.iter_unpack(base64.b64decode(text)):
            found.append((low + (high << 16), (x + east / 65535) * 0.25, (y + north / 65535) * 0.25))
    return found


def test_a_packed_picture_has_rows_and_whole_jobs_of_ones_own_part(hub):
    [(name, picture)] = told(watch(hub))
    assert name == "snapshot"
    rows = [dict(zip(picture["columns"], row, strict=True)) for row in picture["rows"]]
    assert sorted(row["id"] for row in rows) == ["1", "2"]
    assert rows[0]["skills"] == ["motor"] and rows[0]["lon"] == 121.30
    assert [task["id"] for task in picture["tasks"]] == ["7"]


def test_a_second_of_moves_is_one_message_of_eleven_bytes_each(hub, feed):
    viewer = watch(hub)
    numbers = {row[1]: row[0] for row in told(viewer)[0][1]["rows"]}
    live.publish(feed, [person(1, 121.311, 31.109)])
    live.publish(feed, [person(1, 121.312, 31.110), person(2, 121.905, 31.1)])
    second(hub)
    [(name, batch)] = told(viewer)
    assert name == "surveyors" and batch["rows"] == []
    found = {number: (lon, lat) for number, lon, lat in moves(batch)}
    assert found[numbers["1"]] == pytest.approx((121.312, 31.110), abs=5e-6)
    assert len(found) == len(moves(batch)) == 2


def test_more_than_a_move_is_a_row_and_settled_jobs_are_gone(hub, feed):
    viewer = watch(hub)
    told(viewer)
    live.publish(feed, [person(1, state="busy"), Change("task", "7", "/1/", None), job(8)])
    second(hub)
    events = told(viewer)
    assert events[0][0] == "surveyors" and events[0][1]["rows"][0][4] == "busy"
    assert ("gone", {"kind": "task", "id": "7"}) in events
    assert [data["id"] for name, data in events if name == "task"] == ["8"]


def test_a_viewer_of_a_city_hears_of_its_cells_and_of_who_leaves_them(hub, feed):
    viewer = watch(hub, box="121.2,31.05,121.45,31.15")
    told(viewer)
    live.publish(feed, [person(2, 121.95, 31.1)])
    second(hub)
    assert told(viewer) == []
    live.publish(feed, [person(1, 121.80, 31.10)])
    second(hub)
    [(_, batch)] = told(viewer)
    assert moves(batch)[0][1] == pytest.approx(121.80, abs=5e-6)
    live.publish(feed, [person(1, 121.81, 31.10)])
    second(hub)
    assert told(viewer) == []


def test_turning_elsewhere_tells_who_is_there_without_a_new_connection(hub, feed):
    viewer = watch(hub, box="121.2,31.05,121.45,31.15")
    told(viewer)
    assert live.look(feed, viewer.key, (121.8, 31.05, 121.99, 31.15))
    hub.read()
    [(name, view)] = told(viewer)
    assert name == "view" and [round(lon, 4) for _, lon, _ in moves(view)] == [121.9]
    live.publish(feed, [person(2, 121.91, 31.1)])
    second(hub)
    assert [name for name, _ in told(viewer)] == ["surveyors"]


def test_viewers_of_the_same_cells_share_the_same_bytes(hub, feed):
    one, two = watch(hub, box="121.2,31.05,121.45,31.15"), watch(hub, box="121.21,31.06,121.44,31.14")
    told(one), told(two)
    live.publish(feed, [person(1, 121.32, 31.11)])
    second(hub)
    assert one.outbox[0] is two.outbox[0]


def test_plain_readers_get_an_event_a_card_inside_their_box_and_see_it_leave(hub, feed):
    viewer = watch(hub, box="121.2,31.05,121.45,31.15", packed=False)
    [(_, picture)] = told(viewer)
    assert [card["id"] for card in picture["surveyors"]] == ["1"]
    live.publish(feed, [person(1, 121.31, 31.1), person(2, 121.92, 31.1)])
    second(hub)
    assert [(name, card["id"]) for name, card in told(viewer)] == [("surveyor", "1")]
    live.publish(feed, [person(1, 121.6, 31.1)])
    second(hub)
    assert [card["position"]["lon"] for _, card in told(viewer)] == [121.6]


def test_somebody_who_moves_to_another_branch_is_gone_here(hub, feed):
    viewer = watch(hub)
    told(viewer)
    live.publish(feed, [person(1, path="/9/")])
    second(hub)
    assert told(viewer) == [("gone", {"kind": "surveyor", "id": "1"})]


def test_a_mere_surveyor_sees_his_own_jobs_come_and_go(hub, feed):
    viewer = watch(hub, packed=False, scope=Scope("/1/", "5"))
    assert told(viewer)[0][1]["tasks"] == []
    live.publish(feed, [job(7, surveyor={"id": "5", "name": "甲"}), person(1, 121.4)])
    second(hub)
    assert [(name, card["id"]) for name, card in told(viewer)] == [("task", "7")]
    live.publish(feed, [job(7, surveyor={"id": "6", "name": "乙"})])
    second(hub)
    assert told(viewer) == [("gone", {"kind": "task", "id": "7"})]


def test_people_lent_by_another_branch_are_seen_but_not_its_jobs(hub, feed):
    viewer = watch(hub, packed=False, scope=Scope("/1/2/", None, ("/1/3/",)))
    told(viewer)
    live.publish(feed, [person(1, path="/1/3/"), job(7, path="/1/3/"), person(2, path="/1/4/")])
    second(hub)
    assert [(name, card["id"]) for name, card in told(viewer)] == [("surveyor", "1")]


def test_a_viewer_who_comes_back_gets_what_he_missed_also_from_a_new_process(hub, feed):
    plain = watch(hub, packed=False)
    told(plain)
    live.publish(feed, [person(1, 121.31)])
    second(hub)
    last = hub.tag(plain.group)
    live.publish(feed, [job(9), Change("task", "7", "/1/", None)])
    reborn = Hub(feed)
    reborn.load()
    for process in (hub, reborn):
        second(process)
        back = Viewer(False, None)
        process.join(back, ALL)
        assert process.resume(back, last)
        names = [(name, data.get("id")) for name, data in told(back)]
        assert names[0][0] == "resumed"
        assert set(names[1:]) == {("task", "9"), ("gone", "7")}
    packed = Viewer(True, None)
    reborn.join(packed, ALL)
    assert not reborn.resume(packed, f"{last}/{hub.boot}")  # its numbers died with the process
    assert not hub.resume(watch(hub), "nonsense") and not hub.resume(watch(hub), "1-1")


def test_a_redraw_heals_what_a_lost_publish_left_behind(hub, feed):
    viewer = watch(hub, packed=False)
    told(viewer)
    live.refresh(feed, "surveyor", [person(1, state="off", position=None), person(3, path="/9/")])
    second(hub)
    assert {(name, data["id"]) for name, data in told(viewer)} == {("surveyor", "1"), ("gone", "2")}
    live.refresh(feed, "surveyor", [person(1, state="off", position=None, age_s=99), person(3, path="/9/")])
    second(hub)
    assert told(viewer) == []


def test_a_reader_who_does_not_read_is_let_go_and_the_others_are_not(hub, feed):
    slow, good = watch(hub), watch(hub)
    told(good)
    slow.take()
    for n in range(2000):
        if slow.dropped:
            break
        live.publish(feed, [job(1000 + n * 10 + k, note="x" * 2000) for k in range(10)])
        second(hub)
        assert good.size < MOST_WAITING_BYTES
        good.take()
    assert slow.dropped and not good.dropped and slow.size == 0


def test_the_api_has_a_thread_for_every_viewer_it_relays():
    assert processes.RELAYED_VIEWERS == door.MOST_RELAYED
    assert processes.API_THREADS - door.MOST_RELAYED >= 32


def test_a_view_is_checked_at_the_door(as_, redis):
    client = as_("dispatcher")
    assert (
        client.post(
            "/api/v1/live/view", json={"stream": "a" * 22, "bbox": [1, 2, 3, 4]}, idem=True
        ).status_code
        == 200
    )
    for box in ([3, 2, 1, 4], [1, 2, 3], [1, 2, 3, 400]):
        answer = client.post("/api/v1/live/view", json={"stream": "a" * 22, "bbox": box}, idem=True)
        assert answer.status_code == 422
