"""Who may be asked near here, on a kept plan and along an index of those heard of lately only.

Planning was half of the question, and most of those it walked past had gone home. `heard_lately` is a hint that may only
err towards looking at too many: every fix that moves a dot sets it, in the row that is written anyway; the sweeper takes
it away where no rule could let the position count any more.
"""

from alembic import op

revision, down_revision = "0018_near", "0017_finish"

# The plane of Mercator, in degrees of the equator: straight lines between near places are true up to one factor, which
# `dispatch/able.py` bounds. Held off the poles, where the logarithm ends and with it the group of pings that wrote there.
# RETURN binds the names it calls now: a restored dump builds the index with no search path.
FLAT = """
CREATE FUNCTION chakan_flat(place geography) RETURNS point
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN point(ST_X(place::geometry),
             degrees(ln(tan(pi() / 4 + radians(greatest(least(ST_Y(place::geometry), 85), -85)) / 2))))
"""

# LATERAL … OFFSET 0 and the settings leave one way to run it, the walk in order of distance and a look by key at each: a
# plan made while a table was empty or not yet counted would otherwise read the whole of it for the life of the connection.
ABLE = """
CREATE FUNCTION {name}(here geography, asked_at timestamptz, heard_since timestamptz, scope text, needs text[], most integer)
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
                  -- Not as NOT EXISTS, which would be asked first, of those too who fall out by the rest.
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
ON_THE_MAP = {"name": "chakan_able", "among": "p.heard_lately", "distance": "chakan_flat(p.place) <-> flat"}
ON_THE_GLOBE = {"name": "chakan_able_anywhere", "among": "true", "distance": "p.place <-> here"}

UP = [
    FLAT,
    "ALTER TABLE last_position ADD COLUMN heard_lately BOOLEAN DEFAULT true NOT NULL",
    """
    CREATE INDEX ix_last_position_heard_lately ON last_position USING spgist (chakan_flat(place)) WHERE heard_lately
    """,
    # What is looked up at each, in the index itself: a row of the table is a page more.
    "CREATE INDEX ix_surveyor_on_duty ON surveyor (id) INCLUDE (org_id, skills, max_open) WHERE on_duty",
    "CREATE INDEX ix_person_able ON person (id) INCLUDE (name) WHERE disabled_at IS NULL",
    # Said so that no other index of open jobs could serve: over an empty table all cost the same, and one by job won.
    """
    CREATE INDEX ix_assignment_in_hand ON assignment (surveyor_id) WHERE COALESCE(ended_at, completed_at) IS NULL
    """,
    ABLE.format(**ON_THE_MAP),
    ABLE.format(**ON_THE_GLOBE),
]

DOWN = [
    "DROP FUNCTION chakan_able_anywhere(geography, timestamptz, timestamptz, text, text[], integer)",
    "DROP FUNCTION chakan_able(geography, timestamptz, timestamptz, text, text[], integer)",
    "DROP INDEX ix_assignment_in_hand",
    "DROP INDEX ix_person_able",
    "DROP INDEX ix_surveyor_on_duty",
    "DROP INDEX ix_last_position_heard_lately",
    "ALTER TABLE last_position DROP COLUMN heard_lately",
    "DROP FUNCTION chakan_flat(geography)",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
