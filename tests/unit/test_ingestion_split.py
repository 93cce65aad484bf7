"""Rows whose key repeats: told from hashes, in one pass or several, and never lost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.pipeline import ingest, land
from ingestion.split import repeated_hashes
from tests.unit.ingestion_kit import FILING, ROW, Warehouse, layout

OTHER = "31.12.2025;область Абай;Абайский район;с.Карааул;103230100;4G/LTE;3;100 000,0;50,5;1\u00a0140;900"


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    return made


@given(st.lists(st.integers(0, 50) | st.none(), max_size=200), st.integers(1, 60))
def test_repeated_hashes_are_those_that_occur_twice_however_many_passes(
    values: list[int | None], rows_per_pass: int
) -> None:
    hashes = pl.LazyFrame({"h": values}, schema={"h": pl.UInt64})
    found = repeated_hashes(hashes, len(values), rows_per_pass)
    expected = {value for value in values if value is not None and values.count(value) > 1}
    assert found.len() == len(expected)
    assert set(found) == expected


def test_rows_said_again_lie_beside_the_others_in_a_file_of_their_own(warehouse: Warehouse) -> None:
    warehouse.file(ROW, OTHER, ROW)
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (outcome.rows_accepted, outcome.rows_duplicate) == (2, 1), outcome.message
    assert sorted(warehouse.part("accepted", outcome)["source_row"]) == [2, 3]
    assert warehouse.part("duplicate", outcome)["duplicate_of_row"].to_list() == [2]


def test_rows_said_again_are_set_aside_in_a_folder_with_an_apostrophe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d'Or").mkdir()
    made = Warehouse(tmp_path / "d'Or")
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    made.file(ROW, OTHER, ROW)
    assert made.run()["dala_2025q4.csv"].rows_duplicate == 1


def test_a_delivery_is_landed_once_whoever_lands_it(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    assert land(warehouse.home, [warehouse.inbox])
    assert not land(warehouse.home, [warehouse.inbox])
    outcomes = warehouse.run().values()
    assert sorted(outcome.received_order for outcome in outcomes) == [1, 2, 3]


def test_what_was_in_the_future_is_judged_again_when_it_comes_again_later(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on(day: int, month: int, year: int) -> None:
        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Clock:
                return cls(year, month, day, 12, tzinfo=tz)

        monkeypatch.setattr("warehouse.landing.dt", SimpleNamespace(datetime=Clock, date=dt.date, UTC=dt.UTC))

    warehouse.layouts["test/availability"] = layout(FILING, file_pattern=r"dala.*\.csv")
    on(30, 12, 2025)
    warehouse.file(ROW, name="dala.csv")
    outcome = warehouse.run()["dala.csv"]
    assert [rule for _, rule, _, _ in warehouse.reasons(outcome)] == ["future_period"]
    on(2, 1, 2026)
    warehouse.file(ROW, name="dala_again.csv")
    (again,) = (o for o in warehouse.run().values() if o.extract_id == outcome.extract_id)
    assert (again.outcome, again.rows_accepted) == ("accepted", 1), again.message
    report = ingest(warehouse.home, warehouse.inbox)
    assert (report.processed, again in report.extracts) == (0, True)
