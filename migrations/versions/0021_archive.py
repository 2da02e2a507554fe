"""What a site with hundreds of thousands of settled claims is asked all day, along indexes instead of through whole tables.

Seats search by a part of a number, a name or a plate: trigrams. Counts of a period walk in the order of time: BRIN, which
costs a write next to nothing because rows come in that order. The rest are small partial indexes of what is unusual.
"""

from alembic import op

revision, down_revision = "0021_archive", "0020_flat"

UP = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    """
    CREATE INDEX ix_claim_found_by ON claim USING gin (
        report_no gin_trgm_ops, external_no gin_trgm_ops, reporter_phone gin_trgm_ops, reporter_name gin_trgm_ops,
        place_text gin_trgm_ops, policy_no gin_trgm_ops)
    """,
    "CREATE INDEX ix_claim_item_found_by ON claim_item USING gin (plate_key gin_trgm_ops)",
    "CREATE INDEX ix_claim_org_id_reported_at ON claim (org_id, reported_at)",
    "DROP INDEX ix_claim_org_id",  # the new one begins with it
    "CREATE INDEX ix_clock_broken ON clock (claim_id) WHERE breached_at IS NOT NULL",
    "CREATE INDEX ix_escalation_unseen ON escalation (id) WHERE state = 'fired' AND acknowledged_at IS NULL",
    "CREATE INDEX ix_offer_made_at ON offer USING brin (made_at) WITH (autosummarize)",
    "CREATE INDEX ix_assignment_accepted_at ON assignment USING brin (accepted_at) WITH (autosummarize)",
    "CREATE INDEX ix_photo_received_at ON photo USING brin (received_at) WITH (autosummarize)",
]

DOWN = [
    "DROP INDEX ix_photo_received_at",
    "DROP INDEX ix_assignment_accepted_at",
    "DROP INDEX ix_offer_made_at",
    "DROP INDEX ix_escalation_unseen",
    "DROP INDEX ix_clock_broken",
    "CREATE INDEX ix_claim_org_id ON claim (org_id)",
    "DROP INDEX ix_claim_org_id_reported_at",
    "DROP INDEX ix_claim_item_found_by",
    "DROP INDEX ix_claim_found_by",
    "DROP EXTENSION pg_trgm",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
