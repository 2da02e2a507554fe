"""Phones' clock offsets learned and kept, the phone's own time beside a corrected one, who came to and left a scene."""

from alembic import op

revision, down_revision = "0016_sense", "0015_playback"

UP = [
    """
    CREATE TABLE device_clock (
        device_id BIGINT NOT NULL,
        offset_s BIGINT DEFAULT '0' NOT NULL,
        learned_at TIMESTAMP WITH TIME ZONE,
        sends JSONB DEFAULT '[]' NOT NULL,
        CONSTRAINT pk_device_clock PRIMARY KEY (device_id),
        CONSTRAINT fk_device_clock_device_id FOREIGN KEY(device_id) REFERENCES device (id)
    )
    """,
    # Null for every fix whose clock was right: no row is written anew.
    "ALTER TABLE position ADD COLUMN phone_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE device ADD COLUMN app TEXT",
    """
    CREATE TABLE scene_watch (
        assignment_id BIGINT NOT NULL,
        checked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        came_at TIMESTAMP WITH TIME ZONE,
        left_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_scene_watch PRIMARY KEY (assignment_id),
        CONSTRAINT fk_scene_watch_assignment_id FOREIGN KEY(assignment_id) REFERENCES assignment (id)
    )
    """,
]

DOWN = [
    "DROP TABLE scene_watch",
    "ALTER TABLE device DROP COLUMN app",
    "ALTER TABLE position DROP COLUMN phone_at",
    "DROP TABLE device_clock",
]


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
