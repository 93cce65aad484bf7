"""Dagster's own state: SQLite in the home or a team's Postgres, telemetry off, pools limited.

Belongs here: the instance's settings and opening it, and tidying up after a run that was killed.

`python -m orchestration.instance` writes the settings of the home, before a team's daemon and web server start
(docs/deployment.md).
"""

import importlib.util
import os
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster import DagsterRunStatus, RunsFilter

from orchestration.environment import POSTGRES_VARIABLE
from warehouse.paths import Home

#: Whoever opens the build file holds this pool's only slot, across runs.
BUILD_POOL = "duckdb_writer"
#: Tag of runs that a command line process executes itself.
COMMAND_LINE_TAG = "qamtu/command_line"

# Dagster's driver. Without its name SQLAlchemy would look for another one.
_DRIVER = "postgresql+psycopg2://"
# Stands in the settings of a team's home alone.
_RUNS = "run_storage"
_SETTINGS = "dagster.yaml"
_COMMAND_LINE_SETTINGS = "dagster-command-line.yaml"


class StorageError(Exception):
    """The home's Dagster keeps its state elsewhere than this process was told."""


def settings(home: Home, command_line: bool) -> dict[str, object]:
    """The instance's settings. On the command line no step output is captured: it would start four processes a step.

    Errors: StorageError when the URL of Postgres names no driver, or the extra `team` is not installed.
    """
    chosen: dict[str, object] = {
        **_storage(home),
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "concurrency": {
            "pools": {"granularity": "op", "default_limit": 1},
            "runs": {"max_concurrent_runs": 4},
        },
        "run_monitoring": {"enabled": True, "free_slots_after_run_end_seconds": 60},
        "freshness": {"enabled": True},
    }
    if command_line:
        chosen["compute_logs"] = {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        }
    return chosen


def _storage(home: Home) -> dict[str, object]:
    if url := os.environ.get(POSTGRES_VARIABLE):
        if not url.startswith(_DRIVER):
            raise StorageError(
                f"{POSTGRES_VARIABLE} must begin with {_DRIVER}, and then say user@host:port/database"
            )
        if importlib.util.find_spec("dagster_postgres") is None:
            raise StorageError(f"{POSTGRES_VARIABLE} needs the extra `team`: `make setup-team` installs it")
        # The variable's name, not its value: it may hold a password.
        place = {"postgres_url": {"env": POSTGRES_VARIABLE}}
        return {
            name: {"module": module, "class": storage, "config": place}
            for name, module, storage in (
                (_RUNS, "dagster_postgres", "PostgresRunStorage"),
                ("event_log_storage", "orchestration.postgres_event_log", "KeptPostgresEventLogStorage"),
                ("schedule_storage", "dagster_postgres", "PostgresScheduleStorage"),
            )
        }
    return {
        "event_log_storage": {
            "module": "orchestration.event_log",
            "class": "KeptSqliteEventLogStorage",
            "config": {"base_dir": str(home.dagster / "history" / "runs")},
        }
    }


def write_settings(home: Home) -> None:
    """Write the instance's settings where Dagster looks for them, when they differ.

    Errors: StorageError for a team's home when this process was not told of its Postgres: its runs would not be seen
    by the others, nor would they hold the build pool against one another.
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    if not os.environ.get(POSTGRES_VARIABLE) and _RUNS in _written(home.dagster / _SETTINGS):
        raise StorageError(
            f"the runs of {home.root} are kept in Postgres: set {POSTGRES_VARIABLE} as the services have it "
            f"(docs/deployment.md); to go back to a home of its own, remove {home.dagster / _SETTINGS}"
        )
    for name, command_line in ((_SETTINGS, False), (_COMMAND_LINE_SETTINGS, True)):
        text = yaml.safe_dump(settings(home, command_line), sort_keys=True)
        path = home.dagster / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _written(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.exists() else {}


def open_instance(home: Home) -> dg.DagsterInstance:
    """The home's instance, for a run in this process. Runs show in the web interface of the same home."""
    write_settings(home)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    # What a run intends, an event for each asset and check, is stored at once and not one by one.
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "10000")
    return dg.DagsterInstance.from_config(str(home.dagster), _COMMAND_LINE_SETTINGS)


def close_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """End command line runs whose process is gone, and free what they held; returns their ids.

    The caller holds the command line's lock, so no such run can be alive. A killed process would otherwise keep
    the build pool for ever.
    """
    abandoned = instance.get_runs(
        RunsFilter(
            tags={COMMAND_LINE_TAG: "true"},
            statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING],
        )
    )
    for run in abandoned:
        instance.report_run_failed(run, "The process that executed this run ended without a word.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in abandoned]


if __name__ == "__main__":
    write_settings(Home.from_environment())
