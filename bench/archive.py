"""Claims by the hundred thousand, laid by SQL: what a system holds after its busiest days.

How they came to be is not measured.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

# In this order, each statement for a stretch of claims `:first`…`:last`. Foreign keys and triggers are asleep meanwhile.
# A claim is number n of `:claims`, spread evenly over `:days` days that end at `:until`; all are approved and settled.
FILL = (
    """
    INSERT INTO claim (id, org_id, report_no, external_no, line, reported_at, call_ended_at, created_at, reporter_name,
                       reporter_phone, reporter_phone_typed, place_text, place, place_source, cause, policy_no, needs, state,
                       closed_at)
    SELECT :base + n, (CAST(:orgs AS bigint[]))[1 + CAST(floor(pow(random(), 3) * :branches) AS int)], 'CKX' || n,
           'OLD' || n, 'motor', at, at, at,
           substr('王李张刘陈杨赵黄', CAST(1 + n % 8 AS int), 1) || substr('强敏静磊洋艳勇杰', CAST(1 + n / 8 % 8 AS int), 1),
           '+86139' || lpad(CAST(n * 7919 % 100000000 AS text), 8, '0'), '', '人民路' || n % 1999 || '号',
           ST_MakePoint(:lon + (random() - 0.5) * :spread, :lat + (random() - 0.5) * :spread), 'wgs84', 'collision',
           'PL' || n, '{motor}', 'approved', at + interval '3 hours'
      FROM (SELECT n, CAST(:until AS timestamptz) - (:claims - n) * (:days * interval '1 day' / :claims) AS at
              FROM generate_series(CAST(:first AS bigint), :last) AS n) AS x
    """,
    """
    INSERT INTO claim_item (id, claim_id, kind, plate, plate_key)
    SELECT id, id, 'own_vehicle', plate, plate
      FROM (SELECT id, '豫' || chr(CAST(65 + id % 17 AS int)) || lpad(CAST(id * 6007 % 100000 AS text), 5, '0') AS plate
              FROM claim WHERE id BETWEEN :base + :first AND :base + :last) AS x
    """,
    """
    INSERT INTO task (id, claim_id, org_id, state, state_since, needs, created_at)
    SELECT id, id, org_id, 'approved', closed_at, needs, reported_at
      FROM claim WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO decision (id, task_id, at, kind, provider, chosen_id, candidates)
    SELECT id, id, reported_at, 'auto', 'roads', (CAST(:crew AS bigint[]))[1 + id % :people],
           jsonb_build_array(jsonb_build_object('surveyor_id', (CAST(:crew AS bigint[]))[1]))
      FROM claim WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO offer (id, task_id, surveyor_id, decision_id, state, made_at, expires_at, settled_at, round, rank, distance_m,
                       eta_s)
    SELECT id * 2 + k, id, (CAST(:crew AS bigint[]))[1 + (id + k) % :people], id,
           CASE k WHEN 1 THEN 'accepted' ELSE 'expired' END, reported_at + k * interval '1 minute',
           reported_at + interval '3 minutes', reported_at + interval '2 minutes',
           1, 1, 900, 300
      FROM claim, generate_series(0, 1) AS k WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO assignment (id, task_id, surveyor_id, offer_id, accepted_at, contacted_at, departed_at, arrived_at, completed_at,
                            ended_at, end_reason)
    SELECT id, id, (CAST(:crew AS bigint[]))[1 + (id + 1) % :people], id * 2 + 1,
           reported_at + interval '2 minutes', reported_at + interval '6 minutes', reported_at + interval '7 minutes',
           reported_at + interval '25 minutes', reported_at + interval '1 hour', closed_at,
           'done'
      FROM claim WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO clock (id, claim_id, kind, start_event, limit_s, start_at, due_at, state, stopped_at, stop_event)
    SELECT id * 4 + k, id, (ARRAY['dispatch', 'contact', 'arrival', 'assessment'])[k + 1], 'reported', 1800, reported_at,
           reported_at + interval '30 minutes', 'met', reported_at + interval '10 minutes', 'done'
      FROM claim, generate_series(0, 3) AS k WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO escalation (id, clock_id, stage, due_at, state)
    SELECT id * 4 + k, id * 4 + k, 'warn_1', reported_at + interval '20 minutes', 'void'
      FROM claim, generate_series(0, 3) AS k WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO claim_event (claim_id, task_id, kind, at, actor_kind, facts)
    SELECT id, id, (ARRAY['reported', 'offered', 'accepted', 'contacted', 'departed', 'arrived', 'submitted', 'approved'])[k],
           reported_at + k * interval '5 minutes', 'system', '{}'
      FROM claim, generate_series(1, 8) AS k WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO message (org_id, claim_id, once, audience, channel, address, template, "values", text, lang, state, created_at,
                         due_at, sent_at)
    SELECT org_id, id, id || ':' || k, 'customer', 'sms', reporter_phone, 'offered', '{}', '查勘员已出发', 'zh', 'sent',
           reported_at, reported_at, reported_at
      FROM claim, generate_series(1, 2) AS k WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO photo (id, claim_id, task_id, shot, sha256, object_key, filename, content_type, size_bytes, width, height, state,
                       verdict, received_at)
    SELECT id * 4 + k, id, id, 'scene', sha256(CAST(id || ':' || k AS bytea)), md5(id || ':' || k), 'a.jpg', 'image/jpeg', 400000,
           4000, 3000, 'processed', 'approved', reported_at + interval '30 minutes'
      FROM claim, generate_series(0, 3) AS k WHERE id BETWEEN :base + :first AND :base + :last
    """,
    """
    INSERT INTO outbox (event, payload, created_at, relayed_at)
    SELECT 'task.changed', jsonb_build_object('task_id', id), reported_at, reported_at
      FROM claim, generate_series(1, 8) AS k WHERE id BETWEEN :base + :first AND :base + :last
    """,
)
TABLES = (
    "claim", "claim_item", "task", "decision", "offer", "assignment", "clock", "escalation", "claim_event", "message", "photo",
    "outbox", "milestone",
)  # fmt: skip
BASE = 10_000_000  # ids of the laid claims begin here, out of the way of what the site makes
STRETCH = 20_000


class Someone(NamedTuple):
    """Whom a laid claim is of."""

    name: str
    phone: str
    plate: str


def someone(n: int) -> Someone:
    """Whom the `n`-th laid claim is of, as FILL writes it."""
    number = BASE + n
    plate = f"豫{chr(65 + number % 17)}{number * 6007 % 100_000:05d}"
    return Someone(
        "王李张刘陈杨赵黄"[n % 8] + "强敏静磊洋艳勇杰"[n // 8 % 8], f"139{n * 7919 % 10**8:08d}", plate
    )


def lay(
    connection: Connection,
    claims: int,
    days: float,
    until: datetime,
    place: tuple[float, float, float],
    tell: Callable[[int], None],
) -> None:
    """Lays `claims` settled claims over the `days` before `until` around a place (longitude, latitude, spread in degrees).

    Needs a superuser's connection in autocommit, organisations (the first ones get most of the claims) and surveyors. `tell`
    hears how many are there.
    """
    connection.execute(text("SET statement_timeout = 0"))
    connection.execute(text("SET session_replication_role = replica"))
    orgs = list(connection.execute(text("SELECT id FROM organisation ORDER BY id")).scalars())
    crew = list(connection.execute(text("SELECT id FROM surveyor ORDER BY id")).scalars())
    lon, lat, spread = place
    given = {
        "claims": claims, "days": days, "until": until, "orgs": orgs, "branches": len(orgs), "crew": crew,
        "people": len(crew), "lon": lon, "lat": lat, "spread": spread, "base": BASE,
    }  # fmt: skip
    for first in range(1, claims + 1, STRETCH):
        here = given | {"first": first, "last": min(claims, first + STRETCH - 1)}
        for statement in FILL:
            connection.execute(
                text(statement), {name: value for name, value in here.items() if f":{name}" in statement}
            )
        tell(min(claims, first + STRETCH - 1))
    connection.execute(text("SET session_replication_role = origin"))
    connection.execute(text(f"ANALYZE {', '.join(TABLES)}"))
