"""When runs start by themselves: files that arrive, the daily schedule, and the release after a failed build.

Belongs here: jobs, sensors, schedules. Does not belong here: what a run does.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import RUN_KEY_TAG

from orchestration import alerts
from orchestration.filings import GROUP, TIME_ZONE
from orchestration.instance import COMMAND_LINE_TAG
from orchestration.publication import AUDIT, RELEASE, NothingToPublish
from orchestration.resources import HomeResource
from orchestration.retries import engine_went, was_interrupted

#: Everything, from the inbox to the release: what `qamtu run` executes.
REFRESH = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups(GROUP),
    description="Read every delivery, build, audit, release. The same as `qamtu run`.",
)
PUBLISH_NAME = "publish"


def publish_job(expectations: Sequence[dg.AssetCheckKey]) -> UnresolvedAssetJobDefinition:
    """The job that releases alone, from the build as it stands, with the expectations' checks."""
    selection = dg.AssetSelection.assets(AUDIT, RELEASE).without_checks()
    return dg.define_asset_job(
        PUBLISH_NAME,
        selection=selection | dg.AssetSelection.checks(*expectations) if expectations else selection,
        description="Audit the build as it stands and release what has its proof.",
    )


def listing(folders: Iterable[Path]) -> list[tuple[str, int, int]]:
    """Files below some folders: path, size, time of change; hidden ones and those still being sent left out."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            parts = path.relative_to(folder).parts
            if path.is_file() and not any(part.startswith(".") or part.endswith(".part") for part in parts):
                status = path.stat()
                found.append((str(path), status.st_size, status.st_mtime_ns))
    return found


def listing_hash(folders: Iterable[Path]) -> str:
    """One text for what `listing` found; empty when it found nothing."""
    files = listing(folders)
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:32] if files else ""


@dataclass(frozen=True)
class Cursor:
    """What the sensor saw last, what it last asked a run for, how often it asked, and whether that was a repetition."""

    seen: str = ""
    requested: str = ""
    requests: int = 0
    is_repeated: bool = False

    @staticmethod
    def parse(text: str | None) -> "Cursor":
        """The cursor Dagster kept; a fresh one when there is none or it cannot be read."""
        try:
            kept = json.loads(text or "{}")
            return Cursor(
                seen=str(kept.get("seen", "")),
                requested=str(kept.get("requested", "")),
                requests=int(kept.get("requests", 0)),
                is_repeated=bool(kept.get("is_repeated", False)),
            )
        except (ValueError, TypeError, AttributeError):
            return Cursor()

    def dump(self) -> str:
        """The cursor as Dagster keeps it."""
        return json.dumps(asdict(self))

    @property
    def run_key(self) -> str:
        """Key of the last request. The number makes it new when the inbox comes back to an earlier listing."""
        return f"{self.requested}-{self.requests}"

    def next(self, now: str, has_failed: bool = False) -> tuple["Cursor", bool]:
        """The cursor after seeing `now`, and whether to ask for a run.

        A run is asked for when the listing has changed since the last request and has stood still for one look, so
        that a file is not read while it is being copied. When that run `has_failed` it is asked for once more; after
        that the daily schedule tries.
        """
        is_new = now != self.requested
        wanted = bool(now) and now == self.seen and (is_new or (has_failed and not self.is_repeated))
        if not wanted:
            return replace(self, seen=now), False
        return Cursor(seen=now, requested=now, requests=self.requests + 1, is_repeated=not is_new), True


@dg.sensor(
    job=REFRESH,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when files in the inbox are new or changed and have stopped changing, or were pulled.",
)
def arriving_files(
    context: dg.SensorEvaluationContext, home: HomeResource
) -> dg.SensorResult | dg.SkipReason:
    """Watch the inboxes, and the receipts of what was pulled."""
    now = listing_hash([*home.inboxes, home.home.pulled_receipts])
    before = Cursor.parse(context.cursor)
    cursor, wanted = before.next(now, has_failed(context.instance, before.run_key))
    if not wanted:
        context.update_cursor(cursor.dump())
        return dg.SkipReason("The inbox is empty." if not now else "No new file that has stopped changing.")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=cursor.run_key)], cursor=cursor.dump())


def has_failed(instance: dg.DagsterInstance, run_key: str) -> bool:
    """Whether the run that was asked for under this key ended in failure; one that a person stopped did not."""
    runs = instance.get_runs(dg.RunsFilter(job_name=REFRESH.name, tags={RUN_KEY_TAG: run_key}), limit=1)
    return any(run.status == dg.DagsterRunStatus.FAILURE for run in runs)


DAILY = dg.ScheduleDefinition(
    name="daily_refresh",
    job=REFRESH,
    cron_schedule="0 6 * * *",
    execution_timezone=TIME_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every morning: deliveries that no sensor saw, and figures that grew old. Costs little when nothing "
    "is new.",
)


def release_sensor(publish: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """The sensor that asks for the release after a build that failed in part."""

    @dg.run_failure_sensor(
        monitored_jobs=[REFRESH],
        request_job=publish,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="When some tables could not be built, releases the figures that do not need them.",
    )
    def release_what_stands(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
        failures = context.get_step_failure_events()
        failed = [event.step_key for event in failures]
        if COMMAND_LINE_TAG in context.dagster_run.tags:
            return dg.SkipReason("The command line goes on to the release itself.")
        if not only_the_build_failed(failed) or any(was_interrupted(e) or engine_went(e) for e in failures):
            return dg.SkipReason("Not the build, or not the build alone, failed.")
        return dg.RunRequest(run_key=f"after-{context.dagster_run.run_id}")

    return release_what_stands


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the webhook of QAMTU_ALERT_URL of every run that failed, and who must act.",
)
def alert_of_failure(context: dg.RunFailureSensorContext) -> None:
    """Send the alert; one that cannot be sent is a line of the log."""
    failures = context.get_step_failure_events()
    if COMMAND_LINE_TAG in context.dagster_run.tags or any(is_nothing_published(event) for event in failures):
        return  # told already, by the command line or by the step itself
    told = {str(event.step_key): what_failed(event) for event in failures}
    if fault := alerts.send(alerts.of_failure(context.dagster_run.run_id, told)):
        context.log.warning(fault)


def what_failed(event: dg.DagsterEvent) -> str:
    """What a failed step said of itself, in its own words where it has some."""
    failure = event.step_failure_data
    own = failure.user_failure_data.description if failure.user_failure_data else None
    return own or (failure.error.message if failure.error else None) or "failed"


def is_nothing_published(event: dg.DagsterEvent) -> bool:
    """Whether the step failed because no metric has its proof."""
    failure = event.step_failure_data.user_failure_data
    return failure is not None and NothingToPublish.MARK in failure.metadata


def only_the_build_failed(failed_steps: Sequence[str | None]) -> bool:
    """Whether dbt's step is the one that failed: then the audit and the release were not reached."""
    return bool(failed_steps) and all(step == "dbt" for step in failed_steps)
