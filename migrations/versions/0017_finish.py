"""When somebody will be done, by his own word, and how far such words come true; who told a drive, and the drive alone.

A busy surveyor was taken to need what surveys of the kind usually take, though he knows better. And the seconds kept with
an offer count from the question, with all he had in hand: once he drives only the drive is left.
"""

from alembic import op

revision, down_revision = "0017_finish", "0016_sense"

OFFER = "id surveyor_id state expires_at round"
ASSIGNMENT = "id surveyor_id accepted_at appointment_at completed_at ended_at end_reason"
OFFER_NOW = OFFER + " made_at eta_s drive_s eta_by"
ASSIGNMENT_NOW = ASSIGNMENT + " departed_at done_by_at eta_s drive_s eta_by"

UP = [
    "ALTER TABLE assignment ADD COLUMN done_by_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE assignment ADD COLUMN done_said_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE assignment ADD COLUMN drive_s INTEGER",
    "ALTER TABLE assignment ADD COLUMN eta_by TEXT",
    "ALTER TABLE offer ADD COLUMN drive_s INTEGER",
    "ALTER TABLE offer ADD COLUMN eta_by TEXT",
    """
    CREATE TABLE own_word (
        root_id BIGINT NOT NULL,
        takes FLOAT NOT NULL,
        spread FLOAT NOT NULL,
        jobs INTEGER NOT NULL,
        learned_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_own_word PRIMARY KEY (root_id),
        CONSTRAINT fk_own_word_root_id FOREIGN KEY(root_id) REFERENCES organisation (id)
    )
    """,
]

DOWN = [
    "DROP TABLE own_word",
    "ALTER TABLE offer DROP COLUMN eta_by",
    "ALTER TABLE offer DROP COLUMN drive_s",
    "ALTER TABLE assignment DROP COLUMN eta_by",
    "ALTER TABLE assignment DROP COLUMN drive_s",
    "ALTER TABLE assignment DROP COLUMN done_said_at",
    "ALTER TABLE assignment DROP COLUMN done_by_at",
]


def keep(offer: str, assignment: str) -> None:
    """What the desk's past remembers of a question and of a duty (migration 0015)."""
    for table, columns in (("offer", offer), ("assignment", assignment)):
        op.execute(f"DROP TRIGGER remember ON {table}")
        op.execute(
            f"CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION chakan_remember('{table}', 'id', 'task_id', '{columns}')"
        )


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)
    keep(OFFER_NOW, ASSIGNMENT_NOW)


def downgrade() -> None:
    keep(OFFER, ASSIGNMENT)
    for statement in DOWN:
        op.execute(statement)
