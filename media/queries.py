"""Reads and row-level writes of this room in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from claims.models import Claim, ClaimEvent, Task
from core.models import AuditEntry
from geo import store
from geo.fix import LonLat
from media import shots
from media.models import Annotation, Assessment, Photo, ShotWaiver, Upload

Rows = Sequence[Row[Any]]
# FOR NO KEY UPDATE: a plain FOR UPDATE would block, and deadlock with, every insert that refers to the row.
LOCK = {"key_share": True}


def upload_by_key(session: Session, key: str) -> Upload | None:
    """The upload of a key, or None."""
    return session.scalars(select(Upload).where(Upload.key == key)).one_or_none()


def upload_and_time(session: Session, key: str) -> tuple[Upload, int, datetime] | None:
    """The upload of a key, the claim it is for, and the database's time, in one trip."""
    found = session.execute(
        select(Upload, Task.claim_id, func.clock_timestamp())
        .join(Task, Task.id == Upload.task_id)
        .where(Upload.key == key)
    ).one_or_none()
    return (found[0], found[1], found[2]) if found else None


def upload_for_update(session: Session, upload_id: int) -> Upload:
    """The upload under a row lock."""
    return session.get_one(Upload, upload_id, with_for_update=LOCK, populate_existing=True)


def lock_upload(session: Session, upload_id: int) -> Row[Any]:
    """Locks an upload; tells the photo it has become, if any, and the database's time, in one trip."""
    return session.execute(
        text("SELECT photo_id, clock_timestamp() AS now FROM upload WHERE id = :id FOR NO KEY UPDATE"),
        {"id": upload_id},
    ).one()


def close_upload(session: Session, upload_id: int, photo_id: int, length: int) -> None:
    """Records that an upload has become a photo."""
    session.execute(
        text(
            "UPDATE upload SET state = 'done', photo_id = :photo_id, received = :length, length = :length WHERE id = :id"
        ),
        {"id": upload_id, "photo_id": photo_id, "length": length},
    )


def photo_for_update(session: Session, photo_id: int) -> Photo:
    """The photo under a row lock."""
    return session.get_one(Photo, photo_id, with_for_update=LOCK, populate_existing=True)


SAVE_OFFSET = """
UPDATE upload
   SET received = :received, length = :length, expires_at = greatest(expires_at, clock_timestamp() + :life)
 WHERE id = :id AND state = 'open'
RETURNING expires_at
"""


def save_offset(session: Session, row: Upload, received: int, life: timedelta) -> datetime:
    """Records how much is safely on disk and moves the expiry; returns it."""
    given = {"id": row.id, "received": received, "length": row.length, "life": life}
    expires_at: datetime | None = session.execute(text(SAVE_OFFSET), given).scalar_one_or_none()
    return expires_at or row.expires_at


def crowd(session: Session, claim_id: int) -> Row[Any]:
    """How many photos and open uploads a claim has, and the database's time, in one trip."""
    return session.execute(
        text(
            "SELECT (SELECT count(*) FROM photo WHERE claim_id = :id) AS photos,"
            " (SELECT count(*) FROM upload AS u JOIN task AS t ON t.id = u.task_id"
            "   WHERE t.claim_id = :id AND u.state = 'open') AS uploads, clock_timestamp() AS now"
        ),
        {"id": claim_id},
    ).one()


