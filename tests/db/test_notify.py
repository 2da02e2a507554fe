"""Who is told what, once; and what becomes of a message. Real rows, no providers."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core import audit
from core.errors import Missing
from core.models import AuditEntry
from media.models import Photo, PhotoReview
from notify import links, service
from notify.errors import MessageWaiting, Permanent, Transient, Unsure
from notify.models import CustomerLink, Message
from staff import rules
from tests import factories, rows

AT = factories.utc(2026, 11, 22, 8, 0)


class Provider:
    """A provider at the network's edge whose answers the test decides; it remembers what it took."""

    name = "provider"

    def __init__(self, *answers):
        self.answers, self.seen = list(answers), []

    def send(self, letter):
        self.seen.append(letter)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def claim(session):
    made = rows.claim(session, AT)
    session.commit()
    return made


def told(session, **wanted):
    """Every message with these values, oldest first."""
    session.expire_all()
    return list(session.scalars(select(Message).filter_by(**wanted).order_by(Message.id)))


def tell(sessions, settings, event, now=AT, **payload):
    return service.tell(sessions, settings, event, payload, now)


def one_text(sessions, settings, claim):
    """The message of a taken report."""
    (message_id,) = tell(sessions, settings, "claim.opened", claim_id=claim.id)
    return message_id


def test_a_taken_report_is_confirmed_with_the_customers_link(session, sessions, settings, claim):
    one_text(sessions, settings, claim)
    (message,) = told(session)
    slug = session.scalars(select(CustomerLink.slug)).one()
    assert message.address == "+8613800138000" and message.channel == "sms" and message.state == "waiting"
    assert message.text.startswith("【查勘】您的报案CK") and message.text.endswith(
        f"http://127.0.0.1:8000/t/{slug}"
    )
    assert len(slug) == 22


def test_a_repeated_event_tells_nobody_twice_and_keeps_the_link(session, sessions, settings, claim):
    one_text(sessions, settings, claim)
    slug = links.slug_of(session, claim.id)
    assert tell(sessions, settings, "claim.opened", claim_id=claim.id) == []
    assert len(told(session)) == 1
    assert links.slug_of(session, claim.id) == slug


def test_listeners_that_run_at_the_same_time_tell_once(session, sessions, settings, claim):
    workers = [
        threading.Thread(
            target=tell, args=(sessions, settings, "claim.opened"), kwargs={"claim_id": claim.id}
        )
        for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)
    assert len(told(session)) == 1


def test_an_event_of_a_claim_that_is_gone_tells_nobody(sessions, settings):
    assert tell(sessions, settings, "claim.opened", claim_id=1) == []


def test_a_land_line_is_not_texted_and_the_desk_can_see_why(session, sessions, settings):
    claim = rows.claim(session, AT, reporter_phone="+861062345678")
    session.commit()
    one_text(sessions, settings, claim)
    (message,) = told(session)
    assert (message.state, message.last_error) == ("dropped", "not_a_mobile")


def test_an_organisation_chooses_signature_and_language_of_its_texts(session, sessions, settings, claim):
    rules.change(session, claim.org_id, "sms_signature", "某某财险", by=0)
    rules.change(session, claim.org_id, "customer_lang", "en", by=0)
    session.commit()
    one_text(sessions, settings, claim)
    (message,) = told(session)
    assert message.text.startswith("【某某财险】We have your report CK") and message.lang == "en"


@pytest.fixture
def duty(session, claim):
    """A claim whose surveyor has just accepted, with three minutes of the contact clock gone."""
    surveyor = factories.surveyor(session, name="欧阳修文")
    task = rows.task(session, claim, state="accepted")
    rows.clock_of(session, claim, "contact", 10)
    made = rows.assignment(session, task, surveyor.id, AT + timedelta(minutes=3))
    session.commit()
    return made


def accepted(sessions, settings, claim, duty, **given):
    payload = {"claim_id": claim.id, "task_id": duty.task_id, "surveyor_id": duty.surveyor_id}
    return tell(
        sessions, settings, "offer.accepted", AT + timedelta(minutes=3), **payload, offer_id=1, **given
    )


