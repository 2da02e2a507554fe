"""The staff room against a real database."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core import audit, clock
from core.errors import Invalid
from staff import accounts, devices, rules, service, shifts
from staff.errors import AccountLocked, BadPairingCode, BadSignIn
from staff.models import Organisation, Person, Shift, Surveyor
from tests import factories


def test_the_first_administrator_is_made_once(sessions):
    first = service.ensure_first_admin(sessions)
    assert first is not None
    assert service.ensure_first_admin(sessions) is None
    actor, _ = accounts.sign_in(sessions, *first)
    assert actor.has("admin")


def test_five_wrong_passwords_lock_the_account_and_the_right_one_waits(sessions, session):
    factories.person(session, username="li", password=factories.PASSWORD)
    session.commit()
    for _ in range(accounts.FREE_TRIES):
        with pytest.raises(BadSignIn):
            accounts.sign_in(sessions, "li", "wrong password")
    with pytest.raises(AccountLocked):
        accounts.sign_in(sessions, "li", factories.PASSWORD)
    with sessions.begin() as later:
        now = clock.read(later) + timedelta(minutes=1)
    assert accounts.sign_in(sessions, "li", factories.PASSWORD, now=now)[0].has("seat")


def test_an_unknown_name_and_a_wrong_password_read_the_same(sessions, session):
    factories.person(session, username="wang", password=factories.PASSWORD)
    session.commit()
    words = []
    for name in ("wang", "nobody"):
        with pytest.raises(BadSignIn) as caught:
            accounts.sign_in(sessions, name, "wrong password")
        words.append(caught.value.detail)
    assert words[0] == words[1]


def test_a_disabled_person_has_no_token_no_shift_and_no_sign_in(sessions, session):
    surveyor = factories.surveyor(session)
    person = session.get_one(Person, surveyor.id)
    token = factories.api_token(session, person)
    service.disable(session, person, by=None, now=clock.read(session))
    session.commit()
    assert accounts.by_token(session, token) is None
    assert session.get_one(Surveyor, surveyor.id).on_duty is False


def test_a_pairing_code_works_once_and_not_late(sessions, session):
    surveyor = factories.surveyor(session)
    now = clock.read(session)
    code, expires_at = devices.pairing_code(session, surveyor.id, made_by=surveyor.id, now=now)
    with pytest.raises(BadPairingCode):
        devices.pair(session, code, label="", now=expires_at)
    paired = devices.pair(session, f" {code[:4].lower()}-{code[4:]} ", label="", now=now)
    assert devices.by_token(session, paired.token).person_id == surveyor.id
    assert devices.by_tracker_id(session, paired.tracker_id).device_id == paired.device.id
    with pytest.raises(BadPairingCode):
        devices.pair(session, code, label="", now=now)


def test_a_revoked_device_is_nobody_at_once(session):
    surveyor = factories.surveyor(session)
    paired = devices.add(session, surveyor.id, label="", now=clock.read(session))
    devices.revoke(session, paired.device.id, by=surveyor.id, now=clock.read(session))
    assert devices.by_token(session, paired.token) is None
    assert devices.by_tracker_id(session, paired.tracker_id) is None


def test_a_shift_may_have_an_end_and_going_home_forgets_it(session, sessions):
    who = factories.surveyor(session, on_duty=False)
    session.commit()
    now = clock.read(session)
    end = now + timedelta(hours=8)
    service.set_shift(sessions, who.id, True, by=who.id, until=end)
    session.refresh(who)
    assert (who.on_duty, who.shift_until) == (True, end)
    for wrong in (now - timedelta(minutes=1), now + timedelta(days=3)):
        with pytest.raises(Invalid):
            service.set_shift(sessions, who.id, True, by=who.id, until=wrong)
    service.set_shift(sessions, who.id, False, by=who.id)
    session.refresh(who)
    assert (who.on_duty, who.shift_until) == (False, None)


def test_going_on_duty_twice_opens_one_shift(session):
    surveyor = factories.surveyor(session, on_duty=False)
    now = clock.read(session)
    assert shifts.set_duty(session, surveyor.id, True, now=now)
    assert not shifts.set_duty(session, surveyor.id, True, now=now)
    assert len(session.scalars(select(Shift)).all()) == 1


def test_the_nearest_organisation_with_a_rule_wins(session):
    root = factories.default_organisation(session)
    branch = factories.organisation(session, parent=root)
    leaf = factories.organisation(session, parent=branch, kind="sub_branch")
    rules.change(session, root.id, "offer_ttl_s", 60, by=1)
    assert rules.value(session, leaf.id, "offer_ttl_s", 90) == 60
    rules.change(session, branch.id, "offer_ttl_s", 45, by=1)
    assert rules.value(session, leaf.id, "offer_ttl_s", 90) == 45
    assert rules.value(session, root.id, "offer_ttl_s", 90) == 60


def test_a_changed_audit_entry_breaks_the_chain_and_the_database_refuses_to_change_it(sessions, session):
    for n in range(5):
        audit.append(session, None, "thing.done", "thing", n)
    session.commit()
    assert audit.first_break(session) is None
    with pytest.raises(DBAPIError):
        session.execute(text("UPDATE audit_entry SET action = 'other' WHERE subject_id = 2"))
    session.rollback()
    session.execute(text("SET LOCAL session_replication_role = replica"))
    broken = session.execute(
        text("UPDATE audit_entry SET action = 'other' WHERE subject_id = 2 RETURNING seq")
    ).scalar_one()
    session.expire_all()
    assert audit.first_break(session) == broken


def test_scopes_are_prefixes_and_siblings_do_not_meet(session):
    root = factories.default_organisation(session)
    left, right = (factories.organisation(session, parent=root) for _ in range(2))
    assert left.path.startswith(root.path)
    assert not right.path.startswith(left.path)
    assert session.scalars(select(Organisation).where(Organisation.path.startswith(left.path))).all() == [
        left
    ]
