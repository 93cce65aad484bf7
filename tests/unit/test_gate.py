"""The gate: proof on exactly this candidate, and no metric pays for another's fault."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from expectations.audit import run_audit
from expectations.gate import judge
from expectations.suite import Suite
from tests.unit.audit_kit import (
    Country,
    DbtTest,
    Table,
    home_in,
    share_suite,
    small_country,
    write_extracts,
)
from warehouse.paths import Home
from warehouse.verdicts import Verdicts

COVERAGE, ITU = "population_covered_pct", "itu_population_covered_pct"


def judged(country: Country, folder: Path, suites: Iterable[Suite] = ()) -> Verdicts:
    home = country.write(home_in(folder))
    run_audit(home, suites=suites)
    return judge(home, suites=suites)


def reasons(verdicts: Verdicts) -> dict[str, str | None]:
    return {verdict.metric_id: verdict.withheld_reason for verdict in verdicts}


def test_everything_proven_is_published(tmp_path: Path) -> None:
    verdicts = judged(small_country(), tmp_path)
    assert reasons(verdicts) == {COVERAGE: None, ITU: None}
    assert [verdict.status for verdict in verdicts.metrics] == ["published", "published"]


def test_checks_follow_from_lineage(tmp_path: Path) -> None:
    verdicts = judged(small_country(), tmp_path)
    by_metric = {verdict.metric_id: verdict.checks for verdict in verdicts}
    assert "test.qamtu.not_null_fct_coverage_kato" in by_metric[COVERAGE]
    assert "build.stg_availability" in by_metric[COVERAGE]
    assert "build.stg_itu" not in by_metric[COVERAGE]
    assert "test.qamtu.not_null_fct_metric_metric_id" in by_metric[COVERAGE]


def test_a_failed_check_withholds_its_metric_and_no_other(tmp_path: Path) -> None:
    country = small_country()
    country.tests[1].status, country.tests[1].failures = "fail", 3
    found = reasons(judged(country, tmp_path))
    assert found[COVERAGE] is None
    assert found[ITU] is not None
    assert "test.qamtu.not_null_fct_benchmark_kato failed: 3 rows found" in found[ITU]
    assert "look at the offending rows" in found[ITU]


def test_a_failed_check_far_upstream_withholds(tmp_path: Path) -> None:
    country = small_country()
    country.tests.append(DbtTest("stg_itu", columns=("value",), status="fail", failures=1))
    found = reasons(judged(country, tmp_path))
    assert found[COVERAGE] is None
    assert "not_null_stg_itu_value failed" in str(found[ITU])


def test_a_failed_check_on_the_table_of_metrics_withholds_all(tmp_path: Path) -> None:
    country = small_country()
    country.tests[2].status = "fail"
    found = reasons(judged(country, tmp_path))
    assert all("not_null_fct_metric_metric_id failed" in str(reason) for reason in found.values())


def test_a_warning_withholds_nothing(tmp_path: Path) -> None:
    country = small_country()
    country.tests.append(
        DbtTest("fct_coverage", columns=("population",), severity="warn", status="warn", failures=2)
    )
    verdicts = judged(country, tmp_path)
    assert reasons(verdicts) == {COVERAGE: None, ITU: None}
    warned = next(check for check in verdicts.checks if check.check_id.endswith("fct_coverage_population"))
    assert (warned.status, warned.severity, warned.failing_count) == ("warn", "warning", 2)


def test_a_test_that_was_skipped_is_no_proof(tmp_path: Path) -> None:
    country = small_country()
    country.tests[0].status = "skipped"
    assert "skipped" in str(reasons(judged(country, tmp_path))[COVERAGE])


def test_no_extract_is_said_in_exactly_these_words(tmp_path: Path) -> None:
    country = small_country()
    country.extracts = country.extracts[:1]
    assert reasons(judged(country, tmp_path)) == {COVERAGE: None, ITU: "no itu_indicators extract received"}


def test_either_of_two_kinds_is_enough(tmp_path: Path) -> None:
    country = small_country()
    metrics = country.tables["dim_metric"]
    metrics.sql = metrics.sql.replace("'operator_availability'", "'operator_sites|operator_availability'")
    assert reasons(judged(country, tmp_path))[COVERAGE] is None


def test_without_either_of_two_kinds_the_first_is_named(tmp_path: Path) -> None:
    country = small_country()
    metrics = country.tables["dim_metric"]
    metrics.sql = metrics.sql.replace("'operator_availability'", "'operator_sites|drive_tests'")
    assert reasons(judged(country, tmp_path))[COVERAGE] == "no operator_sites extract received"


def test_an_extract_that_was_rejected_is_not_received(tmp_path: Path) -> None:
    country = small_country()
    country.extracts[0] |= {"is_current": False, "outcome": "rejected"}
    assert reasons(judged(country, tmp_path))[COVERAGE] == "no operator_availability extract received"


def test_without_an_audit_evidence_is_missing(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    found = reasons(judge(home, suites=()))
    assert all(str(reason).startswith("missing evidence: check build.") for reason in found.values())


def test_a_check_that_did_not_run_is_missing(tmp_path: Path) -> None:
    country = small_country()
    home = country.write(home_in(tmp_path))
    results = home.dbt_target / "run_results.json"
    results.write_text(results.read_text().replace("not_null_fct_coverage_kato", "not_null_fct_gone_kato"))
    run_audit(home, suites=())
    found = reasons(judge(home, suites=()))
    assert found[ITU] is None
    assert str(found[COVERAGE]).startswith("missing evidence: check test.qamtu.not_null_fct_coverage_kato")


def test_evidence_for_other_content_is_stale(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    run_audit(home, suites=())
    with duckdb.connect(str(home.build_file)) as connection:
        connection.execute(
            "update marts.fct_coverage set population_covered_pct = 99 where kato = '000000000'"
        )
    found = reasons(judge(home, suites=()))
    assert found[ITU] is not None  # fct_metric was built from the table that changed
    assert "stale evidence" in str(found[COVERAGE])


def test_an_audit_after_tampering_does_not_renew_the_proof_of_dbt(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    run_audit(home, suites=())
    with duckdb.connect(str(home.build_file)) as connection:
        connection.execute(
            "update marts.fct_coverage set population_covered_pct = 99 where kato = '000000000'"
        )
    report = run_audit(home, suites=())
    assert report.recorded == 0
    assert "build again" in report.notes[0]
    assert "stale evidence" in str(reasons(judge(home, suites=()))[COVERAGE])


def test_a_new_delivery_without_a_new_build_is_stale(tmp_path: Path) -> None:
    country = small_country()
    home = country.write(home_in(tmp_path))
    run_audit(home, suites=())
    country.extracts[1]["content_fingerprint"] = "c9"
    write_extracts(home, country.extracts)
    found = reasons(judge(home, suites=()))
    assert found[COVERAGE] is None
    assert "stale evidence: check build." in str(found[ITU])


def test_a_model_that_failed_is_named_with_its_message(tmp_path: Path) -> None:
    country = small_country(statuses={"fct_benchmark": "error", "fct_metric": "skipped"})
    found = reasons(judged(country, tmp_path))
    assert "check build.fct_benchmark could not be carried out" in str(found[ITU])
    assert "skipped, because something above it failed" in str(found[COVERAGE])


def test_old_content_behind_a_failed_model_is_not_proof(tmp_path: Path) -> None:
    """The build broke off: the table still holds last quarter's rows, and its old tests had passed."""
    country = small_country()
    judged(country, tmp_path)
    country.extracts[1]["content_fingerprint"] = "c9"
    country.statuses = {"fct_benchmark": "error", "fct_metric": "error"}
    country.tests = country.tests[:1]
    found = reasons(judged(country, tmp_path))
    assert "build.fct_benchmark could not be carried out" in str(found[ITU])


