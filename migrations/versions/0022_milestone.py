"""What reports need of a settled claim, in one narrow row: a report of a year read ten rows of five tables for each."""

from alembic import op

revision, down_revision = "0022_milestone", "0021_archive"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE milestone (
            claim_id bigint CONSTRAINT pk_milestone PRIMARY KEY
                CONSTRAINT fk_milestone_claim_id_claim REFERENCES claim (id),
            closed_at timestamptz NOT NULL,
            begun_at timestamptz NOT NULL,
            offered_at timestamptz,
            accepted_at timestamptz,
            contacted_at timestamptz,
            arrived_at timestamptz,
            submitted_at timestamptz,
            approved_at timestamptz,
            withdrawn boolean NOT NULL,
            dispatch_kept boolean,
            dispatch_excused boolean NOT NULL,
            contact_kept boolean,
            contact_excused boolean NOT NULL,
            arrival_kept boolean,
            arrival_excused boolean NOT NULL,
            assessment_kept boolean,
            assessment_excused boolean NOT NULL
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE milestone")
