"""A simulated surveyor's phone: speaks the public API and nothing else, in any of the wire formats real apps speak."""

import base64
import hashlib
import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import httpx

from geo.fix import Fix

Protocol = Literal["phone", "owntracks", "traccar_query", "traccar_form", "traccar_json", "overland"]
PROTOCOLS: tuple[Protocol, ...] = (
    "phone",
    "owntracks",
    "traccar_query",
    "traccar_form",
    "traccar_json",
    "overland",
)

KNOT_MPS = 0.514444
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = 512 * 1024


class Refused(Exception):
    """The server said no; `status` and `code` say how."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


def rfc3339(at: datetime) -> str:
    """A time as the API takes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer, or Refused. A 5xx is raised as httpx does, to be tried again."""
    if answer.status_code >= 500:
        answer.raise_for_status()
    if answer.status_code >= 400:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        raise Refused(answer.status_code, problem.get("code", "unknown"))
    return answer


@dataclass
class Phone:
    """One phone with the secrets of its pairing (a row of `devices` in demo.json)."""

    http: httpx.Client
    secrets: dict[str, Any]
    protocol: Protocol = "phone"
    counter: "itertools.count[int]" = field(
        default_factory=lambda: itertools.count(int(datetime.now(UTC).timestamp() * 1000))
    )

    @property
    def surveyor_id(self) -> str:
        """Whose phone it is."""
        return str(self.secrets["surveyor_id"])

    def headers(self) -> dict[str, str]:
        """The device's own signature."""
        return {"Authorization": f"Bearer {self.secrets['token']}"}

    def get(self, path: str) -> Any:
        """Reads from the API."""
        return checked(self.http.get(f"/api/v1{path}", headers=self.headers())).json()

    def post(self, path: str, **body: Any) -> Any:
        """Acts once, however often the network makes it ask: key, clock and counter go along."""
        given = {"at": rfc3339(datetime.now(UTC)), "seq": next(self.counter)} | body
        headers = self.headers() | {"Idempotency-Key": uuid.uuid4().hex}
        return checked(self.http.post(f"/api/v1{path}", json=given, headers=headers)).json()

    def send(self, fixes: Sequence[Fix]) -> int:
        """Sends fixes in this phone's wire format; returns how many requests that took."""
        if not fixes:
            return 0
        if self.protocol == "phone":
            body = {"fixes": [own_format(fix) for fix in fixes]}
            checked(self.http.post("/api/v1/positions", json=body, headers=self.headers()))
            return 1
        if self.protocol == "overland":
            token = {"Authorization": f"Bearer {self.secrets['overland_token']}"}
            body = {"locations": [overland_format(fix) for fix in fixes]}
            checked(self.http.post("/api/v1/ingest/overland", json=body, headers=token))
            return 1
        for fix in fixes:
            self._send_one(fix)
        return len(fixes)

    def _send_one(self, fix: Fix) -> None:
        if self.protocol == "owntracks":
            names = self.secrets["owntracks"]
            auth = (names["username"], names["password"])
            checked(self.http.post("/api/v1/ingest/owntracks", json=owntracks_format(fix), auth=auth))
        elif self.protocol == "traccar_json":
            body = traccar_json_format(fix, self.secrets["traccar_id"])
            checked(self.http.post("/api/v1/ingest/traccar", json=body))
        else:
            fields = traccar_format(fix, self.secrets["traccar_id"])
            if self.protocol == "traccar_query":
                checked(self.http.get("/api/v1/ingest/traccar", params=fields))
            else:
                checked(self.http.post("/api/v1/ingest/traccar", data=fields))

    def upload(
        self, task_id: str, shot: str, photo: bytes, *, taken_at: datetime, lon: float, lat: float
    ) -> str:
        """Sends a photograph by tus and returns its Photo-Id."""
        digest = hashlib.sha256(photo).hexdigest()
        meta = {
            "task": task_id, "shot": shot, "filename": f"{shot}-{digest[:8]}.jpg", "filetype": "image/jpeg", "sha256": digest,
            "taken_at": rfc3339(taken_at), "lon": f"{lon:.6f}", "lat": f"{lat:.6f}", "accuracy": "8",
            "seq": str(next(self.counter)),
        }  # fmt: skip
        packed = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in meta.items()
        )
        headers = self.headers() | TUS
        made = checked(
            self.http.post(
                "/api/v1/uploads",
                headers=headers | {"Upload-Length": str(len(photo)), "Upload-Metadata": packed},
            )
        )
        where, offset = made.headers["Location"], int(made.headers.get("Upload-Offset", 0))
        photo_id = made.headers.get("Photo-Id")
        while photo_id is None and offset < len(photo):
            piece = photo[offset : offset + CHUNK]
            mark = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            answer = checked(self.http.patch(where, content=piece, headers=headers | mark))
            offset = int(answer.headers["Upload-Offset"])
            photo_id = answer.headers.get("Photo-Id")
        if photo_id is None:
            raise Refused(500, "no_receipt")
        return str(photo_id)


