"""Which failures are worth another try: those of disks, networks and locks, never those of data or code, and never
the wish of whoever stops a run."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.dbt_engine import EngineGoneError

#: Three more tries, 2, 4 and 8 seconds apart, a little spread so that two runs do not step in time.
POLICY = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

_PASSING = (
    "could not set lock",
    "conflicting lock",
    "temporarily unavailable",
    "timed out",
    "connection reset",
)
_DUCKDB_INTERRUPTED = "Query interrupted"
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


class Interrupted(dg.Failure):
    """The step was asked to stop. Without this, Dagster would take the interrupt for a failure and try again."""

    MARK = "interrupted"

    def __init__(self) -> None:
        super().__init__(description="Interrupted.", metadata={self.MARK: True}, allow_retries=False)


class EngineGone(dg.Failure):
    """What makes the tables went away. The build has no result, so that nothing is released from what it left."""

    MARK = "engine_gone"

    def __init__(self, message: str) -> None:
        super().__init__(description=message, metadata={self.MARK: True}, allow_retries=False)


def was_interrupted(event: dg.DagsterEvent) -> bool:
    """Whether a step's failure event tells of an interrupt."""
    return _is_marked(event, Interrupted.MARK)


def engine_went(event: dg.DagsterEvent) -> bool:
    """Whether a step's failure event tells that what makes the tables went away."""
    return _is_marked(event, EngineGone.MARK)


def _is_marked(event: dg.DagsterEvent, mark: str) -> bool:
    failure = event.step_failure_data.user_failure_data
    return failure is not None and mark in failure.metadata


@contextmanager
def only_passing_failures_retried() -> Iterator[None]:
    """Let passing failures through to the retry policy, and end the step at once on any other."""
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as error:
        raise Interrupted from error
    except EngineGoneError as error:
        raise EngineGone(str(error)) from error
    except Exception as error:
        if str(error) == _DUCKDB_INTERRUPTED:
            raise Interrupted from error
        if is_passing(error):
            raise
        raise dg.Failure(description=f"{type(error).__name__}: {error}", allow_retries=False) from error
