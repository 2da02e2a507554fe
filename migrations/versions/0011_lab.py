"""Rules tried on days that were: the row between the door and the lab."""

from alembic import op

revision, down_revision = "0011_lab", "0010_mind"

UP = [
    """
    CREATE TABLE rule_try (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        org_id BIGINT NOT NULL,
        asked_by BIGINT NOT NULL,
        changes JSONB NOT NULL,
        days INTEGER NOT NULL,
        state TEXT DEFAULT 'waiting' NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        progress DOUBLE PRECISION DEFAULT '0' NOT NULL,
        beat_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        done_at TIMESTAMP WITH TIME ZONE,
        result JSONB,
        error TEXT,
        CONSTRAINT pk_rule_try PRIMARY KEY (id),
        CONSTRAINT fk_rule_try_org_id FOREIGN KEY(org_id) REFERENCES organisation (id),
        CONSTRAINT fk_rule_try_asked_by FOREIGN KEY(asked_by) REFERENCES person (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_rule_try_active ON rule_try (org_id) WHERE state IN ('waiting', 'running')",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE rule_try")
