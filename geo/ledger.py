"""What taking positions says to PostgreSQL: few statements for many batches, on a plain cursor, inside one transaction.

Two kinds of connection use it. A request with a transaction of its own sends the statements as they are. The writer of
`geo/group.py` keeps its connection and has them prepared: planning the opening anew costs more than running it. So a
pooler that gives every transaction another connection must not stand between the writer and PostgreSQL.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from geo import copying, filters, store
from geo.clock_offset import UNKNOWN, PhoneClock
from geo.copying import Stretch
from geo.filters import Limits
from geo.fix import Fix
from geo.store import Key, Row, array, times

# A phone that speaks every few seconds need not write its own row every time.
SEEN_EVERY = timedelta(seconds=60)

# The lock space of this room: batches of one surveyor go one after the other, so that a dot is judged against the
# newest one and a fix is stored once. In order of the lock's own number: two groups never wait for each other crosswise.
TURN = 0x67656F
TURNS = f"""
SELECT count(pg_advisory_xact_lock({TURN}, k))
  FROM (SELECT DISTINCT hashint8(id) AS k FROM unnest(CAST(:surveyor_ids AS bigint[])) AS id ORDER BY 1) AS turns
"""  # noqa: S608

# A statement of its own after the turns: its snapshot must see what the one before us committed. `signed` asks again
# whether the token, its device, the account and the role still stand, so that no cache in front of it can outlive them.
# LATERAL … OFFSET 0 leaves one way to run it, a look by key for each batch: its plan is kept for the life of the
# connection, and one made while a table was still empty read the whole of that table for every batch ever after.
OPENING = """
SELECT f.n, (SELECT clock_timestamp()) AS now, s.on_duty, s.on_duty_since, s.org_id, d.seen_at,
       f.token_id = 0 OR (t.id IS NOT NULL AND d.revoked_at IS NULL AND s.stands) AS signed,
       p.fixed_at, p.lon, p.lat, p.accuracy_m, p.speed_mps, p.heading_deg, p.newest_at,
       k.offset_s, k.learned_at, k.sends
  FROM unnest(CAST(:surveyor_ids AS bigint[]), CAST(:device_ids AS bigint[]), CAST(:token_ids AS bigint[]))
       WITH ORDINALITY AS f (surveyor_id, device_id, token_id, n)
 CROSS JOIN LATERAL (
       SELECT s.on_duty, s.on_duty_since, s.org_id, r.disabled_at IS NULL AND 'surveyor' = ANY(r.roles) AS stands
         FROM surveyor AS s JOIN person AS r ON r.id = s.id
        WHERE s.id = f.surveyor_id
       OFFSET 0) AS s
  LEFT JOIN LATERAL (SELECT d.seen_at, d.revoked_at FROM device AS d WHERE d.id = f.device_id OFFSET 0) AS d ON true
  LEFT JOIN LATERAL (
       SELECT t.id
         FROM token AS t
        WHERE t.id = f.token_id AND t.device_id = f.device_id AND t.revoked_at IS NULL
          AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())
       OFFSET 0) AS t ON true
  LEFT JOIN LATERAL (SELECT * FROM last_position AS p WHERE p.surveyor_id = f.surveyor_id OFFSET 0) AS p ON true
  LEFT JOIN LATERAL (SELECT * FROM device_clock AS k WHERE k.device_id = f.device_id OFFSET 0) AS k ON true
"""

RULES = """
SELECT o.id, jsonb_object_agg(r.key, r.value ORDER BY length(a.path)) AS rules
  FROM organisation AS o
  JOIN organisation AS a ON o.path LIKE a.path || '%'
  JOIN rule AS r ON r.org_id = a.id AND r.key = ANY(CAST(:keys AS text[]))
 WHERE o.id = ANY(CAST(:org_ids AS bigint[]))
 GROUP BY o.id
"""

SHIFTS = """
SELECT started_at, ended_at
  FROM shift
 WHERE surveyor_id = :surveyor_id AND ended_at >= :since
 ORDER BY started_at
