"""Who goes. The indexes and the cap trigger are the referee of every race."""

from alembic import op

revision, down_revision = "0005_dispatch", "0004_claims"

UP = [
    """
    CREATE TABLE decision (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        task_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        kind TEXT NOT NULL,
        radius_m INTEGER,
        provider TEXT NOT NULL,
        chosen_id BIGINT,
        candidates JSONB NOT NULL,
        made_by BIGINT,
        reason TEXT,
        CONSTRAINT pk_decision PRIMARY KEY (id),
        CONSTRAINT fk_decision_task_id FOREIGN KEY(task_id) REFERENCES task (id)
    )
    """,
    "CREATE INDEX ix_decision_task_id ON decision (task_id, id)",
    """
    CREATE TABLE offer (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        task_id BIGINT NOT NULL,
        surveyor_id BIGINT NOT NULL,
        decision_id BIGINT,
        state TEXT DEFAULT 'open' NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE,
        decline_reason TEXT,
        round INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        distance_m INTEGER NOT NULL,
        eta_s INTEGER NOT NULL,
        CONSTRAINT pk_offer PRIMARY KEY (id),
        CONSTRAINT fk_offer_task_id FOREIGN KEY(task_id) REFERENCES task (id),
        CONSTRAINT fk_offer_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id),
        CONSTRAINT fk_offer_decision_id FOREIGN KEY(decision_id) REFERENCES decision (id)
    )
    """,
    "CREATE INDEX ix_offer_due ON offer (expires_at) WHERE state = 'open'",
    "CREATE INDEX ix_offer_task_id ON offer (task_id)",
    "CREATE UNIQUE INDEX uq_offer_open_surveyor ON offer (surveyor_id) WHERE state = 'open'",
    "CREATE UNIQUE INDEX uq_offer_open_task ON offer (task_id) WHERE state = 'open'",
    """
    CREATE TABLE assignment (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        task_id BIGINT NOT NULL,
        surveyor_id BIGINT NOT NULL,
        offer_id BIGINT,
        accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        contacted_at TIMESTAMP WITH TIME ZONE,
        departed_at TIMESTAMP WITH TIME ZONE,
        arrived_at TIMESTAMP WITH TIME ZONE,
        arrival_proof JSONB,
        appointment_at TIMESTAMP WITH TIME ZONE,
        completed_at TIMESTAMP WITH TIME ZONE,
        report JSONB,
        eta_s INTEGER,
        ended_at TIMESTAMP WITH TIME ZONE,
        end_reason TEXT,
        assigned_by BIGINT,
        reason TEXT,
        CONSTRAINT pk_assignment PRIMARY KEY (id),
        CONSTRAINT fk_assignment_task_id FOREIGN KEY(task_id) REFERENCES task (id),
        CONSTRAINT fk_assignment_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id),
        CONSTRAINT fk_assignment_offer_id FOREIGN KEY(offer_id) REFERENCES offer (id)
    )
    """,
    "CREATE INDEX ix_assignment_active_surveyor ON assignment (surveyor_id) WHERE ended_at IS NULL",
    "CREATE INDEX ix_assignment_task_id ON assignment (task_id)",
    "CREATE INDEX ix_assignment_surveyor_id ON assignment (surveyor_id, accepted_at)",
    "CREATE UNIQUE INDEX uq_assignment_active_task ON assignment (task_id) WHERE ended_at IS NULL",
    """
    CREATE TABLE contact (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        task_id BIGINT NOT NULL,
        surveyor_id BIGINT NOT NULL,
        device_id BIGINT,
        seq BIGINT,
        channel TEXT NOT NULL,
        result TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        device_at TIMESTAMP WITH TIME ZONE,
        marks TEXT[] DEFAULT '{}' NOT NULL,
        CONSTRAINT pk_contact PRIMARY KEY (id),
        CONSTRAINT uq_contact_task_id_device_id_seq UNIQUE (task_id, device_id, seq),
        CONSTRAINT fk_contact_task_id FOREIGN KEY(task_id) REFERENCES task (id),
        CONSTRAINT fk_contact_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id)
    )
    """,
    "CREATE INDEX ix_contact_task_id ON contact (task_id)",
    """
    CREATE FUNCTION chakan_assignment_cap() RETURNS trigger LANGUAGE plpgsql AS $$
    -- Two offers accepted in the same millisecond must not carry a surveyor over his cap, whoever writes.
    DECLARE
        most integer;
        open_now integer;
    BEGIN
        IF NEW.ended_at IS NOT NULL OR NEW.completed_at IS NOT NULL THEN
            RETURN NEW;
        END IF;
        SELECT max_open INTO most FROM surveyor WHERE id = NEW.surveyor_id FOR UPDATE;
        SELECT count(*) INTO open_now FROM assignment
         WHERE surveyor_id = NEW.surveyor_id AND ended_at IS NULL AND completed_at IS NULL AND id <> NEW.id;
        IF open_now >= most THEN
            RAISE EXCEPTION 'surveyor % holds % of % jobs', NEW.surveyor_id, open_now, most
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_assignment_cap', TABLE = 'assignment';
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER tr_assignment_cap BEFORE INSERT OR UPDATE OF surveyor_id, ended_at, completed_at ON assignment
        FOR EACH ROW EXECUTE FUNCTION chakan_assignment_cap()
    """,
]

DOWN = [
    "DROP TABLE contact",
    "DROP TABLE assignment",
    "DROP TABLE offer",
    "DROP TABLE decision",
    "DROP FUNCTION chakan_assignment_cap() CASCADE",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
