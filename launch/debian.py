"""Debian and Ubuntu packages: installed as root, or fetched and unpacked into a folder without root."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from launch.errors import CannotStart
from launch.shell import run, run_or_explain

Note = Callable[[str], None]

PATIENT = ["-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]

# Never unpacked. The C library must be the machine's own, or its loader would not fit. The rest is large and only
# serves what we do not use (rasters, 3D, JIT, cluster wrappers in Perl) or the postinst scripts we do not run.
NOT_NEEDED = re.compile(
    r"^(libc6|libc-bin|libc-l10n|locales|debconf.*|dpkg|adduser|passwd|tzdata|ucf|perl.*|libperl.*|python3.*"
    r"|libgdal.*|libsfcgal.*|libllvm.*|libz3-.*|postgresql-common.*|postgresql-client-common|ssl-cert|lsb-.*"
    r"|init-system-helpers|systemd.*|libsystemd-shared|sysvinit.*|netbase|sensible-utils|xdg-utils|cron|procps)$"
)

# Unpacked even where they are installed: they find their own parts beside themselves, not in the machine's folders.
BELONG_TOGETHER = re.compile(r"^(postgresql-|proj-data$|chromium)")


class Apt:
    """apt-get with package lists of its own, so that it works without root and leaves the machine's alone."""

    def __init__(self, home: Path, log: Path) -> None:
        self.home = home
        self.log = log

    @staticmethod
    def available() -> bool:
        """Whether this machine has apt at all."""
        return all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg-deb"))

    def options(self) -> list[str]:
        """The options that keep every state file below `home`."""
        own = {
            "Dir::State": self.home / "state",
            "Dir::State::lists": self.home / "lists",
            "Dir::State::status": self.home / "status",
            "Dir::Cache": self.home / "cache",
            "Debug::NoLocking": 1,
        }
        if os.geteuid() == 0:
            own["APT::Sandbox::User"] = "root"  # the account _apt may not enter our folder
        return PATIENT + [word for name, value in own.items() for word in ("-o", f"{name}={value}")]

    def refresh(self, note: Note) -> None:
        """Fetches the package lists. A broken third-party source does not matter while some list arrives."""
        for folder in ("state", "lists/partial", "cache/archives/partial"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "status").touch()
        note("fetching the package lists")
        for _ in range(3):
            if run(["apt-get", *self.options(), "update"], self.log) == 0:
                return
        if not any((self.home / "lists").glob("*Packages*")):
            raise CannotStart(f"The package lists could not be fetched (apt-get update). The log: {self.log}")

    def names(self, prefix: str) -> list[str]:
        """The packages on our lists whose names start with `prefix`."""
        return self._ask(["apt-cache", *self.options(), "pkgnames", prefix]).split()

    def closure(self, roots: Sequence[str]) -> list[str]:
        """The packages to unpack for `roots`: what they need, less what the machine has and what nobody needs."""
        uris = self._ask(
            ["apt-get", *self.options(), "-qq", "--print-uris", "--no-install-recommends", "install", *roots]
        )
        reachable = set(packages_of(uris))
        if not reachable.issuperset(roots):
            raise CannotStart(f"apt knows no way to install {', '.join(roots)}. The log: {self.log}")
        kinds = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"]
        told = self._ask(
            ["apt-cache", *self.options(), "depends", *(f"--no-{kind}" for kind in kinds), *sorted(reachable)]
        )
        there = {name for name in on_this_machine() - set(roots) if not BELONG_TOGETHER.match(name)}
        return sorted(needed(roots, edges_of(told), reachable) - there)

    def unpack(self, roots: Sequence[str], into: Path, note: Note, alone: bool = False) -> None:
        """Fetches `roots` and (unless `alone`) what they need, and unpacks them below `into`; apt checks signatures."""
        wanted = list(roots) if alone else self.closure(roots)
        debs = self.home / "debs"
        shutil.rmtree(debs, ignore_errors=True)
        debs.mkdir(parents=True)
        fetched = 0

        def count(line: str) -> None:
            nonlocal fetched
            fetched += line.startswith("Get:")
            note(f"fetching {min(fetched, len(wanted))}/{len(wanted)} packages")

        command = ["apt-get", *self.options(), "download", *wanted]
        run_or_explain(f"Fetching {', '.join(roots)}", command, self.log, heard=count, cwd=debs)
        note(f"unpacking {len(wanted)} packages")
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda deb: self._extract(deb, into), sorted(debs.glob("*.deb"))))
        shutil.rmtree(self.home)  # the lists alone are 70 MB

    def _extract(self, deb: Path, into: Path) -> None:
        if run(["dpkg-deb", "-x", deb, into], self.log) != 0:
            raise CannotStart(f"The package {deb.name} could not be unpacked. The log: {self.log}")

    def _ask(self, command: list[str]) -> str:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        with self.log.open("a", encoding="utf-8") as out:
            out.write(f"\n$ {' '.join(command)}\n{answer.stderr}")
        return answer.stdout


