"""The album of a claim as the desk and the phone see it: rows put together, nothing decided."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from claims import queries as claims
from claims.models import Claim, Task
from geo.fix import LonLat, metres_between
from media import assessment, queries, shots
from media.flags import camera_position
from media.models import Photo


def in_capture_order(photos: Iterable[Photo]) -> list[Photo]:
    """By the phone's clock, then its counter; a photo without a clock stands where it arrived."""
    return sorted(photos, key=lambda photo: (photo.taken_at or photo.received_at, photo.seq or 0, photo.id))


def cards(session: Session, claim: Claim, photos: list[Photo], time: Any) -> list[dict[str, Any]]:
    """Photos as the API shows them, with their verdicts."""
    loss = claims.place_of(session, claim.id)
    verdicts: dict[int, list[dict[str, Any]]] = {}
    for row in queries.reviews(session, [photo.id for photo in photos]):
        verdicts.setdefault(row.photo_id, []).append(
            {
                "verdict": row.verdict, "reason": row.reason, "note": row.note, "region": row.region,
                "by": {"id": str(row.by_id), "name": row.by_name}, "at": time(row.at),
                "answered_by": str(row.answered_by) if row.answered_by else None,
            }
        )  # fmt: skip
    return [card(photo, loss, verdicts.get(photo.id, []), time) for photo in photos]


def card(photo: Photo, loss: LonLat | None, reviews: list[dict[str, Any]], time: Any) -> dict[str, Any]:
    """One photo. Its position is what the phone sent beside it; failing that, what the camera wrote into it."""
    zh, en = shots.labels(photo.shot)
    beside = LonLat(photo.lon, photo.lat) if photo.lon is not None and photo.lat is not None else None
    place = beside or camera_position(photo.exif)
    urls = {name: f"/api/v1/photos/{photo.id}/{name}" for name in ("thumb", "preview", "original")}
    return {
        "id": str(photo.id), "claim_id": str(photo.claim_id), "task_id": str(photo.task_id),
        "shot": photo.shot, "shot_zh": zh, "shot_en": en, "seq": photo.seq, "state": photo.state,
        "verdict": photo.verdict, "taken_at": time(photo.taken_at), "received_at": time(photo.received_at),
        "width": photo.width, "height": photo.height, "size_bytes": photo.size_bytes,
        "content_type": photo.content_type, "filename": photo.filename, "sha256": photo.sha256.hex(),
        "position": _position(photo, place, beside is not None), "customer": photo.customer,
        "distance_m": round(metres_between(place, loss)) if place and loss else None,
        "flags": photo.flags, "reviews": reviews, "urls": urls,
    }  # fmt: skip


def _position(photo: Photo, place: LonLat | None, beside: bool) -> dict[str, Any] | None:
    if place is None:
        return None
    accuracy_m = photo.accuracy_m if beside else None
    return {
        "lon": place.lon,
        "lat": place.lat,
        "accuracy_m": accuracy_m,
        "source": "phone" if beside else "camera",
    }


def missing(session: Session, claim: Claim) -> list[dict[str, Any]]:
    """The required shots that are neither there nor waived."""
    task = queries.newest_task(session, claim.id)
    if task is None:
        return []
    wanted = assessment.missing_shots(session, claim, task)
    return [{"code": shot.code, "zh": shot.zh, "en": shot.en, "required": shot.required} for shot in wanted]


def of_phone(session: Session, tasks: Iterable[tuple[int, str, str | None]]) -> dict[int, dict[str, Any]]:
    """For `GET /me/jobs`: of each `(task_id, line, cause)` the shot list with counts, and the photos so far."""
    return queries.phone_album(session, tasks)


def queue_row(row: Any, clocks: list[dict[str, Any]], time: Any) -> dict[str, Any]:
    """A line of the review queue."""
    return {
        "task": {"id": str(row.id), "state": row.state}, "claim_id": str(row.claim_id), "report_no": row.report_no,
        "line": row.line, "place": row.place_text, "claim_state": row.claim_state,
        "submitted_at": time(row.completed_at if row.state in ("submitted", "returned") else None),
        "surveyor": {"id": str(row.surveyor_id), "name": row.surveyor_name} if row.surveyor_id else None,
        "photos": {
            "total": row.total, "waiting": row.waiting, "approved": row.approved, "sent_back": row.sent_back,
            "last_at": time(row.last_at),
        },
        "reviewer": {"id": str(row.reviewer_id), "name": row.reviewer_name} if row.reviewer_id else None,
        "clocks": clocks, "total_fen": row.total_fen,
    }  # fmt: skip


def task_brief(session: Session, task_id: int) -> dict[str, Any]:
    """What a review action answers: the task, its reviewer, what is still missing."""
    task = session.get_one(Task, task_id, populate_existing=True)
    claim = session.get_one(Claim, task.claim_id)
    return {
        "task": {"id": str(task.id), "state": task.state},
        "reviewer": {"id": str(task.reviewer_id)} if task.reviewer_id else None,
        "missing": missing(session, claim),
    }
