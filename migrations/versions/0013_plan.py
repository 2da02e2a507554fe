"""Moving up: a free surveyor is asked to wait where more reports are to be expected, and what he answered."""

from alembic import op

revision, down_revision = "0013_plan", "0012_catastrophe"

UP = [
    """
    CREATE TABLE move_up (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        surveyor_id BIGINT NOT NULL,
        org_id BIGINT NOT NULL,
        lon DOUBLE PRECISION NOT NULL,
        lat DOUBLE PRECISION NOT NULL,
        place_text TEXT,
        state TEXT DEFAULT 'open' NOT NULL,
        made_by BIGINT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE,
        decline_reason TEXT,
        within_s INTEGER NOT NULL,
        drive_s INTEGER NOT NULL,
        covered_before DOUBLE PRECISION NOT NULL,
        covered_after DOUBLE PRECISION NOT NULL,
        provider TEXT NOT NULL,
        CONSTRAINT pk_move_up PRIMARY KEY (id),
        CONSTRAINT ck_move_up_state CHECK (state IN ('open','accepted','declined','expired','withdrawn')),
        CONSTRAINT fk_move_up_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id),
        CONSTRAINT fk_move_up_org_id FOREIGN KEY(org_id) REFERENCES organisation (id),
        CONSTRAINT fk_move_up_made_by FOREIGN KEY(made_by) REFERENCES person (id)
    )
    """,
    "CREATE INDEX ix_move_up_org_id ON move_up (org_id, made_at)",
    "CREATE UNIQUE INDEX uq_move_up_open_surveyor ON move_up (surveyor_id) WHERE state = 'open'",
]

DOWN = ["DROP TABLE move_up"]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
