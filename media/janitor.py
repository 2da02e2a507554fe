"""Ends what expired and removes what nothing refers to."""

from datetime import datetime, timedelta
from pathlib import Path

from core import clock
from core.database import Sessions
from media import queries, upload
from media.partial import Partial
from media.storage import LocalStorage, Storage

KEEP_ORPHANS = timedelta(days=7)


def tidy(sessions: Sessions, storage: Storage, folder: Path, now: datetime | None = None) -> int:
    """Ends expired transfers and removes part files and originals that nothing refers to for a week. Returns how many."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        stale = queries.stale_uploads(session, now, 500)
        for row in stale:
            row.state = "gone"
    for row in stale:
        Partial(folder, row.key).remove()
    return (
        len(stale)
        + _remove_orphan_parts(sessions, folder, now)
        + _remove_orphan_originals(sessions, storage, now)
    )


def _remove_orphan_parts(sessions: Sessions, folder: Path, now: datetime) -> int:
    old = [p for p in folder.glob("*.*") if p.suffix in (".part", ".lock") and _age(p, now) > upload.LIFE]
    removed = 0
    for path in old:
        with sessions.begin() as session:
            row = queries.upload_by_key(session, path.stem)
        if row is None or row.state != "open":
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _remove_orphan_originals(sessions: Sessions, storage: Storage, now: datetime) -> int:
    """Originals linked into the store by a request that died before its commit (U-08). A later upload adopts them."""
    if not isinstance(storage, LocalStorage):
        return 0
    old = {bytes.fromhex(p.name): p for p in storage.originals() if _age(p, now) > KEEP_ORPHANS}
    removed = 0
    names = list(old)
    for start in range(0, len(names), 500):
        batch = names[start : start + 500]
        with sessions.begin() as session:
            kept = queries.referred_keys(session, batch)
        for name in set(batch) - kept:
            old[name].unlink(missing_ok=True)
            removed += 1
    return removed


def _age(path: Path, now: datetime) -> timedelta:
    try:
        return timedelta(seconds=now.timestamp() - path.stat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)