def test_the_customer_hears_who_will_ring_and_within_how_many_minutes(
    session, sessions, settings, claim, duty
):
    links.keep(session, claim.id, AT)
    session.commit()
    accepted(sessions, settings, claim, duty)
    (message,) = told(session)
    assert "欧阳师傅将为您查勘，7分钟内与您电话联系" in message.text
    assert "修文" not in message.text


def test_without_a_running_contact_clock_no_minutes_are_promised(session, sessions, settings, claim, duty):
    for clock in session.scalars(select(rows.Clock)):
        clock.state, clock.stopped_at = "met", AT
    session.commit()
    accepted(sessions, settings, claim, duty)
    assert [m.template for m in told(session)] == ["surveyor_assigned_soon"]


def test_a_surveyor_the_desk_chose_is_told_too(session, sessions, settings, claim, duty):
    person = session.get_one(factories.Person, duty.surveyor_id)
    person.phone = "+8613900139000"
    session.commit()
    payload = {
        "claim_id": claim.id,
        "task_id": duty.task_id,
        "surveyor_id": duty.surveyor_id,
        "assignment_id": duty.id,
    }
    tell(sessions, settings, "task.assigned", AT + timedelta(minutes=3), **payload)
    assert {(m.audience, m.template) for m in told(session)} == {
        ("customer", "surveyor_assigned"),
        ("surveyor", "assigned_by_hand"),
    }


def test_the_next_surveyor_is_news_to_the_customer_and_the_former_one_is_not(
    session, sessions, settings, claim, duty
):
    accepted(sessions, settings, claim, duty)
    duty = session.get_one(rows.Assignment, duty.id)
    duty.ended_at, duty.end_reason = AT + timedelta(minutes=4), "reassigned"
    session.flush()
    other = factories.surveyor(session, name="赵六")
    second = rows.assignment(
        session, session.get_one(rows.Task, duty.task_id), other.id, AT + timedelta(minutes=4)
    )
    session.commit()
    accepted(sessions, settings, claim, second)
    accepted(sessions, settings, claim, duty)  # late: he no longer has the job
    assert [m.values["surveyor"] for m in told(session)] == ["欧阳师傅", "赵师傅"]


def test_an_offer_is_texted_and_is_worthless_after_its_end(session, sessions, settings, claim):
    surveyor = factories.surveyor(session)
    session.get_one(factories.Person, surveyor.id).phone = "+8613900139000"
    task = rows.task(session, claim, state="offered")
    offer = rows.offer(session, task, surveyor.id, AT)
    session.commit()
    payload = {"claim_id": claim.id, "task_id": task.id, "offer_id": offer.id, "surveyor_id": surveyor.id}
    (message_id,) = tell(sessions, settings, "offer.made", AT + timedelta(seconds=20), **payload)
    (message,) = told(session)
    assert "约2.3公里" in message.text and "70秒内" in message.text and message.stale_at == offer.expires_at
    sent = service.send(sessions, {"sms": Provider()}, message_id, now=offer.expires_at)
    assert sent == "dropped"


@pytest.mark.parametrize("how", ["settled", "over", "switched_off"])
def test_an_offer_that_no_longer_waits_is_not_texted(session, sessions, settings, claim, how):
    surveyor = factories.surveyor(session)
    session.get_one(factories.Person, surveyor.id).phone = "+8613900139000"
    task = rows.task(session, claim, state="offered")
    offer = rows.offer(session, task, surveyor.id, AT, state="declined" if how == "settled" else "open")
    if how == "switched_off":
        rules.change(session, claim.org_id, "offer_sms", False, by=0)
    session.commit()
    payload = {"claim_id": claim.id, "task_id": task.id, "offer_id": offer.id, "surveyor_id": surveyor.id}
    late = AT + timedelta(minutes=5) if how == "over" else AT
    assert tell(sessions, settings, "offer.made", late, **payload) == []


