"""A private PostgreSQL with PostGIS: where its programs are, and one cluster in the data folder."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from launch.account import Account, own_folder, socket_folder
from launch.errors import CannotStart
from launch.places import ROOT

OLDEST = 13
SUPERUSER = "postgres"

# An error's statement and detail would carry names, phones and plates into the log; they stay out of it.
SETTINGS = """\
# Written by Chakan at every start. Your own settings: ALTER SYSTEM SET …, or postgresql.conf below the include.
max_connections = 200
shared_buffers = {shared_mb}MB
effective_cache_size = {cache_mb}MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
unix_socket_permissions = 0700
{more}
"""
FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


@dataclass(frozen=True)
class Programs:
    """One installed or unpacked PostgreSQL that has PostGIS."""

    folder: Path
    share: Path
    version: int
    origin: str
    env: dict[str, str] = field(default_factory=dict, hash=False)


def installed() -> list[Programs]:
    """What the machine has, newest first: Debian's folders, then whatever pg_config names."""
    found = [_at(folder, "installed") for folder in Path("/usr/lib/postgresql").glob("*/bin")]
    if config := shutil.which("pg_config"):
        told = subprocess.run(
            [config, "--bindir"], capture_output=True, text=True, check=False
        ).stdout.strip()
        if told:
            found.append(_at(Path(told), "installed"))
    return sorted((p for p in found if p is not None), key=lambda p: -p.version)


def unpacked(root: Path) -> list[Programs]:
    """What was unpacked below `root` without root."""
    record = root / "library-path"
    if not record.exists():
        return []
    folders = [str(root / name) for name in record.read_text(encoding="utf-8").split()]
    env = {"LD_LIBRARY_PATH": ":".join(folders), "PROJ_DATA": str(root / "usr/share/proj")}
    found = [_at(folder, "unpacked", env) for folder in (root / "usr/lib/postgresql").glob("*/bin")]
    return [p for p in found if p is not None]


def _at(folder: Path, origin: str, env: dict[str, str] | None = None) -> Programs | None:
    if not all((folder / program).is_file() for program in ("postgres", "initdb")):
        return None
    told = subprocess.run(
        [folder / "postgres", "--version"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    version = re.search(r"\(PostgreSQL\) (\d+)", told.stdout)
    if version is None or int(version[1]) < OLDEST:
        return None
    major = int(version[1])
    debian = folder.parents[3] / "share" / "postgresql" / str(major) if len(folder.parents) > 3 else folder
    for share in (debian, folder.parent / "share" / "postgresql", folder.parent / "share"):
        if (share / "extension" / "postgis.control").exists():
            return Programs(folder, share, major, origin, env or {})
    return None


def find(homes: list[Path], version: int | None = None) -> Programs | None:
    """The PostgreSQL to use: of the `version` of an existing cluster when given, else the first that is found."""
    unpacked_ones = [p for home in homes for p in unpacked(home)]
    first, second = (unpacked_ones, installed()) if prefers_unpacked() else (installed(), unpacked_ones)
    if prefers_unpacked() and version is None:
        second = []
    return next((p for p in first + second if version in (None, p.version)), None)


def prefers_unpacked() -> bool:
    """Whether CHAKAN_PREFER=unpack asks for the way that needs neither root nor installed programs."""
    return os.environ.get("CHAKAN_PREFER", "") == "unpack"


@dataclass(frozen=True)
class Cluster:
    """The cluster of one data folder. Only its socket is open, unless `port` asks for loopback too (tests)."""

    programs: Programs
    home: Path
    account: Account | None
    sockets: Path
    port: int = 0
    fast: bool = False

    @classmethod
    def at(
        cls, programs: Programs, home: Path, account: Account | None, port: int = 0, fast: bool = False
    ) -> "Cluster":
        """The cluster below `home`, with its socket folder made."""
        return cls(programs, home, account, socket_folder(home, account), port, fast)

    @property
    def folder(self) -> Path:
        """The cluster's files."""
        return self.home / "postgres"

    @property
    def env(self) -> dict[str, str]:
        """The environment of the programs: nothing of ours that they would read (PGDATA, PGHOST and the like)."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**clean, "LC_ALL": "C.UTF-8", **self.programs.env}

    def create(self, password: str, log: Path) -> None:
        """Makes the cluster unless it is there. It appears whole or not at all, so an interrupted start can be repeated."""
        if (self.folder / "PG_VERSION").exists():
            return
        draft = self.home / "postgres.new"
        if draft.exists():
            shutil.rmtree(draft)
        own_folder(draft, self.account)
        secret = own_folder(self.home / "postgres.secret", self.account) / "password"
        secret.write_text(password + "\n", encoding="utf-8")
        if self.account:
            os.chown(secret, self.account.uid, self.account.gid)
        try:
            self._initdb(draft, secret, log)
        finally:
            shutil.rmtree(secret.parent)
        draft.rename(self.folder)

    def _initdb(self, folder: Path, secret: Path, log: Path) -> None:
        command = [
            str(self.programs.folder / "initdb"),
            "-D",
            str(folder),
            "-U",
            SUPERUSER,
            f"--pwfile={secret}",
        ]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
        if self.fast:
            command.append("--no-sync")
        with log.open("a", encoding="utf-8") as out:
            drop = self.account.drop() if self.account else {}
            done = subprocess.run(command, stdout=out, stderr=out, env=self.env, check=False, cwd="/", **drop)
        if done.returncode != 0:
            raise CannotStart(f"PostgreSQL could not make its cluster (initdb). The log: {log}")
        with (folder / "postgresql.conf").open("a", encoding="utf-8") as out:
            out.write("\ninclude_if_exists = 'chakan.conf'\n")

    def configure(self) -> None:
        """Writes the settings of this start."""
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
        text = SETTINGS.format(
            shared_mb=max(64, min(1024, memory_mb // 16)),
            cache_mb=memory_mb // 2,
            more=FAST if self.fast else "",
        )
        path = self.folder / "chakan.conf"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)

    def command(self) -> list[str]:
        """The server in the foreground; SIGINT stops it fast and clean."""
        listen = "127.0.0.1" if self.port else ""
        options = {"listen_addresses": listen, "unix_socket_directories": str(self.sockets)}
        if self.port:
            options["port"] = str(self.port)
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [str(self.programs.folder / "postgres"), "-D", str(self.folder), *words]

    def url(self, user: str, password: str, database: str) -> str:
        """How SQLAlchemy reaches a database of the cluster."""
        sign_in = f"{quote(user)}:{quote(password)}"
        if self.port:
            return f"postgresql+psycopg2://{sign_in}@127.0.0.1:{self.port}/{database}"
        return f"postgresql+psycopg2://{sign_in}@/{database}?host={quote(str(self.sockets), safe='/')}"


def version_of(home: Path) -> int | None:
    """The PostgreSQL version of the cluster below `home`, or None when there is none yet."""
    record = home / "postgres" / "PG_VERSION"
    return int(record.read_text(encoding="utf-8")) if record.exists() else None


def advice() -> str:
    """What to do when no PostgreSQL with PostGIS can be had."""
    return (
        "PostgreSQL with PostGIS could not be had here. Start the two engines yourself and name them:\n"
        f"    docker compose -f {ROOT / 'deploy' / 'compose.yaml'} up -d db redis\n"
        "    export CHAKAN_DATABASE_URL=postgresql+psycopg2://chakan:chakan@127.0.0.1:5432/chakan\n"
        "    export CHAKAN_REDIS_URL=redis://127.0.0.1:6379/0"
    )