def present(**given: Any) -> dict[str, Any]:
    """A dictionary without its empty values, as the apps send it."""
    return {name: value for name, value in given.items() if value is not None}


def own_format(fix: Fix) -> dict[str, Any]:
    """A fix of Chakan's own phone page: m/s, percent."""
    return present(
        at=rfc3339(fix.fixed_at), lon=fix.lon, lat=fix.lat, accuracy_m=fix.accuracy_m, speed_mps=fix.speed_mps,
        heading_deg=fix.heading_deg, altitude_m=fix.altitude_m, battery=fix.battery, seq=fix.seq,
    )  # fmt: skip


def owntracks_format(fix: Fix) -> dict[str, Any]:
    """An OwnTracks location: whole seconds, km/h."""
    return present(
        _type="location", lat=fix.lat, lon=fix.lon, tst=int(fix.fixed_at.timestamp()), batt=fix.battery, tid="CK", t="t",
        acc=rounded(fix.accuracy_m), alt=rounded(fix.altitude_m), cog=rounded(fix.heading_deg),
        vel=None if fix.speed_mps is None else round(fix.speed_mps * 3.6), conn="m", m=1,
    )  # fmt: skip


def traccar_format(fix: Fix, tracker_id: str) -> dict[str, Any]:
    """Traccar Client's query or form: whole seconds, knots."""
    return present(
        id=tracker_id, timestamp=int(fix.fixed_at.timestamp()), lat=f"{fix.lat:.6f}", lon=f"{fix.lon:.6f}",
        accuracy=fix.accuracy_m, altitude=fix.altitude_m, bearing=fix.heading_deg, batt=fix.battery,
        speed=None if fix.speed_mps is None else f"{fix.speed_mps / KNOT_MPS:.2f}",
    )  # fmt: skip


def traccar_json_format(fix: Fix, tracker_id: str) -> dict[str, Any]:
    """Traccar Client 9's JSON: m/s, -1 for unknown, battery 0 to 1."""
    coords = {
        "latitude": fix.lat, "longitude": fix.lon, "accuracy": fix.accuracy_m or 0, "altitude": fix.altitude_m or 0,
        "speed": -1 if fix.speed_mps is None else fix.speed_mps, "heading": -1 if fix.heading_deg is None else fix.heading_deg,
    }  # fmt: skip
    level = -1 if fix.battery is None else fix.battery / 100
    location = {
        "timestamp": rfc3339(fix.fixed_at), "coords": coords, "is_moving": bool(fix.speed_mps), "event": "motionchange",
        "battery": {"level": level, "is_charging": False}, "activity": {"type": "in_vehicle"}, "extras": {},
    }  # fmt: skip
    return {"location": location, "device_id": tracker_id}


def overland_format(fix: Fix) -> dict[str, Any]:
    """An Overland feature: m/s, negative for unknown, battery 0 to 1."""
    properties = {
        "timestamp": fix.fixed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"), "altitude": fix.altitude_m or 0,
        "speed": -1 if fix.speed_mps is None else fix.speed_mps, "course": -1 if fix.heading_deg is None else fix.heading_deg,
        "horizontal_accuracy": -1 if fix.accuracy_m is None else fix.accuracy_m, "vertical_accuracy": -1,
        "motion": ["driving"], "battery_state": "unplugged",
        "battery_level": -1 if fix.battery is None else fix.battery / 100, "wifi": "",
    }  # fmt: skip
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [fix.lon, fix.lat]},
        "properties": properties,
    }


def rounded(value: float | None) -> int | None:
    """Whole units, as OwnTracks sends them."""
    return None if value is None else round(value)
