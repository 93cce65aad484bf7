"""The event log that keeps its connections: what it stores is what Dagster reads back, all of a batch or none."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.event_log import KeptSqliteEventLogStorage
from tests.integration.dagster_kit import instance_in


@dg.asset(check_specs=[dg.AssetCheckSpec("filled", asset="numbers")])
def numbers() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(check_name="filled", passed=True)], metadata={"rows": 3}
    )


def _materialise(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize([numbers], instance=instance)


def test_what_a_run_intends_is_stored_at_once_and_read_by_the_stock_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "10000")
    sizes = []
    stock = KeptSqliteEventLogStorage.store_event_batch

    def counted(self: KeptSqliteEventLogStorage, events: list[dg.EventLogEntry]) -> None:
        sizes.append(len(events))
        stock(self, events)

    monkeypatch.setattr(KeptSqliteEventLogStorage, "store_event_batch", counted)
    with instance_in(tmp_path) as instance:
        run = _materialise(instance)
        storage = instance.event_log_storage
        assert isinstance(storage, KeptSqliteEventLogStorage)
        kept = [event.dagster_event_type for event in storage.get_logs_for_run(run.run_id)]
    assert sizes == [2], "the asset and its check, in one batch"
    other = SqliteEventLogStorage(storage._base_dir)
    assert [event.dagster_event_type for event in other.get_logs_for_run(run.run_id)] == kept
    latest = other.get_latest_asset_check_execution_by_key([next(iter(numbers.check_keys))])
    assert [record.status.value for record in latest.values()] == ["SUCCEEDED"]
    other.dispose()


def test_a_batch_with_an_error_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with instance_in(tmp_path) as instance:
        run = _materialise(instance)
        storage = instance.event_log_storage
        events = list(storage.get_logs_for_run(run.run_id))
        before = len(events)
        stored = []
        stock = KeptSqliteEventLogStorage.store_event

        def fails_at_the_third(self: KeptSqliteEventLogStorage, event: dg.EventLogEntry) -> None:
            if len(stored) == 2:
                raise OSError("disk full")
            stored.append(event)
            stock(self, event)

        with monkeypatch.context() as patched:
            patched.setattr(KeptSqliteEventLogStorage, "store_event", fails_at_the_third)
            with pytest.raises(OSError, match="disk full"):
                storage.store_event_batch(events[:4])
        assert len(storage.get_logs_for_run(run.run_id)) == before
        storage.store_event_batch(events[:4])
        assert len(storage.get_logs_for_run(run.run_id)) == before + 4
