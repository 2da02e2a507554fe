"""When a question first reached a phone of the one asked, and until when it must, or the next one is asked.

An offer that no phone ever fetched cost its whole time out of the customer's ten minutes, although the server knew that
nobody could answer it. And a phone that could not be reached is no person who keeps silent: they are counted apart.
"""

from alembic import op

revision, down_revision = "0019_reach", "0018_near"

BEFORE = "id surveyor_id state expires_at round made_at eta_s drive_s eta_by"
NOW = BEFORE + " delivered_at"

UP = [
    "ALTER TABLE offer ADD COLUMN delivered_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE offer ADD COLUMN reach_by TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE task ADD COLUMN unreached INTEGER DEFAULT '0' NOT NULL",
    "ALTER TABLE surveyor ADD COLUMN unreached INTEGER DEFAULT '0' NOT NULL",
]

DOWN = [
    # Older code knows no such outcome: to it, nobody answered in time.
    "UPDATE offer SET state = 'expired' WHERE state = 'unreached'",
    "ALTER TABLE surveyor DROP COLUMN unreached",
    "ALTER TABLE task DROP COLUMN unreached",
    "ALTER TABLE offer DROP COLUMN reach_by",
    "ALTER TABLE offer DROP COLUMN delivered_at",
]


def keep(columns: str) -> None:
    """What the desk's past remembers of a question (migration 0015)."""
    op.execute("DROP TRIGGER remember ON offer")
    op.execute(
        "CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON offer FOR EACH ROW"
        f" EXECUTE FUNCTION chakan_remember('offer', 'id', 'task_id', '{columns}')"
    )


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)
    keep(NOW)


def downgrade() -> None:
    keep(BEFORE)
    for statement in DOWN:
        op.execute(statement)
