"""Rows whose key repeats: told from hashes, in one pass or several, and never lost."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.pipeline import land
from ingestion.split import repeated_hashes
from tests.unit.ingestion_kit import ROW, Warehouse

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


def test_a_delivery_is_landed_once_whoever_lands_it(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    assert land(warehouse.home, [warehouse.inbox])
    assert not land(warehouse.home, [warehouse.inbox])
    outcomes = warehouse.run().values()
    assert sorted(outcome.received_order for outcome in outcomes) == [1, 2, 3]
