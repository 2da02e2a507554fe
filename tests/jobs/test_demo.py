"""The demonstration: seeded once, never beside real work, its secrets private, its past consistent."""

import json
import stat
from collections import Counter

import pytest
from sqlalchemy import text

import claims.models  # noqa: F401  every table must be known, or the database cannot be emptied
import dispatch.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
from lab import casework, history, seed
from lab.movement import Roads
from staff.models import Person
from tests import factories

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COUNTED = ("organisation", "person", "surveyor", "device", "token", "area", "base_line", "rule")


def counts(session) -> Counter[str]:
    """How many rows each table of the demonstration has."""
    session.rollback()
    return Counter({name: session.scalar(text(f"SELECT count(*) FROM {name}")) for name in COUNTED})


@pytest.fixture
def roads():
    """The roads of the demonstration's city."""
    return Roads(casework.city_of(""))


def test_the_demonstration_refuses_a_database_with_real_claims(session, settings):
    factories.claim(session)
    before = counts(session)
    with pytest.raises(seed.HoldsRealData):
        seed.seed(settings)
    assert counts(session) == before
    assert not (settings.data / "demo.json").exists()


def test_the_demonstration_refuses_a_database_with_real_people(session, settings):
    factories.person(session, roles=("seat",))
    session.commit()
    with pytest.raises(seed.HoldsRealData):
        seed.seed(settings)
    assert session.scalar(text("SELECT count(*) FROM organisation WHERE code = 'DEMO'")) == 0


def test_the_demonstration_is_seeded_once_and_its_secrets_are_private(session, settings, app):
    seed.seed(settings)
    path, first = settings.data / "demo.json", counts(session)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    given = json.loads(path.read_text(encoding="utf-8"))
    assert given["url"] == settings.public_url
    assert {"seat", "dispatcher", "adjuster", "admin"} <= given["users"].keys()
    for role, user in given["users"].items():
        assert {"username", "password", "token"} <= user.keys(), role
    assert len(given["devices"]) == seed.SURVEYORS == first["surveyor"]
    for device in given["devices"]:
        assert {"surveyor_id", "name", "token", "owntracks", "traccar_id", "overland_token"} <= device.keys()
        assert device["owntracks"].keys() == {"username", "password"}
    assert [d["simulated"] for d in given["devices"]].count(False) == seed.FREE_FOR_VISITORS

    # What is written there opens the door.
    client = app.test_client()
    for secret in (given["users"]["seat"]["token"], given["devices"][0]["token"]):
        assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    signed = {name: given["users"]["dispatcher"][name] for name in ("username", "password")}
    assert client.post("/api/v1/session", json=signed).status_code == 200

    before = path.read_bytes()
    tokens = counts(session)["token"]
    seed.seed(settings)
    assert counts(session) == first | {"token": tokens}
    assert path.read_bytes() == before

    # A lost file is written anew, and the secrets of the lost one end.
    path.unlink()
    seed.seed(settings)
    anew = json.loads(path.read_text(encoding="utf-8"))
    for secrets, status in ((given, 401), (anew, 200)):
        signature = {"Authorization": f"Bearer {secrets['users']['seat']['token']}"}
        assert client.get("/api/v1/me", headers=signature).status_code == status
    assert session.query(Person).filter(Person.username == "seat").count() == 1


INCONSISTENT = {
    "claims that are not settled yet have a settled task": """
        SELECT count(*) FROM claim AS c JOIN task AS t ON t.claim_id = c.id
         WHERE (c.state = 'approved') <> (t.state = 'approved')""",
    "clocks stopped before they started": "SELECT count(*) FROM clock WHERE stopped_at < start_at",
    "clocks kept that were not": """
        SELECT count(*) FROM clock WHERE state = 'met' AND stopped_at > due_at OR state = 'breached' AND stopped_at <= due_at""",
    "clocks still running long after the work was done": """
        SELECT count(*) FROM clock AS k JOIN claim AS c ON c.id = k.claim_id
         WHERE c.state = 'approved' AND k.state = 'running'""",
    "contact clocks that stopped without an answered call": """
        SELECT count(*) FROM clock AS k WHERE k.kind = 'contact' AND k.stopped_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM contact AS x JOIN task AS t ON t.id = x.task_id
                            WHERE t.claim_id = k.claim_id AND x.result = 'answered')""",
    "duties out of order": """
        SELECT count(*) FROM assignment
         WHERE NOT (accepted_at <= contacted_at AND contacted_at <= departed_at AND departed_at <= arrived_at)""",
    "rows from the future": """
        SELECT (SELECT count(*) FROM assignment WHERE greatest(accepted_at, arrived_at, completed_at) > now())
             + (SELECT count(*) FROM clock WHERE stopped_at > now())""",
    "tasks with two winners": """
        SELECT count(*) FROM (SELECT FROM offer WHERE state = 'accepted' GROUP BY task_id HAVING count(*) > 1) AS x""",
    "offers left open": "SELECT count(*) FROM offer WHERE state = 'open'",
    "messages still to send": "SELECT count(*) FROM message WHERE state = 'waiting'",
    "events that would tell people again": "SELECT count(*) FROM outbox WHERE event NOT LIKE 'surveyor.%'",
}  # fmt: skip


def test_the_past_is_consistent_and_tells_nobody_again(session, settings, storage, roads):
    seed.seed(settings)
    events = session.scalar(text("SELECT count(*) FROM outbox"))
    session.rollback()
    assert history.write(settings, storage, roads, most=4, photographed=1) == 4
    assert session.scalar(text("SELECT count(*) FROM outbox")) == events
    wrong = {what: session.scalar(text(sql)) for what, sql in INCONSISTENT.items()}
    assert {what: count for what, count in wrong.items() if count} == {}
    assert session.scalar(text("SELECT count(*) FROM claim")) == 4
    assert session.scalar(text("SELECT count(*) FROM message WHERE state = 'sent'")) > 0
    photos = session.execute(text("SELECT object_key, size_bytes FROM photo")).all()
    assert photos
    for photo in photos:
        with storage.open(photo.object_key) as file:
            assert len(file.read()) == photo.size_bytes
    # A second writing adds nothing.
    session.rollback()
    assert history.write(settings, storage, roads, most=4) == 0
    assert session.scalar(text("SELECT count(*) FROM claim")) == 4