def test_a_later_run_that_passes_lifts_the_withholding(tmp_path: Path) -> None:
    country = small_country()
    country.tests[0].status = "fail"
    assert reasons(judged(country, tmp_path))[COVERAGE] is not None
    country.tests[0].status = "pass"
    assert reasons(judged(country, tmp_path))[COVERAGE] is None


def test_a_metric_of_no_table_is_withheld(tmp_path: Path) -> None:
    country = small_country()
    listing = country.tables["dim_metric"]
    country.tables["dim_metric"] = Table(listing.sql.replace("fct_benchmark", "fct_nowhere"))
    assert "names a source that no build has: fct_nowhere" in str(reasons(judged(country, tmp_path))[ITU])


def test_a_build_without_metrics_says_so(tmp_path: Path) -> None:
    country = small_country()
    del country.tables["dim_metric"]
    home = country.write(home_in(tmp_path))
    with pytest.raises(ValueError, match=r"no marts\.dim_metric"):
        judge(home, suites=())


def test_nothing_built_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="build the warehouse first"):
        judge(Home(tmp_path), suites=())


def test_a_failed_expectation_withholds_what_it_guards(tmp_path: Path) -> None:
    country = small_country()
    country.tables["fct_coverage"].sql = country.tables["fct_coverage"].sql.replace("75.0", "101.0")
    found = reasons(judged(country, tmp_path, [share_suite()]))
    assert found[ITU] is None
    assert found[COVERAGE] == (
        "check shares.share_is_a_share failed: 1 of 2 rows; look at the operator's filing for this place"
    )


