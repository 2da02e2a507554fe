"""Who is told."""

from alembic import op

revision, down_revision = "0007_notify", "0006_media"

UP = [
    """
    CREATE TABLE message (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        org_id BIGINT NOT NULL,
        claim_id BIGINT,
        once TEXT NOT NULL,
        audience TEXT NOT NULL,
        channel TEXT NOT NULL,
        address TEXT NOT NULL,
        template TEXT NOT NULL,
        values JSONB NOT NULL,
        text TEXT NOT NULL,
        lang TEXT NOT NULL,
        state TEXT DEFAULT 'waiting' NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        stale_at TIMESTAMP WITH TIME ZONE,
        leased_until TIMESTAMP WITH TIME ZONE,
        sent_at TIMESTAMP WITH TIME ZONE,
        driver TEXT,
        provider_id TEXT,
        last_error TEXT,
        CONSTRAINT pk_message PRIMARY KEY (id),
        CONSTRAINT fk_message_org_id FOREIGN KEY(org_id) REFERENCES organisation (id),
        CONSTRAINT fk_message_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id),
        CONSTRAINT uq_message_once UNIQUE (once)
    )
    """,
    "CREATE INDEX ix_message_claim_id ON message (claim_id)",
    "CREATE INDEX ix_message_created_at ON message (created_at)",
    "CREATE INDEX ix_message_due ON message (due_at) WHERE state = 'waiting'",
    """
    CREATE TABLE customer_link (
        slug TEXT NOT NULL,
        claim_id BIGINT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_customer_link PRIMARY KEY (slug),
        CONSTRAINT uq_customer_link_claim_id UNIQUE (claim_id),
        CONSTRAINT fk_customer_link_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id)
    )
    """,
    """
    CREATE TABLE rating (
        claim_id BIGINT NOT NULL,
        stars INTEGER NOT NULL,
        comment TEXT DEFAULT '' NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_rating PRIMARY KEY (claim_id),
        CONSTRAINT ck_rating_stars CHECK (stars BETWEEN 1 AND 5),
        CONSTRAINT fk_rating_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id)
    )
    """,
]

DOWN = [
    "DROP TABLE rating",
    "DROP TABLE customer_link",
    "DROP TABLE message",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