def newest_task(session: Session, claim_id: int) -> Task | None:
    """The latest survey job of a claim."""
    query = select(Task).where(Task.claim_id == claim_id).order_by(Task.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


INSERT_PHOTO = """
INSERT INTO photo (claim_id, task_id, shot, seq, sha256, object_key, filename, content_type, size_bytes, width, height,
                   taken_at, received_at, due_at, lon, lat, accuracy_m, flags, person_id, device_id, customer)
SELECT t.claim_id, t.id, :shot, :seq, :sha256, :object_key, :filename, :content_type, :size_bytes, :width, :height,
       :taken_at, :received_at, :due_at, :lon, :lat, :accuracy_m,
       CAST(:flags AS text[]) || CASE WHEN EXISTS (
            SELECT FROM photo AS o WHERE o.sha256 = :sha256 AND o.claim_id <> t.claim_id
       ) THEN ARRAY['duplicate_elsewhere'] ELSE '{}' END,
       :person_id, :device_id, :customer
  FROM task AS t
 WHERE t.id = :task_id
    ON CONFLICT (task_id, sha256) DO NOTHING
RETURNING id, claim_id, (SELECT count(*) FROM photo AS o WHERE o.claim_id = photo.claim_id) AS before
"""


def insert_photo(session: Session, values: Mapping[str, Any]) -> Row[Any] | None:
    """Adds the photo; None when the task already has these very bytes. Bytes another claim has too are marked.

    The row tells the claim and how many photos it had before.
    """
    return session.execute(text(INSERT_PHOTO), values).one_or_none()


def photo_of_bytes(session: Session, task_id: int, sha256: bytes) -> Photo:
    """The photo of a task with these very bytes."""
    return session.scalars(select(Photo).where(Photo.task_id == task_id, Photo.sha256 == sha256)).one()


ANSWER_SEND_BACK = """
UPDATE photo_review SET answered_by = :answer
 WHERE id = (SELECT r.id
               FROM photo_review AS r
               JOIN photo AS f ON f.id = r.photo_id
              WHERE f.task_id = :task_id AND f.shot = :shot AND f.verdict = 'sent_back'
                AND r.verdict = 'sent_back' AND r.answered_by IS NULL
              ORDER BY r.at, r.id
              LIMIT 1
                FOR NO KEY UPDATE OF r SKIP LOCKED)
RETURNING photo_id
"""


def answer_send_back(session: Session, task_id: int, shot: str, photo_id: int) -> int | None:
    """Lets a new photo answer the oldest send-back of its shot; returns the photo that had been sent back."""
    given = {"task_id": task_id, "shot": shot, "answer": photo_id}
    found: int | None = session.execute(text(ANSWER_SEND_BACK), given).scalar_one_or_none()
    return found


# MATERIALIZED: as a plain subquery it may be run again for every row, and then takes more than the limit.
DUE_PHOTOS = """
WITH due AS MATERIALIZED (
  SELECT id FROM photo WHERE state = 'received' AND due_at <= :now
   ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
UPDATE photo AS p SET due_at = CAST(:now AS timestamptz) + :lease FROM due WHERE p.id = due.id
RETURNING p.id
"""


def lease_photos(session: Session, now: datetime, lease: timedelta, limit: int) -> list[int]:
    """Photos whose copies are still to be made; each is given to one caller for the time of the lease."""
    return list(session.scalars(text(DUE_PHOTOS), {"now": now, "lease": lease, "limit": limit}))


def stale_uploads(session: Session, now: datetime, limit: int) -> list[Upload]:
    """Open transfers that expired, locked."""
    return list(
        session.scalars(
            select(Upload)
            .where(Upload.state == "open", Upload.expires_at <= now)
            .limit(limit)
            .with_for_update(key_share=True, skip_locked=True)
        )
    )


def referred_keys(session: Session, digests: Iterable[bytes]) -> set[bytes]:
    """Which of these originals some photo refers to."""
    return set(session.scalars(select(Photo.sha256).where(Photo.sha256.in_(list(digests)))))


def loss_of(session: Session, claim_id: int) -> tuple[LonLat | None, datetime | None]:
    """Where and when the loss of a claim was."""
    claim = session.get_one(Claim, claim_id)
    return store.read_point(claim.place), claim.loss_at


def photos(session: Session, claim_id: int, after: int = 0, limit: int = 500) -> list[Photo]:
    """The album of a claim in capture order: the phone's sequence and clock first, then arrival."""
    return list(
        session.scalars(
            select(Photo).where(Photo.claim_id == claim_id, Photo.id > after).order_by(Photo.id).limit(limit)
        )
    )


def custody(session: Session, claim_id: int, photo_ids: Sequence[int]) -> list[AuditEntry]:
    """The audit entries about a claim and its photos, oldest first."""
    about_photos = (AuditEntry.subject_kind == "photo") & AuditEntry.subject_id.in_(photo_ids)
    about_claim = (AuditEntry.subject_kind == "claim") & (AuditEntry.subject_id == claim_id)
    return list(
        session.scalars(select(AuditEntry).where(about_photos | about_claim).order_by(AuditEntry.seq))
    )


def events(session: Session, claim_id: int) -> list[ClaimEvent]:
    """The timeline of a claim, oldest first."""
    return list(
        session.scalars(select(ClaimEvent).where(ClaimEvent.claim_id == claim_id).order_by(ClaimEvent.id))
    )


def packed(session: Session, sums: str) -> bool:
    """Whether a pack with this digest of its SHA256SUMS was made here."""
    made = select(AuditEntry.seq).where(
        AuditEntry.action == "evidence.packed", AuditEntry.facts["sums"].astext == sums
    )
    return session.scalar(made.limit(1)) is not None


def reviews(session: Session, photo_ids: Iterable[int]) -> Rows:
    """Every verdict on some photos with its author, oldest first."""
    return session.execute(
        text(
            "SELECT r.id, r.photo_id, r.verdict, r.reason, r.note, r.region, r.at, r.answered_by,"
            " p.id AS by_id, p.name AS by_name"
            " FROM photo_review AS r JOIN person AS p ON p.id = r.by_id"
            " WHERE r.photo_id = ANY(:ids) ORDER BY r.at, r.id"
        ),
        {"ids": list(photo_ids)},
    ).all()


def verdict_counts(session: Session, task_ids: Iterable[int]) -> Rows:
    """Photos of tasks counted by task, shot and verdict; an answered send-back no longer waits for anybody."""
    return session.execute(
        text(
            "SELECT f.task_id, f.shot, f.verdict, count(*) AS n,"
            " count(*) FILTER (WHERE f.verdict = 'sent_back' AND EXISTS (SELECT FROM photo_review AS r"
            "   WHERE r.photo_id = f.id AND r.verdict = 'sent_back' AND r.answered_by IS NULL)) AS unanswered"
            " FROM photo AS f WHERE f.task_id = ANY(:ids) GROUP BY 1, 2, 3"
        ),
        {"ids": list(task_ids)},
    ).all()


def waivers(session: Session, task_ids: Iterable[int]) -> list[ShotWaiver]:
    """Shots excused for tasks."""
    return list(session.scalars(select(ShotWaiver).where(ShotWaiver.task_id.in_(list(task_ids)))))


def phone_album(session: Session, tasks: Iterable[tuple[int, str, str | None]]) -> dict[int, dict[str, Any]]:
    """What a phone needs to know of each `(task_id, line, cause)`: the shot list with counts, and the photos so far."""
    wanted = {task_id: (line, cause) for task_id, line, cause in tasks}
    rows = session.execute(
        text(
            "SELECT f.id, f.task_id, f.shot, f.verdict, f.sha256, r.reason, r.note, r.answered_by"
            " FROM photo AS f LEFT JOIN LATERAL (SELECT reason, note, answered_by FROM photo_review"
            "   WHERE photo_id = f.id ORDER BY at DESC, id DESC LIMIT 1) AS r ON true"
            " WHERE f.task_id = ANY(:ids) ORDER BY f.id"
        ),
        {"ids": list(wanted)},
    ).all()
    excused = {(w.task_id, w.shot) for w in waivers(session, wanted)}
    return {
        task_id: {
            "shots": shot_counts(
                line,
                cause,
                [r for r in rows if r.task_id == task_id],
                {s for t, s in excused if t == task_id},
            ),
            "photos": [_phone_photo(r) for r in rows if r.task_id == task_id],
        }
        for task_id, (line, cause) in wanted.items()
    }


def _phone_photo(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id), "shot": row.shot, "verdict": row.verdict, "reason": row.reason, "note": row.note or "",
        "sha256": row.sha256.hex(), "thumb": f"/api/v1/photos/{row.id}/thumb",
        "answered_by": str(row.answered_by) if row.answered_by else None,
    }  # fmt: skip


