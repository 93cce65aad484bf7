"""Runs of the production assembly with stand-in engines: order, selection, failures, partitions, events."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.storage.tags import RUN_KEY_TAG

from orchestration import progress
from orchestration.alerts import ALERT_VARIABLE
from orchestration.automation import Cursor, alert_of_failure
from orchestration.definitions import build_defs
from orchestration.instance import BUILD_POOL, COMMAND_LINE_TAG, close_abandoned_runs
from orchestration.publication import NothingToPublish
from orchestration.resources import HomeResource
from orchestration.run import NOTHING, PUBLISHED, WITHHELD, _result_of, _stop_if_interrupted
from tests.integration.dagster_kit import (
    PretendDbt,
    PretendIngestion,
    PretendPublication,
    engines,
    instance_in,
    outcomes_of_everything,
    quiet,
)
from tests.webhook_kit import listening
from warehouse.paths import PROJECT_DIR, Home

FILING = dg.AssetKey(["sample_dala", "operator_availability"])
OWED = dg.AssetKey(["filings", "sample_dala"])
MART = dg.AssetKey(["marts", "dim_region"])
# As many steps as there are from the build on; the senders are left out.
FROM_A_MART_ON = [MART, dg.AssetKey("audit"), dg.AssetKey("release")]


@pytest.fixture(scope="module")
def shared() -> Home:
    """The home whose dbt manifest this process has parsed already; stand-ins write nothing into it."""
    return Home.from_environment()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance with production's settings."""
    with instance_in(tmp_path / "dagster") as opened:
        yield opened


def execute(
    resources: Mapping[str, object], instance: dg.DagsterInstance, job: str = "refresh", **more: Any
) -> dg.ExecuteInProcessResult:
    definitions = build_defs(resource_overrides=resources)
    resolved = definitions.resolve_job_def(job)
    result = resolved.execute_in_process(instance=instance, raise_on_error=False, run_config=quiet(), **more)
    for event in result.get_step_failure_events():
        print(event.step_failure_data.error_display_string)
    return result


def steps_in_order(result: dg.ExecuteInProcessResult) -> list[str]:
    return [event.step_key for event in result.all_events if event.is_step_start and event.step_key]


