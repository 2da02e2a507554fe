"""Where things lie: the tree, the environment and the data folder."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
DATA = ROOT / ".chakan"
TEST_DATA = ROOT / ".chakan-test"


@dataclass(frozen=True)
class Places:
    """The data folder and the files the launcher keeps in it."""

    data: Path

    @property
    def log(self) -> Path:
        """One file per process, rotated."""
        return self.data / "log"

    @property
    def run(self) -> Path:
        """What is only true while it runs: state and metrics."""
        return self.data / "run"

    @property
    def state(self) -> Path:
        """What runs now, for `chakan doctor` and the administration commands."""
        return self.run / "state.json"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this data folder."""
        return self.data / "up.lock"

    @property
    def secrets(self) -> Path:
        """The generated passwords and the key that signs sessions."""
        return self.data / "secrets.json"

    @property
    def prepared(self) -> Path:
        """What the first start has already done, so that the next one is quick."""
        return self.data / "prepared.json"

    @property
    def packages(self) -> Path:
        """Debian packages unpacked without root."""
        return self.data / "packages"

    @property
    def demo(self) -> Path:
        """The sign-ins and devices of the demonstration."""
        return self.data / "demo.json"

    @property
    def first_sign_in(self) -> Path:
        """The administrator made at the first start."""
        return self.data / "first-sign-in.txt"

    def make(self) -> None:
        """Makes the folders, private; as root the account of the engines may pass through to its own."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for folder in (self.log, self.run):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Replaces the file as a whole; nobody else can ever read it, not even for a moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in the file, or an empty one when the file is absent or was cut short by a crash."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Writes the object privately, as a whole."""
    write_private(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")
