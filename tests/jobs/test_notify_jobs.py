"""The jobs as workers run them, an outage of the provider, Redis away. A real gateway over a socket."""

import json
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select, text

from core import outbox, queues, wiring
from core.queues import Work
from notify import channels, compose, jobs, links, service
from notify.models import Message
from tests import factories, rows
from tests.site import free_port

AT = factories.utc(2026, 11, 22, 8, 0)


@pytest.fixture
def wired(settings, sessions, redis):
    """This process, plugged together as worker.py does it."""
    wiring.fill(settings, sessions, redis, None)
    return wiring


@pytest.fixture
def claim(session):
    made = rows.claim(session)
    session.commit()
    return made


def states(session):
    session.expire_all()
    return Counter(session.scalars(select(Message.state)))


def test_every_event_has_its_listener():
    for name in jobs.LISTENS.values():
        assert callable(queues.resolve(name))
    assert len(jobs.LISTENS) == len([name for name in dir(jobs) if name.startswith("on_")])


def test_the_worker_listens_to_every_event_somebody_is_told_of():
    from worker import LISTENERS

    listening = {name for duties in LISTENERS.values() for _, name in duties}
    assert set(jobs.LISTENS.values()) <= listening
    assert set(compose.COMPOSERS) <= set(jobs.LISTENS)


def test_an_event_becomes_a_message_and_a_worker_sends_it(session, wired, claim, redis):
    with wired.sessions.begin() as own:
        outbox.append(own, "claim.opened", claim_id=claim.id, task_id=1)
    outbox.relay(wired.sessions, {"claim.opened": [(Work.MESSAGES, jobs.LISTENS["claim.opened"])]})
    for duty in outbox.lease_due(wired.sessions):
        queues.run_delivery(duty.delivery_id)
    assert states(session) == {"waiting": 1}
    queue = Queue(Work.MESSAGES, connection=redis, serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=redis, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="WARNING")
    assert states(session) == {"sent": 1}
    assert session.scalars(text("SELECT state FROM delivery")).all() == ["done"]


def test_without_redis_the_message_waits_for_the_sweeper(session, settings, sessions, claim):
    away = queues.connect(f"redis://127.0.0.1:{free_port()}/0")
    wiring.fill(settings, sessions, away, None)
    jobs.on_claim_opened({"claim_id": claim.id})
    with sessions.begin() as own:
        (message_id,) = service.due_messages(own, own.scalar(text("SELECT clock_timestamp()")))
    jobs.send(message_id)
    assert states(session) == {"sent": 1}


class Gateway:
    """An SMS provider that knows our ids: each id rings a phone once, however often it is asked."""

    def __init__(self, port=0):
        gateway = self
        self.rung, self.asked, self.hang_ups = Counter(), 0, 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gateway.asked += 1
                first = given["id"] not in gateway.rung
                gateway.rung[given["id"]] = 1
                if first and gateway.asked % 3 == 0:
                    # Taken, but the answer is lost.
                    gateway.hang_ups += 1
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=5)


def send_all(sessions, drivers, now):
    """One round of the sweeper at a given time."""
    with sessions.begin() as own:
        due = service.due_messages(own, now, 1000)
    return Counter(service.send(sessions, drivers, message_id, now=now) for message_id in due)


def test_lost_answers_ring_nobody_twice_at_a_provider_that_knows_our_ids(session, sessions, settings):
    gateway = Gateway()
    try:
        for _ in range(60):
            claim = rows.claim(session, AT)
            session.commit()
            service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id}, AT)
        url = f"http://127.0.0.1:{gateway.server.server_address[1]}/"
        drivers = channels.drivers(replace(settings, sms_driver="http", sms_gateway_url=url))
        now = AT
        while sum(send_all(sessions, drivers, now).values()):
            now += timedelta(seconds=31)
    finally:
        gateway.stop()
    assert gateway.hang_ups >= 10, "the provider must have lost answers for this to mean anything"
    assert len(gateway.rung) == 60 and gateway.asked == 60 + gateway.hang_ups
    assert states(session) == {"sent": 60}


