"""Looking at people: a reason for every look, one's own tracks and who saw them, and why somebody is grey."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.models import AuditEntry
from geo import gpx, service, store
from geo.fix import Fix
from staff import devices, shifts
from tests import factories

LON, LAT = factories.LON, factories.LAT


@pytest.fixture
def now(session: Session) -> datetime:
    found = clock.read(session)
    session.rollback()
    return found


@pytest.fixture
def drive(session: Session, now: datetime) -> Any:
    """A surveyor who stood for ten minutes, half an hour ago, and drove on."""
    who = factories.surveyor(session, age_s=0)
    fixes = [
        Fix(now - timedelta(seconds=1800 - 15 * n), now, LON, LAT + max(0, n - 40) * 1e-3, 10)
        for n in range(80)
    ]
    store.insert_history(session, [store.Row(who.id, 7, fix) for fix in fixes])
    session.commit()
    return who


class TestReasons:
    @pytest.mark.parametrize("form", ["track", "track.gpx", "track/day"])
    def test_a_look_at_another_needs_a_reason_and_is_written_down_with_it(
        self, session: Session, as_: Any, drive: Any, form: str
    ) -> None:
        client = as_("dispatcher")
        refused = client.get(f"/surveyors/{drive.id}/{form}")
        assert (refused.status_code, refused.json["errors"][0]["path"]) == (422, "reason")
        assert session.query(AuditEntry).filter_by(action="track.seen").count() == 0
        assert client.get(f"/surveyors/{drive.id}/{form}?reason=complaint").status_code == 200
        entry = session.query(AuditEntry).filter_by(action="track.seen").one()
        assert (entry.facts["reason"], entry.actor_id) == ("complaint", client.person.id)

    def test_his_own_he_sees_without_one(self, session: Session, as_device: Any, drive: Any) -> None:
        for form in ("track", "track.gpx", "day"):
            assert as_device(drive).get(f"/surveyors/{drive.id}/{form}").status_code == 200
        assert {e.facts["reason"] for e in session.query(AuditEntry).filter_by(action="track.seen")} == {
            "own"
        }

    def test_an_empty_reason_is_none(self, as_: Any, drive: Any) -> None:
        assert as_("dispatcher").get(f"/surveyors/{drive.id}/track?reason=%20%20").status_code == 422


class TestLooks:
    def test_he_reads_who_looked_and_why(self, as_: Any, as_device: Any, drive: Any) -> None:
        client = as_("dispatcher")
        client.get(f"/surveyors/{drive.id}/track?reason=complaint")
        client.get(f"/surveyors/{drive.id}/track/day?reason=accident")
        page = as_device(drive).get(f"/surveyors/{drive.id}/looks").json
        assert [(one["reason"], one["form"], one["by"]["id"]) for one in page["items"]] == [
            ("accident", "day", str(client.person.id)), ("complaint", "list", str(client.person.id)),
        ]  # fmt: skip
        first = as_device(drive).get(f"/surveyors/{drive.id}/looks?limit=1").json
        second = as_device(drive).get(f"/surveyors/{drive.id}/looks?limit=1&before={first['next']}").json
        assert second["items"] == page["items"][1:]

    def test_others_do_not(self, session: Session, as_: Any, as_device: Any, drive: Any) -> None:
        other = factories.surveyor(session)
        branch = factories.organisation(session, parent=factories.default_organisation(session))
        session.commit()
        assert as_device(other).get(f"/surveyors/{drive.id}/looks").status_code == 404
        assert as_("dispatcher").get(f"/surveyors/{drive.id}/looks").status_code == 403
        assert as_("seat").get(f"/surveyors/{drive.id}/looks").status_code == 403
        assert as_("supervisor").get(f"/surveyors/{drive.id}/looks").status_code == 200
        assert as_("supervisor", org=branch).get(f"/surveyors/{drive.id}/looks").status_code == 404


def test_a_day_is_told_as_stops_and_drives(as_device: Any, drive: Any) -> None:
    told = as_device(drive).get(f"/surveyors/{drive.id}/track/day").json
    assert [part["kind"] for part in told["items"]] == ["stop", "drive"]
    assert told["items"][0]["place"]["lon"] == pytest.approx(LON)
    assert told["metres"] == pytest.approx(39 * 111, abs=300)


class TestWhyGrey:
    def causes(self, client: Any, who: Any) -> list[str]:
        return [one["cause"] for one in client.get(f"/surveyors/{who.id}/tracking").json["causes"]]

    def test_each_cause_in_one_look(self, session: Session, as_: Any, now: datetime) -> None:
        fine, lost, off = factories.surveyor(session), factories.surveyor(session, age_s=1000), factories.surveyor(
            session, on_duty=False)  # fmt: skip
        bare, ended = factories.surveyor(session, age_s=500), factories.surveyor(session, age_s=500)
        never = factories.surveyor(session, lon=None, lat=None)
        for who in (fine, lost, off, never):
            factories.device(session, who)
        gone, _ = factories.device(session, ended)
        devices.revoke(session, gone.id, by=ended.id, now=now)
        session.execute(
            text("UPDATE surveyor SET on_duty_since = on_duty_since - interval '1 hour' WHERE on_duty")
        )
        session.commit()
        client = as_("dispatcher")
        assert self.causes(client, fine) == ["fine"]
        assert self.causes(client, lost) == ["silent"]
        assert self.causes(client, off) == ["off_shift"]
        assert self.causes(client, never) == ["never_heard"]
        assert self.causes(client, bare) == ["no_phone"]
        assert self.causes(client, ended) == ["revoked"]

    def test_it_shows_app_battery_delays_refusals_and_no_place(
        self, session: Session, as_: Any, as_device: Any, now: datetime
    ) -> None:
        who = factories.surveyor(session, lon=None, lat=None)
        session.commit()
        phone = as_device(who)
        body = {"fixes": [{"at": (now - timedelta(seconds=s)).isoformat(), "lon": LON, "lat": LAT, "accuracy_m": 9,
                           "battery": 64} for s in (40, 25, 10)] + [{"at": now.isoformat(), "lon": 0, "lat": 0}]}  # fmt: skip
        assert phone.post("/positions", json=body, headers={"User-Agent": "Overland/1.4"}).json["kept"] == 3
        shown = as_("dispatcher").get(f"/surveyors/{who.id}/tracking")
        assert shown.json["last"]["battery"] == 64
        assert sum(shown.json["delays"]["counts"]) == 3
        (device,) = shown.json["devices"]
        assert device["app"] == "Overland/1.4"
        assert list(device["refused"].values()) == [{"zero": 1}]
        assert "lon" not in shown.text and str(LON) not in shown.text

    def test_who_may_ask(self, session: Session, as_: Any, as_device: Any) -> None:
        who, other = factories.surveyor(session), factories.surveyor(session)
        branch = factories.organisation(session, parent=factories.default_organisation(session))
        session.commit()
        url = f"/surveyors/{who.id}/tracking"
        assert as_device(who).get(url).status_code == 200
        assert as_device(other).get(url).status_code == 404
        assert as_("seat").get(url).status_code == 403
        assert as_("dispatcher", org=branch).get(url).status_code == 404

    def test_off_duty_nothing_of_his_day_is_told(
        self, session: Session, as_: Any, drive: Any, now: datetime
    ) -> None:
        shifts.set_duty(session, drive.id, False, now=now)
        session.commit()
        shown = as_("dispatcher").get(f"/surveyors/{drive.id}/tracking").json
        assert (shown["last"], shown["fixes"], shown["gaps"]) == (None, 0, [])


class TestGpx:
    def test_out_and_in_again_is_the_same_track(
        self, session: Session, as_device: Any, drive: Any, now: datetime
    ) -> None:
        """A break of more than five minutes becomes a segment of its own."""
        late = [
            Fix(now - timedelta(seconds=200 - 15 * n), now, LON + 0.1, LAT, 10, altitude_m=51.5)
            for n in range(4)
        ]
        store.insert_history(session, [store.Row(drive.id, 7, fix) for fix in late])
        session.commit()
        body = as_device(drive).get(f"/surveyors/{drive.id}/track.gpx").data
        assert body.count(b"<trkseg>") == 2
        read, unread, _ = gpx.read(body)
        kept = store.track(session, drive.id, now - timedelta(hours=1), now)
        assert unread.total() == 0
        assert [(round(f.lon, 6), round(f.lat, 6)) for f in read] == [
            (round(f.lon, 6), round(f.lat, 6)) for f in kept
        ]
        assert (
            max(abs((a.fixed_at - b.fixed_at).total_seconds()) for a, b in zip(read, kept, strict=True))
            <= 0.001
        )

    def test_any_time_zone_and_several_segments_come_in(
        self, session: Session, as_device: Any, now: datetime
    ) -> None:
        who = factories.surveyor(session, lon=None, lat=None)
        session.commit()
        at = [(now - timedelta(seconds=s)).isoformat() for s in (60, 40)]
        china = (now - timedelta(seconds=20)).astimezone().isoformat()
        points = "".join(
            f'<trkpt lat="{LAT}" lon="{LON}"><time>{t}</time></trkpt></trkseg><trkseg>' for t in (*at, china)
        )
        body = f'<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>'
        answer = as_device(who).post("/positions.gpx", data=body, content_type="application/gpx+xml")
        assert answer.json["kept"] == 3

    def test_a_shift_recorded_every_second_comes_in_whole(
        self, session: Session, as_device: Any, now: datetime
    ) -> None:
        """More than the four mebibytes of an ordinary request."""
        who = factories.surveyor(session, lon=None, lat=None)
        session.commit()
        padding = "<extensions><x>" + "0" * 900 + "</x></extensions>"
        points = "".join(
            f'<trkpt lat="{LAT}" lon="{LON}"><time>{(now - timedelta(seconds=n)).isoformat()}</time>{padding}</trkpt>'
            for n in range(1500, 0, -1)
        )
        body = f"<gpx><trk><trkseg>{points}{' ' * 3_500_000}</trkseg></trk></gpx>"
        assert len(body) > 5_000_000
        phone = as_device(who)
        answer = phone.post("/positions.gpx", data=body, content_type="application/gpx+xml")
        assert (answer.status_code, answer.json["kept"]) == (200, 1500)
        answer = phone.post("/positions.gpx", data=body, content_type="application/gpx+xml")
        assert answer.json["refused"] == {"duplicate": 1500}

    def test_too_many_points_are_refused_with_how_many_fit(
        self, session: Session, as_device: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(gpx, "MOST_POINTS", 20)
        who = factories.surveyor(session)
        session.commit()
        points = f'<trkpt lat="{LAT}" lon="{LON}"><time>2026-01-01T00:00:00Z</time></trkpt>' * 21
        body = f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>"
        answer = as_device(who).post("/positions.gpx", data=body, content_type="application/gpx+xml")
        assert (answer.status_code, answer.json["facts"]) == (422, {"most": 20})

    def test_points_without_a_time_are_named(self, session: Session, as_device: Any, now: datetime) -> None:
        who = factories.surveyor(session, lon=None, lat=None)
        session.commit()
        phone = as_device(who)
        bare = f'<trkpt lat="{LAT}" lon="{LON}"/>'
        good = f'<trkpt lat="{LAT}" lon="{LON}"><time>{now.isoformat()}</time></trkpt>'
        said = [{"path": "trkpt[0].time", "message": "missing"}]
        answer = phone.post("/positions.gpx", data=f"<gpx>{bare}</gpx>", content_type="application/gpx+xml")
        assert (answer.status_code, answer.json["errors"]) == (422, said)
        answer = phone.post(
            "/positions.gpx", data=f"<gpx>{bare}{good}</gpx>", content_type="application/gpx+xml"
        )
        assert (answer.status_code, answer.json["kept"], answer.json["errors"]) == (200, 1, said)


def test_a_time_zone_no_map_has_is_still_a_time(session: Session, as_device: Any, now: datetime) -> None:
    """PostgreSQL refuses offsets beyond 15:59; the answer was 500."""
    who = factories.surveyor(session, lon=None, lat=None)
    session.commit()
    odd = (now - timedelta(seconds=5)).astimezone(timezone(timedelta(hours=-23, minutes=-47))).isoformat()
    phone = as_device(who)
    assert phone.post("/positions", json={"fixes": [{"at": odd, "lon": LON, "lat": LAT}]}).json["kept"] == 1
    edge = {"at": "0001-01-01T00:00:00+20:00", "lon": LON, "lat": LAT}
    assert phone.post("/positions", json={"fixes": [edge]}).status_code == 422


def test_a_track_past_its_keeping_time_is_gone_with_its_day(
    session: Session, sessions: Any, now: datetime
) -> None:
    who = factories.surveyor(session)
    old = now - timedelta(days=95)
    store.ensure_partitions(session, old.date(), 1, 1)
    store.insert_history(session, [store.Row(who.id, 7, Fix(old, old, LON, LAT, 10))])
    session.commit()
    assert store.track(session, who.id, old - timedelta(days=1), now)
    session.commit()
    assert service.forget_old_tracks(sessions, now) >= 1
    assert store.track(session, who.id, old - timedelta(days=1), now) == []
    assert old.date() not in {p.day for p in store.partitions(session)}
