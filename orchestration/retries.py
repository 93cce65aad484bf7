"""Which failures are worth another try: those of disks, networks and locks, never those of data or code."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

#: Three more tries, 2, 4 and 8 seconds apart, a little spread so that two runs do not step in time.
POLICY = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

_PASSING = (
    "could not set lock",
    "conflicting lock",
    "temporarily unavailable",
    "timed out",
    "connection reset",
)
_LASTING = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


def is_passing(error: BaseException) -> bool:
    """Whether the cause may be gone in a moment: an I/O error, or the build file locked by another process."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and not isinstance(seen, _LASTING):
            return True
        if any(text in str(seen).lower() for text in _PASSING):
            return True
        seen = seen.__cause__
    return False


@contextmanager
def only_passing_failures_retried() -> Iterator[None]:
    """Let passing failures through to the retry policy, and end the step at once on any other."""
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        if is_passing(error):
            raise
        raise dg.Failure(description=f"{type(error).__name__}: {error}", allow_retries=False) from error
