"""Properties of figures on the sample country, and of ingestion whatever arrives in whichever order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from tests.faults.semantics import PROPERTIES, Property, ask
from tests.main_job_kit import Run
from tests.unit.ingestion_kit import ROW, Warehouse
from warehouse.lake import read_outcomes, with_currency

_CODES = ("103230100", "103230200", "103230500", "103230600", "103230700")
_ENDS = ("31.03", "30.06", "30.09", "31.12")


@pytest.fixture(scope="module")
def asked(sample_run: Run) -> dict[str, Property]:
    with duckdb.connect(str(sample_run.home.build_file), read_only=True) as connection:
        return {found.name: found for found in ask(connection)}


@pytest.mark.parametrize("name", PROPERTIES)
def test_the_figures_of_the_sample_have_the_property(asked: dict[str, Property], name: str) -> None:
    assert asked[name].examples > 200
    assert asked[name].broken == []


_COVERED = "update marts.fct_coverage_by_technology set"
#: What each property says no more of, changed in the finished tables.
BREAKS = {
    "any operator covers no fewer than the largest and no more than the sum": (
        f"{_COVERED} population_covered = 0 where geography_level = 'national'"
    ),
    "shares covered by exactly n operators make 100": (
        "update marts.fct_operator_overlap set population_exactly_pct = population_exactly_pct + 0.1"
    ),
    "covered by none is what any operator leaves": f"{_COVERED} population_covered = population_covered + 1",
    "5G or better is within 4G or better": f"{_COVERED} population_covered = population where technology = '5g'",
    "4G or better is within 3G or better": f"{_COVERED} population_covered = population where technology = '4g'",
    "3G or better is within 2G or better": f"{_COVERED} settlements_covered = 99999 where technology = '3g'",
    "covered are part of the population": f"{_COVERED} population_covered = population + 1",
    "regions make the nation": f"{_COVERED} population = population + 1 where geography_level = 'national'",
    "districts make their region": f"{_COVERED} settlements_covered = 0 where geography_level = 'region'",
    "villages covered are those of the filings": f"{_COVERED} villages_covered = villages_covered + 1",
}


def test_every_property_has_a_change_that_breaks_it() -> None:
    assert BREAKS.keys() == PROPERTIES.keys()


@pytest.mark.parametrize(("name", "breaks"), BREAKS.items())
def test_a_property_is_seen_to_break(sample_run: Run, name: str, breaks: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{sample_run.home.build_file}' as build (read_only)")
        for schema in ("marts", "intermediate"):
            connection.execute(f"create schema {schema}")
        for table in ("marts.fct_coverage_by_technology", "marts.dim_region", "marts.fct_operator_overlap",
                      "marts.dim_technology", "marts.fct_coverage_by_operator", "intermediate.int_availability",
                      "intermediate.int_settlement"):  # fmt: skip
            connection.execute(f"create table {table} as select * from build.{table}")
        connection.execute(breaks)
        assert next(found for found in ask(connection) if found.name == name).broken


# --- Arrival -----------------------------------------------------------------------------------------------------

_filings = st.lists(
    st.tuples(
        st.integers(1, 4), st.integers(0, 2), st.lists(st.sampled_from(_CODES), min_size=1, unique=True)
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda filing: filing[:2],
)


def _content(quarter: int, revision: int, codes: list[str]) -> list[str]:
    row = ROW.replace("31.12", _ENDS[quarter - 1]).replace("Карааул", "").replace("с.;", ";")
    return [row.replace("103230100", code).replace(";3;", f";{1 + revision};") for code in codes]


def _name(quarter: int, revision: int) -> str:
    return f"dala_2025q{quarter}{f'_rev{revision}' if revision else ''}.csv"


def _in_force(warehouse: Warehouse) -> dict[str, Any]:
    """What counts, by series: the rows, without when and as what they came."""
    found: dict[str, Any] = {}
    for outcome in with_currency(read_outcomes(warehouse.home)):
        if outcome.is_current and outcome.extract_kind == "operator_availability":
            rows = warehouse.part("accepted", outcome).drop("source_row", "source_sheet")
            found[outcome.series] = sorted(map(str, rows.iter_rows()))
    return found


@settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(_filings, st.randoms(use_true_random=False))
def test_order_and_repetition_of_arrival_change_nothing_and_a_filing_only_its_own_quarter(
    filings: list[tuple[int, int, list[str]]], order: Any
) -> None:
    seen = []
    for arriving in (filings, order.sample(filings, len(filings))):
        with tempfile.TemporaryDirectory() as folder:
            warehouse = Warehouse(Path(folder))
            with (
                patch("ingestion.pipeline.load_layouts", lambda w=warehouse: w.layouts),
                patch("os.fsync", lambda _: None),
            ):
                warehouse.run()
                for quarter, revision, codes in arriving:
                    before = _in_force(warehouse)
                    warehouse.file(*_content(quarter, revision, codes), name=_name(quarter, revision))
                    warehouse.run()
                    after = _in_force(warehouse)
                    own = f"2025q{quarter}"
                    assert {k: v for k, v in after.items() if own not in k} == {
                        k: v for k, v in before.items() if own not in k
                    }
                everything = _in_force(warehouse)
                for quarter, revision, codes in arriving:
                    again = warehouse.inbox / "again"
                    again.mkdir(exist_ok=True)
                    warehouse.file(*_content(quarter, revision, codes), name=_name(quarter, revision))
                warehouse.run()
                assert _in_force(warehouse) == everything
                seen.append(everything)
    assert seen[0] == seen[1]
