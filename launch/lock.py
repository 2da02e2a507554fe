"""`python -m launch.lock`: writes requirements.lock and requirements-dev.lock anew from setup.cfg.

The resolver is uv, in an environment of its own: it makes one lock for every Python and platform we support, with
the hash of every published file. The present locks are its starting point, so that only what must change changes;
`--upgrade` takes the newest of everything. pip's configuration of this machine has no influence.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from launch.places import ROOT

UV = "uv==0.13.9"
OLDEST_PYTHON = "3.11"
LOCKS: tuple[tuple[str, list[str]], ...] = (
    ("requirements.lock", []),
    ("requirements-dev.lock", ["--extra", "dev"]),
)


def main(arguments: list[str]) -> int:
    """Writes both locks."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    clean |= {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", UV], check=True, env=clean)
        for name, extra in LOCKS:
            options = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-annotate"]
            options += [
                "--no-emit-index-url",
                "--no-emit-find-links",
                "--custom-compile-command",
                "python -m launch.lock",
            ]
            command = [
                python,
                "-m",
                "uv",
                "pip",
                "compile",
                "setup.cfg",
                *extra,
                *options,
                "-q",
                "-o",
                name,
                *arguments,
            ]
            subprocess.run(command, check=True, env=clean, cwd=ROOT)
            print(f"{name} is written")
    shutil.rmtree(ROOT / "chakan.egg-info", ignore_errors=True)  # left behind by reading setup.cfg
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