def shot_counts(
    line: str, cause: str | None, rows: Sequence[Row[Any]], waived: set[str]
) -> list[dict[str, Any]]:
    """The shot list of a job with how many photos of each are there; unlisted codes follow at the end."""
    listed = list(shots.shots_for(line, cause))
    known = {shot.code for shot in listed}
    extra = [
        shots.Shot(code, *shots.labels(code), required=0)
        for code in dict.fromkeys(r.shot for r in rows)
        if code not in known
    ]
    return [
        {
            "code": shot.code, "zh": shot.zh, "en": shot.en, "tip_zh": shot.tip_zh, "tip_en": shot.tip_en,
            "required": 0 if shot.code in waived else shot.required, "waived": shot.code in waived,
            "taken": sum(r.shot == shot.code for r in rows),
            "approved": sum(r.shot == shot.code and r.verdict == "approved" for r in rows),
            "sent_back": sum(r.shot == shot.code and r.verdict == "sent_back" and r.answered_by is None for r in rows),
        }
        for shot in [*listed, *extra]
    ]  # fmt: skip


def annotations(session: Session, photo_id: int) -> list[Annotation]:
    """The annotations of a photo, oldest first."""
    return list(
        session.scalars(select(Annotation).where(Annotation.photo_id == photo_id).order_by(Annotation.id))
    )


