"""How far the reading and judging of a file has come, for whoever waits for it.

Belongs here: counting, and whom to tell. Does not belong here: how it is shown.

Whoever waits stands many calls above what reads, and most callers do not wait: so the listener is set around the work,
and nothing is counted where there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


class Stage(StrEnum):
    """What is done with a file, in this order."""

    READING = "reading"
    JUDGING = "judging"


Listener = Callable[[Stage, float], None]
"""Is told a stage and the share of it that is done, 0 to 1; from any thread, never from two at once."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Tell a listener how far files come that are read and judged meanwhile."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def counter(stage: Stage, total: int) -> Callable[[int], None] | None:
    """What to call with each count of bytes or rows done, `total` of them in all; None when nobody waits."""
    listener = _listener.get()
    if listener is None:
        return None
    lock, done = threading.Lock(), 0

    def count(more: int) -> None:
        nonlocal done
        with lock:
            done += more
            listener(stage, min(done / max(total, 1), 1.0))

    return count