def test_the_customer_hears_when_the_surveyor_will_be_there(session, sessions, settings, claim, duty):
    duty = session.get_one(rows.Assignment, duty.id)
    duty.departed_at, duty.eta_s = AT + timedelta(minutes=5), 1100
    session.commit()
    payload = {"claim_id": claim.id, "task_id": duty.task_id, "surveyor_id": duty.surveyor_id}
    tell(sessions, settings, "task.departed", AT + timedelta(minutes=5), **payload)
    assert "已出发前往现场，预计19分钟到达" in told(session)[0].text


def test_without_an_estimate_none_is_made_up(session, sessions, settings, claim, duty):
    session.get_one(rows.Assignment, duty.id).departed_at = AT + timedelta(minutes=5)
    session.commit()
    payload = {"claim_id": claim.id, "task_id": duty.task_id, "surveyor_id": duty.surveyor_id}
    tell(sessions, settings, "task.departed", AT + timedelta(minutes=5), **payload)
    assert [m.template for m in told(session)] == ["on_the_way_no_eta"]


def test_somebody_who_has_arrived_is_no_longer_on_his_way(session, sessions, settings, claim, duty):
    duty = session.get_one(rows.Assignment, duty.id)
    duty.departed_at, duty.arrived_at = AT + timedelta(minutes=5), AT + timedelta(minutes=9)
    session.commit()
    payload = {"claim_id": claim.id, "task_id": duty.task_id, "surveyor_id": duty.surveyor_id}
    assert tell(sessions, settings, "task.departed", AT + timedelta(minutes=9), **payload) == []


def test_a_survey_done_and_a_claim_settled_are_told_once_each(session, sessions, settings, claim, duty):
    task = session.get_one(rows.Task, duty.task_id)
    duty = session.get_one(rows.Assignment, duty.id)
    task.state, duty.completed_at = "submitted", AT + timedelta(minutes=40)
    session.commit()
    payload = {"claim_id": claim.id, "task_id": task.id, "surveyor_id": duty.surveyor_id}
    for _ in range(2):
        tell(sessions, settings, "task.submitted", AT + timedelta(minutes=40), **payload)
    closed = session.get_one(rows.Claim, claim.id)
    closed.state, closed.closed_at = "approved", AT + timedelta(minutes=50)
    session.commit()
    for _ in range(2):
        tell(sessions, settings, "claim.approved", AT + timedelta(minutes=50), claim_id=claim.id)
    assert [m.template for m in told(session)] == ["survey_done", "settled"]
    link = session.scalars(select(CustomerLink)).one()
    assert link.expires_at == AT + timedelta(minutes=50, days=30)


def ended(session, duty, why):
    """The duty as dispatch leaves it when it is over."""
    row = session.get_one(rows.Assignment, duty.id)
    row.ended_at, row.end_reason = AT + timedelta(minutes=4), why
    session.get_one(factories.Person, duty.surveyor_id).phone = "+8613900139000"
    session.commit()


def test_a_withdrawn_claim_silences_what_waits_except_the_word_to_the_surveyor(
    session, sessions, settings, claim, duty
):
    one_text(sessions, settings, claim)
    gone = session.get_one(rows.Claim, claim.id)
    gone.state, gone.closed_at = "withdrawn", AT + timedelta(minutes=4)
    ended(session, duty, "cancelled")
    payload = {"claim_id": claim.id, "task_id": duty.task_id}
    late = {"now": AT + timedelta(minutes=4), **payload}
    for _ in range(2):
        tell(sessions, settings, "assignment.ended", surveyor_id=duty.surveyor_id, reason="cancelled", **late)
        tell(sessions, settings, "claim.withdrawn", **late)
    assert {m.template: m.state for m in told(session)} == {
        "report_taken": "dropped",
        "task_cancelled": "waiting",
    }
    assert len(told(session)) == 2


