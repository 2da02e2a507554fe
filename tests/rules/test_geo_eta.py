"""Drive times: who is asked, who is believed, and that nobody slow or dead holds up an answer."""

import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from core.errors import BadSettings
from geo import datum, remote
from geo.breaker import Breaker
from geo.eta import Engine, StraightLine
from geo.fix import LonLat, metres_between
from geo.table import RouterFailed, Table

HERE = LonLat(116.397, 39.908)
STARTS = [LonLat(116.41, 39.91), LonLat(116.45, 39.95), LonLat(116.38, 39.90)]
Answer = Callable[["Asked"], None]


class Asked(BaseHTTPRequestHandler):
    """One request; what happens to it is the server's `answer`."""

    def do_GET(self):
        self.server.answer(self)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass

    def say(self, body: Any, status: int = 200) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class Router(ThreadingHTTPServer):
    """A road engine that answers as the test says and counts its calls."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.calls: list[str] = []
        self.then: Answer = lambda asked: asked.say({})

    def answer(self, asked: Asked) -> None:
        self.calls.append(asked.path)
        with suppress(OSError):  # the asker has gone, which is what these tests are about
            self.then(asked)

    def handle_error(self, *_: Any) -> None:
        pass

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def router() -> Iterator[Router]:
    with Router() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def osrm(router: Router, deadline_s: float = 0.3) -> Engine:
    return Engine([remote.Osrm(router.url, deadline_s=deadline_s)], deadline_s=deadline_s)


def osrm_says(seconds: Any, code: str = "Ok") -> Answer:
    return lambda asked: asked.say({"code": code, "durations": seconds})


def straight_only(drives: Any) -> bool:
    return all(d.provider == "straight_line" for d in drives)


def test_without_any_provider_the_straight_line_speaks_and_says_so():
    near, far, _ = Engine().to(HERE, STARTS)
    assert near.provider == far.provider == "straight_line"
    assert near.seconds == pytest.approx(metres_between(STARTS[0], HERE) * 1.35 / (25 / 3.6), abs=1)
    assert near.low_s < near.seconds < near.high_s


def test_an_organisation_brings_its_own_straight_line():
    (slow,) = Engine().to(HERE, STARTS[:1], last=StraightLine(speed_kmh=5, winding=2.0))
    assert slow.seconds == pytest.approx(metres_between(STARTS[0], HERE) * 2 / (5 / 3.6), abs=1)


def test_osrm_is_asked_in_longitude_first_and_named(router):
    router.then = osrm_says([[111.4], [222], [None]])
    first, second, third = osrm(router).to(HERE, STARTS)
    assert (first.seconds, first.provider, second.seconds, third) == (111, "osrm", 222, None)
    path = urlsplit(router.calls[0])
    assert path.path.startswith("/table/v1/driving/116.410000,39.910000;116.450000,39.950000;")
    assert parse_qs(path.query) == {
        "sources": ["0;1;2"],
        "destinations": ["3"],
        "annotations": ["duration,distance"],
    }


def test_valhalla_gives_kilometres_and_null_for_no_way(router):
    cells = (
        [{"time": 300, "distance": 2.5}],
        [{"time": 700, "distance": 8.0}],
        [{"time": None, "distance": None}],
    )
    router.then = lambda asked: asked.say({"sources_to_targets": cells})
    first, _, third = Engine([remote.Valhalla(router.url, deadline_s=0.3)]).to(HERE, STARTS)
    assert (first.seconds, first.distance_m, first.provider) == (300, 2500, "valhalla")
    assert third is None


def amap_says(results: list[dict[str, str]], status: str = "1") -> Answer:
    return lambda asked: asked.say({"status": status, "infocode": "10000", "results": results})


def test_amap_speaks_gcj02_in_texts_and_one_means_good(router):
    router.then = amap_says(
        [
            {"origin_id": "1", "dest_id": "1", "distance": "3100", "duration": "420"},
            {"origin_id": "2", "dest_id": "1", "info": "no road", "code": "1"},
            {"origin_id": "3", "dest_id": "1", "info": "far from any road", "code": "2"},
        ]
    )
    engine = Engine([remote.Amap(router.url, "secret", deadline_s=0.3)])
    first, second, third = engine.to(HERE, STARTS)
    assert (first.seconds, first.distance_m, first.provider) == (420, 3100, "amap")
    assert second is None, "no road between them is a fact"
    assert third.provider == "straight_line", "a place off its map is only unknown"
    asked = parse_qs(urlsplit(router.calls[0]).query)
    shifted = datum.from_wgs84(HERE, "gcj02")
    assert asked["destination"] == [f"{shifted.lon:.4f},{shifted.lat:.4f}"]
    assert metres_between(shifted, HERE) > 400
    assert asked["type"] == ["1"] and asked["origins"][0].count("|") == 2


def test_amap_is_not_asked_the_same_thing_twice_in_two_minutes(router):
    router.then = amap_says([{"origin_id": "1", "distance": "3100", "duration": "420"}])
    engine = Engine([remote.Amap(router.url, "secret", deadline_s=0.3)])
    for _ in range(3):
        assert engine.to(HERE, STARTS[:1])[0].seconds == 420
    assert len(router.calls) == 1


def test_amap_takes_a_hundred_origins_a_call_and_the_nearest_four_hundred_are_asked(router):
    def echo(asked: Asked) -> None:
        count = parse_qs(urlsplit(asked.path).query)["origins"][0].count("|") + 1
        assert count <= 100
        asked.say(
            {
                "status": "1",
                "results": [
                    {"origin_id": str(i), "distance": "900000", "duration": "60000"}
                    for i in range(1, count + 1)
                ],
            }
        )

    router.then = echo
    crowd = [LonLat(116.0 + i * 0.001, 39.9) for i in range(1000)]
    drives = Engine([remote.Amap(router.url, "k", deadline_s=5)], deadline_s=5).table([HERE], crowd)
    asked = {i for i in range(1000) if drives.names[drives.by[i, 0]] == "amap"}
    order = sorted(range(1000), key=lambda i: metres_between(crowd[i], HERE))
    assert asked == set(order[:400]) and len(router.calls) == 4


def drip(asked: Asked) -> None:
    asked.send_response(200)
    asked.send_header("Content-Length", "100000")
    asked.end_headers()
    for _ in range(100):
        asked.wfile.write(b" ")
        asked.wfile.flush()
        time.sleep(0.05)


SILENT: dict[str, Answer] = {
    "slow": lambda asked: time.sleep(2),
    "dripping": drip,
    "hangs up": lambda asked: asked.connection.close(),
}


@pytest.mark.parametrize("how", SILENT)
def test_a_provider_that_does_not_answer_costs_no_more_than_the_deadline(router, how):
    router.then = SILENT[how]
    began = time.monotonic()
    drives = osrm(router).to(HERE, STARTS)
    assert straight_only(drives)
    # A little over 0.3 s: what the threads and a busy machine need; without the deadline it is 2 s and more.
    assert time.monotonic() - began < 1.0


LIES: dict[str, Any] = {
    "not JSON": b"<html>504</html>",
    "not UTF-8": b"\xff\xfe\x00",
    "another form": [1, 2, 3],
    "too few rows": {"code": "Ok", "durations": [[1], [2]]},
    "too many columns": {"code": "Ok", "durations": [[1, 2], [1, 2], [1, 2]]},
    "below zero": {"code": "Ok", "durations": [[-5], [900], [900]]},
    "texts": {"code": "Ok", "durations": [["soon"], [900], [900]]},
    "true is no number": {"code": "Ok", "durations": [[True], [900], [900]]},
    "not a number": b'{"code":"Ok","durations":[[NaN],[900],[900]]}',
    "infinite": b'{"code":"Ok","durations":[[1e999],[900],[900]]}',
    "faster than any car": {"code": "Ok", "durations": [[300], [1], [300]]},
    "deep": b"[" * 200_000,
    "endless": b" " * (remote.LONGEST_BODY + 10),
    "an error with status 200": {"code": "TooBig"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_not_an_answer(router, lie):
    router.then = lambda asked: asked.say(LIES[lie])
    assert straight_only(osrm(router, 2.0).to(HERE, STARTS))


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_refusal_by_status_is_a_failure_whatever_its_body_says(router, status):
    router.then = lambda asked: asked.say({"code": "Ok", "durations": [[1], [900], [900]]}, status)
    assert straight_only(osrm(router).to(HERE, STARTS))


def test_a_redirect_is_not_followed(router):
    def away(asked: Asked) -> None:
        asked.send_response(302)
        asked.send_header("Location", router.url + "/elsewhere")
        asked.send_header("Content-Length", "0")
        asked.end_headers()

    router.then = away
    assert straight_only(osrm(router).to(HERE, STARTS))
    assert len(router.calls) == 1


def test_a_drive_of_days_is_no_way_at_all(router):
    router.then = osrm_says([[200_000], [900], [900]])
    assert osrm(router).to(HERE, STARTS)[0] is None


def test_the_dead_are_left_alone_after_three_failures(router):
    router.then = SILENT["hangs up"]
    engine = osrm(router)
    for _ in range(6):
        assert straight_only(engine.to(HERE, STARTS))
    assert len(router.calls) == 3
    assert engine.states() == {"osrm": "open"}


def test_a_place_off_its_map_is_no_illness(router):
    router.then = lambda asked: asked.say({"code": "NoSegment"}, 400)
    engine = osrm(router)
    for _ in range(5):
        assert straight_only(engine.to(HERE, STARTS))
    assert len(router.calls) == 5 and engine.states() == {"osrm": "closed"}


def test_a_port_where_nobody_listens_costs_nothing():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: refused at once
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        began = time.monotonic()
        assert straight_only(Engine([remote.Osrm(url, deadline_s=0.3)]).to(HERE, STARTS))
        assert time.monotonic() - began < 1.0


def test_the_breaker_tries_one_call_after_each_rest_and_rests_longer_each_time():
    breaker = Breaker(failures=2, rest_s=10)
    assert not breaker.failed(0.0) and breaker.allows(0.0)
    assert breaker.failed(1.0)
    assert not breaker.allows(10.9)
    assert breaker.state(10.9) == "open"
    assert breaker.allows(11.0) and not breaker.allows(11.0), "one try, not two"
    assert not breaker.failed(11.0)
    assert not breaker.allows(30.9) and breaker.allows(31.0), "twice as long"
    breaker.succeeded()
    assert breaker.allows(31.0) and breaker.state(31.0) == "closed"


def test_the_rest_has_a_longest():
    breaker = Breaker(failures=1, rest_s=10)
    now = 0.0
    for _ in range(20):
        breaker.failed(now)
        now += 300.0
        assert breaker.allows(now)


class Half:
    """Knows the way from the first start only."""

    name, remote = "half", False

    def table(self, places, starts):
        found = Table.blank(len(starts), len(places))
        found.seconds[0, :] = 77.0
        return found


class Broken:
    name, remote = "broken", False

    def table(self, places, starts):
        raise RouterFailed("no graph")


def test_what_one_provider_does_not_know_the_next_is_asked():
    first, second, _ = Engine([Broken(), Half()]).to(HERE, STARTS)
    assert (first.seconds, first.provider) == (77, "half")
    assert first.distance_m == pytest.approx(metres_between(STARTS[0], HERE) * 1.35, abs=1)
    assert second.provider == "straight_line"


def test_a_matrix_has_a_row_for_each_start_and_a_column_for_each_place():
    places = [HERE, LonLat(116.5, 39.8)]
    found = Engine().matrix(places, STARTS)
    assert found.shape == (3, 2)
    assert found[1, 1] == pytest.approx(metres_between(STARTS[1], places[1]) * 1.35 / (25 / 3.6))
    assert Engine().matrix([], STARTS).shape == (3, 0)
    assert Engine().to(HERE, []) == []


def test_a_large_matrix_is_cut_into_calls_and_put_together_again(router):
    def manhattan(asked: Asked) -> None:
        path = urlsplit(asked.path)
        points = [tuple(map(float, p.split(","))) for p in path.path.rsplit("/", 1)[1].split(";")]
        query = parse_qs(path.query)
        sources, targets = (
            [points[int(i)] for i in query[name][0].split(";")] for name in ("sources", "destinations")
        )
        assert len(sources) + len(targets) <= 100
        rows = [[(abs(a - c) + abs(b - d)) * 20_000 for c, d in targets] for a, b in sources]
        asked.say({"code": "Ok", "durations": rows})

    router.then = manhattan
    starts = [LonLat(116.3 + i * 0.001, 39.9) for i in range(200)]
    places = [LonLat(116.4, 39.8 + j * 0.01) for j in range(23)]
    drives = osrm(router, 10.0).table(places, starts)
    assert (drives.by == 0).all()
    wanted = np.array([[(abs(a.lon - p.lon) + abs(a.lat - p.lat)) * 20_000 for p in places] for a in starts])
    assert np.allclose(drives.seconds, wanted, atol=0.1)


def settings(**given: Any) -> Any:
    plain = {
        "data": Path("/nowhere"),
        "routing": "",
        "osrm_url": "",
        "valhalla_url": "",
        "amap_url": "http://a",
        "amap_key": "",
    }
    return SimpleNamespace(**(plain | given))


def names(engine: Engine) -> list[str]:
    return [line.provider.name for line in engine.lines]


def test_the_settings_name_the_providers_in_order():
    assert names(Engine.from_settings(settings())) == ["roads"]
    both = settings(osrm_url="http://o", valhalla_url="http://v", amap_key="k")
    assert names(Engine.from_settings(both)) == ["roads", "osrm", "valhalla"], (
        "a key for maps asks nobody for routes"
    )
    told = settings(routing="amap, roads", amap_key="k")
    assert names(Engine.from_settings(told)) == ["amap", "roads"]
    assert straight_only(Engine.from_settings(settings()).to(HERE, STARTS)), "no graph was built there"


@pytest.mark.parametrize("wrong", [{"routing": "google"}, {"routing": "osrm"}, {"routing": "roads amap"}])
def test_a_provider_without_what_it_needs_is_refused_at_the_start(wrong):
    with pytest.raises(BadSettings, match="CHAKAN_ROUTING"):
        Engine.from_settings(settings(**wrong))


def test_the_key_never_reaches_a_log(router, caplog):
    router.then = SILENT["hangs up"]
    engine = Engine([remote.Amap(router.url, "very-secret", deadline_s=0.3)])
    for _ in range(4):
        engine.to(HERE, STARTS)
    assert any("left alone" in record.message for record in caplog.records)
    assert "very-secret" not in caplog.text and "116." not in caplog.text
    assert not math.isnan(engine.to(HERE, STARTS)[0].seconds)
