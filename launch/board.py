"""Progress: one moving line on a terminal, one line per step anywhere else."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

REDRAW_S = 0.2
SAY_AGAIN_S = 10.0
LINE_CHARACTERS = 110


class Step:
    """One thing being done; `note` says how far it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.began = time.monotonic()

    def note(self, text: str) -> None:
        """Replaces what the step says about itself."""
        self.text = text

    def line(self) -> str:
        """The step as a person reads it."""
        return f"{self.name}: {self.text}" if self.text else self.name


class Board:
    """Shows every step under way. Several threads may have a step at the same time."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._steps: list[Step] = []
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._over = threading.Event()
        self._painter = threading.Thread(target=self._paint, daemon=True)

    def __enter__(self) -> "Board":
        self._painter.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._painter.join()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Shows a step from its start to its end, with the time it took."""
        step = Step(name)
        with self._lock:
            self._steps.append(step)
            if not self._terminal:
                self._write(f"  … {name}\n")
        mark = "✗"
        try:
            yield step
            mark = "✓"
        finally:
            with self._lock:
                self._steps.remove(step)
                took_s = time.monotonic() - step.began
                self._write(f"{self._wipe()}  {mark} {step.line()} ({took_s:.1f} s)\n")

    def say(self, text: str) -> None:
        """Prints a line between the steps."""
        with self._lock:
            self._write(f"{self._wipe()}{text}\n")

    def _wipe(self) -> str:
        return "\r\x1b[K" if self._terminal else ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _paint(self) -> None:
        said: dict[Step, str] = {}
        while not self._over.wait(REDRAW_S if self._terminal else SAY_AGAIN_S):
            with self._lock:
                if self._terminal:
                    self._draw()
                else:
                    self._repeat(said)
        self._write(self._wipe())

    def _draw(self) -> None:
        if self._steps:
            spent_s = int(time.monotonic() - self._began)
            row = f"  {spent_s} s  " + "  ·  ".join(step.line() for step in self._steps)
            self._write(self._wipe() + row[:LINE_CHARACTERS])

    def _repeat(self, said: dict[Step, str]) -> None:
        for step in self._steps:
            if said.get(step) != step.line():
                said[step] = step.line()
                self._write(f"  … {step.line()}\n")
