"""The nearest who may be asked: the kept plan names the same people as the plain question, whatever happens to them."""

import math
import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from core import clock
from dispatch import able, policy
from geo import service, store
from geo.fix import Fix, LonLat
from geo.store import Row
from tests import factories

HERE = LonLat(factories.LON, factories.LAT)
# Who may be asked, as one would write it down: no walk, no index, everybody looked at.
PLAIN = """
SELECT p.surveyor_id
  FROM last_position AS p
  JOIN surveyor AS s ON s.id = p.surveyor_id
  JOIN person AS r ON r.id = s.id
  JOIN organisation AS o ON o.id = s.org_id
 WHERE s.on_duty AND r.disabled_at IS NULL AND o.path LIKE :scope AND s.skills @> CAST(:needs AS text[])
   AND p.fixed_at >= :heard_since AND p.received_at >= :heard_since
   AND NOT EXISTS (SELECT FROM offer AS f WHERE f.surveyor_id = s.id AND f.state = 'open')
   AND s.max_open > (SELECT count(*) FROM assignment AS a
                      WHERE a.surveyor_id = s.id AND a.ended_at IS NULL AND a.completed_at IS NULL)
 ORDER BY ST_Distance(p.place, CAST(:place AS geography), false), p.surveyor_id
 LIMIT :limit
"""
# 900 people around many places at once: on duty or not, heard of or not, skilled or not, busy, asked, gone.
CROWD = """
WITH p AS (INSERT INTO person (id, org_id, username, name, roles, disabled_at)
  SELECT n, CASE n % 3 WHEN 0 THEN :other ELSE :org END, 'k' || n, '某' || n, '{surveyor}', CASE n % 17 WHEN 0 THEN now() END
    FROM generate_series(1, 900) AS n RETURNING id, org_id),
s AS (INSERT INTO surveyor (id, org_id, skills, on_duty, max_open)
  SELECT id, org_id, CASE WHEN id % 4 = 0 THEN '{motor}'::text[] ELSE '{motor,agri}' END, id % 5 <> 0, id % 3 FROM p)
INSERT INTO last_position (surveyor_id, place, lon, lat, fixed_at, received_at, device_id, source)
SELECT id, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography, lon, lat, now() - fixed * interval '1 s',
       now() - received * interval '1 s', 0, 'phone'
  FROM (SELECT id, :lon + :wide * (random() - 0.5) AS lon, :lat + :wide * (random() - 0.5) AS lat,
               random() * 900 AS fixed, random() * 900 AS received FROM p) AS x
"""
BUSY = (
    "INSERT INTO assignment (id, task_id, surveyor_id, accepted_at, completed_at, ended_at)"
    " SELECT k * 1000 + n, k * 1000 + n, n, now(), CASE WHEN n % 4 = 0 THEN now() END, CASE WHEN n % 10 = 1 THEN now() END"
    "   FROM generate_series(1, 900, 2) AS n, generate_series(1, 2) AS k WHERE n % 3 >= k",
    "INSERT INTO offer (id, task_id, surveyor_id, state, made_at, expires_at, round, rank, distance_m, eta_s)"
    " SELECT n, n, n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'declined' END, now(), now(), 1, 1, 0, 0"
    "   FROM generate_series(2, 900, 5) AS n",
)


@pytest.fixture
def root(session):
    return factories.default_organisation(session)


def populate(session, root, middle, wide_deg, seed):
    branch = factories.organisation(session, parent=root, kind="branch")
    session.execute(text("SELECT setseed(:seed)"), {"seed": seed})
    told = {"org": root.id, "other": branch.id, "lon": middle.lon, "lat": middle.lat, "wide": wide_deg}
    session.execute(text(CROWD), told)
    # Without the claims and tasks they would be about.
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in BUSY:
        session.execute(text(statement))
    session.execute(text("SET LOCAL session_replication_role = origin"))
    session.execute(text("ANALYZE person, surveyor, last_position, assignment, offer"))
    return branch


def both(session, place, *, org_path, needs=(), limit=20, fresh_s=600):
    """The plan's answer and the plain one's, each as the set of who is named."""
    now = clock.read(session)
    since = now - timedelta(seconds=fresh_s)
    found = able.on_the_map(session, able.Asked(place, org_path, since, now, needs, limit))
    args = {
        "place": place.ewkt(),
        "heard_since": since,
        "scope": org_path + "%",
        "needs": list(needs),
        "limit": limit,
    }
    plain = session.execute(text(PLAIN), args).scalars().all()
    named = able.nearest(
        session, place, org_path=org_path, heard_since=since, now=now, needs=needs, limit=limit
    )
    return (
        None if found is None else {one.surveyor_id for one in found},
        {one.surveyor_id for one in named},
        set(plain),
    )


@pytest.mark.parametrize(
    ("middle", "wide_deg"), [(HERE, 0.5), (LonLat(126.6, 52.9), 6.0), (LonLat(-0.5, -0.4), 30.0)]
)
def test_the_kept_plan_names_whom_the_plain_question_names(session, root, middle, wide_deg):
    branch = populate(session, root, middle, wide_deg, 0.3)
    dice = random.Random(7)
    sure = 0
    for number in range(30):
        place = LonLat(
            middle.lon + wide_deg * dice.uniform(-0.6, 0.6), middle.lat + wide_deg * dice.uniform(-0.6, 0.6)
        )
        quick, named, plain = both(
            session,
            place,
            org_path=(root if number % 3 else branch).path,
            needs=((), ("agri",), ("agri", "motor"))[dice.randrange(3)],
            limit=dice.choice((1, 5, 20, 100)),
            fresh_s=dice.choice((120, 600)),
        )
        sure += quick is not None
        assert named == plain
        assert quick in (None, plain)
    assert sure >= 15