def assessments(session: Session, claim_id: int) -> list[Assessment]:
    """The versions of a claim's assessment, newest first."""
    return list(
        session.scalars(
            select(Assessment).where(Assessment.claim_id == claim_id).order_by(Assessment.version.desc())
        )
    )


QUEUE = """
SELECT t.id, t.claim_id, t.state, t.reviewer_id, t.state_since, c.report_no, c.line, c.place_text, c.state AS claim_state,
       who.id AS surveyor_id, who.name AS surveyor_name, a.completed_at, rev.name AS reviewer_name, k.due_at, s.total_fen,
       f.total, f.waiting, f.approved, f.sent_back, f.last_at
  FROM task AS t
  JOIN claim AS c ON c.id = t.claim_id
  JOIN organisation AS o ON o.id = c.org_id AND o.path LIKE :scope
  LEFT JOIN LATERAL (SELECT surveyor_id, completed_at FROM assignment
                      WHERE task_id = t.id AND (ended_at IS NULL OR end_reason = 'done')
                      ORDER BY id DESC LIMIT 1) AS a ON true
  LEFT JOIN person AS who ON who.id = a.surveyor_id
  LEFT JOIN person AS rev ON rev.id = t.reviewer_id
  LEFT JOIN LATERAL (SELECT min(due_at) AS due_at FROM clock WHERE claim_id = t.claim_id AND stopped_at IS NULL) AS k ON true
  LEFT JOIN LATERAL (SELECT total_fen FROM assessment WHERE claim_id = t.claim_id ORDER BY version DESC LIMIT 1) AS s ON true
  CROSS JOIN LATERAL (SELECT count(*) AS total, count(*) FILTER (WHERE verdict = 'waiting') AS waiting,
                             count(*) FILTER (WHERE verdict = 'approved') AS approved,
                             count(*) FILTER (WHERE verdict = 'sent_back') AS sent_back, max(received_at) AS last_at
                        FROM photo WHERE task_id = t.id) AS f
 -- Said of the task alone too: what else is asked would otherwise be looked up for every job there ever was.
 WHERE t.state NOT IN ('approved', 'cancelled')
   AND (t.state IN ('submitted', 'returned')
        OR (t.state IN ('accepted', 'contacted', 'en_route', 'on_scene') AND f.waiting > 0))
 ORDER BY (t.state = 'submitted') DESC, k.due_at NULLS LAST, t.id
 LIMIT :limit
"""


def review_queue(session: Session, org_path: str, limit: int) -> Rows:
    """Jobs with something to look at: handed in first, by the clock that ends first; then those still on scene."""
    return session.execute(text(QUEUE), {"scope": org_path + "%", "limit": limit}).all()


def still_holds(session: Session, task_id: int, surveyor_id: int) -> bool:
    """Whether the surveyor has the job now or finished it himself."""
    found = session.execute(
        text(
            "SELECT 1 FROM assignment WHERE task_id = :task_id AND surveyor_id = :surveyor_id"
            " AND (ended_at IS NULL OR end_reason = 'done')"
        ),
        {"task_id": task_id, "surveyor_id": surveyor_id},
    )
    return found.first() is not None


def surveyor_of(session: Session, task_id: int) -> int | None:
    """Who has the job, or finished it."""
    return session.execute(
        text(
            "SELECT surveyor_id FROM assignment WHERE task_id = :task_id AND (ended_at IS NULL OR end_reason = 'done')"
            " ORDER BY id DESC LIMIT 1"
        ),
        {"task_id": task_id},
    ).scalar_one_or_none()
