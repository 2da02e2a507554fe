"""Catastrophe mode: who switched it and who confirmed, the limits it brought, and losses visited together."""

from alembic import op

revision, down_revision = "0012_catastrophe", "0011_lab"

# The same trigger as in 0005 but for one line: in a catastrophe the cap of those it covers is the higher one.
CAP = """
CREATE OR REPLACE FUNCTION chakan_assignment_cap() RETURNS trigger LANGUAGE plpgsql AS $$
-- Two offers accepted in the same millisecond must not carry a surveyor over his cap, whoever writes.
DECLARE
    most integer;
    open_now integer;
BEGIN
    IF NEW.ended_at IS NOT NULL OR NEW.completed_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    SELECT max_open INTO most FROM surveyor WHERE id = NEW.surveyor_id FOR UPDATE;
    {surge}
    SELECT count(*) INTO open_now FROM assignment
     WHERE surveyor_id = NEW.surveyor_id AND ended_at IS NULL AND completed_at IS NULL AND id <> NEW.id;
    IF open_now >= most THEN
        RAISE EXCEPTION 'surveyor % holds % of % jobs', NEW.surveyor_id, open_now, most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_assignment_cap', TABLE = 'assignment';
    END IF;
    RETURN NEW;
END
$$
"""
SURGE = """
    IF most > 0 THEN  -- whoever may hold nothing, may hold nothing in a storm either
        SELECT GREATEST(most, max(g.max_open)) INTO most
          FROM surge AS g
          JOIN organisation AS o ON o.path LIKE g.path || '%'
          JOIN surveyor AS s ON s.org_id = o.id AND s.id = NEW.surveyor_id;
    END IF;
"""

UP = [
    """
    CREATE TABLE catastrophe (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        org_id BIGINT NOT NULL,
        area_id BIGINT,
        name TEXT NOT NULL,
        reason TEXT NOT NULL,
        state TEXT NOT NULL,
        rule JSONB NOT NULL,
        max_open INTEGER NOT NULL,
        borrowed BIGINT[] NOT NULL,
        seen INTEGER,
        normal INTEGER,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        on_at TIMESTAMP WITH TIME ZONE,
        released_at TIMESTAMP WITH TIME ZONE,
        over_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_catastrophe PRIMARY KEY (id),
        CONSTRAINT ck_catastrophe_state CHECK (state IN ('proposed','requested','on','released','over','dropped')),
        CONSTRAINT ck_catastrophe_max_open CHECK (max_open > 0),
        CONSTRAINT fk_catastrophe_org_id FOREIGN KEY(org_id) REFERENCES organisation (id),
        CONSTRAINT fk_catastrophe_area_id FOREIGN KEY(area_id) REFERENCES area (id)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_catastrophe_live ON catastrophe (org_id, area_id) NULLS NOT DISTINCT
     WHERE state NOT IN ('over', 'dropped')
    """,
    """
    CREATE TABLE catastrophe_step (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        catastrophe_id BIGINT NOT NULL,
        step TEXT NOT NULL,
        state TEXT DEFAULT 'open' NOT NULL,
        reason TEXT NOT NULL,
        requested_by BIGINT NOT NULL,
        requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        settled_by BIGINT,
        settled_at TIMESTAMP WITH TIME ZONE,
        settle_reason TEXT,
        CONSTRAINT pk_catastrophe_step PRIMARY KEY (id),
        CONSTRAINT ck_catastrophe_step_step CHECK (step IN ('switch_on','release','restore')),
        CONSTRAINT ck_catastrophe_step_state CHECK (state IN ('open','confirmed','refused','expired')),
        CONSTRAINT ck_catastrophe_step_four_eyes CHECK (state <> 'confirmed'
                                                        OR (settled_by IS NOT NULL AND settled_by <> requested_by)),
        CONSTRAINT fk_catastrophe_step_catastrophe_id FOREIGN KEY(catastrophe_id) REFERENCES catastrophe (id),
        CONSTRAINT fk_catastrophe_step_requested_by FOREIGN KEY(requested_by) REFERENCES person (id),
        CONSTRAINT fk_catastrophe_step_settled_by FOREIGN KEY(settled_by) REFERENCES person (id)
    )
    """,
    "CREATE INDEX ix_catastrophe_step_catastrophe_id ON catastrophe_step (catastrophe_id)",
    "CREATE UNIQUE INDEX uq_catastrophe_step_open ON catastrophe_step (catastrophe_id) WHERE state = 'open'",
    "ALTER TABLE claim ADD COLUMN catastrophe_id BIGINT",
    """
    ALTER TABLE claim ADD CONSTRAINT fk_claim_catastrophe_id
        FOREIGN KEY (catastrophe_id) REFERENCES catastrophe (id)
    """,
    """
    CREATE INDEX ix_claim_catastrophe_id ON claim (catastrophe_id) WHERE catastrophe_id IS NOT NULL
    """,
    """
    CREATE VIEW surge AS
    -- Whose people may hold more while a catastrophe lasts: its own organisation's, and those borrowed until released.
    SELECT k.id AS catastrophe_id, o.path, k.max_open
      FROM catastrophe AS k
      JOIN organisation AS o ON o.id = k.org_id OR (k.state = 'on' AND o.id = ANY(k.borrowed))
     WHERE k.state IN ('on', 'released')
    """,
    CAP.replace("{surge}", SURGE),
    """
    CREATE TABLE bundle (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        catastrophe_id BIGINT NOT NULL,
        lead_id BIGINT NOT NULL,
        state TEXT DEFAULT 'open' NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE,
        surveyor_id BIGINT,
        CONSTRAINT pk_bundle PRIMARY KEY (id),
        CONSTRAINT ck_bundle_state CHECK (state IN ('open','taken','dissolved')),
        CONSTRAINT fk_bundle_catastrophe_id FOREIGN KEY(catastrophe_id) REFERENCES catastrophe (id),
        CONSTRAINT fk_bundle_lead_id FOREIGN KEY(lead_id) REFERENCES task (id),
        CONSTRAINT fk_bundle_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id)
    )
    """,
    "CREATE INDEX ix_bundle_catastrophe_id ON bundle (catastrophe_id)",
    "CREATE UNIQUE INDEX uq_bundle_open_lead ON bundle (lead_id) WHERE state = 'open'",
    """
    CREATE TABLE bundle_task (
        bundle_id BIGINT NOT NULL,
        task_id BIGINT NOT NULL,
        place_no INTEGER NOT NULL,
        outcome TEXT,
        CONSTRAINT pk_bundle_task PRIMARY KEY (bundle_id, task_id),
        CONSTRAINT ck_bundle_task_outcome CHECK (outcome IN ('taken','left')),
        CONSTRAINT fk_bundle_task_bundle_id FOREIGN KEY(bundle_id) REFERENCES bundle (id),
        CONSTRAINT fk_bundle_task_task_id FOREIGN KEY(task_id) REFERENCES task (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_bundle_task_open ON bundle_task (task_id) WHERE outcome IS NULL",
]

DOWN = [
    "DROP TABLE bundle_task",
    "DROP TABLE bundle",
    CAP.replace("{surge}", ""),
    "DROP VIEW surge",
    "ALTER TABLE claim DROP COLUMN catastrophe_id",
    "DROP TABLE catastrophe_step",
    "DROP TABLE catastrophe",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
