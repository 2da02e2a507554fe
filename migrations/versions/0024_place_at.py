"""A report is compared with the losses near it in place and hour: by place alone, all that ever happened there were read."""

from alembic import op

revision, down_revision = "0024_place_at", "0023_held"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE INDEX ix_claim_place_at ON claim USING gist (place, (COALESCE(loss_at, reported_at)))")
    op.execute("DROP INDEX ix_claim_place")


def downgrade() -> None:
    op.execute("CREATE INDEX ix_claim_place ON claim USING gist (place)")
    op.execute("DROP INDEX ix_claim_place_at")
