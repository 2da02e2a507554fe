"""Tables every room leans on, and the maker of ids."""

from alembic import op

revision, down_revision = "0001_core", None

UP = [
    "CREATE EXTENSION IF NOT EXISTS postgis",
    "CREATE SEQUENCE chakan_id_seq",
    """
    -- Milliseconds since 2020 (41 bits), a sequence (12), chance (10): ordered by time, unique, not guessable from a neighbour.
    -- `chakan.now` is the lab's simulated clock: a past made today must sort where it belongs.
    CREATE FUNCTION chakan_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
        SELECT (((extract(epoch FROM COALESCE(NULLIF(current_setting('chakan.now', true), '')::timestamptz,
                                              clock_timestamp())) * 1000)::bigint - 1577836800000) << 22)
             | ((nextval('chakan_id_seq') & 4095) << 10)
             | (random() * 1023)::bigint
    $$
    """,
    """
    CREATE TABLE outbox (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        event TEXT NOT NULL,
        payload JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        relayed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_outbox PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_outbox_unrelayed ON outbox (id) WHERE relayed_at IS NULL",
    """
    CREATE TABLE delivery (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        outbox_id BIGINT NOT NULL,
        listener TEXT NOT NULL,
        queue TEXT NOT NULL,
        event TEXT NOT NULL,
        payload JSONB NOT NULL,
        state TEXT DEFAULT 'waiting' NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        done_at TIMESTAMP WITH TIME ZONE,
        last_error TEXT,
        CONSTRAINT pk_delivery PRIMARY KEY (id),
        CONSTRAINT uq_delivery_outbox_id_listener UNIQUE (outbox_id, listener)
    )
    """,
    "CREATE INDEX ix_delivery_due ON delivery (due_at) WHERE state = 'waiting'",
    """
    CREATE TABLE idempotency_key (
        actor TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint BYTEA NOT NULL,
        status INTEGER NOT NULL,
        body BYTEA NOT NULL,
        content_type TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_idempotency_key PRIMARY KEY (actor, key)
    )
    """,
    "CREATE INDEX ix_idempotency_key_created_at ON idempotency_key (created_at)",
    """
    CREATE TABLE audit_entry (
        seq BIGINT GENERATED ALWAYS AS IDENTITY,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        actor_id BIGINT,
        actor_kind TEXT NOT NULL,
        action TEXT NOT NULL,
        subject_kind TEXT NOT NULL,
        subject_id BIGINT,
        facts JSONB NOT NULL,
        prev_hash BYTEA NOT NULL,
        hash BYTEA NOT NULL,
        CONSTRAINT pk_audit_entry PRIMARY KEY (seq)
    )
    """,
    "CREATE INDEX ix_audit_entry_subject ON audit_entry (subject_kind, subject_id)",
    """
    CREATE TABLE heartbeat (
        part TEXT NOT NULL,
        beat_at TIMESTAMP WITH TIME ZONE NOT NULL,
        facts JSONB NOT NULL,
        CONSTRAINT pk_heartbeat PRIMARY KEY (part)
    )
    """,
    """
    CREATE FUNCTION chakan_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is only ever appended to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    """
    CREATE TRIGGER tr_audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
        FOR EACH STATEMENT EXECUTE FUNCTION chakan_refuse_change()
    """,
]

DOWN = [
    "DROP TABLE heartbeat",
    "DROP TABLE audit_entry",
    "DROP TABLE idempotency_key",
    "DROP TABLE delivery",
    "DROP TABLE outbox",
    "DROP FUNCTION chakan_refuse_change() CASCADE",
    "DROP FUNCTION chakan_id() CASCADE",
    "DROP SEQUENCE chakan_id_seq",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