"""

TRACK = """
SELECT fixed_at, lon, lat, accuracy_m, speed_mps, heading_deg
  FROM position
 WHERE surveyor_id = :surveyor_id AND fixed_at >= :start AND fixed_at < :end
 ORDER BY fixed_at, device_id
"""

# A fix that may not move the dot is newer than every stored one all the same.
NEWEST = """
UPDATE last_position AS p SET newest_at = f.newest_at
  FROM unnest(CAST(:surveyor_ids AS bigint[]), CAST(:newest_ats AS timestamptz[])) AS f (surveyor_id, newest_at)
 WHERE p.surveyor_id = f.surveyor_id AND p.newest_at < f.newest_at
"""

REFUSED = """
INSERT INTO fix_refusal AS r (device_id, day, reason, count, held)
SELECT f.device_id, :day, f.reason, f.count, f.held
  FROM unnest(CAST(:device_ids AS bigint[]), CAST(:reasons AS text[]), CAST(:counts AS integer[]),
              CAST(:helds AS integer[]))
    AS f (device_id, reason, count, held)
 ORDER BY f.device_id, f.reason
    ON CONFLICT (device_id, day, reason) DO UPDATE
   SET count = r.count + EXCLUDED.count, held = r.held + EXCLUDED.held
"""

# Written only when something was learned: a phone whose clock is right has no row.
CLOCKS = """
INSERT INTO device_clock AS k (device_id, offset_s, learned_at, sends)
SELECT c.device_id, c.offset_s, c.learned_at, c.sends
  FROM jsonb_to_recordset(CAST(:clocks AS jsonb)) AS c (device_id bigint, offset_s bigint, learned_at timestamptz, sends jsonb)
 ORDER BY c.device_id
    ON CONFLICT (device_id) DO UPDATE
   SET offset_s = EXCLUDED.offset_s, learned_at = EXCLUDED.learned_at, sends = EXCLUDED.sends
"""

# A name is anybody's text: as JSON it needs no rule of its own for what an array literal may hold.
APPS = """
UPDATE device AS d SET app = a.app
  FROM jsonb_to_recordset(CAST(:apps AS jsonb)) AS a (device_id bigint, app text)
 WHERE d.id = a.device_id AND d.app IS DISTINCT FROM a.app
