"""The figures for Prometheus: what is behind, what was told, never a person."""

from datetime import timedelta

from core import clock, outbox
from notify import service
from notify.models import Message
from notify.sms.outbox import VisibleOutbox
from tests import rows


def figures(as_):
    """The samples of a scrape as a dict."""
    answer = as_("admin").get("/metrics")
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}, answer.text


def test_what_is_overdue_is_measured_at_each_scrape(as_, session, sessions, settings):
    claim = rows.claim(session)
    rows.task(session, claim, state="pending", next_try_at=clock.read(session) - timedelta(seconds=30))
    session.commit()
    service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id})
    session.query(Message).update({"due_at": clock.read(session) - timedelta(seconds=60)})
    outbox.append(session, "claim.opened", claim_id=claim.id)
    session.commit()
    seen, _ = figures(as_)
    assert 60 <= seen['chakan_lag_seconds{duty="message"}'] < 70
    assert 30 <= seen['chakan_lag_seconds{duty="dispatch"}'] < 40
    assert 0 < seen['chakan_lag_seconds{duty="relay"}'] < 10
    assert seen["chakan_position_days_ahead"] >= 7
    assert seen['chakan_lag_seconds{duty="clock"}'] == 0 and seen["chakan_parked_deliveries"] == 0


def test_a_duty_done_is_no_longer_behind(as_, session, sessions, settings):
    claim = rows.claim(session)
    session.commit()
    (message_id,) = service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id})
    session.query(Message).update({"due_at": clock.read(session) - timedelta(seconds=60)})
    session.commit()
    assert figures(as_)[0]['chakan_lag_seconds{duty="message"}'] >= 60
    service.send(sessions, {"sms": VisibleOutbox()}, message_id)
    assert figures(as_)[0]['chakan_lag_seconds{duty="message"}'] == 0


def test_messages_and_events_are_counted_and_no_person_is_named(as_, session, sessions, settings):
    before, _ = figures(as_)
    claim = rows.claim(session)
    outbox.append(session, "claim.opened", claim_id=claim.id)
    session.commit()
    outbox.relay(sessions, {})
    (message_id,) = service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id})
    service.send(sessions, {"sms": VisibleOutbox()}, message_id)
    after, everything = figures(as_)
    for name in (
        'chakan_messages_total{channel="sms",outcome="sent"}',
        'chakan_events_total{event="claim.opened"}',
    ):
        assert after[name] - before.get(name, 0) == 1
    for secret in ("13800138000", claim.report_no, str(claim.id), str(message_id)):
        assert secret not in everything


def test_figures_are_not_for_everybody(as_, stranger):
    assert stranger.get("/metrics").status_code == 401
    assert as_("seat").get("/metrics").status_code == 403
