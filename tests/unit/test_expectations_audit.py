"""The audit: every result becomes evidence, once, and nothing internal gets into what is published."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from expectations import audit
from expectations.audit import run_audit, without_explained
from expectations.engine import Engine
from expectations.gate import judge
from expectations.ledger import read_ledger
from expectations.suite import Suite
from tests.unit.audit_kit import DbtTest, home_in, share_suite, small_country, write_extracts
from warehouse.lake import partition
from warehouse.paths import Home
from warehouse.verdicts import CheckOutcome


def suite(**changes: Any) -> Suite:
    """The expectation about shares, so strict that the nation's share of 90 fails it."""
    return share_suite(max_value=80, **changes)


def outcome(home: Home, check_id: str, *suites: Suite) -> CheckOutcome:
    return next(one for one in run_audit(home, suites=suites).outcomes if one.check_id == check_id)


def test_every_dbt_test_and_every_expectation_has_an_outcome(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    report = run_audit(home, suites=[suite()])
    kinds = [one.kind for one in report.outcomes]
    assert (kinds.count("dbt"), kinds.count("gx"), kinds.count("build")) == (3, 1, 6)
    assert report.counts() == {"fail": 1, "pass": 9}
    assert [one.check_id for one in report.not_passed] == ["shares.share_is_a_share"]


def test_a_failed_expectation_shows_what_it_found(tmp_path: Path) -> None:
    country = small_country()
    country.tests.append(DbtTest("fct_coverage", "unique_combination", ("as_of_date", "kato", "technology")))
    home = country.write(home_in(tmp_path))
    found = outcome(home, "shares.share_is_a_share", suite())
    assert (found.status, found.failing_count) == ("fail", 1)
    assert found.observed == "1 of 2 rows; first: as_of_date=2025-12-31, kato=000000000", "no value in public"
    assert json.loads(found.offending_rows) == [
        {"as_of_date": "2025-12-31", "kato": "000000000", "population_covered_pct": 90.0}
    ]


def test_only_columns_that_are_looked_at_are_fetched_of_all_rows() -> None:
    explained = {"match": {"kato": "000000000"}, "reason": "The nation is counted in its regions already."}
    (plain,) = suite().expectations
    (one_left_out,) = suite(explained=[explained]).expectations
    assert audit.columns_read([plain]) == {plain.query: ("population_covered_pct",)}
    assert audit.columns_read([plain, one_left_out]) == {plain.query: ("kato", "population_covered_pct")}
    counted = suite(expect="expect_table_row_count_to_equal", kwargs={"value": 0}).expectations[0]
    assert audit.columns_read([plain, counted]) == {plain.query: ()}, "it may look at any"


def test_a_warning_warns(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    found = outcome(home, "shares.share_is_a_share", suite(severity="warning"))
    assert (found.status, found.severity) == ("warn", "warning")


def test_what_is_proven_is_not_found_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = small_country().write(home_in(tmp_path))
    first = run_audit(home, suites=[suite()])
    assert (first.evaluated, first.reused) == (1, 0)
    monkeypatch.setattr(audit, "Engine", None)  # a second evaluation would fail
    again = run_audit(home, suites=[suite()])
    assert (again.evaluated, again.reused, again.recorded) == (0, 1, 0)
    assert again.outcomes == first.outcomes


def test_proof_is_not_used_for_rows_that_were_changed_in_the_lake(tmp_path: Path) -> None:
    """Views are not hashed by content: their proof stands on what the lake accepted."""
    on_view = suite(
        tables=["staging.stg_availability"],
        query="select level from staging.stg_availability",
        kwargs={"column": "level", "min_value": 1, "max_value": 1},
    )
    home = small_country().write(home_in(tmp_path))
    assert outcome(home, "shares.share_is_a_share", on_view).status == "pass"
    part = partition(home, "accepted", "operator_availability", "e1") / "part-0.parquet"
    pl.DataFrame({"extract_id": []}, {"extract_id": pl.String}).write_parquet(part)
    for _ in range(2):
        report = run_audit(home, suites=[on_view])
        found = next(one for one in report.outcomes if one.check_id == "shares.share_is_a_share")
        assert (report.evaluated, report.reused, found.status) == (0, 0, "missing")
        assert found.observed == (
            "accepted/operator_availability/extract_id=e1/part-0.parquet was changed after it was accepted; run again: "
            "its file is read anew"
        )
    withheld = {
        verdict.metric_id: str(verdict.withheld_reason) for verdict in judge(home, [on_view]).withheld
    }
    assert set(withheld) == {"population_covered_pct"}
    assert "extract_id=e1/part-0.parquet was changed" in withheld["population_covered_pct"]


def test_what_could_not_be_evaluated_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = small_country().write(home_in(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "evaluate", lambda *_: (_ for _ in ()).throw(ValueError("no memory")))
        assert outcome(home, "shares.share_is_a_share", suite()).observed == "no memory"
    assert outcome(home, "shares.share_is_a_share", suite()).status == "fail"


def test_a_failed_dbt_test_keeps_its_rows_in_the_ledger_and_only_counts_in_public(tmp_path: Path) -> None:
    country = small_country()
    country.tests[0] = replace(
        country.tests[0],
        status="fail",
        failures=2,
        sql="select kato, 'МАРКЕР' as filed_region from marts.fct_coverage",
    )
    home = country.write(home_in(tmp_path))
    found = outcome(home, country.tests[0].unique_id)
    assert found.observed == "2 rows found"
    assert [row["filed_region"] for row in json.loads(found.offending_rows)] == ["МАРКЕР", "МАРКЕР"]


def test_a_column_that_is_somewhere_a_figure_is_not_shown_as_a_key(tmp_path: Path) -> None:
    country = small_country()
    country.tests.append(DbtTest("fct_coverage", "unique_combination", ("kato", "population_covered_pct")))
    home = country.write(home_in(tmp_path))
    assert outcome(home, "shares.share_is_a_share", suite()).observed == "1 of 2 rows; first: kato=000000000"


def test_an_error_is_told_without_the_numbers_it_quotes(tmp_path: Path) -> None:
    country = small_country(statuses={"fct_coverage": "error"})
    home = country.write(home_in(tmp_path))
    path = home.dbt_target / "run_results.json"
    document = json.loads(path.read_text())
    failed = next(one for one in document["results"] if one["status"] == "error")
    failed["message"] = "Could not convert '596 676,5' of int_area to INT32: 12 is no 1,234.5 in x_2025q4.csv"
    path.write_text(json.dumps(document))
    assert outcome(home, "build.fct_coverage").observed == (
        "Could not convert '…' of int_area to INT32: … is no … in x_2025q4.csv"
    )
    recorded = read_ledger(home.ledger).rows
    assert [row.observed for row in recorded if row.check_id == "build.fct_coverage"] == [failed["message"]]


def test_messages_name_no_place_of_this_machine(tmp_path: Path) -> None:
    country = small_country(statuses={"fct_coverage": "error"})
    home = country.write(home_in(tmp_path))
    path = home.dbt_target / "run_results.json"
    document = json.loads(path.read_text())
    next(one for one in document["results"] if one["status"] == "error")["message"] = (
        f"IO Error in {home.lake}/x"
    )
    path.write_text(json.dumps(document))
    assert outcome(home, "build.fct_coverage").observed == "IO Error in <home>/lake/x"


def test_a_test_whose_rows_can_not_be_read_again_still_fails(tmp_path: Path) -> None:
    country = small_country()
    country.tests[0] = replace(country.tests[0], status="fail", failures=2, sql="select nothing from nowhere")
    found = outcome(country.write(home_in(tmp_path)), country.tests[0].unique_id)
    assert (found.status, found.failing_count, found.offending_rows) == ("fail", 2, "[]")


def test_without_dbts_results_its_tests_are_missing(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    (home.dbt_target / "run_results.json").unlink()
    report = run_audit(home, suites=())
    assert report.counts() == {"missing": 9}
    assert "no run_results.json" in report.notes[0]


def test_a_second_run_of_dbt_on_the_same_content_adds_nothing(tmp_path: Path) -> None:
    country = small_country()
    home = country.write(home_in(tmp_path))
    run_audit(home, suites=())
    country.write(home)
    assert run_audit(home, suites=()).recorded == 0


def test_results_of_dbt_prove_nothing_once_another_delivery_came_in(tmp_path: Path) -> None:
    """Between dbt and the audit a resubmission was read: the tables are still those of the filing before."""
    country = small_country()
    home = country.write(home_in(tmp_path))
    country.extracts[0]["content_fingerprint"] = "resubmitted"
    write_extracts(home, country.extracts)
    report = run_audit(home, suites=())
    assert "changed after dbt's last run" in report.notes[0]
    assert report.recorded == 0
    assert set(report.counts()) == {"missing"}


def test_a_damaged_ledger_is_noted_and_made_good_by_the_next_run(tmp_path: Path) -> None:
    country = small_country()
    home = country.write(home_in(tmp_path))
    run_audit(home, suites=())
    (path,) = home.ledger.glob("*.parquet")
    path.write_bytes(path.read_bytes()[:100])
    report = run_audit(home, suites=())
    assert report.damaged == (path.name,)
    assert report.counts() == {"pass": 9}


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    with duckdb.connect(str(home.build_file)) as connection:
        connection.execute("drop table marts.fct_coverage")
    found = outcome(home, "shares.share_is_a_share", suite())
    assert (found.status, found.observed) == ("missing", "marts.fct_coverage is not in the build")


def test_an_explained_finding_is_left_out_and_counted(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    explained = [
        {
            "match": {"kato": "000000000", "as_of_date": "2025-12-31"},
            "reason": "Counted by another method since 2025; see the decision.",
        }
    ]
    found = outcome(home, "shares.share_is_a_share", suite(explained=explained))
    assert (found.status, found.observed) == ("pass", "1 row looked at; 1 row left out as explained")


def test_an_explanation_of_something_else_explains_nothing() -> None:
    frame = pd.DataFrame({"kato": ["1", "2"], "as_of_date": pd.to_datetime(["2025-12-31", "2025-12-31"])})
    reason = "The operator left the market in 2025."
    for match in ({"kato": "3"}, {"kato": "1", "as_of_date": "2025-09-30"}):
        one = suite(explained=[{"match": match, "reason": reason}]).expectations[0]
        kept, left_out = without_explained(frame, one)
        assert (len(kept), left_out) == (2, 0)


def test_an_explanation_by_a_column_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    explained = [{"match": {"region": "1"}, "reason": "The operator left the market in 2025."}]
    assert outcome(home, "shares.share_is_a_share", suite(explained=explained)).status == "error"


def test_an_expectation_that_the_library_does_not_know_is_an_error(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    found = outcome(home, "shares.share_is_a_share", suite(expect="expect_the_unexpected"))
    assert (found.status, found.observed) == ("error", "Great Expectations has no expect_the_unexpected")


def test_progress_is_told(tmp_path: Path) -> None:
    lines: list[str] = []
    run_audit(small_country().write(home_in(tmp_path)), suites=[suite()], progress=lines.append)
    assert lines == ["audit: evaluating 1 expectations", "audit: 1 fail, 9 pass"]


def test_a_seed_of_warnings_does_not_block(tmp_path: Path) -> None:
    country = small_country()
    country.tests.append(
        DbtTest("fct_coverage", columns=("population",), severity="warn", status="warn", failures=4)
    )
    found = outcome(country.write(home_in(tmp_path)), "test.qamtu.not_null_fct_coverage_population")
    assert (found.status, found.severity, found.failing_count) == ("warn", "warning", 4)
