"""Who runs the database engines: ourselves, or as root an account with no rights."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.errors import CannotStart

NAMES = ("postgres", "chakan", "nobody")
# A socket's path ends at 107 bytes; PostgreSQL adds the file name itself.
SOCKET_FOLDER_BYTES = 107 - len("/.s.PGSQL.65535.lock")


@dataclass(frozen=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int

    def drop(self) -> dict[str, Any]:
        """The arguments that make subprocess run a program as this account and nothing more."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_enter(self, folder: Path) -> bool:
        """Whether the account can reach the folder through every folder above it."""
        probe = subprocess.run(
            ["/bin/sh", "-c", 'cd "$1"', "sh", folder], check=False, capture_output=True, **self.drop()
        )
        return probe.returncode == 0


def unprivileged() -> Account | None:
    """The account for PostgreSQL and Redis when we are root (PostgreSQL refuses to run as root), otherwise None."""
    if os.geteuid() != 0:
        return None
    for name in NAMES:
        if found := _known(name):
            return found
        if name == "chakan" and shutil.which("useradd"):
            command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent"]
            subprocess.run([*command, "--shell", "/usr/sbin/nologin", name], check=False, capture_output=True)
            if found := _known(name):
                return found
    raise CannotStart("As root, PostgreSQL needs an unprivileged account; make one: useradd --system chakan")


def _known(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def engines_home(data: Path, account: Account | None) -> Path:
    """Where the engines keep their files: the data folder, or a place their account can reach when that is shut."""
    if account is None or account.may_enter(data):
        return data
    home = Path("/var/lib") / f"chakan-{_digest(data)}"
    home.mkdir(mode=0o711, exist_ok=True)
    if home.lstat().st_uid != 0:
        raise CannotStart(f"{home} belongs to somebody else; remove it or choose another folder with --data")
    return home


def own_folder(folder: Path, account: Account | None) -> Path:
    """Makes a folder that only the account of the engines (or we, when we are not root) can enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    return folder


def socket_folder(home: Path, account: Account | None) -> Path:
    """The folder of PostgreSQL's socket: below `home`, or below /tmp when that path would be too long."""
    near = home / "sockets"
    if len(os.fsencode(near)) <= SOCKET_FOLDER_BYTES:
        return own_folder(near, account)
    owner = account.uid if account else os.geteuid()
    far = Path("/tmp") / f"chakan-{owner}-{_digest(home)}"  # noqa: S108  checked below: ours alone, or refused
    try:
        far.mkdir(mode=0o700)
        if account is not None:
            os.chown(far, account.uid, account.gid)
    except FileExistsError:
        found = far.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
            raise CannotStart(f"{far} is not ours; remove it, or choose a shorter --data folder") from None
    return far


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]
