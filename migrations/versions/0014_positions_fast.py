"""How new a surveyor's newest stored fix is, beside his dot: a batch that is newer as a whole needs no look for duplicates."""

from alembic import op

revision, down_revision = "0014_positions_fast", "0013_plan"


def upgrade() -> None:
    # NULL means «not known yet»: such a row's next batch takes the careful way and fills it in.
    op.execute("ALTER TABLE last_position ADD COLUMN newest_at TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    op.execute("ALTER TABLE last_position DROP COLUMN newest_at")