@pytest.mark.parametrize(
    ("why", "template"), [("reassigned", "task_reassigned"), ("handed_over", None), ("done", None)]
)
def test_a_surveyor_hears_that_the_job_was_taken_from_him_but_not_what_he_did_himself(
    session, sessions, settings, claim, duty, why, template
):
    ended(session, duty, why)
    payload = {"claim_id": claim.id, "task_id": duty.task_id, "surveyor_id": duty.surveyor_id, "reason": why}
    tell(sessions, settings, "assignment.ended", **payload)
    assert [m.template for m in told(session)] == ([template] if template else [])


def fire(sessions, settings, clock, stage, minutes):
    payload = {"claim_id": clock.claim_id, "clock_id": clock.id, "stage": stage}
    event = "clock.warned" if stage.startswith("warn") else "clock.breached"
    return tell(sessions, settings, event, AT + timedelta(minutes=minutes), **payload)


def test_a_clocks_ladder_climbs_from_the_surveyor_to_the_desk_to_the_branch_head(
    session, sessions, settings, claim, duty
):
    session.get_one(factories.Person, duty.surveyor_id).phone = "+8613900139000"
    factories.person(session, roles=("dispatcher",), email="desk@example.com")
    factories.person(session, roles=("supervisor",), email="head@example.com", phone="+8613700137000")
    clock = session.scalars(select(rows.Clock)).one()
    rows.fired(session, clock, "warn_1", AT + timedelta(minutes=6))
    session.commit()
    fire(sessions, settings, clock, "warn_1", 6)
    fire(sessions, settings, clock, "warn_2", 8)
    fire(sessions, settings, clock, "breach", 10)
    fire(sessions, settings, clock, "branch_head", 20)
    assert [(m.audience, m.channel, m.template) for m in told(session)] == [
        ("surveyor", "sms", "clock_warning"),
        ("dispatcher", "chat", "desk_clock_warning"),
        ("dispatcher", "mail", "desk_clock_warning"),
        ("dispatcher", "chat", "desk_clock_breached"),
        ("dispatcher", "mail", "desk_clock_breached"),
        ("branch_head", "sms", "head_clock_breached"),
        ("branch_head", "mail", "head_clock_breached"),
    ]
    assert "联系客户时限还剩4分钟" in told(session)[0].text
    assert "超时10分钟仍未完成" in told(session)[-1].text


def test_a_first_warning_without_a_surveyor_goes_to_the_desk(session, sessions, settings, claim):
    rows.task(session, claim)
    clock = rows.clock_of(session, claim, "contact", 10)
    session.commit()
    fire(sessions, settings, clock, "warn_1", 6)
    assert [(m.audience, m.values["surveyor"]) for m in told(session)] == [("dispatcher", "暂无")]


def test_a_warning_about_a_clock_that_has_stopped_is_not_sent(session, sessions, settings, claim):
    clock = rows.clock_of(session, claim, "contact", 10, state="met", stopped_at=AT + timedelta(minutes=5))
    session.commit()
    assert fire(sessions, settings, clock, "warn_2", 8) == []


def test_the_nearest_organisation_with_a_dispatcher_answers(session, sessions, settings):
    head = factories.default_organisation(session)
    branch = factories.organisation(session, parent=head)
    sub = factories.organisation(session, parent=branch, kind="sub_branch")
    factories.person(session, roles=("dispatcher",), email="head@example.com", org=head)
    factories.person(session, roles=("dispatcher",), email="branch@example.com", org=branch)
    factories.person(session, roles=("seat",), email="seat@example.com", org=sub)
    claim = rows.claim(session, AT, org_id=sub.id)
    task = rows.task(session, claim, state="unassigned", unassigned_reason="nobody_on_duty")
    session.commit()
    tell(sessions, settings, "task.unassigned", claim_id=claim.id, task_id=task.id, reason="nobody_on_duty")
    assert [m.address for m in told(session, channel="mail")] == ["branch@example.com"]
    assert "无人在岗" in told(session, channel="mail")[0].text


def test_each_time_a_job_comes_back_to_the_desk_is_news(session, sessions, settings, claim):
    task = rows.task(session, claim, state="unassigned", unassigned_reason="rounds_used")
    session.commit()
    for minute in (0, 0, 5):
        session.get_one(rows.Task, task.id).state_since = AT + timedelta(minutes=minute)
        session.commit()
        tell(sessions, settings, "task.unassigned", claim_id=claim.id, task_id=task.id, reason="rounds_used")
    assert len(told(session)) == 2


