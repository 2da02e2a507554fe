"""What a better choice needs to know: unanswered offers in a row, planned ends of shifts, switches, times on scene, who insures.

Everything is nullable or has a default: the code before this runs on it unchanged.
"""

from alembic import op

revision, down_revision = "0010_mind", "0009_eta"

UP = [
    "ALTER TABLE surveyor ADD COLUMN silences INTEGER DEFAULT '0' NOT NULL",
    "ALTER TABLE surveyor ADD COLUMN silent_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE surveyor ADD COLUMN shift_until TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE task ADD COLUMN switches INTEGER DEFAULT '0' NOT NULL",
    "ALTER TABLE task ADD COLUMN switched_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE decision ADD COLUMN facts JSONB DEFAULT '{}' NOT NULL",
    "ALTER TABLE claim ADD COLUMN insurer_id BIGINT",
    "ALTER TABLE claim ADD CONSTRAINT fk_claim_insurer_id FOREIGN KEY(insurer_id) REFERENCES organisation (id)",
    "CREATE INDEX ix_claim_insurer_id ON claim (insurer_id) WHERE insurer_id IS NOT NULL",
    """
    CREATE TABLE service_time (
        root_id BIGINT NOT NULL,
        line TEXT NOT NULL,
        median_s INTEGER NOT NULL,
        jobs INTEGER NOT NULL,
        learned_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_service_time PRIMARY KEY (root_id, line),
        CONSTRAINT fk_service_time_root_id FOREIGN KEY(root_id) REFERENCES organisation (id)
    )
    """,
]

DOWN = [
    "DROP TABLE service_time",
    "DROP INDEX ix_claim_insurer_id",
    "ALTER TABLE claim DROP COLUMN insurer_id",
    "ALTER TABLE decision DROP COLUMN facts",
    "ALTER TABLE task DROP COLUMN switched_at",
    "ALTER TABLE task DROP COLUMN switches",
    "ALTER TABLE surveyor DROP COLUMN shift_until",
    "ALTER TABLE surveyor DROP COLUMN silent_at",
    "ALTER TABLE surveyor DROP COLUMN silences",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