@pytest.mark.parametrize(("outage_min", "outcome"), [(20, "sent"), (60, "dropped")])
def test_after_an_outage_texts_are_sent_or_dropped_as_stale_with_the_reason(
    session, sessions, settings, outage_min, outcome
):
    claim = rows.claim(session, AT)
    session.commit()
    service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id}, AT)
    port = free_port()
    drivers = channels.drivers(
        replace(settings, sms_driver="http", sms_gateway_url=f"http://127.0.0.1:{port}/")
    )
    gateway = None
    try:
        for third in range(270):
            if third == 3 * outage_min:
                gateway = Gateway(port)
            send_all(sessions, drivers, AT + third * timedelta(seconds=20))
    finally:
        gateway.stop()
    (message,) = session.scalars(select(Message))
    assert message.state == outcome
    assert message.last_error == (None if outcome == "sent" else "stale:ConnectError")


def test_the_log_of_a_message_names_no_person(session, wired, claim, caplog):
    with caplog.at_level("DEBUG"):
        jobs.on_claim_opened({"claim_id": claim.id})
        jobs.send(session.scalars(select(Message.id)).one())
    everything = "\n".join(
        str(record.__dict__) for record in caplog.records if record.name.startswith("notify")
    )
    assert "message handled" in everything
    for secret in ("13800138000", "王报案", links.slug_of(session, claim.id)):
        assert secret not in everything


def test_one_job_takes_many_deliveries_and_one_more_sends_what_they_wrote(session, wired, redis):
    for n in range(3):
        made = rows.claim(session, report_no=f"CK00000000000{n}")
        with wired.sessions.begin() as own:
            outbox.append(own, "claim.opened", claim_id=made.id, task_id=1)
    session.commit()
    outbox.relay(wired.sessions, {"claim.opened": [(Work.MESSAGES, jobs.LISTENS["claim.opened"])]})
    queues.run_deliveries([duty.delivery_id for duty in outbox.lease_due(wired.sessions)])
    queue = Queue(Work.MESSAGES, connection=redis, serializer=JSONSerializer)
    (job,) = queue.jobs
    assert job.func_name == "notify.jobs.send_all" and len(job.args[0]) == 3
    jobs.send_all(job.args[0])
    assert states(session) == {"sent": 3}


def test_a_delivery_that_fails_holds_up_none_of_those_beside_it(session, wired):
    for number in (1, 2, 3):
        with wired.sessions.begin() as own:
            outbox.append(own, "claim.opened", number=number)
    outbox.relay(wired.sessions, {"claim.opened": [(Work.MESSAGES, "listener")]})
    called = []

    def call(name, payload):
        called.append(payload["number"])
        if payload["number"] == 2:
            raise RuntimeError("poisonous")

    ids = [duty.delivery_id for duty in outbox.lease_due(wired.sessions)]
    outbox.deliver(wired.sessions, ids, call)
    assert called == [1, 2, 3]
    kept = session.execute(
        text("SELECT payload ->> 'number', state, attempts FROM delivery ORDER BY 1")
    ).all()
    assert kept == [("1", "done", 0), ("2", "waiting", 1), ("3", "done", 0)]
    # Told again, those that are done are not called again.
    outbox.deliver(wired.sessions, ids, call)
    assert called == [1, 2, 3, 2]


def test_a_message_that_breaks_its_sender_holds_up_none_of_those_beside_it(session, wired, claim):
    with wired.sessions.begin() as own:
        (first,) = service.tell(wired.sessions, wired.settings, "claim.opened", {"claim_id": claim.id})
        own.execute(
            text("UPDATE message SET channel = 'webhook', address = 'nowhere' WHERE id = :id"), {"id": first}
        )
    other = rows.claim(session, report_no="CK000000000009")
    session.commit()
    (second,) = service.tell(wired.sessions, wired.settings, "claim.opened", {"claim_id": other.id})
    jobs.send_all([first, 0, second])
    assert states(session) == {"waiting": 1, "sent": 1}


def test_photos_go_to_their_worker_one_by_one_and_messages_together():
    many = list(range(45))
    assert [len(share) for share in queues.shares(Work.MESSAGES, many)] == [20, 20, 5]
    assert list(queues.shares(Work.PHOTOS, many[:2])) == [[0], [1]]
