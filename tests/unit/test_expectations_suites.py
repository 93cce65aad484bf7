"""Every expectation fires on the fault it is there for, and on nothing in a country without faults."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest

from expectations.engine import Engine, Finding
from expectations.suite import Expectation, load_suites
from tests.unit.small_marts import small_marts
from tests.unit.suite_faults import FAULTS, FILINGS, LATEST, TECHNOLOGY, TIER, VILLAGES

SUITES = load_suites()
EXPECTATIONS = {suite.check_id(one): one for suite in SUITES for one in suite.expectations}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def country() -> Iterator[duckdb.DuckDBPyConnection]:
    with small_marts() as connection:
        yield connection


@pytest.fixture
def marts(country: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The country, with every change taken back after the test."""
    country.execute("begin")
    yield country
    country.execute("rollback")


def found(engine: Engine, marts: duckdb.DuckDBPyConnection, expectation: Expectation) -> Finding:
    return engine.evaluate(marts.execute(expectation.query).df(), expectation.expect, expectation.kwargs)


@pytest.mark.parametrize("check_id", sorted(EXPECTATIONS))
def test_nothing_fires_where_nothing_is_wrong(
    engine: Engine, marts: duckdb.DuckDBPyConnection, check_id: str
) -> None:
    finding = found(engine, marts, EXPECTATIONS[check_id])
    assert finding.success, finding.observed


@pytest.mark.parametrize(
    ("check_id", "fault"), [(check_id, fault) for check_id, faults in FAULTS.items() for fault in faults]
)
def test_each_expectation_fires_on_its_fault(
    engine: Engine, marts: duckdb.DuckDBPyConnection, check_id: str, fault: str
) -> None:
    expectation = EXPECTATIONS[check_id]
    for statement in FAULTS[check_id][fault].split("; "):
        changed = marts.execute(statement).fetchall()
        assert changed[0][0] > 0, "the fault changed nothing"
    finding = found(engine, marts, expectation)
    assert not finding.success
    assert finding.failing_count > 0
    assert finding.offending_rows != "[]"


ACCEPTED = {
    "filings.no_region_is_lost": (
        "delete from {filings} where operator_id = 'arman' and settlement_kato like '10%' and {at}"
    ),
    "filings.served_settlements_stay_served": (
        "delete from {filings} where operator_id = 'arman' and settlement_kato like '10100%' and {at}"
    ),
    "change.mobile_coverage_does_not_fall": (
        "update {technology} set population_covered_pct = 1 where kato in ('000000000', '100000000') and {at}"
    ),
    "change.fixed_and_satellite_coverage_does_not_fall": (
        "update {technology} set population_covered_pct = 1 where kato in ('000000000', '100000000') and {at}"
    ),
    "change.speed_tiers_do_not_fall": (
        "update {tier} set population_covered_pct = 1 where kato in ('000000000', '100000000') and {at}"
    ),
    "change.villages_stay_reached": (
        "update {villages} set villages_covered_pct = 1 where kato in ('000000000', '100000000') and {at}"
    ),
    "change.households_passed_do_not_fall": (
        "update {technology} set households_passed = 1 where kato in ('000000000', '100000000') and {at}"
    ),
}


@pytest.mark.parametrize("check_id", sorted(ACCEPTED))
def test_what_a_person_accepted_is_no_fault_there_and_then(
    engine: Engine, marts: duckdb.DuckDBPyConnection, check_id: str
) -> None:
    names = {"filings": FILINGS, "technology": TECHNOLOGY, "tier": TIER, "villages": VILLAGES, "at": LATEST}
    marts.execute(ACCEPTED[check_id].format(**names))
    assert not found(engine, marts, EXPECTATIONS[check_id]).success
    accept = (
        "insert into intermediate.int_accepted_fall values "
        "({0}, 'arman', 'region', '100000000'), ({0}, 'arman', 'national', '000000000')"
    )
    marts.execute(accept.format("date '2025-09-30'"))
    assert not found(engine, marts, EXPECTATIONS[check_id]).success, "accepted for another date"
    marts.execute(accept.format("date '2025-12-31'"))
    assert found(engine, marts, EXPECTATIONS[check_id]).success


def test_an_accepted_plan_may_have_lost_villages(engine: Engine, marts: duckdb.DuckDBPyConnection) -> None:
    expectation = EXPECTATIONS["change.villages_of_the_plan_are_stable"]
    marts.execute(
        "delete from staging.stg_rural_connection_plan where extract_id = 'plan-2025' and settlement_kato like '1020%'"
    )
    marts.execute("insert into staging.stg_suspicion values ('plan-2025', false)")
    assert not found(engine, marts, expectation).success
    marts.execute("update staging.stg_suspicion set is_accepted = true")
    assert found(engine, marts, expectation).success


def test_a_filing_that_stands_in_is_not_sent_twice(engine: Engine, marts: duckdb.DuckDBPyConnection) -> None:
    expectation = EXPECTATIONS["filings.no_filing_is_sent_twice"]
    marts.execute(FAULTS["filings.no_filing_is_sent_twice"]["stale filing under a new date"])
    assert not found(engine, marts, expectation).success
    marts.execute(
        f"insert into staging.stg_stand_in select distinct extract_id, as_of_date from {FILINGS} "
        f"where operator_id = 'arman' and {LATEST}"
    )
    assert found(engine, marts, expectation).success


def test_every_expectation_has_a_fault_that_shows_it_firing() -> None:
    assert set(FAULTS) == set(EXPECTATIONS)


@pytest.mark.parametrize("check_id", sorted(EXPECTATIONS))
def test_an_expectation_names_every_table_it_reads(check_id: str) -> None:
    expectation = EXPECTATIONS[check_id]
    read = set(
        re.findall(r"\b(?:from|join)\s+((?:staging|intermediate|marts|seeds)\.\w+)", expectation.query)
    )
    assert read == {*expectation.tables, *expectation.also_reads}


@pytest.mark.parametrize("check_id", sorted(EXPECTATIONS))
def test_an_expectation_shows_no_internal_column(check_id: str) -> None:
    """What is observed is published; what senders wrote and where an address lies is not."""
    assert not re.search(
        r"\b(filed_(region|district|settlement)|location_id)\b", EXPECTATIONS[check_id].query
    )


def test_suites_are_written_for_people() -> None:
    for check_id, expectation in EXPECTATIONS.items():
        assert expectation.description.rstrip().endswith("."), check_id
        assert expectation.remedy.rstrip().endswith("."), check_id
        assert expectation.remedy[0].isupper(), check_id
