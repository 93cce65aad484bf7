"""A known fault is corrected as decided, says so, and the decision fails loudly once the source is mended."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ingestion.corrections import Correction, load_corrections
from ingestion.layout import load_layouts
from ingestion.rules import typed
from tests.unit.ingestion_kit import ROW, Warehouse


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    entry = Correction(
        layout="test/availability",
        where={"settlement_kato": "103230100", "technology": "fttp"},
        column="households_passed",
        expect="1140",
        value="140",
        reason="a digit too many, as the operator wrote on 3 January",
        author="someone@qamtu.kz",
        date=dt.date(2026, 1, 5),
    )
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    monkeypatch.setattr("ingestion.corrections.load_corrections", lambda: (entry,))
    return made


def test_the_value_is_corrected_and_the_outcome_says_why(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.part("accepted", outcome)["households_passed"].to_list() == [140]
    assert (
        "households_passed of settlement_kato 103230100, technology fttp corrected from 1140 to 140"
        in str(outcome.message)
    )
    assert "a digit too many" in str(outcome.message)


def test_a_mended_source_ends_the_correction_loudly(warehouse: Warehouse) -> None:
    warehouse.file(ROW.replace("1\u00a0140", "150"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (outcome.outcome, outcome.rule) == ("rejected", "correction_expired")
    assert "holds [150] in 'households_passed'" in str(outcome.message)


def test_shipped_corrections_fit_their_layouts() -> None:
    layouts = load_layouts()
    for entry in load_corrections():
        contract = layouts[entry.layout].contract
        for name, value in {**entry.where, entry.column: entry.value}.items():
            typed(value, contract.column(name))
        assert len(entry.reason) > 20
        assert entry.author