def test_where_the_map_leaves_a_doubt_the_globe_is_asked(session, root):
    # The map stretches towards the pole: the one due north is nearer on the globe and farther on the map.
    for n in range(able.SPARE + 1):
        factories.surveyor(session, lon=20.0, lat=55.0 + n / 1000)
    north = factories.surveyor(session, lon=20.0, lat=64.95)
    quick, named, plain = both(session, LonLat(20.0, 60.0), org_path=root.path, limit=1)
    assert quick is None
    assert named == plain == {north.id}


@pytest.mark.parametrize(
    "place", [LonLat(0.0, -90.0), LonLat(0.0, 90.0), LonLat(180.0, 0.0), LonLat(-179.9, 5.0)]
)
def test_poles_and_the_seam_of_the_map_are_places_too(session, root, place):
    near = [factories.surveyor(session, lon=179.9, lat=0.2), factories.surveyor(session, lon=0.0, lat=-89.9)]
    far = [factories.surveyor(session, lon=10.0, lat=10.0 + n / 10) for n in range(5)]
    named, plain = both(session, place, org_path=root.path, limit=2)[1:]
    assert named == plain
    now = clock.read(session)
    assert store.move_last(session, [row(near[0], place, now), row(far[0], place, now)]) == {
        near[0].id,
        far[0].id,
    }


@pytest.mark.parametrize("lat", [-60.0, 0.0, 30.0, 55.0])
def test_nobody_beyond_the_walk_is_nearer_than_it_surely_is(lat):
    dice = random.Random(3)
    here = LonLat(100.0, lat)
    for _ in range(400):
        there = LonLat(100.0 + dice.uniform(-8, 8), lat + dice.uniform(-8, 8))
        assert able.surely_m(here, math.dist(flat(here), flat(there))) <= able.metres_between(here, there)


def flat(place):
    return place.lon, math.degrees(math.log(math.tan(math.pi / 4 + math.radians(place.lat) / 2)))


def row(who, place, at):
    return Row(who.id, 0, Fix(fixed_at=at, received_at=at, lon=place.lon, lat=place.lat, source="phone"))


def heard(session):
    rows = session.execute(text("SELECT surveyor_id, heard_lately FROM last_position"))
    return {one.surveyor_id: one.heard_lately for one in rows}


def test_who_fell_silent_steps_aside_and_a_ping_brings_him_back(session, sessions, root):
    old, late, fresh = (factories.surveyor(session, age_s=age_s) for age_s in (4_000, 3_500, 5))
    received = factories.surveyor(session, age_s=5)
    session.execute(
        text("UPDATE last_position SET received_at = now() - interval '2 hours' WHERE surveyor_id = :id"),
        {"id": received.id},
    )
    session.commit()
    assert service.mark_quiet(sessions) == 2
    assert service.mark_quiet(sessions) == 0
    assert heard(session) == {old.id: False, late.id: True, fresh.id: True, received.id: False}
    now = clock.read(session)
    store.move_last(session, [row(old, HERE, now)])
    assert heard(session)[old.id]
    quick, named, plain = both(session, HERE, org_path=root.path)
    assert quick == named == plain == {old.id, fresh.id}


def test_a_dot_that_is_being_moved_is_neither_waited_for_nor_marked(session, sessions, root):
    who, other = factories.surveyor(session, age_s=9_000), factories.surveyor(session, age_s=9_000)
    session.commit()
    with sessions.begin() as ping:
        store.move_last(ping, [row(who, HERE, clock.read(ping))])
        assert service.mark_quiet(sessions) == 1
    session.expire_all()
    assert heard(session) == {who.id: True, other.id: False}


def test_no_rule_lets_a_position_count_that_the_hint_hides():
    assert policy.KNOWN["stale_offer_s"].most <= store.LATELY.total_seconds()


def test_a_question_about_longer_ago_than_the_hint_reaches_is_answered_all_the_same(session, sessions, root):
    who = factories.surveyor(session, age_s=9_000)
    session.commit()
    service.mark_quiet(sessions)
    assert both(session, HERE, org_path=root.path, fresh_s=10_000)[1:] == ({who.id}, {who.id})


LOUD = (
    "LOAD 'auto_explain'", "SET auto_explain.log_min_duration = 0", "SET auto_explain.log_nested_statements = on",
    "SET client_min_messages = log",
)  # fmt: skip


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("question", "walked"),
    [(able.ON_THE_MAP, "ix_last_position_heard_lately"), (able.ON_THE_GLOBE, "ix_last_position_place")],
)
def test_the_kept_plan_walks_the_index_even_when_it_was_made_over_empty_tables(
    session, root, question, walked
):
    now = clock.read(session)
    told = able.Asked(HERE, root.path, now - timedelta(seconds=600), now, ("motor",)).told()
    link = session.connection().connection
    with link.cursor() as cursor:
        cursor.execute(question, told)
        for statement in LOUD:
            cursor.execute(statement)
        link.driver_connection.notices.clear()
        cursor.execute(question, told)
        plan = next(n for n in link.driver_connection.notices if "Query Text: SELECT p.surveyor_id" in n)
    plan = plan[plan.index("\nLimit") :]
    assert f"Index Scan using {walked}" in plan
    assert "Sort" not in plan
    for table, letter in (
        ("surveyor", "s_1"),
        ("person", "r"),
        ("organisation", "o"),
        ("assignment", "a"),
        ("offer", "f"),
    ):
        after = plan[plan.index(f" on {table} {letter} ") :].split("\n")[1]
        assert "Index Cond: " in after, f"{table} is not looked up by key"
