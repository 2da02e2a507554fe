"""What the desk knew, and when.

"Where was everybody when this job ran late?" was answered from memory. Every version of the rows a card is made of is
kept with the time it was valid for; positions have their own history already. Triggers write it, so that no way of
changing a row can forget to. And what a person chose to see follows him to the next desk.
"""

from alembic import op

revision, down_revision = "0015_playback", "0014_positions_fast"

# kind → table, its id, whom it belongs to, and the columns a card is made of.
KEPT = {
    "task": (
        "task", "id", "claim_id",
        "id claim_id org_id state state_since unassigned_reason priority round",
    ),
    "claim": (
        "claim", "id", "id",
        "id line report_no reported_at cause place place_text injured marks area_id",
    ),
    "item": ("claim_item", "id", "claim_id", "id plate"),
    "duplicate": ("claim_duplicate", "other_id", "claim_id", "other_id"),
    "clock": (
        "clock", "id", "claim_id",
        "id kind start_event start_at due_at limit_s stopped_at breached_at state predicted",
    ),
    "offer": ("offer", "id", "task_id", "id surveyor_id state expires_at round"),
    "assignment": (
        "assignment", "id", "task_id",
        "id surveyor_id accepted_at appointment_at completed_at ended_at end_reason",
    ),
    "surveyor": ("surveyor", "id", "id", "id org_id skills max_open on_duty"),
}  # fmt: skip

TABLE = [
    """
    CREATE TABLE desk_past (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind TEXT NOT NULL,
        ref BIGINT NOT NULL,
        owner BIGINT NOT NULL,
        span TSTZRANGE NOT NULL,
        matters BOOLEAN NOT NULL,
        body JSONB NOT NULL,
        CONSTRAINT pk_desk_past PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_desk_past_present ON desk_past (kind, ref, owner) WHERE upper_inf(span)",
    "CREATE INDEX ix_desk_past_owner ON desk_past (owner)",
    # What was open at a moment: the one question that is asked of all of it.
    "CREATE INDEX ix_desk_past_then ON desk_past USING gist (span) WHERE matters",
    "CREATE INDEX ix_desk_past_begun ON desk_past (lower(span))",
]
PREFERENCE = """
    CREATE TABLE preference (
        person_id BIGINT NOT NULL,
        key TEXT NOT NULL,
        value JSONB NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_preference PRIMARY KEY (person_id, key),
        CONSTRAINT fk_preference_person_id FOREIGN KEY(person_id) REFERENCES person (id)
    )
    """
REMEMBER = """
    CREATE FUNCTION chakan_remember() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        -- `chakan.now` is the lab's simulated clock, as in chakan_id().
        at timestamptz := COALESCE(NULLIF(current_setting('chakan.now', true), '')::timestamptz, clock_timestamp());
        old_row jsonb;
        new_row jsonb;
        old_body jsonb;
        new_body jsonb;
        which bigint;
        whose bigint;
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            old_row := to_jsonb(OLD);
            SELECT jsonb_object_agg(n, old_row -> n) INTO old_body FROM unnest(string_to_array(TG_ARGV[3], ' ')) AS n;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            new_row := to_jsonb(NEW);
            SELECT jsonb_object_agg(n, new_row -> n) INTO new_body FROM unnest(string_to_array(TG_ARGV[3], ' ')) AS n;
        END IF;
        IF new_body IS NOT DISTINCT FROM old_body THEN
            RETURN NULL;
        END IF;
        which := (COALESCE(new_row, old_row) ->> TG_ARGV[1])::bigint;
        whose := (COALESCE(new_row, old_row) ->> TG_ARGV[2])::bigint;
        IF TG_OP <> 'INSERT' THEN
            UPDATE desk_past
               SET span = tstzrange(lower(span), GREATEST(at, lower(span)))
             WHERE kind = TG_ARGV[0] AND ref = which AND owner = whose AND upper_inf(span);
        END IF;
        IF new_body IS NOT NULL THEN
            INSERT INTO desk_past (kind, ref, owner, span, matters, body)
            VALUES (TG_ARGV[0], which, whose, tstzrange(at, NULL), CASE TG_ARGV[0]
                        WHEN 'task' THEN new_row ->> 'state' NOT IN ('approved', 'cancelled')
                        WHEN 'offer' THEN new_row ->> 'state' = 'open'
                        WHEN 'assignment' THEN new_row ->> 'ended_at' IS NULL AND new_row ->> 'completed_at' IS NULL
                        ELSE TG_ARGV[0] = 'surveyor' END, new_body);
        END IF;
        RETURN NULL;
    END $$
    """
# What is there already is known from now on. A row touched without a change says nothing, so it is written here.
SEED = """
    INSERT INTO desk_past (kind, ref, owner, span, matters, body)
    SELECT '{kind}', r.{ref}, r.{owner}, tstzrange(clock_timestamp(), NULL), {matters},
           (SELECT jsonb_object_agg(n, to_jsonb(r) -> n) FROM unnest(string_to_array('{columns}', ' ')) AS n)
      FROM {table} AS r
    """
MATTERS = {
    "task": "r.state NOT IN ('approved', 'cancelled')",
    "offer": "r.state = 'open'",
    "assignment": "r.ended_at IS NULL AND r.completed_at IS NULL",
    "surveyor": "true",
}


def upgrade() -> None:
    """Creates the table, fills it with the present, and keeps it from now on."""
    for statement in (*TABLE, PREFERENCE, REMEMBER):
        op.execute(statement)
    for kind, (table, ref, owner, columns) in KEPT.items():
        op.execute(
            SEED.format(
                kind=kind,
                ref=ref,
                owner=owner,
                columns=columns,
                table=table,
                matters=MATTERS.get(kind, "false"),
            )
        )
        op.execute(
            f"CREATE TRIGGER remember AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION chakan_remember('{kind}', '{ref}', '{owner}', '{columns}')"
        )


def downgrade() -> None:
    """Forgets the past."""
    for table, *_ in KEPT.values():
        op.execute(f"DROP TRIGGER remember ON {table}")
    op.execute("DROP FUNCTION chakan_remember()")
    op.execute("DROP TABLE desk_past")
    op.execute("DROP TABLE preference")
