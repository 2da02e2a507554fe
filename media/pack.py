"""The evidence pack: originals, manifest, custody log and a verifier, in one ZIP that needs nothing of ours to be checked."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from claims.models import Claim
from core import audit, clock
from core.database import Sessions
from core.models import AuditEntry
from media import evidence, queries, verifier
from media.models import Photo
from media.storage import Storage
from staff.accounts import Actor

ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic"}
README = """\
查勘影像证据包 / Evidence pack

originals/      原图，自接收之日起未改动一个字节 / the originals, not a byte changed since they were received
manifest.json   每张照片的摘要（SHA-256）、拍摄与接收时间、位置 / digest, times and place of each photo
custody.jsonl   保管链：审计日志中与本案影像有关的每一条，逐条以哈希相连 / every audit entry about these photos
timeline.jsonl  案件经过 / the events of the claim
SHA256SUMS      以上每个文件的摘要 / the digest of every file above
verify.py       校验程序，只需 Python 3，不需联网 / the check; needs Python 3 and no network

    python3 verify.py PACK.zip          （或解压后在文件夹内：python3 verify.py）

校验说明 / What the check shows: no file of this pack was changed, removed or added since the pack was made; each photo is the
one whose digest the phone took at the shutter; each custody entry is the one that was written. Whether the pack itself is the
one the insurer made is shown by comparing the SHA-256 of SHA256SUMS with the audit entry evidence.packed of the
insurer's own system (`chakan verify PACK.zip` does so there).
"""


def write(sessions: Sessions, storage: Storage, actor: Actor, claim_id: int, out: IO[bytes]) -> str:
    """Writes the pack of a claim's photos to `out` and records that it was made; returns the digest of its SHA256SUMS.

    A photo whose stored bytes are missing or no longer what was received stands in the manifest as `damaged`, without a
    file, and that is recorded too.
    """
    with sessions.begin() as session:
        claim = session.get_one(Claim, claim_id)
        photos = queries.photos(session, claim_id)
        verdicts = queries.reviews(session, [photo.id for photo in photos])
        custody = queries.custody(session, claim_id, [photo.id for photo in photos])
        events = queries.events(session, claim_id)
        now = clock.read(session)
        told = {"id": str(claim.id), "report_no": claim.report_no, "external_no": claim.external_no}
    sealed = {e.subject_id for e in custody if e.action == "photo.stored"}
    sums: dict[str, str] = {}
    lines: list[dict[str, Any]] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as pack:
        for number, photo in enumerate(photos, 1):
            name = f"originals/{number:03d}-{photo.shot}-{photo.sha256.hex()[:12]}.{ENDINGS.get(photo.content_type, 'bin')}"
            whole = _add_original(pack, storage, photo, name, sums)
            mine = [v for v in verdicts if v.photo_id == photo.id]
            lines.append(_line(photo, name, not whole, photo.id in sealed, mine))
        manifest = {
            "format": verifier.FORMAT,
            "claim": told,
            "made_at": now.isoformat(),
            "made_by": str(actor.person_id),
            "photos": lines,
            "custody": {"entries": len(custody)},
        }
        _add(pack, sums, "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
        _add(pack, sums, "custody.jsonl", _lines(_entry(e) for e in custody))
        _add(pack, sums, "timeline.jsonl", _lines(_event(e) for e in events))
        _add(pack, sums, "README.txt", README)
        _add(pack, sums, "verify.py", Path(verifier.__file__).read_text(encoding="utf-8"))
        listed = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
        pack.writestr(verifier.SUMS, listed)
    seal = hashlib.sha256(listed.encode()).hexdigest()
    damaged = [line["id"] for line in lines if line["damaged"]]
    with sessions.begin() as session:
        audit.append(
            session,
            actor.person_id,
            "evidence.packed",
            "claim",
            claim_id,
            sums=seal,
            photos=len(lines),
            damaged=damaged,
        )
    return seal


def sealed_here(sessions: Sessions, path: Path) -> bool:
    """Whether the audit chain of this site says that it made the pack."""
    with zipfile.ZipFile(path) as pack:
        seal = hashlib.sha256(pack.read(verifier.SUMS)).hexdigest()
    with sessions.begin() as session:
        return queries.packed(session, seal)


def _add_original(
    pack: zipfile.ZipFile, storage: Storage, photo: Photo, name: str, sums: dict[str, str]
) -> bool:
    """Puts an original into the pack when it is sound; False leaves no file behind."""
    data = evidence.whole(storage, photo)
    if data is None:
        return False
    sums[name] = photo.sha256.hex()
    pack.writestr(name, data)
    return True


def _add(pack: zipfile.ZipFile, sums: dict[str, str], name: str, text: str) -> None:
    data = text.encode()
    sums[name] = hashlib.sha256(data).hexdigest()
    pack.writestr(name, data)


def _lines(items: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _line(photo: Photo, name: str, damaged: bool, sealed: bool, verdicts: list[Any]) -> dict[str, Any]:
    """One photo of the manifest. `taken_at` is the phone's clock, `received_at` ours; WGS-84 degrees, metres."""
    return {
        "id": str(photo.id), "file": name, "damaged": damaged, "sealed": sealed, "sha256": photo.sha256.hex(),
        "size_bytes": photo.size_bytes, "width": photo.width, "height": photo.height, "content_type": photo.content_type,
        "shot": photo.shot, "seq": photo.seq, "taken_at": _time(photo.taken_at), "received_at": _time(photo.received_at),
        "lon": photo.lon, "lat": photo.lat, "datum": "wgs84", "accuracy_m": photo.accuracy_m, "flags": list(photo.flags),
        "by": str(photo.person_id) if photo.person_id else "customer",
        "device": str(photo.device_id) if photo.device_id else None,
        "verdicts": [{"verdict": v.verdict, "reason": v.reason, "at": _time(v.at), "by": str(v.by_id)} for v in verdicts],
    }  # fmt: skip


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq, "at": entry.at.isoformat(), "actor_id": entry.actor_id, "actor_kind": entry.actor_kind,
        "action": entry.action, "subject_kind": entry.subject_kind, "subject_id": entry.subject_id, "facts": entry.facts,
        "prev_hash": entry.prev_hash.hex(), "hash": entry.hash.hex(),
    }  # fmt: skip


def _event(event: Any) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(), "device_at": _time(event.device_at), "kind": event.kind, "by": event.actor_kind,
        "actor_id": str(event.actor_id) if event.actor_id else None, "facts": event.facts,
    }  # fmt: skip