"""

SEEN = "UPDATE device SET seen_at = :at WHERE id = ANY(CAST(:device_ids AS bigint[]))"


class Statement:
    """SQL with named parameters, in the two spellings that are sent."""

    def __init__(self, name: str, sql: str, *types: tuple[str, str]) -> None:
        pattern = re.compile(r"(?<!:):([a-z_]+)")
        self.names = list(dict.fromkeys(pattern.findall(sql)))
        order = {name: number for number, name in enumerate(self.names, 1)}
        known = dict(types)
        listed = ", ".join(known.get(name, "unknown") for name in self.names)
        numbered = pattern.sub(lambda found: f"${order[found[1]]}", sql)
        self.plain = pattern.sub(r"%(\1)s", sql.replace("%", "%%"))
        self.prepare = f"PREPARE chakan_{name} ({listed}) AS {numbered}"
        self.execute = f"EXECUTE chakan_{name} ({', '.join(f'%({name})s' for name in self.names)})"


TURNS_S = Statement("turns", TURNS)
OPENING_S = Statement("opening", OPENING)
LAST_S = Statement("last", store.LAST, ("lazy_m", "float8"))
NEWEST_S = Statement("newest", NEWEST)
REFUSED_S = Statement("refused", REFUSED, ("day", "date"))
SEEN_S = Statement("seen", SEEN, ("at", "timestamptz"))
NEW_S = Statement("new", store.NEW)
CLOCKS_S = Statement("clocks", CLOCKS)
APPS_S = Statement("apps", APPS)
PREPARED = (NEW_S, CLOCKS_S, APPS_S, TURNS_S, OPENING_S, LAST_S, NEWEST_S, REFUSED_S, SEEN_S)
HISTORY_S, RULES_S = Statement("history", store.HISTORY), Statement("rules", RULES)
SHIFTS_S, TRACK_S = Statement("shifts", SHIFTS), Statement("track", TRACK)

# Up to so many new fixes are inserted, more are copied.
FEW = 40

Call = tuple[Statement, Mapping[str, object]]


class Asked(NamedTuple):
    """Whose batch opens: surveyor, device, and the token it came with (0: already checked)."""

    surveyor_id: int
    device_id: int
    token_id: int


class Opening(NamedTuple):
    """What must be known before a batch is judged. `newest_at` None: not known, so look for duplicates."""

    now: datetime
    on_duty: bool
    on_duty_since: datetime | None
    org_id: int
    seen_at: datetime | None
    signed: bool
    dot: Fix | None
    newest_at: datetime | None
    clock: PhoneClock = UNKNOWN


class Written(NamedTuple):
    """What a transaction changes besides history."""

    dots: Sequence[Row]
    newest: Mapping[int, datetime]  # by surveyor
    refused: Mapping[
        tuple[int, str], tuple[int, int]
    ]  # by device and reason: refused, and kept but not for the dot
    seen: Sequence[int]  # devices
    clocks: Mapping[int, PhoneClock]  # by device: what was learned
    apps: Mapping[int, str]  # by device: what its app calls itself


class Ledger:
    """The statements over one cursor. `kept` says that they are prepared and that BEGIN and COMMIT are ours to send."""

    def __init__(self, cursor: Any, *, kept: bool = False) -> None:
        self.cursor, self.kept = cursor, kept
        self.pending: list[Call] = []

    def prepare(self) -> None:
        """Plans the statements once for the life of the connection."""
        # Plans by the number of a group's batches would be made anew for ever.
        self.cursor.execute("SET plan_cache_mode = force_generic_plan")
        # Planned while a table was empty or small, a kept plan would read the whole of it for ever.
        self.cursor.execute("SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off")
        self.cursor.execute("SET enable_material = off; SET jit = off")
        for statement in PREPARED:
            self.cursor.execute(statement.prepare)

    def send(self, *calls: Call, before: str = "", after: str = "") -> None:
        """Sends statements in one round trip; the cursor then holds the rows of the last."""
        words = [before] if before else []
        for statement, given in calls:
            spelling = statement.execute if self.kept and statement in PREPARED else statement.plain
            words.append(self.cursor.mogrify(spelling, given).decode())
        self.cursor.execute("; ".join([*words, after] if after else words))

    def open(self, asked: Sequence[Asked]) -> list[Opening | None]:
        """Takes the surveyors' turns and reads what their batches need; None where there is no such surveyor."""
        surveyors = array(one.surveyor_id for one in asked)
        whose = {
            "surveyor_ids": surveyors,
            "device_ids": array(one.device_id for one in asked),
            "token_ids": array(one.token_id for one in asked),
        }
        turns = (TURNS_S, {"surveyor_ids": surveyors})
        self.send(turns, (OPENING_S, whose), before="BEGIN" if self.kept else "")
        found: list[Opening | None] = [None] * len(asked)
        for (
            n,
            now,
            duty,
            since,
            org,
            seen,
            signed,
            at,
            *dotted,
            newest,
            offset_s,
            learned_at,
            sends,
        ) in self.cursor.fetchall():
            dot = None if at is None else Fix(at, None, *dotted)
            known = PhoneClock.stored(offset_s, learned_at, sends)
            found[n - 1] = Opening(now, duty, since, org, seen, signed, dot, newest, known)
        return found

    def rules(self, org_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The filter settings somebody made, by organisation; the nearest ancestor wins."""
        self.send((RULES_S, {"org_ids": array(org_ids), "keys": array(filters.KNOWN)}))
        return dict(self.cursor.fetchall())

    def limits(self, org_ids: Iterable[int]) -> dict[int, Limits]:
        """The filter settings of organisations as numbers to compare with."""
        wanted = sorted(set(org_ids))
        made = self.rules(wanted)
        return {org_id: Limits.of(made.get(org_id, {})) for org_id in wanted}

    def shifts_since(self, surveyor_id: int, since: datetime) -> list[tuple[datetime, datetime | None]]:
        """Closed shifts that reach past `since`."""
        self.send((SHIFTS_S, {"surveyor_id": surveyor_id, "since": since}))
        return list(self.cursor.fetchall())

    def append(self, stretches: Sequence[Stretch], received_at: datetime) -> None:
        """Adds stretches of (surveyor, device, fixes) to history. They must not be there yet.

        A few go out with the transaction's last words: COPY would cost two more round trips than it saves.
        """
        if sum(len(fixes) for _, _, fixes in stretches) <= FEW:
            rows = [Row(surveyor, device, fix) for surveyor, device, fixes in stretches for fix in fixes]
            given = store.history_columns(rows, received_at)
            self.pending.append((NEW_S, given))
            return
        for day, body in copying.by_day(stretches, received_at).items():
            columns = ", ".join(copying.COLUMNS)
            # Straight into the day's table: the parent would look for it anew for every row.
            said = f"COPY {table_of(day)} ({columns}) FROM STDIN (FORMAT binary)"
            self.cursor.copy_expert(said, io.BytesIO(body), 1 << 20)

    def insert(self, rows: Sequence[tuple[int, int, Fix]], received_at: datetime) -> set[Key]:
        """Stores (surveyor, device, fix) unless they are there; returns the keys of those that were not."""
        self.send((HISTORY_S, store.history_columns([Row(*row) for row in rows], received_at)))
        return {(surveyor, device, at) for surveyor, device, at in self.cursor.fetchall()}

    def track(self, surveyor_id: int, start: datetime, end: datetime) -> list[Fix]:
        """A surveyor's stored fixes, as far as a walk needs them: time, place, accuracy, speed, heading."""
        pending, self.pending = self.pending, []
        self.send(*pending, (TRACK_S, {"surveyor_id": surveyor_id, "start": start, "end": end}))
        return [Fix(at, None, *told) for at, *told in self.cursor.fetchall()]

    def write(self, written: Written, now: datetime, day: date) -> None:
        """Moves dots, counts refusals, notes who was heard; then commits if the transaction is ours to end."""
        calls, self.pending = self.pending, []
        if written.dots:
            calls.append((LAST_S, store.last_columns(written.dots, written.newest)))
        moved = {row.surveyor_id for row in written.dots}
        still = {who: at for who, at in written.newest.items() if who not in moved}
        if still:
            calls.append((NEWEST_S, {"surveyor_ids": array(still), "newest_ats": times(still.values())}))
        if written.refused:
            calls.append((REFUSED_S, _refused(written.refused, day)))
        if written.clocks:
            clocks = [{"device_id": device, **known.to_store()} for device, known in written.clocks.items()]
            calls.append((CLOCKS_S, {"clocks": msgspec.json.encode(clocks).decode()}))
        if written.apps:
            apps = [{"device_id": device, "app": name} for device, name in written.apps.items()]
            calls.append((APPS_S, {"apps": msgspec.json.encode(apps).decode()}))
        if written.seen:
            calls.append((SEEN_S, {"at": now, "device_ids": array(sorted(written.seen))}))
        if calls or self.kept:
            self.send(*calls, after="COMMIT" if self.kept else "")


def _refused(refused: Mapping[tuple[int, str], tuple[int, int]], day: date) -> dict[str, object]:
    return {
        "day": day,
        "device_ids": array(device_id for device_id, _ in refused),
        "reasons": array(reason for _, reason in refused),
        "counts": array(count for count, _ in refused.values()),
        "helds": array(held for _, held in refused.values()),
    }


def table_of(day: date) -> str:
    """The table of a UTC day."""
    return f"position_{day:%Y%m%d}"


def days_of(fixes: Iterable[Fix]) -> set[date]:
    """The UTC days some fixes lie in."""
    return {copying.day_of(fix.fixed_at) for fix in fixes}
