"""Senders in Dagster: quarters filed, rejected and late, and the job that pulls; with stand-in engines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from ingestion.sender import Sender, load_senders
from orchestration import filings
from orchestration.definitions import build_defs
from orchestration.partitions import QUARTERS
from orchestration.resources import HomeResource, PullEngine
from tests.integration.dagster_kit import (
    QUARTERS_FILED,
    PretendIngestion,
    engines,
    instance_in,
    outcomes_of_everything,
    quiet,
)
from warehouse.lake import Outcome
from warehouse.paths import Home

KOKTEM = dg.AssetKey(["filings", "sample_koktem"])
EXTRACT = dg.AssetKey(["sample_koktem", "operator_availability"])
FIRST, SECOND = "2024-10-01", "2025-01-01"


class Koktem(PretendIngestion):
    """Refuses the second of the two quarters that Koktem filed for, while `is_refused`."""

    is_refused: ClassVar[bool] = False

    def outcomes(self, home: Home) -> list[Outcome]:
        known = outcomes_of_everything()
        if not self.is_refused:
            return known
        return [
            replace(
                outcome, outcome="rejected", is_current=False, as_of_date=None, message="no column 'KATO'",
                file_name="sample_koktem/satellite_2025q1.csv",
            )
            if (outcome.sender, outcome.as_of_date) == ("sample_koktem", QUARTERS_FILED[1]) else outcome
            for outcome in known
        ]  # fmt: skip


class PretendPull(PullEngine):
    """Reaches everyone but those named."""

    fails: ClassVar[list[str]] = []
    asked: ClassVar[list[list[str]]] = []

    def pull(self, home: Home, senders: Sequence[str], progress: Callable[[str], None]) -> list[str]:
        self.asked.append(list(senders))
        return [f"{sender}: no answer" for sender in self.fails]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_defs(engines(Home.from_environment(), ingestion=Koktem(), puller=PretendPull()))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with instance_in(tmp_path / "dagster") as opened:
        yield opened


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """While it lasts, Koktem's second quarter is refused."""
    monkeypatch.setattr(Koktem, "is_refused", True)
    return monkeypatch


def execute(definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, **more: Any) -> bool:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, run_config=quiet(), **more
    )
    return result.success


def statuses(instance: dg.DagsterInstance) -> tuple[set[str], set[str]]:
    """Quarters that Dagster shows green and red."""
    value = get_and_update_asset_status_cache_value(instance, KOKTEM, QUARTERS)
    assert value is not None
    green = value.deserialize_materialized_partition_subsets(QUARTERS)
    red = value.deserialize_failed_partition_subsets(QUARTERS)
    return set(green.get_partition_keys()), set(red.get_partition_keys())


def test_a_rejected_quarter_is_red_until_it_is_filed(
    definitions: dg.Definitions, instance: dg.DagsterInstance, refused: pytest.MonkeyPatch
) -> None:
    assert execute(definitions, instance, "refresh", asset_selection=[EXTRACT])
    assert statuses(instance) == ({FIRST}, set())
    assert not execute(definitions, instance, "filings", asset_selection=[KOKTEM], partition_key=SECOND)
    assert statuses(instance) == ({FIRST}, {SECOND})
    refused.setattr(Koktem, "is_refused", False)
    assert execute(definitions, instance, "refresh", asset_selection=[EXTRACT])
    assert statuses(instance) == ({FIRST, SECOND}, set())


def test_a_late_quarter_stays_empty(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    assert execute(definitions, instance, "filings", asset_selection=[KOKTEM], partition_key="2025-04-01")
    assert statuses(instance) == (set(), set())


def test_each_newly_rejected_quarter_is_looked_at_once(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"home": HomeResource(), "ingestion": Koktem()}

    def asked() -> list[dg.RunRequest]:
        context = dg.build_sensor_context(instance=instance, resources=chosen)
        return [told for told in filings.rejected_filings(context) if isinstance(told, dg.RunRequest)]

    assert asked() == []
    monkeypatch.setattr(Koktem, "is_refused", True)
    (first,), (again,) = asked(), asked()
    assert (first.partition_key, first.asset_selection) == (SECOND, [KOKTEM])
    assert first.run_key == again.run_key


def test_the_account_of_deliveries_tells_all_senders_by_quarter(refused: pytest.MonkeyPatch) -> None:
    outcomes = Koktem().outcomes(Home.from_environment())
    table = filings.filings_table(outcomes, dt.date(2025, 7, 20))
    rows = {line.split(" | ")[0].strip("| "): line for line in table.splitlines()}
    assert rows["sample_koktem"].endswith("| filed | **rejected** | due |")
    assert rows["sample_qaztech"].endswith("| filed | filed | due |")
    assert "| **late** |" in rows["sample_koktem"]


def test_an_entry_with_a_source_is_pulled_as_it_says(
    definitions: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = load_senders()["sample_koktem"].model_dump(by_alias=True)
    sources = [{"uri": "file:///filings", "files": ["*"]}]
    entry = Sender.model_validate(values | {"sources": sources, "schedule": "30 4 * * 1"})
    monkeypatch.setattr("orchestration.filings.load_senders", lambda: {"sample_koktem": entry})
    (schedule,) = filings.pull_schedules()
    assert (schedule.cron_schedule, schedule.job_name) == ("30 4 * * 1", "pull")
    request = schedule.evaluate_tick(dg.build_schedule_context(instance=instance)).run_requests
    assert request is not None
    job = definitions.resolve_job_def("pull")
    assert job.execute_in_process(instance=instance, run_config=quiet() | dict(request[0].run_config)).success
    assert PretendPull.asked == [["sample_koktem"]]
    monkeypatch.setattr(PretendPull, "fails", ["sample_koktem"])
    assert not execute(definitions, instance, "pull")