def test_what_an_expectation_only_reads_it_does_not_accuse(tmp_path: Path) -> None:
    country = small_country()
    country.tables["fct_coverage"].sql = country.tables["fct_coverage"].sql.replace("75.0", "101.0")
    accusing_other = share_suite(tables=["marts.fct_benchmark"], also_reads=["marts.fct_coverage"])
    found = reasons(judged(country, tmp_path, [accusing_other]))
    assert found[COVERAGE] is None
    assert found[ITU] is not None


def test_an_expectation_that_names_metrics_accuses_these_and_no_others(tmp_path: Path) -> None:
    country = small_country()
    country.tables["fct_coverage"].sql = country.tables["fct_coverage"].sql.replace("75.0", "101.0")
    verdicts = judged(country, tmp_path / "own", [share_suite(metrics=[COVERAGE])])
    assert [verdict.metric_id for verdict in verdicts.withheld] == [COVERAGE]
    assert [table.withheld_reason for table in verdicts.tables] == [None] * len(verdicts.tables)
    verdicts = judged(country, tmp_path / "other", [share_suite(metrics=["households_passed_pct"])])
    assert list(verdicts.withheld) == []


def test_a_model_that_names_metrics_has_its_tests_accuse_these_and_no_others(tmp_path: Path) -> None:
    """Evidence that is bad does not withhold the figures that it was put beside."""
    for named, withheld in ((COVERAGE, [COVERAGE]), ("reliability_pct", [])):
        country = small_country()
        country.tests.append(DbtTest("stg_availability", columns=("level",), status="fail", failures=1))
        country.tables["stg_availability"].meta = {"metrics": [named]}
        verdicts = judged(country, tmp_path / named)
        assert [verdict.metric_id for verdict in verdicts.withheld] == withheld
        assert [table.withheld_reason for table in verdicts.tables] == [None] * len(verdicts.tables)


def test_a_changed_suite_makes_its_evidence_stale(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    run_audit(home, suites=[share_suite()])
    stricter = share_suite(kwargs={"column": "population_covered_pct", "min_value": 0, "max_value": 95})
    assert reasons(judge(home, suites=[share_suite()]))[COVERAGE] is None
    assert "stale evidence: check shares.share_is_a_share" in str(
        reasons(judge(home, suites=[stricter]))[COVERAGE]
    )


def test_an_expectation_about_no_table_withholds_everything(tmp_path: Path) -> None:
    found = reasons(judged(small_country(), tmp_path, [share_suite(tables=["marts.fct_gone"])]))
    assert all("the project has no table marts.fct_gone" in str(reason) for reason in found.values())


def test_an_expectation_that_cannot_be_evaluated_withholds(tmp_path: Path) -> None:
    found = reasons(
        judged(small_country(), tmp_path, [share_suite(kwargs={"column": "no_such", "min_value": 0})])
    )
    assert "could not be carried out" in str(found[COVERAGE])
    assert found[ITU] is None
