"""The map's place of a dot is a column, and the nearest who may be asked walk along it.

An ORDER BY that an index answers is evaluated again for every row it yields: of the question's time a quarter went into
logarithms and into taking geographies apart. A generated column is computed where `place` is written and nowhere else.
What is looked up at each is one subselect after the other, so that nobody's name is read who fell out before. In a
catastrophe those it covers may hold more, as the dispatcher's own question has it.
"""

from alembic import op

revision, down_revision = "0020_flat", "0019_reach"

ABLE = """
CREATE OR REPLACE FUNCTION {name}(here geography, asked_at timestamptz, heard_since timestamptz, scope text, needs text[],
                                  most integer)
RETURNS TABLE (surveyor_id bigint, lon float8, lat float8, age_s float8, name text, open_jobs integer, max_open integer,
               far_m float8, flat_deg float8)
LANGUAGE plpgsql STABLE ROWS 20
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    spot point := chakan_flat(here);
    paths text[];
    caps integer[];
BEGIN
    -- Not in the question itself: no index answers it, and beside its price every plan of the rest looked alike.
    IF EXISTS (SELECT FROM catastrophe AS k WHERE k.state IN ('on', 'released')) THEN
        SELECT array_agg(u.path), array_agg(u.max_open) INTO paths, caps FROM surge AS u;
    END IF;
    RETURN QUERY
    SELECT p.surveyor_id, p.lon, p.lat, date_part('epoch', asked_at - least(p.fixed_at, p.received_at)), s.name,
           s.open_jobs, s.max_open, p.place <-> here, p.flat <-> spot
      FROM (SELECT p.surveyor_id, p.place, p.flat, p.lon, p.lat, p.fixed_at, p.received_at
              FROM last_position AS p
             WHERE {among}
             ORDER BY {distance}
             LIMIT 40000) AS p
     CROSS JOIN LATERAL (
           SELECT CASE WHEN paths IS NULL OR s.max_open = 0 THEN s.max_open
                       ELSE greatest(s.max_open, (SELECT max(u.max_open)
                                                    FROM unnest(paths, caps) AS u (path, max_open)
                                                    JOIN organisation AS w ON w.id = s.org_id
                                                     AND w.path LIKE u.path || '%'))
                   END AS max_open,
                  (SELECT count(*)::integer
                     FROM assignment AS a
                    WHERE a.surveyor_id = p.surveyor_id AND COALESCE(a.ended_at, a.completed_at) IS NULL) AS open_jobs,
                  -- Not as NOT EXISTS, which would be asked first, of those too who fall out by the rest.
                  (SELECT true FROM offer AS f WHERE f.surveyor_id = p.surveyor_id AND f.state = 'open') AS asked,
                  (SELECT r.name FROM person AS r WHERE r.id = p.surveyor_id AND r.disabled_at IS NULL) AS name
             FROM surveyor AS s
            WHERE s.id = p.surveyor_id AND s.on_duty AND s.skills @> needs
              AND (SELECT o.path LIKE scope FROM organisation AS o WHERE o.id = s.org_id)
           OFFSET 0) AS s
     WHERE p.fixed_at >= heard_since AND p.received_at >= heard_since AND s.open_jobs < s.max_open
       AND s.asked IS NULL AND s.name IS NOT NULL
     LIMIT most;
END
$$
"""
ON_THE_MAP = {"name": "chakan_able", "among": "p.heard_lately", "distance": "p.flat <-> spot"}
ON_THE_GLOBE = {"name": "chakan_able_anywhere", "among": "true", "distance": "p.place <-> here"}

# As 0018_near made them.
ABLE_BEFORE = """
CREATE OR REPLACE FUNCTION {name}(here geography, asked_at timestamptz, heard_since timestamptz, scope text, needs text[],
                                  most integer)
RETURNS TABLE (surveyor_id bigint, lon float8, lat float8, age_s float8, name text, open_jobs integer, max_open integer,
               far_m float8, flat_deg float8)
LANGUAGE plpgsql STABLE ROWS 20
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    flat point := chakan_flat(here);
BEGIN
    RETURN QUERY
    SELECT p.surveyor_id, p.lon, p.lat, extract(epoch FROM asked_at - least(p.fixed_at, p.received_at))::float8,
           s.name, s.open_jobs, s.max_open, p.place <-> here, chakan_flat(p.place) <-> flat
      FROM (SELECT p.surveyor_id, p.place, p.lon, p.lat, p.fixed_at, p.received_at
              FROM last_position AS p
             WHERE {among}
             ORDER BY {distance}
             LIMIT 40000) AS p
     CROSS JOIN LATERAL (
           SELECT s.max_open, r.name,
                  (SELECT count(*)::integer
                     FROM assignment AS a
                    WHERE a.surveyor_id = p.surveyor_id AND COALESCE(a.ended_at, a.completed_at) IS NULL) AS open_jobs,
                  (SELECT true FROM offer AS f WHERE f.surveyor_id = p.surveyor_id AND f.state = 'open') AS asked
             FROM surveyor AS s
             JOIN organisation AS o ON o.id = s.org_id AND o.path LIKE scope
             JOIN person AS r ON r.id = p.surveyor_id AND r.disabled_at IS NULL
            WHERE s.id = p.surveyor_id AND s.on_duty AND s.skills @> needs
           OFFSET 0) AS s
     WHERE p.fixed_at >= heard_since AND p.received_at >= heard_since AND s.open_jobs < s.max_open
       AND s.asked IS NULL
     LIMIT most;
END
$$
"""
ON_THE_MAP_BEFORE = ON_THE_MAP | {"distance": "chakan_flat(p.place) <-> flat"}

UP = [
    "ALTER TABLE last_position ADD COLUMN flat point GENERATED ALWAYS AS (chakan_flat(place)) STORED",
    "DROP INDEX ix_last_position_heard_lately",
    "CREATE INDEX ix_last_position_heard_lately ON last_position USING spgist (flat) WHERE heard_lately",
    ABLE.format(**ON_THE_MAP),
    ABLE.format(**ON_THE_GLOBE),
]

DOWN = [
    ABLE_BEFORE.format(**ON_THE_MAP_BEFORE),
    ABLE_BEFORE.format(**ON_THE_GLOBE),
    "DROP INDEX ix_last_position_heard_lately",
    "ALTER TABLE last_position DROP COLUMN flat",
    "CREATE INDEX ix_last_position_heard_lately ON last_position USING spgist (chakan_flat(place)) WHERE heard_lately",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
