"""Who works here."""

from alembic import op

revision, down_revision = "0002_staff", "0001_core"

UP = [
    """
    CREATE TABLE organisation (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        parent_id BIGINT,
        kind TEXT NOT NULL,
        code TEXT NOT NULL,
        name TEXT NOT NULL,
        path TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_organisation PRIMARY KEY (id),
        CONSTRAINT fk_organisation_parent_id FOREIGN KEY(parent_id) REFERENCES organisation (id),
        CONSTRAINT uq_organisation_code UNIQUE (code),
        CONSTRAINT uq_organisation_path UNIQUE (path)
    )
    """,
    "CREATE INDEX ix_organisation_path ON organisation (path text_pattern_ops)",
    """
    CREATE TABLE person (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        org_id BIGINT NOT NULL,
        username TEXT NOT NULL,
        name TEXT NOT NULL,
        phone TEXT,
        email TEXT,
        roles TEXT[] NOT NULL,
        password_hash TEXT,
        authority_fen BIGINT DEFAULT '0' NOT NULL,
        lang TEXT DEFAULT 'zh-CN' NOT NULL,
        failed_signins INTEGER DEFAULT '0' NOT NULL,
        locked_until TIMESTAMP WITH TIME ZONE,
        disabled_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_person PRIMARY KEY (id),
        CONSTRAINT fk_person_org_id FOREIGN KEY(org_id) REFERENCES organisation (id),
        CONSTRAINT uq_person_username UNIQUE (username)
    )
    """,
    "CREATE INDEX ix_person_org_id ON person (org_id)",
    """
    CREATE TABLE surveyor (
        id BIGINT NOT NULL,
        org_id BIGINT NOT NULL,
        skills TEXT[] NOT NULL,
        max_open INTEGER DEFAULT '5' NOT NULL,
        on_duty BOOLEAN DEFAULT 'false' NOT NULL,
        on_duty_since TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_surveyor PRIMARY KEY (id),
        CONSTRAINT ck_surveyor_max_open CHECK (max_open >= 0),
        CONSTRAINT fk_surveyor_id FOREIGN KEY(id) REFERENCES person (id),
        CONSTRAINT fk_surveyor_org_id FOREIGN KEY(org_id) REFERENCES organisation (id)
    )
    """,
    "CREATE INDEX ix_surveyor_org_id ON surveyor (org_id)",
    """
    CREATE TABLE device (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        surveyor_id BIGINT NOT NULL,
        label TEXT NOT NULL,
        tracker_sha256 BYTEA NOT NULL,
        paired_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE,
        seq_seen BIGINT DEFAULT '0' NOT NULL,
        revoked_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_device PRIMARY KEY (id),
        CONSTRAINT fk_device_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id),
        CONSTRAINT uq_device_tracker_sha256 UNIQUE (tracker_sha256)
    )
    """,
    "CREATE INDEX ix_device_surveyor_id ON device (surveyor_id)",
    """
    CREATE TABLE token (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        kind TEXT NOT NULL,
        sha256 BYTEA NOT NULL,
        person_id BIGINT NOT NULL,
        device_id BIGINT,
        label TEXT DEFAULT '' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE,
        expires_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_token PRIMARY KEY (id),
        CONSTRAINT uq_token_sha256 UNIQUE (sha256),
        CONSTRAINT fk_token_person_id FOREIGN KEY(person_id) REFERENCES person (id),
        CONSTRAINT fk_token_device_id FOREIGN KEY(device_id) REFERENCES device (id)
    )
    """,
    "CREATE INDEX ix_token_device_id ON token (device_id)",
    "CREATE INDEX ix_token_person_id ON token (person_id)",
    """
    CREATE TABLE pairing_code (
        sha256 BYTEA NOT NULL,
        surveyor_id BIGINT NOT NULL,
        made_by BIGINT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_pairing_code PRIMARY KEY (sha256),
        CONSTRAINT fk_pairing_code_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id)
    )
    """,
    """
    CREATE TABLE shift (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        surveyor_id BIGINT NOT NULL,
        kind TEXT DEFAULT 'normal' NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_shift PRIMARY KEY (id),
        CONSTRAINT fk_shift_surveyor_id FOREIGN KEY(surveyor_id) REFERENCES surveyor (id)
    )
    """,
    "CREATE INDEX ix_shift_surveyor_id ON shift (surveyor_id, started_at)",
    "CREATE UNIQUE INDEX uq_shift_open ON shift (surveyor_id) WHERE ended_at IS NULL",
    """
    CREATE TABLE rule (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        org_id BIGINT NOT NULL,
        key TEXT NOT NULL,
        value JSONB NOT NULL,
        version INTEGER DEFAULT '1' NOT NULL,
        changed_by BIGINT,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_rule PRIMARY KEY (id),
        CONSTRAINT uq_rule_org_id_key UNIQUE (org_id, key),
        CONSTRAINT fk_rule_org_id FOREIGN KEY(org_id) REFERENCES organisation (id)
    )
    """,
]

DOWN = [
    "DROP TABLE rule",
    "DROP TABLE shift",
    "DROP TABLE pairing_code",
    "DROP TABLE token",
    "DROP TABLE device",
    "DROP TABLE surveyor",
    "DROP TABLE person",
    "DROP TABLE organisation",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