def test_every_chat_room_is_told_under_a_name_that_is_not_its_secret(session, sessions, settings, claim):
    settings = replace(settings, chat_urls="json://127.0.0.1/secret1 json://127.0.0.1/secret2")
    task = rows.task(session, claim, state="unassigned", unassigned_reason="no_position")
    session.commit()
    tell(sessions, settings, "task.unassigned", claim_id=claim.id, task_id=task.id, reason="no_position")
    addresses = [m.address for m in told(session)]
    assert len(set(addresses)) == 2 and not any("secret" in a for a in addresses)


def test_a_photo_sent_back_reaches_its_surveyor(session, sessions, settings, claim, duty):
    session.get_one(factories.Person, duty.surveyor_id).phone = "+8613900139000"
    photo = Photo(
        claim_id=claim.id, task_id=duty.task_id, shot="vin", sha256=b"1" * 32, object_key="k", filename="a",
        content_type="image/jpeg", size_bytes=1, width=1, height=1, verdict="sent_back",
    )  # fmt: skip
    session.add(photo)
    session.flush()
    review = PhotoReview(
        photo_id=photo.id, verdict="sent_back", reason="vin_unreadable", by_id=duty.surveyor_id, at=AT
    )
    session.add(review)
    session.commit()
    payload = {"claim_id": claim.id, "task_id": duty.task_id, "photo_id": photo.id}
    for _ in range(2):
        tell(
            sessions,
            settings,
            "photo.sent_back",
            **payload,
            surveyor_id=duty.surveyor_id,
            reason="vin_unreadable",
        )
    assert ["车架号不清" in m.text for m in told(session)] == [True]


def test_an_event_goes_to_the_insurers_own_systems_with_ids_only(session, sessions, settings, claim):
    rules.change(session, claim.org_id, "webhook_url", "https://core.example.com/hook", by=0)
    session.commit()
    for event_id in (1, 1, 2):
        tell(sessions, settings, "claim.amended", claim_id=claim.id, event_id=event_id)
    hooks = told(session, channel="webhook")
    assert len(hooks) == 2
    body = json.loads(hooks[0].text)
    assert body["type"] == "claim.amended" and body["data"] == {"claim_id": str(claim.id)}


# What becomes of a message


