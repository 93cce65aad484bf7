"""How often and how fast a server is asked: back-off between tries, what it asks for itself, a rate it never exceeds.

Belongs here: waiting. Does not belong here: what is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from ingestion.pull.errors import asked_to_wait_s, is_passing

T = TypeVar("T")


@dataclass
class Patience:
    """Tries of one pull.

    A server is asked at most `rate_per_minute` times a minute, evenly. A try that failed in passing is followed by
    others, `tries` in all, each after twice the wait of the one before with some chance (`jitter_s`) on top, or after
    what the server asked for; who asks for longer than `longest_wait_s` is left alone until then. A connection that
    stands still for `stalled_s` has broken off.
    """

    rate_per_minute: int | None = None
    tries: int = 6
    stalled_s: float = 60.0
    first_wait_s: float = 1.0
    jitter_s: float = 1.0
    longest_wait_s: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _next_at: float = field(default=0.0, init=False)

    def pace(self) -> None:
        """Wait until the next request may go out."""
        if self.rate_per_minute is None:
            return
        now = self.clock()
        if now < self._next_at:
            self.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + 60 / self.rate_per_minute

    def run(self, step: Callable[[], T]) -> T:
        """What `step` gives, tried again while its errors may pass; raises the last of them."""
        return self._retrying()(self._paced(step))

    def _paced(self, step: Callable[[], T]) -> Callable[[], T]:
        def paced() -> T:
            self.pace()
            return step()

        return paced

    def _retrying(self) -> Retrying:
        back_off = wait_exponential_jitter(
            initial=self.first_wait_s, max=self.longest_wait_s, jitter=self.jitter_s
        )

        def wait(state: RetryCallState) -> float:
            asked = asked_to_wait_s(_error(state))
            return back_off(state) if asked is None else asked

        def stop(state: RetryCallState) -> bool:
            asked = asked_to_wait_s(_error(state)) or 0.0
            return state.attempt_number >= self.tries or asked > self.longest_wait_s

        return Retrying(
            wait=wait, stop=stop, retry=retry_if_exception(is_passing), sleep=self.sleep, reraise=True
        )


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
