"""When road speeds were learned, from what, and how good they were: a change of every drive time must be traceable."""

from alembic import op

revision, down_revision = "0009_eta", "0007_notify"

UP = [
    """
    CREATE TABLE road_lesson (
        id BIGINT DEFAULT chakan_id() NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state TEXT DEFAULT 'due' NOT NULL,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE,
        finished_at TIMESTAMP WITH TIME ZONE,
        version TEXT,
        figures JSONB,
        CONSTRAINT pk_road_lesson PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_road_lesson_open ON road_lesson ((true)) WHERE state IN ('due', 'running')",
    "CREATE INDEX ix_road_lesson_asked_at ON road_lesson (asked_at)",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE road_lesson")