def test_a_message_is_handed_over_once_and_remembers_the_providers_id(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    provider = Provider("p-1")
    assert service.send(sessions, {"sms": provider}, message_id, now=AT) == "sent"
    assert service.send(sessions, {"sms": provider}, message_id, now=AT) == "elsewhere"
    (message,) = told(session)
    assert (message.provider_id, message.driver, message.attempts) == ("p-1", "provider", 1)
    assert [letter.message_id for letter in provider.seen] == [message_id]
    assert provider.seen[0].values["report_no"] == claim.report_no


def test_a_busy_provider_is_asked_again_later_and_later(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    provider = Provider(*[Transient("gateway_503")] * 20)
    now, waits = AT, []
    while service.send(sessions, {"sms": provider}, message_id, now=now) == "waiting":
        (message,) = told(session)
        waits.append(int((message.due_at - now).total_seconds()))
        now = message.due_at
    (message,) = told(session)
    assert waits == [30, 60, 120, 240, 480, 840], "the last try is just before the text is stale"
    assert (message.state, message.last_error) == ("dropped", "stale:gateway_503")


def test_a_providers_wish_to_wait_is_honoured(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    service.send(sessions, {"sms": Provider(Transient("gateway_429", 200))}, message_id, now=AT)
    assert told(session)[0].due_at == AT + timedelta(seconds=200)


def test_eight_tries_are_enough(session, sessions, settings, claim):
    rules.change(session, claim.org_id, "webhook_url", "https://core.example.com/hook", by=0)
    session.commit()
    tell(sessions, settings, "claim.amended", claim_id=claim.id, event_id=1)
    (message,) = told(session)
    now, provider = AT, Provider(*[Transient("gateway_500")] * 20)
    for _ in range(8):
        service.send(sessions, {"webhook": provider}, message.id, now=now)
        (message,) = told(session)
        now = message.due_at
    assert (message.state, message.attempts, message.last_error) == ("failed", 8, "gateway_500")


@pytest.mark.parametrize(
    ("failure", "words"),
    [(Permanent("gateway_400"), "gateway_400"), (Unsure("ReadTimeout"), "perhaps_sent:ReadTimeout")],
)
def test_what_another_try_cannot_mend_or_might_double_stops_at_once(
    session, sessions, settings, claim, failure, words
):
    message_id = one_text(sessions, settings, claim)
    assert service.send(sessions, {"sms": Provider(failure)}, message_id, now=AT) == "failed"
    assert told(session)[0].last_error == words


def test_a_text_older_than_half_an_hour_is_dropped_with_its_reason(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    provider = Provider()
    assert service.send(sessions, {"sms": provider}, message_id, now=AT + timedelta(minutes=30)) == "dropped"
    assert provider.seen == [] and told(session)[0].last_error == "stale"


def test_no_transaction_is_open_while_the_provider_thinks(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)

    class Looking(Provider):
        def send(self, letter):
            with sessions.begin() as other:
                # Would wait for the sender's lock, and fail, if one were held.
                found = other.execute(
                    select(Message.leased_until).where(Message.id == letter.message_id).with_for_update()
                )
                self.leased_until = found.scalar_one()

    provider = Looking()
    assert service.send(sessions, {"sms": provider}, message_id, now=AT) == "sent"
    assert provider.leased_until == AT + service.LEASE


def test_two_senders_at_once_hand_a_message_over_once(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    provider, start = Provider(), threading.Barrier(8)

    def work():
        start.wait()
        service.send(sessions, {"sms": provider}, message_id, now=AT)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)
    assert len(provider.seen) == 1


def test_a_sender_that_was_away_too_long_may_not_write_the_outcome(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    second = Provider("second")

    class Slow(Provider):
        def send(self, letter):
            # Stopped for longer than its lease: meanwhile somebody else delivers.
            later = AT + service.LEASE + timedelta(seconds=1)
            assert service.send(sessions, {"sms": second}, message_id, now=later) == "sent"
            raise Permanent("gateway_400")

    assert service.send(sessions, {"sms": Slow()}, message_id, now=AT) == "elsewhere"
    assert (told(session)[0].state, told(session)[0].provider_id) == ("sent", "second")


def test_a_sender_that_was_away_too_long_may_not_settle_what_another_is_still_trying(
    session, sessions, settings, claim
):
    message_id = one_text(sessions, settings, claim)

    class Slow(Provider):
        def send(self, letter):
            later = AT + service.LEASE + timedelta(seconds=1)
            again = Provider(Transient("gateway_503"))
            assert service.send(sessions, {"sms": again}, message_id, now=later) == "waiting"
            raise Permanent("gateway_400")

    assert service.send(sessions, {"sms": Slow()}, message_id, now=AT) == "elsewhere"
    assert (told(session)[0].state, told(session)[0].last_error) == ("waiting", "gateway_503")


def test_a_message_in_somebodys_hands_is_left_to_him(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    second = Provider()

    class Busy(Provider):
        def send(self, letter):
            assert (
                service.send(sessions, {"sms": second}, message_id, now=AT + timedelta(seconds=89))
                == "elsewhere"
            )

    assert service.send(sessions, {"sms": Busy()}, message_id, now=AT) == "sent"
    assert second.seen == []


def test_a_message_that_kills_its_senders_is_given_up_in_public(session, sessions, settings, claim):
    rules.change(session, claim.org_id, "webhook_url", "https://core.example.com/hook", by=0)
    session.commit()
    tell(sessions, settings, "claim.amended", claim_id=claim.id, event_id=1)
    (message,) = told(session)

    class Deadly(Provider):
        def send(self, letter):
            self.seen.append(letter)
            raise SystemExit("killed")

    now, deadly = AT, Deadly()
    for _ in range(service.MAX_TRIES):
        with pytest.raises(SystemExit):
            service.send(sessions, {"webhook": deadly}, message.id, now=now)
        now += service.LEASE
    assert service.send(sessions, {"webhook": deadly}, message.id, now=now) == "failed"
    assert len(deadly.seen) == service.MAX_TRIES and told(session)[0].last_error == "sender_died"


def test_a_sender_that_died_is_replaced_after_its_lease(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)

    class Deadly(Provider):
        def send(self, letter):
            raise SystemExit("killed")

    with pytest.raises(SystemExit):
        service.send(sessions, {"sms": Deadly()}, message_id, now=AT)
    soon, later = AT + timedelta(seconds=60), AT + timedelta(seconds=91)
    with sessions.begin() as other:
        assert service.due_messages(other, soon) == []
        assert service.due_messages(other, later) == [message_id]
    assert service.send(sessions, {"sms": Provider()}, message_id, now=later) == "sent"


def test_due_messages_are_handed_out_once_oldest_first(session, sessions, settings):
    ids = []
    for minute in (2, 0, 1):
        claim = rows.claim(session, AT + timedelta(minutes=minute))
        session.commit()
        ids += tell(sessions, settings, "claim.opened", AT + timedelta(minutes=minute), claim_id=claim.id)
    now = AT + timedelta(minutes=5)
    with sessions.begin() as other:
        assert service.due_messages(other, now, 2) == [ids[1], ids[2]]
        assert service.due_messages(other, now, 2) == [ids[0]]
        assert service.due_messages(other, now, 2) == []
        assert set(service.due_messages(other, now + service.ENQUEUED)) == set(ids)


def test_the_due_query_walks_its_index(session, sessions, settings, claim):
    org = claim.org_id
    session.execute(
        text("""
        INSERT INTO message (org_id, once, audience, channel, address, template, values, text, lang, state)
        SELECT :org, 'm' || n, 'customer', 'sms', 'x', 't', '{}', 't', 'zh-CN', 'sent'
          FROM generate_series(1, 5000) AS n
        """),
        {"org": org},
    )
    session.commit()
    plan = rows.explain(
        session, "SELECT id FROM message WHERE state = 'waiting' AND due_at <= now() ORDER BY due_at LIMIT 10"
    )
    assert "ix_message_due" in plan


# Sending again


def test_a_settled_message_is_sent_again_as_a_new_one_and_audited(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    service.send(sessions, {"sms": Provider(Permanent("gateway_400"))}, message_id, now=AT)
    again = service.resend(sessions, "/", message_id, by=7, now=AT + timedelta(hours=2))
    first, second = told(session)
    assert (first.state, second.id, second.state, second.text) == ("failed", again, "waiting", first.text)
    assert second.stale_at == AT + timedelta(hours=2, minutes=30)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "message.resent")).one()
    assert (entry.actor_id, entry.subject_id) == (7, message_id)
    assert audit.first_break(session) is None


def test_nothing_is_sent_again_while_it_is_under_way(sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    with pytest.raises(MessageWaiting):
        service.resend(sessions, "/", message_id, by=7, now=AT)
    service.send(sessions, {"sms": Provider()}, message_id, now=AT)
    again = service.resend(sessions, "/", message_id, by=7, now=AT)
    for repeat in (message_id, again):
        with pytest.raises(MessageWaiting):
            service.resend(sessions, "/", repeat, by=7, now=AT)


def test_a_message_of_another_branch_cannot_be_sent_again(sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    with pytest.raises(Missing):
        service.resend(sessions, "/999/", message_id, by=7, now=AT)


def test_a_repeat_of_a_repeat_counts_on(session, sessions, settings, claim):
    message_id = one_text(sessions, settings, claim)
    for _ in range(3):
        service.send(sessions, {"sms": Provider()}, message_id, now=AT)
        message_id = service.resend(sessions, "/", message_id, by=7, now=AT)
    assert len({m.once for m in told(session)}) == 4
