"""How many fixes were kept but may not move the dot, by reason: a dot that stood still while its phone spoke was unexplained."""

from alembic import op

revision, down_revision = "0023_held", "0022_milestone"


def upgrade() -> None:
    op.execute("ALTER TABLE fix_refusal ADD COLUMN held INTEGER DEFAULT 0 NOT NULL")


def downgrade() -> None:
    # Rows that counted nothing but those would now say that nothing was refused.
    op.execute("DELETE FROM fix_refusal WHERE count = 0")
    op.execute("ALTER TABLE fix_refusal DROP COLUMN held")