def metadata_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    (event,) = [
        e for e in result.get_asset_materialization_events() if e.asset_key == key and e.partition is None
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


@pytest.mark.slow
def test_a_refresh_goes_from_senders_to_the_release(shared: Home, instance: dg.DagsterInstance) -> None:
    resources = engines(shared, publication=PretendPublication(metrics=["population"], withheld=["itu"]))
    with progress.watching(progress.Progress()) as watched:
        result = execute(resources, instance, tags={COMMAND_LINE_TAG: "true"})
    assert result.success
    steps = steps_in_order(result)
    assert steps[-4:] == ["lake__deliveries", "dbt", "audit", "release"]
    assert steps.index("sample_bureau") < steps.index("sample_dala")
    assert list(watched.seconds) == ["ingest", "dbt", "audit", "release"]

    assert PretendIngestion.asked[-1] is None, "files of no layout come last"
    assert PretendDbt.asked == [(None, None)], "everything is one call of dbt"

    graph = build_defs(resource_overrides=resources).resolve_asset_graph()
    materialised = {event.asset_key for event in result.get_asset_materialization_events()}
    assert materialised == set(graph.executable_asset_keys)
    checked = evaluations(result)
    assert len(checked) == len(graph.asset_check_keys)
    assert all(checked.values())
    assert metadata_of(result, MART)["dagster/row_count"] == 7

    told = _result_of(result, [], {})
    assert (told.exit_code, told.publication) == (WITHHELD, "pub-000000000000")
    assert (told.metrics_published, told.metrics_withheld) == (1, 1)


def test_a_sender_tells_what_it_received_and_which_quarters(
    shared: Home, instance: dg.DagsterInstance
) -> None:
    result = execute(engines(shared), instance, asset_selection=[FILING])
    assert result.success
    told = metadata_of(result, FILING)
    assert (told["files"], told["rows_read"], told["rows_accepted"]) == (2, 22, 20)
    assert (told["rows_quarantined"], told["accepted_pct"], told["dagster/row_count"]) == (2, 90.91, 20)
    assert "2025Q1" in told["row_chart"]
    assert "sample_dala/operator_availability_2024-12-31.csv" in told["file_list"]
    assert instance.get_materialized_partitions(FILING) == {"2024-10-01", "2025-01-01"}


def test_quarters_in_which_nothing_changed_are_not_told_again(
    shared: Home, instance: dg.DagsterInstance
) -> None:
    for expected in (2, 0):
        result = execute(engines(shared), instance, asset_selection=[FILING])
        told = [e.asset_key for e in result.get_asset_materialization_events() if e.partition is not None]
        assert (told.count(FILING), told.count(OWED)) == (expected, expected)


def test_chosen_quarters_are_one_run_and_each_tells_its_own_files(
    shared: Home, instance: dg.DagsterInstance
) -> None:
    resources = engines(shared)
    chosen = {
        "dagster/asset_partition_range_start": "2024-10-01",
        "dagster/asset_partition_range_end": "2025-04-01",
    }
    result = execute(resources, instance, asset_selection=[FILING], tags=chosen)
    assert result.success
    files = {
        event.partition: event.materialization.metadata["files"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key == FILING
    }
    assert files == {"2024-10-01": 1, "2025-01-01": 1, "2025-04-01": 0}
    assert len(PretendIngestion.asked) == 1


def test_a_part_of_the_models_is_built_with_its_own_tests(shared: Home, instance: dg.DagsterInstance) -> None:
    resources = engines(shared)
    assert execute(resources, instance, asset_selection=[MART]).success
    ((models, tests),) = PretendDbt.asked
    assert [model.rsplit(".", 1)[-1] for model in models] == ["dim_region"]
    assert tests
    assert all("dim_region" in test for test in tests)


def test_checks_can_be_carried_out_alone(shared: Home, instance: dg.DagsterInstance) -> None:
    resources = engines(shared)
    definitions = build_defs(resource_overrides=resources)
    keys = sorted(k for k in definitions.resolve_asset_graph().asset_check_keys if k.asset_key == MART)
    job = definitions.resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection=set(), asset_check_selection=set(keys))
    result = alone.execute_in_process(instance=instance, raise_on_error=False, run_config=quiet())
    assert keys
    assert result.success
    assert len(evaluations(result)) == len(keys)
    assert result.get_asset_materialization_events() == []


def tests_of_the_mart(home: Home) -> list[str]:
    """Names of dbt's tests among the checks of MART; expectations have their suite before two underscores."""
    graph = build_defs(resource_overrides=engines(home)).resolve_asset_graph()
    names = sorted(key.name for key in graph.asset_check_keys if key.asset_key == MART)
    return [name for name in names if "__" not in name or name.startswith("not_null")]


def test_a_failed_test_is_shown_and_does_not_stop_the_release(
    shared: Home, instance: dg.DagsterInstance
) -> None:
    dbt = PretendDbt(broken_tests=tests_of_the_mart(shared))
    result = execute(engines(shared, dbt=dbt), instance, asset_selection=FROM_A_MART_ON)
    assert result.success, "the gate decides what is withheld, not the run"
    failed = {name for name, passed in evaluations(result).items() if not passed}
    assert failed == set(dbt.broken_tests) != set()
    assert "release" in steps_in_order(result)


def test_a_test_that_was_proved_before_has_passed(shared: Home, instance: dg.DagsterInstance) -> None:
    dbt = PretendDbt(proved_tests=tests_of_the_mart(shared))
    result = execute(engines(shared, dbt=dbt), instance, asset_selection=FROM_A_MART_ON)
    told = [e for e in result.get_asset_check_evaluations() if "proved_before" in e.metadata]
    assert [e.check_name for e in told] == dbt.proved_tests != []
    assert all(e.passed for e in told)


def test_a_model_that_fails_ends_the_run_before_the_release_and_names_itself(
    shared: Home, instance: dg.DagsterInstance
) -> None:
    dbt = PretendDbt(broken_models=["dim_region"])
    result = execute(engines(shared, dbt=dbt), instance, asset_selection=FROM_A_MART_ON)
    assert not result.success
    assert steps_in_order(result)[-1] == "dbt", "retried it would fail again"
    assert MART not in {event.asset_key for event in result.get_asset_materialization_events()}
    (failure,) = [event.step_failure_data.user_failure_data for event in result.get_step_failure_events()]
    assert failure is not None
    assert "dim_region" in str(failure.description)
    # What the command line does next, and the sensor asks for.
    assert execute(engines(shared, dbt=dbt), instance, job="publish").success


def test_nothing_to_publish_fails_the_run_and_says_so(shared: Home, instance: dg.DagsterInstance) -> None:
    nothing = PretendPublication(metrics=[], withheld=["population"])
    result = execute(engines(shared, publication=nothing), instance, job="publish")
    assert not result.success
    told = _result_of(result, [], {})
    assert told.exit_code == NOTHING
    assert told.errors == (
        "release: Nothing may be published: no metric has its proof. The previous release stands.",
    )
    (failure,) = [event.step_failure_data.user_failure_data for event in result.get_step_failure_events()]
    assert failure is not None
    assert NothingToPublish.MARK in failure.metadata


def test_all_published_is_success(shared: Home, instance: dg.DagsterInstance) -> None:
    assert _result_of(execute(engines(shared), instance, job="publish"), [], {}).exit_code == PUBLISHED


def test_an_expectation_that_fails_is_a_failed_check(shared: Home, instance: dg.DagsterInstance) -> None:
    from expectations.suite import load_suites

    suite = load_suites()[0]
    broken = suite.check_id(suite.expectations[0])
    result = execute(
        engines(shared, publication=PretendPublication(broken_checks=[broken])), instance, job="publish"
    )
    assert {name for name, passed in evaluations(result).items() if not passed} == {broken.replace(".", "__")}


def test_a_failed_check_shows_who_must_act_and_how_to_explain_its_figures(
    shared: Home, instance: dg.DagsterInstance
) -> None:
    broken = "change.mobile_coverage_does_not_fall"
    result = execute(
        engines(shared, publication=PretendPublication(broken_checks=[broken])), instance, job="publish"
    )
    (failed,) = [found for found in result.get_asset_check_evaluations() if not found.passed]
    assert failed.metadata["owners"].value == "Coverage analytics"
    assert "qamtu explain households_passed_pct" in str(failed.metadata["explain"].value)


def test_a_release_shows_its_scorecard_and_what_is_withheld(
    shared: Home, instance: dg.DagsterInstance
) -> None:
    partial = PretendPublication(withheld=["households"])
    result = execute(engines(shared, publication=partial), instance, job="publish")
    (released,) = [
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("release")
    ]
    scorecard = str(released.metadata["scorecard"].value)
    assert scorecard.startswith("**SAMPLE**")
    assert "| S3 | 4G \\| in &lt;3,115> villages | 3,115.0 | – | stale |" in scorecard
    assert "`households`" in str(released.metadata["withheld"].value)


def test_what_is_withheld_is_told_to_the_webhook(
    shared: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as webhook:
        monkeypatch.setenv(ALERT_VARIABLE, webhook.url)
        partial = PretendPublication(withheld=["households"])
        assert execute(engines(shared, publication=partial), instance, job="publish").success
        nothing = PretendPublication(metrics=[], withheld=["households"])
        assert not execute(engines(shared, publication=nothing), instance, job="publish").success
    assert [told["event"] for told in webhook.received] == ["figures_withheld", "nothing_published"]
    assert webhook.received[0]["metrics"] == ["households"]
    # Nobody listens any more: the run does not mind.
    assert execute(engines(shared, publication=partial), instance, job="publish").success


def test_a_run_that_failed_is_told_to_the_webhook(
    shared: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = execute(engines(shared, dbt=PretendDbt(broken_models=["dim_region"])), instance)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.event_type == dg.DagsterEventType.RUN_FAILURE]
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_of_failure",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=failure,
    ).for_run_failure()
    with listening() as webhook:
        monkeypatch.setenv(ALERT_VARIABLE, webhook.url)
        alert_of_failure(context)
    (told,) = webhook.received
    assert told["event"] == "run_failed"
    assert [finding["what"] for finding in told["findings"]] == ["dbt"]
    assert "dim_region" in told["findings"][0]["found"]


def test_a_passing_failure_is_tried_again(
    shared: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster._core.definitions.policy.calculate_delay", lambda **_: 0.0)
    resources = engines(shared)
    PretendIngestion.fails.append("connection reset")
    result = execute(resources, instance, asset_selection=[FILING])
    assert result.success
    assert len(PretendIngestion.asked) == 2


def test_a_run_that_is_interrupted_stops_and_tries_nothing_again(
    shared: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = engines(shared)

    def interrupted(*_: Any, **__: Any) -> None:
        PretendDbt.asked.append((None, None))
        raise KeyboardInterrupt

    monkeypatch.setattr(PretendDbt, "build", interrupted)
    result = execute(resources, instance, asset_selection=FROM_A_MART_ON)
    assert len(PretendDbt.asked) == 1
    assert steps_in_order(result)[-1] == "dbt"
    with pytest.raises(KeyboardInterrupt):
        _stop_if_interrupted(result)


def test_the_pool_is_held_by_one_run_at_a_time(shared: Home, instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    execute(engines(shared), instance, job="publish")
    assert storage.get_concurrency_info(BUILD_POOL).slot_count == 1
    assert storage.get_concurrency_info(BUILD_POOL).active_slot_count == 0, "given back at the end"
    first = storage.claim_concurrency_slot(BUILD_POOL, "run-one", "dbt")
    second = storage.claim_concurrency_slot(BUILD_POOL, "run-two", "dbt")
    assert (first.is_claimed, second.is_claimed) == (True, False)


def test_a_run_that_waits_for_the_pool_leaves_the_processor_to_others(
    shared: Home, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(BUILD_POOL)
    assert storage.claim_concurrency_slot(BUILD_POOL, "run-one", "dbt").is_claimed
    asked: list[str] = []
    claim = InstanceConcurrencyContext.claim

    def counted(self: InstanceConcurrencyContext, key: str, step: str, *more: int) -> bool:
        asked.append(step)
        return claim(self, key, step, *more)

    monkeypatch.setattr(InstanceConcurrencyContext, "claim", counted)
    held = threading.Timer(3, lambda: storage.free_concurrency_slots_for_run("run-one"))
    held.start()
    assert execute(engines(shared), instance, job="publish").success
    assert held.finished.is_set(), "it waited"
    assert len(asked) < 50


def test_a_killed_command_line_run_is_closed_and_frees_the_pool(tmp_path: Path) -> None:
    """A real process that holds the pool and is killed."""
    program = f"""
import os, sys
sys.path.insert(0, {str(PROJECT_DIR)!r})
from pathlib import Path
from tests.integration.dagster_kit import engines, instance_in, quiet, PretendPublication
from orchestration.definitions import build_defs
from orchestration.instance import COMMAND_LINE_TAG
from warehouse.paths import Home

class Killed(PretendPublication):
    def audit(self, home):
        os._exit(9)

with instance_in(Path({str(tmp_path / "dagster")!r})) as instance:
    job = build_defs(engines(Home.from_environment(), publication=Killed())).resolve_job_def("publish")
    job.execute_in_process(instance=instance, tags={{COMMAND_LINE_TAG: "true"}}, run_config=quiet())
"""
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 9
    with instance_in(tmp_path / "dagster") as instance:
        storage = instance.event_log_storage
        assert storage.get_concurrency_info(BUILD_POOL).active_slot_count == 1
        (closed,) = close_abandoned_runs(instance)
        assert instance.get_run_by_id(closed).status == dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert storage.get_concurrency_info(BUILD_POOL).active_slot_count == 0
        assert close_abandoned_runs(instance) == []


def test_the_sensor_asks_once_for_a_file_that_stands_still(
    tmp_path: Path, shared: Home, instance: dg.DagsterInstance
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    resource = HomeResource(root=str(shared.root), inbox_paths=[str(inbox)])
    sensor = build_defs(engines(shared, home=resource)).resolve_sensor_def("arriving_files")

    def look(cursor: str | None) -> tuple[int, str | None]:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"home": resource})
        answer = sensor.evaluate_tick(context)
        return len(answer.run_requests or []), answer.cursor

    asked, cursor = look(None)
    assert asked == 0
    (inbox / "a.csv").write_text("a")
    told = []
    for _ in range(4):
        asked, cursor = look(cursor)
        told.append(asked)
    assert told == [0, 1, 0, 0]
    key = Cursor.parse(cursor).run_key
    job = build_defs(engines(shared, home=resource)).resolve_job_def("refresh")
    instance.create_run_for_job(job, tags={RUN_KEY_TAG: key}, status=dg.DagsterRunStatus.FAILURE)
    told = []
    for _ in range(3):
        asked, cursor = look(cursor)
        told.append(asked)
    assert told == [1, 0, 0], "a run that failed is asked for once more"
    assert Cursor.parse(cursor).run_key != key


def test_the_stand_ins_file_for_every_layout() -> None:
    assert len({outcome.layout_id for outcome in outcomes_of_everything()}) > 10
