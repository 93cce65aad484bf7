"""Progress of a run, for the person who started it, and how long each stage took.

Belongs here: showing and timing. Does not belong here: deciding anything. Dagster captures what steps print, so
the console is handed in, open, from outside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


@dataclass
class Progress:
    """Lines on a console, one a stage, with a spinner while it lasts; silent without a console."""

    console: Console | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    _status: Status | None = None

    @contextmanager
    def stage(self, name: str, note: str = "") -> Iterator[None]:
        """Time a stage; stages of the same name add up."""
        started = time.perf_counter()
        if self.console is not None and self.console.is_terminal:
            self._status = self.console.status(f"{name} {note}".strip())
            self._status.start()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
            if self._status is not None:
                self._status.stop()
                self._status = None

    @contextmanager
    def remainder(self, name: str) -> Iterator[None]:
        """Time what the stages inside leave over."""
        started, before = time.perf_counter(), sum(self.seconds.values())
        try:
            yield
        finally:
            inside = sum(self.seconds.values()) - before
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started - inside

    def note(self, text: str) -> None:
        """What the running stage is at; replaces the note before."""
        if self._status is not None:
            self._status.update(text)

    def line(self, text: str) -> None:
        """A line that stays."""
        if self.console is not None:
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def timings(self) -> str:
        """One line: seconds by stage, and in all."""
        parts = [f"{name} {seconds:.1f}" for name, seconds in self.seconds.items()]
        return " + ".join(parts) + f" = {sum(self.seconds.values()):.1f} s"


_current: list[Progress] = []


def current() -> Progress:
    """The progress of the run in this process; a silent one when nobody watches, as under Dagster's own daemon."""
    return _current[-1] if _current else Progress()


@contextmanager
def watching(progress: Progress) -> Iterator[Progress]:
    """Make `progress` the current one while a run lasts."""
    _current.append(progress)
    try:
        yield progress
    finally:
        _current.pop()
