"""The Python environment: made once in `.venv`, every package from the lock file, every file checked by its hash."""

import fcntl
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch import debian, shell
from launch.board import Board, Step
from launch.errors import CannotStart
from launch.places import ENVIRONMENT, ROOT

LOCK = "requirements.lock"
LOCK_DEV = "requirements-dev.lock"
STAMP = "chakan.json"
RETRIES = "5"
MACHINE_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
OWN_CERTIFICATES = """\
from pathlib import Path


def where():
    return str(Path(__file__).with_name("cacert.pem"))


def contents():
    return Path(where()).read_text(encoding="ascii")
"""


def is_ours() -> bool:
    """Whether this tree makes its own environment.

    Not when it was installed as a package (no lock lies beside it), and not with CHAKAN_ENVIRONMENT=given, by which
    an image or a system package says that the Python it starts us with has everything.
    """
    return (ROOT / LOCK).exists() and os.environ.get("CHAKAN_ENVIRONMENT", "") != "given"


def ready(dev: bool = False, home: Path = ENVIRONMENT, tree: Path = ROOT) -> bool:
    """Whether the environment holds what the lock says."""
    try:
        stamp = json.loads((home / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    wanted = [LOCK, LOCK_DEV] if dev else [LOCK]
    return all(stamp.get(name) == _digest(tree / name) for name in wanted) and _runs(home / "bin" / "python")


def ensure(board: Board, dev: bool = False, home: Path = ENVIRONMENT, tree: Path = ROOT) -> None:
    """Makes or renews the environment. Safe to interrupt and repeat: the stamp is written last."""
    with _one_at_a_time(home):
        if ready(dev, home, tree):
            return
        with board.step("Python packages") as step:
            log = home / "install.log"
            _make(home, step)
            pip = _pip(home, step, log)
            _install(pip, tree / (LOCK_DEV if dev else LOCK), step, log, _pip_env(home))
            stamp = {LOCK: _digest(tree / LOCK)} | ({LOCK_DEV: _digest(tree / LOCK_DEV)} if dev else {})
            (home / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
            step.note("")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _runs(python: Path) -> bool:
    if Path(sys.prefix) == python.parent.parent:
        return True
    if not python.exists():
        return False
    return subprocess.run([python, "-c", "import ssl"], check=False, capture_output=True).returncode == 0


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Two commands started at once must not write into the same environment."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _make(home: Path, step: Step) -> None:
    if _runs(home / "bin" / "python"):
        return
    step.note("making the environment")
    if home.exists():
        shutil.rmtree(home)
    base = getattr(sys, "_base_executable", None) or sys.executable
    done = subprocess.run(
        [base, "-m", "venv", "--without-pip", home], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise CannotStart(f"The environment could not be made in {home}:\n{done.stdout}{done.stderr}")


def _pip_env(home: Path) -> dict[str, str]:
    """The environment of pip: a mirror set in pip.conf or PIP_INDEX_URL still counts."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PIP_REQUIRE_VIRTUALENV", "PIP_TARGET")
    }
    env |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    own = _own_certificates(home)
    if own.exists() and not _has_certificates():
        # A bare machine has no root certificates, and a pip that asks the machine for them trusts nobody.
        env.setdefault("PIP_CERT", str(own))
    return env


def _has_certificates() -> bool:
    files = (ssl.get_default_verify_paths().cafile, os.environ.get("SSL_CERT_FILE"), MACHINE_CERTIFICATES)
    return any(name and Path(name).is_file() for name in files)


def _site_packages(home: Path) -> Path:
    return next((home / "lib").glob("python3*/site-packages"))


def _own_certificates(home: Path) -> Path:
    """The root certificates that pip carries inside itself."""
    return _site_packages(home) / "pip" / "_vendor" / "certifi" / "cacert.pem"


def _pip(home: Path, step: Step, log: Path) -> list[str]:
    """pip for the environment: there already → ensurepip → the machine's pip → Debian's wheel of pip."""
    python, env = str(home / "bin" / "python"), _pip_env(home)
    inside = [python, "-m", "pip"]
    if shell.run([*inside, "--version"], log, env) == 0:
        return inside
    step.note("fetching pip")
    if shell.run([python, "-m", "ensurepip", "--default-pip"], log, env) == 0:
        return inside
    base = getattr(sys, "_base_executable", None) or sys.executable
    outside = [base, "-m", "pip", "--python", python]
    if shell.run([*outside, "--version"], log, env) == 0:
        return outside
    if not debian.Apt.available():
        raise CannotStart(
            "This Python has neither ensurepip nor pip. Install its venv and pip packages and try again."
        )
    wheels = sorted(_unpacked("python3-pip-whl", home, step, log).glob("usr/share/python-wheels/pip-*.whl"))
    if not wheels:
        raise CannotStart(f"Debian's package python3-pip-whl holds no pip. The log: {log}")
    with zipfile.ZipFile(wheels[-1]) as wheel:
        wheel.extractall(_site_packages(home))
    if not _has_certificates():
        # Debian's pip looks for the machine's certificates alone and does not even start without them.
        core = _own_certificates(home).with_name("core.py")
        core.write_text(OWN_CERTIFICATES, encoding="utf-8")
    return inside


def _unpacked(package: str, home: Path, step: Step, log: Path) -> Path:
    root = home / "debian" / package
    if not root.exists():
        apt = debian.Apt(home / "debian" / "apt", log)
        apt.refresh(step.note)
        draft = home / "debian" / f"{package}.new"
        apt.unpack([package], draft, step.note, alone=True)
        draft.rename(root)
    return root


def _install(pip: list[str], lock: Path, step: Step, log: Path, env: dict[str, str]) -> None:
    total = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if "==" in line)
    seen, forged = 0, False

    def count(line: str) -> None:
        nonlocal seen, forged
        forged |= "DO NOT MATCH THE HASHES" in line
        if line.startswith(("Collecting", "Requirement already", "Ignoring")):
            seen += 1
            step.note(f"fetching {min(seen, total)}/{total}")
        elif line.startswith("Installing collected"):
            step.note(f"installing {total}")
        elif line.startswith("failed"):
            seen = 0
            step.note(line)

    options = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--no-deps",
        "--retries",
        RETRIES,
        "--timeout",
        "30",
    ]
    command = [*pip, "install", *options, "--progress-bar", "off", "-r", str(lock)]
    try:
        shell.run_or_explain(
            "Installing the Python packages", command, log, env, heard=count, hopeless=lambda: forged
        )
    except CannotStart as failed:
        hint = "Is the network up? Behind a mirror, set PIP_INDEX_URL (or pip.conf)."
        if forged:
            hint = "A file is not the one in the lock: a broken mirror, or somebody in between."
        raise CannotStart(f"{failed}\n  {hint} Then run the same command again.") from failed
