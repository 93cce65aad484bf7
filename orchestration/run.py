"""`qamtu run`: the job that Dagster's interface starts, executed in this process on the same instance.

Belongs here: one run from inbox to release, and what came of it. Does not belong here: printing the scorecard
(`warehouse.scorecard`) or reading arguments (`cli`).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration import standing
from orchestration.environment import ENGINE_VARIABLE, INBOX_VARIABLE, Engine
from orchestration.progress import Progress, watching
from warehouse.paths import HOME_VARIABLE, STORE_VARIABLE, Home, store_url

if TYPE_CHECKING:
    import dagster as dg

PUBLISHED, WITHHELD, NOTHING, ERROR = 0, 3, 4, 1


class RunError(Exception):
    """A run that could not be carried out; the message is for the person who started it."""


@dataclass(frozen=True)
class RunResult:
    """What came of a run.

    `exit_code`: 0 all published, 3 some metrics withheld, 4 nothing published and the previous release stands,
    1 error. `publication` and `path` are the release written or confirmed, None when there is none.
    `seconds` by stage.
    """

    exit_code: int
    run_id: str
    publication: str | None = None
    path: Path | None = None
    metrics_published: int = 0
    metrics_withheld: int = 0
    errors: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def run_pipeline(
    home: Home,
    inboxes: Sequence[Path],
    progress: Progress,
    debug: bool = False,
    engine: Engine = Engine.DUCKDB,
    pull: bool = False,
) -> RunResult:
    """Read every delivery in the inboxes, build on the engine, audit, release; first fetch what is new where asked to.

    When some tables could not be built, the figures that do not need them are released all the same; when the engine
    went away in the middle, nothing is. Errors:
    RunError when another command line run is at work on this home; KeyboardInterrupt when asked to stop, in which
    case the previous release stands.
    """
    if url := store_url():
        os.environ[STORE_VARIABLE] = url
    os.environ[HOME_VARIABLE] = str(home.root)
    os.environ[ENGINE_VARIABLE] = engine
    os.environ[INBOX_VARIABLE] = os.pathsep.join(str(path) for path in inboxes)
    with _only_run(home), watching(progress):
        if url:
            _fill(home, url, progress)
        if pull:
            _pull(home, progress)
        with progress.stage("look"):
            delivered = standing.deliveries([*inboxes, home.pulled_receipts])
            known = standing.unchanged(home, delivered)
        if known is not None:
            return _nothing_new(home, known, progress)
        with progress.remainder("dagster"), ThreadPoolExecutor(1) as beside:
            # Copying what came in waits for the disk, loading Dagster for the processor.
            landed = beside.submit(_land, home, inboxes)
            with progress.stage("load"):
                from orchestration.definitions import defs
                from orchestration.instance import close_abandoned_runs, open_instance
            with open_instance(home) as instance:
                with progress.stage("land"):
                    is_new = landed.result()
                if is_new:
                    # Great Expectations imports it too; another thread may use its parts before they are whole.
                    import sqlalchemy.orm  # noqa: F401

                    beside.submit(_load_early, home)
                for run_id in close_abandoned_runs(instance):
                    progress.line(f"an earlier run was cut off and is closed: {run_id}")
                result = _run(defs, instance, progress, debug)
                if result.errors and result.exit_code != NOTHING:
                    _tell_of_failure(result, progress)
        if result.exit_code in (PUBLISHED, WITHHELD) and not result.errors:
            standing.remember(home, delivered, _document(result))
        return result


def _run(defs: dg.Definitions, instance: dg.DagsterInstance, progress: Progress, debug: bool) -> RunResult:
    from orchestration.automation import PUBLISH_NAME, REFRESH

    errors: list[str] = []
    result = _execute(defs.resolve_job_def(REFRESH.name), instance, debug)
    if not result.success:
        errors = _errors(result)
        _stop_if_interrupted(result)
        if _failed_steps(result) == ["dbt"] and not _engine_went(result):
            result = _execute(defs.resolve_job_def(PUBLISH_NAME), instance, debug)
    return _result_of(result, errors, progress.seconds)


def _tell_of_failure(result: RunResult, progress: Progress) -> None:
    from orchestration import alerts

    told = dict(error.partition(": ")[::2] for error in result.errors)
    if fault := alerts.send(alerts.of_failure(result.run_id, told)):
        progress.line(fault)


def _fill(home: Home, url: str, progress: Progress) -> None:
    from warehouse.store import fill, open_store

    with progress.stage("restore"):
        found = fill(home, open_store(url))
    if found:
        progress.line(f"store    {found} files restored into {home.root}")


def _pull(home: Home, progress: Progress) -> None:
    from ingestion.pull.session import pull_from

    with progress.stage("pull"):
        pull_from(home, [], progress.line)


def _land(home: Home, inboxes: Sequence[Path]) -> bool:
    from ingestion.pipeline import land

    return land(home, inboxes)


def _load_early(home: Home) -> None:
    """Load what later steps need, while rows are judged by threads that need no interpreter."""
    from orchestration import dbt_engine

    dbt_engine.load(home)
    import great_expectations  # noqa: F401


def _document(result: RunResult) -> dict[str, Any]:
    return {
        "exit_code": result.exit_code,
        "run_id": result.run_id,
        "publication": result.publication,
        "metrics_published": result.metrics_published,
        "metrics_withheld": result.metrics_withheld,
    }


def _nothing_new(home: Home, known: Mapping[str, Any], progress: Progress) -> RunResult:
    told = f"{known['metrics_published']} of {known['metrics_published'] + known['metrics_withheld']} metrics published"
    progress.line(f"nothing new: {known['publication']} stands, {told}")
    return RunResult(**known, path=home.current.resolve(), seconds=progress.seconds)


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance, debug: bool) -> dg.ExecuteInProcessResult:
    import dagster as dg

    from orchestration.instance import COMMAND_LINE_TAG

    level = "DEBUG" if debug else "CRITICAL"
    try:
        return job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={COMMAND_LINE_TAG: "true"},
            run_config={"loggers": {"console": {"config": {"log_level": level}}}},
        )
    except dg.DagsterExecutionInterruptedError as error:
        raise KeyboardInterrupt from error


def _stop_if_interrupted(result: dg.ExecuteInProcessResult) -> None:
    from orchestration.retries import was_interrupted

    if any(was_interrupted(event) for event in result.get_step_failure_events()):
        raise KeyboardInterrupt


def _engine_went(result: dg.ExecuteInProcessResult) -> bool:
    from orchestration.retries import engine_went

    return any(engine_went(event) for event in result.get_step_failure_events())


def _failed_steps(result: dg.ExecuteInProcessResult) -> list[str]:
    return [event.step_key for event in result.get_step_failure_events() if event.step_key]


def _errors(result: dg.ExecuteInProcessResult) -> list[str]:
    """One line a failed step, in its own words."""
    from orchestration.automation import what_failed

    found = []
    for event in result.get_step_failure_events():
        found.append(f"{event.step_key}: {' '.join(what_failed(event).split())}")
    return found


def _result_of(result: dg.ExecuteInProcessResult, errors: list[str], seconds: dict[str, float]) -> RunResult:
    from orchestration.publication import RELEASE, NothingToPublish

    for event in result.get_asset_materialization_events():
        if event.asset_key == RELEASE:
            metadata = {name: value.value for name, value in event.materialization.metadata.items()}
            withheld = int(str(metadata["metrics_withheld"]))
            return RunResult(
                exit_code=WITHHELD if withheld else PUBLISHED,
                run_id=result.run_id,
                publication=str(metadata["publication"]),
                path=Path(str(metadata["path"])),
                metrics_published=int(str(metadata["metrics_published"])),
                metrics_withheld=withheld,
                errors=tuple(errors),
                seconds=seconds,
            )
    nothing = False
    for event in result.get_step_failure_events():
        failure = event.step_failure_data.user_failure_data
        nothing = nothing or (failure is not None and NothingToPublish.MARK in failure.metadata)
    return RunResult(
        exit_code=NOTHING if nothing else ERROR,
        run_id=result.run_id,
        errors=(*errors, *(error for error in _errors(result) if error not in errors)),
        seconds=seconds,
    )


@contextmanager
def _only_run(home: Home) -> Iterator[None]:
    """Hold the command line's lock on a home; the kernel frees it when the process ends, however it ends."""
    home.root.mkdir(parents=True, exist_ok=True)
    with (home.root / ".run.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise RunError(
                f"another `qamtu run` is at work on {home.root} (process {handle.read().strip() or 'unknown'}); "
                "wait for it, or choose another home with QAMTU_HOME"
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
