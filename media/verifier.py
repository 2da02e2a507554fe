"""Checks an evidence pack with nothing but Python's own library: `python3 verify.py [PACK.zip | FOLDER]`.

Every pack carries this very file as verify.py, so that a clerk without Chakan, and without a network, can run it.
它只使用 Python 自带的库，可脱机运行。
"""

import hashlib
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

FORMAT = "chakan-evidence/1"
SUMS = "SHA256SUMS"
PIECE_BYTES = 1024 * 1024

Opener = Callable[[str], BinaryIO]


class Unreadable(Exception):
    """The file is no evidence pack, or not a whole one."""


def entry_hash(
    prev: bytes, at: str, actor_id: int | None, action: str, subject: str, facts: dict[str, Any]
) -> bytes:
    """SHA-256 over the predecessor's hash and a canonical JSON form of an audit entry; `at` is ISO 8601 in UTC."""
    body = json.dumps([at, actor_id, action, subject, facts], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(prev + body.encode()).digest()


def examine(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The manifest of a pack (a ZIP file or the folder it was unpacked to) and everything that is wrong with it.

    Raises Unreadable when there is nothing to check.
    """
    if path.is_dir():
        names = {str(p.relative_to(path)).replace("\\", "/") for p in path.rglob("*") if p.is_file()}
        return _examine(names, lambda name: (path / name).open("rb"))
    try:
        with zipfile.ZipFile(path) as pack:
            listed = [info.filename for info in pack.infolist()]
            manifest, wrong = _examine(set(listed), lambda name: pack.open(name))  # type: ignore[arg-type, return-value]
            twice = sorted({name for name in listed if listed.count(name) > 1})
            return manifest, wrong + [f"{name}: there twice" for name in twice]
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise Unreadable(f"not a whole ZIP file ({type(error).__name__})") from error


def _examine(names: set[str], open_: Opener) -> tuple[dict[str, Any], list[str]]:
    missing = {SUMS, "manifest.json", "custody.jsonl"} - names
    if missing:
        raise Unreadable("missing: " + ", ".join(sorted(missing)))
    sums, wrong = _sums(names, open_)
    try:
        manifest = json.loads(_read(open_, "manifest.json"))
        custody = [json.loads(line) for line in _read(open_, "custody.jsonl").splitlines() if line.strip()]
        if manifest.get("format") != FORMAT:
            raise Unreadable(f"the manifest is not of the form {FORMAT}")
        wrong += _photos(manifest, sums) + _chain(manifest, custody) + _stored(manifest, custody)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(
            f"the manifest or the custody log cannot be read ({type(error).__name__})"
        ) from error
    return manifest, wrong


def _read(open_: Opener, name: str) -> str:
    with open_(name) as file:
        return file.read().decode("utf-8")


def _digest(open_: Opener, name: str) -> str:
    found = hashlib.sha256()
    with open_(name) as file:
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
    return found.hexdigest()


def _sums(names: set[str], open_: Opener) -> tuple[dict[str, str], list[str]]:
    """Every file beside the list has the digest the list says, and the list names every file."""
    sums: dict[str, str] = {}
    wrong: list[str] = []
    for line in _read(open_, SUMS).splitlines():
        digest, _, name = line.partition("  ")
        sums[name] = digest
        if name not in names:
            wrong.append(f"{name}: missing from the pack")
            continue
        try:
            if _digest(open_, name) != digest:
                wrong.append(f"{name}: changed since the pack was made")
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            wrong.append(f"{name}: cannot be read ({type(error).__name__})")
    wrong += [f"{name}: not of this pack" for name in sorted(names - set(sums) - {SUMS})]
    return sums, wrong


def _photos(manifest: dict[str, Any], sums: dict[str, str]) -> list[str]:
    """Each photo's file is there and has the digest that was taken on the phone at the shutter."""
    wrong = []
    for photo in manifest["photos"]:
        if photo["damaged"]:
            wrong.append(f"photo {photo['id']}: the stored original was not what was received")
        elif sums.get(photo["file"]) != photo["sha256"]:
            wrong.append(f"photo {photo['id']}: its file is not the one hashed at the shutter")
    files = {photo["file"] for photo in manifest["photos"]}
    wrong += [
        f"{name}: no photo of the manifest"
        for name in sums
        if name.startswith("originals/") and name not in files
    ]
    return wrong


def _chain(manifest: dict[str, Any], custody: list[dict[str, Any]]) -> list[str]:
    """Each audit entry's hash follows from its content and its predecessor's hash; neighbours join."""
    wrong = []
    before: dict[str, Any] | None = None
    for entry in custody:
        subject = f"{entry['subject_kind']}:{entry['subject_id']}"
        made = entry_hash(
            bytes.fromhex(entry["prev_hash"]),
            entry["at"],
            entry["actor_id"],
            entry["action"],
            subject,
            entry["facts"],
        )
        if made.hex() != entry["hash"]:
            wrong.append(f"custody entry {entry['seq']}: changed since it was written")
        if before is not None:
            if entry["seq"] <= before["seq"]:
                wrong.append(f"custody entry {entry['seq']}: out of order")
            elif entry["seq"] == before["seq"] + 1 and entry["prev_hash"] != before["hash"]:
                wrong.append(f"custody entry {entry['seq']}: does not follow from the one before")
        before = entry
    told = manifest["custody"]
    if len(custody) != told["entries"]:
        wrong.append(f"custody log: {len(custody)} entries, {told['entries']} were written")
    return wrong


def _stored(manifest: dict[str, Any], custody: list[dict[str, Any]]) -> list[str]:
    """Each photo's digest was sealed in the audit chain when it was received."""
    sealed = {
        (str(entry["subject_id"]), entry["facts"].get("sha256"))
        for entry in custody
        if entry["action"] == "photo.stored"
    }
    return [
        f"photo {photo['id']}: no custody entry says it was received"
        for photo in manifest["photos"]
        if photo["sealed"] and (photo["id"], photo["sha256"]) not in sealed
    ]


def main(arguments: list[str]) -> int:
    """Says what is wrong, line by line; 0 when nothing is, 1 when something is, 2 when there is nothing to check."""
    path = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    try:
        manifest, wrong = examine(path)
    except Unreadable as error:
        sys.stdout.write(f"✗ {path.name}: {error}\n")
        return 2
    claim = manifest["claim"]
    sys.stdout.write(
        f"{claim['report_no']} · {len(manifest['photos'])} photos · made {manifest['made_at']}\n"
    )
    for line in wrong:
        sys.stdout.write(f"✗ {line}\n")
    sys.stdout.write(
        f"✗ {len(wrong)} faults 存在问题\n" if wrong else "✓ whole and unchanged 完整，未被改动\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