def install(packages: Sequence[str], log: Path, note: Note) -> None:
    """Installs packages as root, asking nothing."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    command = ["apt-get", *PATIENT, "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-confold"]
    run_or_explain(
        f"Installing {', '.join(packages)} with apt-get",
        [*command, "install", "-y", "--no-install-recommends", *packages],
        log,
        env,
        heard=lambda line: note(line[:60]) if line.startswith(("Get:", "Unpacking", "Setting up")) else None,
    )


def refresh_system(log: Path, note: Note) -> None:
    """Fetches the machine's own package lists, as root; an unreachable third-party source is no reason to stop."""
    note("fetching the package lists")
    for _ in range(3):
        if run(["apt-get", *PATIENT, "-o", "DPkg::Lock::Timeout=120", "update"], log) == 0:
            return


def system_names(prefix: str) -> list[str]:
    """The packages on the machine's own lists whose names start with `prefix`."""
    told = subprocess.run(["apt-cache", "pkgnames", prefix], capture_output=True, text=True, check=False)
    return told.stdout.split()


def packages_of(uris: str) -> list[str]:
    """The package names in the output of `apt-get --print-uris`: `'uri' name_version_arch.deb size hash`."""
    return [line.split()[1].split("_")[0] for line in uris.splitlines() if line.startswith("'")]


def edges_of(told: str) -> dict[str, set[str]]:
    """Who depends on whom, from the output of `apt-cache depends`; providers of a virtual package count too."""
    edges: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in told.splitlines():
        if line and not line[0].isspace():
            current = edges.setdefault(line.strip(), set())
        elif line.strip():
            current.add(line.split()[-1].strip("<>").split(":")[0])
    return edges


def needed(roots: Iterable[str], edges: dict[str, set[str]], reachable: set[str]) -> set[str]:
    """What `roots` lead to within `reachable`, never passing through a package that is not needed."""
    found: set[str] = set()
    ahead = list(roots)
    while ahead:
        name = ahead.pop()
        if name not in found and name in reachable and not NOT_NEEDED.match(name):
            found.add(name)
            ahead.extend(edges.get(name, ()))
    return found


def on_this_machine() -> set[str]:
    """The packages that are installed."""
    told = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {line.split()[1] for line in told.stdout.splitlines() if line.startswith("installed ")}


def library_folders(root: Path) -> list[str]:
    """The folders below an unpacked root where the loader must look, relative to it."""
    patterns = ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib", "lib")
    found = [
        folder for pattern in patterns for folder in sorted(root.glob(pattern)) if any(folder.glob("*.so*"))
    ]
    nested = {
        library.parent
        for folder in found
        for library in folder.glob("*/*.so*")
        if library.parent.name == "pulseaudio"
    }
    return [str(folder.relative_to(root)) for folder in (*found, *sorted(nested))]


def missing_libraries(files: Iterable[Path], env: dict[str, str]) -> list[str]:
    """The shared libraries that the loader would not find for these files."""
    told = subprocess.run(
        ["ldd", *map(str, files)], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    return sorted({line.split()[0] for line in told.stdout.splitlines() if "not found" in line})
