"""A Chromium for the browser tests: installed → root and apt → unpacked → Playwright's own → a clear message."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from launch import debian, postgres, shell
from launch.board import Board, Step
from launch.engines import package_homes
from launch.errors import CannotStart
from launch.places import Places

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGES = ["chromium", "fonts-noto-cjk"]
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{root}/usr/share/fonts</dir>
<cachedir>{root}/font-cache</cachedir></fontconfig>
"""
WRAPPER = """#!/bin/sh
# Chromium from unpacked packages: its libraries and fonts lie beside it.
export LD_LIBRARY_PATH="{libraries}" FONTCONFIG_FILE="{root}/fonts.conf"
exec "{root}/usr/lib/chromium/chromium" "$@"
"""


def ensure(places: Places, board: Board) -> Path:
    """The browser's program. CHAKAN_CHROMIUM names one by hand. Raises CannotStart when none can be had."""
    if given := os.environ.get("CHAKAN_CHROMIUM"):
        if not _works(Path(given)):
            raise CannotStart(f"CHAKAN_CHROMIUM={given} does not start as a browser.")
        return Path(given)
    if found := find(places):
        return found
    with board.step("Chromium for the browser tests") as step:
        log = places.log / "browser.log"
        if debian.Apt.available():
            if os.geteuid() == 0 and not postgres.prefers_unpacked():
                debian.refresh_system(log, step.note)
                debian.install(PACKAGES, log, step.note)
            else:
                _unpack(places.data / "packages", log, step)
        if found := find(places) or _playwrights_own(log, step):
            return found
    raise CannotStart(
        f"No Chromium was found, and none could be fetched (log: {log}).\n"
        "  Install one (Debian: apt-get install chromium fonts-noto-cjk; Ubuntu: snap install chromium),\n"
        "  or name one: CHAKAN_CHROMIUM=/path/to/chrome ./chakan test"
    )


def find(places: Places) -> Path | None:
    """An installed or unpacked browser that starts, or None."""
    unpacked = [home.parent / "chromium" / "chromium.sh" for home in package_homes(places.data)]
    installed = [Path(found) for name in NAMES if (found := shutil.which(name))]
    for program in unpacked if postgres.prefers_unpacked() else installed + unpacked:
        if program.exists() and _works(program):
            return program
    return None


def _works(program: Path) -> bool:
    """Whether it prints its version. Ubuntu's chromium-browser is a stub that only says to install a snap."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and any(character.isdigit() for character in told.stdout)


def _unpack(folder: Path, log: Path, step: Step) -> None:
    apt = debian.Apt(folder / "apt", log)
    apt.refresh(step.note)
    if "chromium" not in apt.names("chromium"):
        return
    draft, root = folder / "chromium.new", folder / "chromium"
    apt.unpack(PACKAGES, draft, step.note)
    if not (draft / "usr/lib/chromium/chromium").exists():
        return
    libraries = ":".join(str(root / name) for name in debian.library_folders(draft))
    (draft / "fonts.conf").write_text(FONTS.format(root=root), encoding="utf-8")
    wrapper = draft / "chromium.sh"
    wrapper.write_text(WRAPPER.format(root=root, libraries=libraries), encoding="utf-8")
    wrapper.chmod(0o755)
    shutil.rmtree(root, ignore_errors=True)
    draft.rename(root)


def _playwrights_own(log: Path, step: Step) -> Path | None:
    """Where apt has no Chromium (Ubuntu): the one Playwright's makers publish for the version in the lock."""
    step.note("asking Playwright for its Chromium")
    if shell.run([sys.executable, "-m", "playwright", "install", "chromium"], log) != 0:
        return None
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as x: print(x.chromium.executable_path)"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    program = Path(told.stdout.strip() or "/nonexistent")
    return program if program.exists() and _works(program) else None
