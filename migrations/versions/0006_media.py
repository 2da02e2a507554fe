"""What they saw."""

from alembic import op

revision, down_revision = "0006_media", "0005_dispatch"

UP = [
    """
    CREATE TABLE upload (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        key TEXT NOT NULL,
        task_id BIGINT NOT NULL,
        person_id BIGINT,
        device_id BIGINT,
        customer BOOLEAN DEFAULT 'false' NOT NULL,
        length BIGINT,
        received BIGINT DEFAULT '0' NOT NULL,
        meta JSONB NOT NULL,
        state TEXT DEFAULT 'open' NOT NULL,
        photo_id BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_upload PRIMARY KEY (id),
        CONSTRAINT uq_upload_key UNIQUE (key),
        CONSTRAINT fk_upload_task_id FOREIGN KEY(task_id) REFERENCES task (id),
        CONSTRAINT fk_upload_person_id FOREIGN KEY(person_id) REFERENCES person (id)
    )
    """,
    "CREATE INDEX ix_upload_expires_at ON upload (expires_at) WHERE state = 'open'",
    "CREATE INDEX ix_upload_task_id ON upload (task_id)",
    """
    CREATE TABLE photo (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        claim_id BIGINT NOT NULL,
        task_id BIGINT NOT NULL,
        shot TEXT NOT NULL,
        seq BIGINT,
        sha256 BYTEA NOT NULL,
        object_key TEXT NOT NULL,
        filename TEXT NOT NULL,
        content_type TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        state TEXT DEFAULT 'received' NOT NULL,
        verdict TEXT DEFAULT 'waiting' NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        lon DOUBLE PRECISION,
        lat DOUBLE PRECISION,
        accuracy_m REAL,
        exif JSONB DEFAULT '{}' NOT NULL,
        flags TEXT[] DEFAULT '{}' NOT NULL,
        phash BIGINT,
        person_id BIGINT,
        device_id BIGINT,
        customer BOOLEAN DEFAULT 'false' NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_photo PRIMARY KEY (id),
        CONSTRAINT uq_photo_task_id_sha256 UNIQUE (task_id, sha256),
        CONSTRAINT fk_photo_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id),
        CONSTRAINT fk_photo_task_id FOREIGN KEY(task_id) REFERENCES task (id)
    )
    """,
    "CREATE INDEX ix_photo_claim_id ON photo (claim_id)",
    "CREATE INDEX ix_photo_sha256 ON photo (sha256)",
    "CREATE INDEX ix_photo_task_id ON photo (task_id)",
    "CREATE INDEX ix_photo_unprocessed ON photo (due_at) WHERE state = 'received'",
    """
    CREATE TABLE photo_review (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        photo_id BIGINT NOT NULL,
        verdict TEXT NOT NULL,
        reason TEXT,
        note TEXT DEFAULT '' NOT NULL,
        region JSONB,
        by_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        answered_by BIGINT,
        CONSTRAINT pk_photo_review PRIMARY KEY (id),
        CONSTRAINT fk_photo_review_photo_id FOREIGN KEY(photo_id) REFERENCES photo (id),
        CONSTRAINT fk_photo_review_by_id FOREIGN KEY(by_id) REFERENCES person (id)
    )
    """,
    "CREATE INDEX ix_photo_review_photo_id ON photo_review (photo_id)",
    """
    CREATE TABLE annotation (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        photo_id BIGINT NOT NULL,
        body JSONB NOT NULL,
        by_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_annotation PRIMARY KEY (id),
        CONSTRAINT fk_annotation_photo_id FOREIGN KEY(photo_id) REFERENCES photo (id)
    )
    """,
    "CREATE INDEX ix_annotation_photo_id ON annotation (photo_id)",
    """
    CREATE TABLE assessment (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        claim_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        lines JSONB NOT NULL,
        total_fen BIGINT NOT NULL,
        note TEXT DEFAULT '' NOT NULL,
        by_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        approved_by BIGINT,
        approved_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_assessment PRIMARY KEY (id),
        CONSTRAINT uq_assessment_claim_id_version UNIQUE (claim_id, version),
        CONSTRAINT fk_assessment_claim_id FOREIGN KEY(claim_id) REFERENCES claim (id)
    )
    """,
    """
    CREATE TABLE shot_waiver (
        task_id BIGINT NOT NULL,
        shot TEXT NOT NULL,
        reason TEXT NOT NULL,
        by_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_shot_waiver PRIMARY KEY (task_id, shot),
        CONSTRAINT fk_shot_waiver_task_id FOREIGN KEY(task_id) REFERENCES task (id),
        CONSTRAINT fk_shot_waiver_by_id FOREIGN KEY(by_id) REFERENCES person (id)
    )
    """,
]

DOWN = [
    "DROP TABLE shot_waiver",
    "DROP TABLE assessment",
    "DROP TABLE annotation",
    "DROP TABLE photo_review",
    "DROP TABLE photo",
    "DROP TABLE upload",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
