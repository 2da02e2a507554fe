"""Where everyone is: history by UTC day, the last position, areas, the offline base map."""

from alembic import op

revision, down_revision = "0003_positions", "0002_staff"

UP = [
    """
    CREATE TABLE position (
        surveyor_id BIGINT NOT NULL,
        fixed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        device_id BIGINT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        lon DOUBLE PRECISION NOT NULL,
        lat DOUBLE PRECISION NOT NULL,
        accuracy_m REAL,
        speed_mps REAL,
        heading_deg REAL,
        altitude_m REAL,
        battery SMALLINT,
        source TEXT NOT NULL,
        seq BIGINT,
        CONSTRAINT pk_position PRIMARY KEY (surveyor_id, fixed_at, device_id)
    )
     PARTITION BY RANGE (fixed_at)
    """,
    "CREATE INDEX ix_position_fixed_at ON position USING brin (fixed_at)",
    """
    CREATE TABLE last_position (
        surveyor_id BIGINT NOT NULL,
        place geography(POINT,4326) NOT NULL,
        lon DOUBLE PRECISION NOT NULL,
        lat DOUBLE PRECISION NOT NULL,
        fixed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        device_id BIGINT NOT NULL,
        accuracy_m REAL,
        speed_mps REAL,
        heading_deg REAL,
        battery SMALLINT,
        source TEXT NOT NULL,
        CONSTRAINT pk_last_position PRIMARY KEY (surveyor_id),
        CONSTRAINT fk_last_position_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id)
    )
      WITH (fillfactor = 50)  -- half of each page free: a moving dot is a HOT update
    """,
    "CREATE INDEX ix_last_position_place ON last_position USING gist (place)",
    """
    CREATE TABLE fix_refusal (
        device_id BIGINT NOT NULL,
        day DATE NOT NULL,
        reason TEXT NOT NULL,
        count INTEGER NOT NULL,
        CONSTRAINT pk_fix_refusal PRIMARY KEY (device_id, day, reason),
        CONSTRAINT fk_fix_refusal_device_id FOREIGN KEY(device_id) REFERENCES device (id)
    )
    """,
    """
    CREATE TABLE area (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        org_id BIGINT NOT NULL,
        name TEXT NOT NULL,
        name_en TEXT DEFAULT '' NOT NULL,
        kind TEXT DEFAULT 'urban' NOT NULL,
        shape geography(MULTIPOLYGON,4326) NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_area PRIMARY KEY (id),
        CONSTRAINT fk_area_org_id FOREIGN KEY(org_id) REFERENCES organisation (id)
    )
    """,
    "CREATE INDEX ix_area_org_id ON area (org_id)",
    "CREATE INDEX ix_area_shape ON area USING gist (shape)",
    """
    CREATE TABLE base_line (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        name_en TEXT NOT NULL,
        min_zoom SMALLINT NOT NULL,
        shape geometry(GEOMETRY,3857) NOT NULL,
        CONSTRAINT pk_base_line PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_base_line_shape ON base_line USING gist (shape)",
    """
    CREATE FUNCTION chakan_position_days(first_day date, last_day date) RETURNS integer LANGUAGE plpgsql AS $$
    -- One partition a UTC day; safe to repeat and to run twice at once. Made aside and then attached: PARTITION OF
    -- would lock all of `position` and every ping behind it.
    DECLARE
        day date;
        part text;
        made integer := 0;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('position_days'));
        FOR day IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
            part := 'position_' || to_char(day, 'YYYYMMDD');
            IF to_regclass(part) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (LIKE position)', part);
                EXECUTE format('ALTER TABLE position ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                               part, day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
                made := made + 1;
            END IF;
        END LOOP;
        RETURN made;
    END
    $$
    """,
    """
    SELECT chakan_position_days((clock_timestamp() AT TIME ZONE 'UTC')::date - 8,
                                (clock_timestamp() AT TIME ZONE 'UTC')::date + 8)
    """,
]

DOWN = [
    "DROP TABLE base_line",
    "DROP TABLE area",
    "DROP TABLE fix_refusal",
    "DROP TABLE last_position",
    "DROP TABLE position",
    "DROP FUNCTION chakan_position_days(date, date)",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
