"""What happened, and the clocks that run from it."""

from alembic import op

revision, down_revision = "0004_claims", "0003_positions"

UP = [
    """
    CREATE TABLE claim (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        org_id BIGINT NOT NULL,
        area_id BIGINT,
        report_no TEXT NOT NULL,
        external_no TEXT,
        line TEXT NOT NULL,
        state TEXT DEFAULT 'open' NOT NULL,
        reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
        call_ended_at TIMESTAMP WITH TIME ZONE,
        reporter_name TEXT,
        reporter_phone TEXT NOT NULL,
        reporter_phone_typed TEXT NOT NULL,
        reporter_relation TEXT,
        loss_at TIMESTAMP WITH TIME ZONE,
        place_text TEXT,
        place geography(POINT,4326),
        place_source TEXT,
        cause TEXT,
        injured INTEGER DEFAULT '0' NOT NULL,
        movable BOOLEAN,
        scene_left BOOLEAN,
        policy_no TEXT,
        needs TEXT[] NOT NULL,
        note TEXT DEFAULT '' NOT NULL,
        marks TEXT[] DEFAULT '{}' NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        version INTEGER DEFAULT '1' NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        close_reason TEXT,
        CONSTRAINT pk_claim PRIMARY KEY (id),
        CONSTRAINT fk_claim_org_id FOREIGN KEY(org_id) REFERENCES organisation (id),
        CONSTRAINT fk_claim_area_id FOREIGN KEY(area_id) REFERENCES area (id),
        CONSTRAINT uq_claim_report_no UNIQUE (report_no)
    )
    """,
    "CREATE INDEX ix_claim_org_id ON claim (org_id)",
    "CREATE INDEX ix_claim_place ON claim USING gist (place)",
    "CREATE INDEX ix_claim_reported_at ON claim (reported_at)",
    "CREATE INDEX ix_claim_reporter_phone ON claim (reporter_phone)",
    "CREATE INDEX ix_claim_state_reported_at ON claim (state, reported_at)",
    """
    CREATE UNIQUE INDEX uq_claim_external_no ON claim (org_id, external_no) WHERE external_no IS NOT NULL
    """,
    """
    CREATE TABLE claim_item (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        claim_id BIGINT NOT NULL,
        kind TEXT NOT NULL,
        plate TEXT,
        plate_key TEXT,
        vin TEXT,
        description TEXT DEFAULT '' NOT NULL,
        CONSTRAINT pk_claim_item PRIMARY KEY (id),
        CONSTRAINT fk_claim_item_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id)
    )
    """,
    "CREATE INDEX ix_claim_item_claim_id ON claim_item (claim_id)",
    "CREATE INDEX ix_claim_item_plate_key ON claim_item (plate_key)",
    """
    CREATE TABLE claim_duplicate (
        claim_id BIGINT NOT NULL,
        other_id BIGINT NOT NULL,
        reasons TEXT[] NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_claim_duplicate PRIMARY KEY (claim_id, other_id),
        CONSTRAINT fk_claim_duplicate_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id),
        CONSTRAINT fk_claim_duplicate_other_id FOREIGN KEY(other_id) REFERENCES claim (id)
    )
    """,
    """
    CREATE TABLE task (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        claim_id BIGINT NOT NULL,
        org_id BIGINT NOT NULL,
        kind TEXT DEFAULT 'survey' NOT NULL,
        state TEXT DEFAULT 'pending' NOT NULL,
        state_since TIMESTAMP WITH TIME ZONE NOT NULL,
        needs TEXT[] NOT NULL,
        priority INTEGER DEFAULT '0' NOT NULL,
        round INTEGER DEFAULT '0' NOT NULL,
        next_try_at TIMESTAMP WITH TIME ZONE,
        unassigned_reason TEXT,
        reviewer_id BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_task PRIMARY KEY (id),
        CONSTRAINT ck_task_state CHECK (state IN ('pending','offered','accepted','contacted','en_route',
                                                  'on_scene','submitted','approved','returned','unassigned','cancelled')),
        CONSTRAINT fk_task_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id),
        CONSTRAINT fk_task_org_id FOREIGN KEY(org_id) REFERENCES organisation (id),
        CONSTRAINT fk_task_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES person (id)
    )
    """,
    "CREATE INDEX ix_task_claim_id ON task (claim_id)",
    "CREATE INDEX ix_task_due ON task (next_try_at) WHERE state = 'pending'",
    "CREATE INDEX ix_task_org_id ON task (org_id)",
    "CREATE INDEX ix_task_state ON task (state)",
    """
    CREATE UNIQUE INDEX uq_task_open_claim ON task (claim_id) WHERE state NOT IN ('approved', 'cancelled')
    """,
    """
    CREATE TABLE clock (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        claim_id BIGINT NOT NULL,
        kind TEXT NOT NULL,
        start_event TEXT NOT NULL,
        start_at TIMESTAMP WITH TIME ZONE NOT NULL,
        limit_s INTEGER NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        stopped_at TIMESTAMP WITH TIME ZONE,
        stop_event TEXT,
        breached_at TIMESTAMP WITH TIME ZONE,
        state TEXT DEFAULT 'running' NOT NULL,
        predicted TEXT DEFAULT 'ok' NOT NULL,
        pauses JSONB DEFAULT '[]' NOT NULL,
        rule_version INTEGER DEFAULT '1' NOT NULL,
        CONSTRAINT pk_clock PRIMARY KEY (id),
        CONSTRAINT uq_clock_claim_id_kind UNIQUE (claim_id, kind),
        CONSTRAINT fk_clock_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id)
    )
    """,
    "CREATE INDEX ix_clock_claim_id ON clock (claim_id)",
    "CREATE INDEX ix_clock_running ON clock (due_at) WHERE state = 'running'",
    """
    CREATE TABLE escalation (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        clock_id BIGINT NOT NULL,
        stage TEXT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state TEXT DEFAULT 'waiting' NOT NULL,
        fired_at TIMESTAMP WITH TIME ZONE,
        acknowledged_at TIMESTAMP WITH TIME ZONE,
        acknowledged_by BIGINT,
        CONSTRAINT pk_escalation PRIMARY KEY (id),
        CONSTRAINT uq_escalation_clock_id_stage UNIQUE (clock_id, stage),
        CONSTRAINT fk_escalation_clock_id FOREIGN KEY(clock_id) REFERENCES clock (id)
    )
    """,
    "CREATE INDEX ix_escalation_waiting ON escalation (due_at) WHERE state = 'waiting'",
    """
    CREATE TABLE claim_event (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        claim_id BIGINT NOT NULL,
        task_id BIGINT,
        kind TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        device_at TIMESTAMP WITH TIME ZONE,
        actor_id BIGINT,
        actor_kind TEXT NOT NULL,
        facts JSONB NOT NULL,
        CONSTRAINT pk_claim_event PRIMARY KEY (id),
        CONSTRAINT fk_claim_event_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id)
    )
    """,
    "CREATE INDEX ix_claim_event_claim_id ON claim_event (claim_id, id)",
    "CREATE SEQUENCE report_no_seq",
]

DOWN = [
    "DROP TABLE claim_event",
    "DROP TABLE escalation",
    "DROP TABLE clock",
    "DROP TABLE task",
    "DROP TABLE claim_duplicate",
    "DROP TABLE claim_item",
    "DROP TABLE claim",
    "DROP SEQUENCE report_no_seq",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
