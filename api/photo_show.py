"""The shapes of the answers about photos and reviews, for the OpenAPI document."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Shown(BaseModel):
    """A JSON object; fields may be added."""

    model_config = ConfigDict(extra="allow")


class PersonOut(Shown):
    """Somebody, by name where the name is known."""

    id: str
    name: str | None = None


class VerdictOut(Shown):
    """A verdict on a photo; the newest counts."""

    verdict: str = Field(examples=["sent_back"])
    reason: str | None = Field(examples=["blurred"])
    note: str
    region: dict[str, Any] | None
    by: PersonOut
    at: str
    answered_by: str | None = Field(description="the retake")


class PlaceOut(Shown):
    """Where it was taken, WGS-84; `source` is phone (sent beside the photo) or camera (read from the file)."""

    lon: float
    lat: float
    accuracy_m: float | None
    source: str


class UrlsOut(Shown):
    """Where the images are."""

    thumb: str
    preview: str
    original: str


class PhotoOut(Shown):
    """A photo. `flags` are hints for the adjuster, never verdicts."""

    id: str
    claim_id: str
    task_id: str
    shot: str = Field(examples=["vin"])
    shot_zh: str
    shot_en: str
    seq: int | None
    state: str = Field(examples=["processed"])
    verdict: str = Field(examples=["waiting"])
    taken_at: str | None
    received_at: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    position: PlaceOut | None
    distance_m: int | None
    flags: list[str] = Field(examples=[["far_from_loss"]])
    reviews: list[VerdictOut]
    urls: UrlsOut


class ShotOut(Shown):
    """A required view that is missing."""

    code: str
    zh: str
    en: str
    required: int


class AlbumOut(Shown):
    """The photos of a claim in capture order, and the required shots that are missing."""

    items: list[PhotoOut]
    next: str | None
    missing: list[ShotOut]


class ListOut(Shown):
    """A list."""

    items: list[dict[str, Any]]
    next: str | None


class TaskOut(Shown):
    """A survey job."""

    id: str
    state: str = Field(examples=["returned"])


class BriefOut(Shown):
    """What an action on a task answers."""

    task: TaskOut
    reviewer: PersonOut | None
    missing: list[ShotOut]


class VersionOut(Shown):
    """A saved version of the damage lines."""

    version: int
    total_fen: int
    lines: list[dict[str, Any]]


class AssessmentOut(VersionOut):
    """The newest version and the list of all; version 0 when nothing was priced yet."""

    note: str
    approved_at: str | None
    versions: list[dict[str, Any]]


class ApprovedOut(Shown):
    """A settled claim."""

    id: str
    state: str = Field(examples=["approved"])
    version: int
    total_fen: int
    approved_at: str | None


class ReceiptOut(Shown):
    """How far an upload is; with `photo_id` it is a photo, and the phone may delete its own copy."""

    offset: int
    length: int | None
    expires_at: str
    photo_id: str | None
    sha256: str | None
