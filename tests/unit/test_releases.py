"""Releases: whole or not at all, never changed, withheld figures NULL wherever they would have stood."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import warehouse.releases as releases
from expectations.audit import run_audit
from expectations.gate import judge
from expectations.ledger import read_ledger
from expectations.suite import Suite
from tests.unit.audit_kit import Country, home_in, small_country, standing_of
from warehouse.paths import Home
from warehouse.releases import (
    CandidateChangedError,
    Release,
    current_release,
    list_releases,
    publish,
)
from warehouse.verdicts import Verdicts
from warehouse.verify import read_publication, verify_release

COVERAGE, ITU = "population_covered_pct", "itu_population_covered_pct"
NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)


def released(country: Country, home: Home, code_version: str = "code-1") -> Release:
    country.write(home)
    run_audit(home, suites=())
    return publish(home, judge(home, suites=()), code_version, NOON)


def _judged(home: Home, suites: Sequence[Suite]) -> Verdicts:
    run_audit(home, suites=suites)
    return judge(home, suites=suites)


def table(release: Release, name: str) -> list[dict[str, Any]]:
    assert release.path is not None
    with duckdb.connect(str(release.path / "coverage.duckdb"), read_only=True) as connection:
        return connection.execute(f"select * from marts.{name}").pl().to_dicts()


def failing_itu() -> Country:
    country = small_country()
    country.tests[1].status, country.tests[1].failures = "fail", 1
    return country


def test_a_release_holds_every_form_of_every_table(tmp_path: Path) -> None:
    release = released(small_country(), home_in(tmp_path))
    assert release.path is not None
    names = {"dim_metric", "fct_benchmark", "fct_coverage", "fct_metric"}
    own = {"meta_publication", "meta_check", "meta_metric", "meta_lineage", "fct_revision"}
    for folder, ending in (("parquet", "parquet"), ("csv", "csv")):
        assert {path.stem for path in (release.path / folder).glob(f"*.{ending}")} == names | own
    assert (release.published, release.withheld, release.created) == (2, (), True)
    assert verify_release(release.path) == []


def test_current_points_at_the_release(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    assert current_release(home) is None
    release = released(small_country(), home)
    assert current_release(home) == release.path
    assert str(home.current.readlink()) == release.publication_id


def test_a_withheld_figure_is_null_in_every_form(tmp_path: Path) -> None:
    release = released(failing_itu(), home_in(tmp_path))
    assert release.path is not None
    assert [verdict.metric_id for verdict in release.withheld] == [ITU]
    reason = str(release.withheld[0].withheld_reason)
    forms: list[Callable[[str], list[dict[str, Any]]]] = [
        lambda name: table(release, name),
        lambda name: pl.read_parquet(release.path / "parquet" / f"{name}.parquet").to_dicts(),  # type: ignore[operator]
        lambda name: pl.read_csv(
            release.path / "csv" / f"{name}.csv",
            schema_overrides={"kato": pl.String},  # type: ignore[operator]
        ).to_dicts(),
    ]
    for read in forms:
        benchmark = read("fct_benchmark")[0]
        assert (benchmark["value"], benchmark["status"], benchmark["withheld_reason"]) == (
            None,
            "withheld",
            reason,
        )
        metrics = {row["metric_id"]: row for row in read("fct_metric")}
        assert (metrics[ITU]["value"], metrics[ITU]["status"]) == (None, "withheld")
        assert metrics[ITU]["withheld_reason"] == reason
        assert (metrics[COVERAGE]["value"], metrics[COVERAGE]["status"]) == (90.0, "published")
        assert [row["population_covered_pct"] for row in read("fct_coverage")] == [90.0, 75.0]
    withheld_bytes = (release.path / "csv" / "fct_benchmark.csv").read_bytes()
    assert b"91.6" not in withheld_bytes


def test_a_withheld_number_stands_nowhere_in_a_release(tmp_path: Path) -> None:
    """Not as a denominator beside other figures, not in the reason, not in what the check observed."""
    country = small_country()
    for each in country.tables.values():
        each.sql = each.sql.replace("100::bigint", "596676::bigint").replace("91.6", "596676.0")
    coverage = country.tables["fct_coverage"]
    coverage.meta = {"figures": {**coverage.meta["figures"], ITU: ["population"]}}
    country.tests.append(type(country.tests[0])("fct_benchmark", "unique", ("kato",)))
    expectation = {
        "id": "nation_is_small",
        "description": "The nation has fewer people than that, for the test.",
        "severity": "blocking",
        "tables": ["marts.fct_benchmark"],
        "query": "select kato, value, 'of 596676' as words from marts.fct_benchmark",
        "expect": "expect_column_values_to_be_between",
        "kwargs": {"column": "value", "min_value": 0, "max_value": 1},
        "remedy": "Look at the file that gives the nation.",
    }
    suite = Suite.model_validate(
        {"suite": "nation", "description": "What the nation is like.", "expectations": [expectation]}
    )
    home = country.write(home_in(tmp_path))
    before = publish(home, _judged(home, ()), "code-1", NOON)
    assert before.path is not None
    assert "marts.fct_coverage.population" in standing_of(before.path, 596676), "the search finds it"
    release = publish(home, _judged(home, [suite]), "code-1", NOON)
    assert release.path is not None
    assert [verdict.metric_id for verdict in release.withheld] == [ITU]
    assert standing_of(release.path, 596676) == []
    assert [row["population"] for row in table(release, "fct_coverage")] == [None, None]
    assert release.withheld[0].withheld_reason == (
        "check nation.nation_is_small failed: 1 row; first: kato=000000000; look at the file that gives the nation"
    )
    (kept,) = [row for row in read_ledger(home.ledger).rows if row.check_id == "nation.nation_is_small"]
    assert json.loads(kept.offending_rows)[0]["value"] == 596676.0


def test_rows_keep_what_is_no_figure(tmp_path: Path) -> None:
    country = small_country()
    country.tests[0].status = "fail"
    country.tests[0].failures = 1
    rows = table(released(country, home_in(tmp_path)), "fct_coverage")
    assert [(row["kato"], row["population"], row["population_covered"]) for row in rows] == [
        ("000000000", 100, None),
        ("100000000", 40, None),
    ]


def test_a_row_with_nothing_to_lose_stays_published(tmp_path: Path) -> None:
    """Two metrics share a table: withholding one does not mark the rows that only have the other."""
    country = small_country()
    coverage = country.tables["fct_coverage"]
    coverage.sql = f"select *, null::bigint as households_passed from ({coverage.sql})"
    coverage.sql += " union all by name select date '2025-12-31' as as_of_date, '100000000' as kato, "
    coverage.sql += "'fttp' as technology, 7::bigint as households_passed, 'published' as status"
    coverage.meta = {
        "figures": {
            COVERAGE: ["population_covered", "population_covered_pct"],
            ITU: ["households_passed"],
        }
    }
    country.tests[1].status = "fail"
    rows = {
        row["technology"] + row["kato"]: row
        for row in table(released(country, home_in(tmp_path)), "fct_coverage")
    }
    assert rows["4g000000000"]["status"] == "published"
    assert rows["4g000000000"]["population_covered_pct"] == 90.0
    assert rows["fttp100000000"]["status"] == "withheld"
    assert rows["fttp100000000"]["households_passed"] is None
    assert rows["fttp100000000"]["withheld_reason"].startswith(f"{ITU}: check ")


def test_one_reason_of_several_metrics_is_told_once(tmp_path: Path) -> None:
    country = small_country()
    coverage = country.tables["fct_coverage"]
    coverage.meta = {
        "figures": {
            COVERAGE: ["population_covered"],
            "people": ["population"],
            ITU: ["population_covered_pct"],
        }
    }
    listing = country.tables["dim_metric"]
    listing.sql += " union all select 'people', 'fct_coverage', 'operator_availability'"
    test = type(country.tests[0])
    country.tests.append(test("stg_availability", columns=("level",), status="fail", failures=1))
    rows = table(released(country, home_in(tmp_path)), "fct_coverage")
    reason = (
        "check test.qamtu.not_null_stg_availability_level failed: 1 row found; look at the offending rows"
    )
    assert {row["status"] for row in rows} == {"withheld"}
    for row in rows:
        assert row["withheld_reason"].startswith(f"people, {COVERAGE}: {reason}")
        assert row["withheld_reason"].count("failed") == 1


def test_a_figure_of_a_metric_without_a_verdict_is_withheld(tmp_path: Path) -> None:
    country = small_country()
    metrics = country.tables["fct_metric"]
    metrics.sql += " union all select 'unlisted', '000000000', 7.0, 'published', null"
    rows = {row["metric_id"]: row for row in table(released(country, home_in(tmp_path)), "fct_metric")}
    assert (rows["unlisted"]["value"], rows["unlisted"]["withheld_reason"]) == (
        None,
        "no verdict on this metric",
    )


def test_a_table_whose_own_check_failed_shows_no_figure(tmp_path: Path) -> None:
    country = small_country()
    checked = country.tables["fct_metric"]
    country.tables["fct_statement_check"] = type(checked)(
        "select 's1' as statement_id, metric_id, value as computed_value, 'confirmed' as verdict, status, "
        "withheld_reason from marts.fct_metric",
        ["fct_metric"],
        meta={"figures_by_row": {"metric_column": "metric_id", "columns": ["computed_value"]}},
    )
    country.tests.append(type(country.tests[0])("fct_statement_check", status="fail", failures=1))
    release = released(country, home_in(tmp_path))
    assert release.published == 2
    for row in table(release, "fct_statement_check"):
        assert (row["computed_value"], row["verdict"], row["status"]) == (None, "unverifiable", "withheld")
        assert "not_null_fct_statement_check_kato failed" in row["withheld_reason"]
    assert [row["value"] for row in table(release, "fct_metric")] == [91.6, 90.0]


def test_meta_naming_a_column_that_is_not_there_stops_the_release(tmp_path: Path) -> None:
    country = failing_itu()
    country.tables["fct_benchmark"].meta = {"figures": {ITU: ["value", "valeu"]}}
    home = home_in(tmp_path)
    with pytest.raises(ValueError, match="fct_benchmark: figures name columns it does not have: valeu"):
        released(country, home)
    assert current_release(home) is None
    assert list(home.published.glob("pub-*")) == []


def test_what_the_release_says_of_itself(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    first = released(small_country(), home)
    release = released(failing_itu(), home)
    (publication,) = table(release, "meta_publication")
    assert publication["publication_id"] == release.publication_id
    assert release.path is not None
    assert read_publication(release.path)["previous_publication_id"] == first.publication_id
    assert (publication["metrics_published"], publication["metrics_withheld"]) == (1, 1)
    assert (publication["label"], publication["is_sample"], publication["code_version"]) == (
        "SAMPLE",
        True,
        "code-1",
    )
    checks = {row["check_id"]: row for row in table(release, "meta_check")}
    failed = checks["test.qamtu.not_null_fct_benchmark_kato"]
    assert (failed["status"], failed["failing_count"], failed["tables"]) == ("fail", 1, "marts.fct_benchmark")
    metrics = {row["metric_id"]: row for row in table(release, "meta_metric")}
    assert (metrics[COVERAGE]["status"], metrics[ITU]["status"]) == ("published", "withheld")


def test_publication_json_tells_inputs_checks_and_what_is_withheld(tmp_path: Path) -> None:
    release = released(failing_itu(), home_in(tmp_path))
    assert release.path is not None
    document = read_publication(release.path)
    assert document["publication_id"] == release.publication_id
    assert document["published_at"] == "2026-01-06T12:00:00+00:00"
    assert [entry["metric_id"] for entry in document["withheld"]] == [ITU]
    assert {entry["extract_id"]: entry["sha256"] for entry in document["inputs"]} == {
        "e1": "ab" * 32,
        "e2": "ab" * 32,
    }
    assert {check["check_id"]: check["status"] for check in document["checks"]}[
        "build.fct_coverage"
    ] == "pass"
    assert (document["is_sample"], document["label"], document["code_version"]) == (True, "SAMPLE", "code-1")


def test_the_time_of_publishing_stands_nowhere_else(tmp_path: Path) -> None:
    one, other = home_in(tmp_path / "one"), home_in(tmp_path / "other")
    first = released(small_country(), one)
    country = small_country()
    country.write(other)
    run_audit(other, suites=())
    second = publish(other, judge(other, suites=()), "code-1", datetime(2027, 5, 5, tzinfo=UTC))
    assert first.path is not None
    assert second.path is not None
    hashes = [
        {entry["path"]: entry["sha256"] for entry in read_publication(path)["files"]}
        for path in (first.path, second.path)
    ]
    for content in hashes:
        # The account of the open tier tells the time too.
        content.pop("open/publication.json")
        for folder in ("", "open/"):
            content.pop(f"{folder}coverage.duckdb"), content.pop(f"{folder}datapackage.json")
    assert hashes[0] == hashes[1]
    assert first.publication_id == second.publication_id


def test_what_stood_before_changes_no_file_of_a_release(tmp_path: Path) -> None:
    hashes = []
    for before in ([], [failing_itu()]):
        home = home_in(tmp_path / str(len(before)))
        for country in before:
            released(country, home)
        release = released(small_country(), home)
        assert release.path is not None
        document = read_publication(release.path)
        assert (document["previous_publication_id"] is None) == (not before)
        files = {entry["path"]: entry["sha256"] for entry in document["files"]}
        assert "csv/meta_publication.csv" in files
        # A DuckDB file is not the same bytes twice, and the descriptor has its hash.
        hashes.append({name: files[name] for name in files if name.startswith(("csv/", "parquet/"))})
    assert hashes[0] == hashes[1]


def test_the_same_content_is_not_written_twice(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    first = released(small_country(), home)
    assert first.path is not None
    before = {path: path.stat().st_mtime_ns for path in first.path.rglob("*")}
    again = released(small_country(), home)
    assert (again.publication_id, again.created) == (first.publication_id, False)
    assert {path: path.stat().st_mtime_ns for path in first.path.rglob("*")} == before


def inode(release: Release, name: str) -> int:
    assert release.path is not None
    return (release.path / name).stat().st_ino


def another_benchmark() -> Country:
    country = small_country()
    changed = country.tables["fct_benchmark"]
    country.tables["fct_benchmark"] = replace(changed, sql=changed.sql.replace("91.6", "92.6"))
    return country


def test_a_table_that_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    first, second = released(small_country(), home), released(another_benchmark(), home)
    alone = released(another_benchmark(), home_in(tmp_path / "alone"))
    for form in ("csv", "parquet"):
        assert inode(first, f"{form}/fct_coverage.{form}") == inode(second, f"{form}/fct_coverage.{form}")
        assert inode(first, f"{form}/fct_benchmark.{form}") != inode(second, f"{form}/fct_benchmark.{form}")
    assert first.path is not None
    assert second.path is not None
    assert alone.path is not None
    assert verify_release(first.path) == verify_release(second.path) == []
    tables = [read_publication(path)["tables"] for path in (second.path, alone.path)]
    assert tables[0] == tables[1], "taken over or written, the content is the same"


@pytest.mark.parametrize("cause", ["verdict", "code", "damage", "sample"])
def test_what_would_not_be_written_just_so_is_not_taken_over(tmp_path: Path, cause: str) -> None:
    home = home_in(tmp_path)
    first = released(small_country(), home)
    assert first.path is not None
    country, code = another_benchmark(), "code-1"
    if cause == "verdict":
        country.tests[0].status, country.tests[0].failures = "fail", 1
    elif cause == "code":
        code = "code-2"
    elif cause == "damage":
        path = first.path / "csv" / "fct_coverage.csv"
        path.chmod(0o644)
        path.write_text("other")
    else:
        assert first.is_sample
        country.extracts = [{**extract, "is_sample": False} for extract in country.extracts]
    second = released(country, home, code)
    assert inode(first, "csv/fct_coverage.csv") != inode(second, "csv/fct_coverage.csv")
    assert second.path is not None
    assert verify_release(second.path) == []


def test_another_verdict_or_other_code_is_another_release(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    ids = {
        released(small_country(), home).publication_id,
        released(small_country(), home, "code-2").publication_id,
        released(failing_itu(), home).publication_id,
    }
    assert len(ids) == 3
    assert [info.publication_id for info in list_releases(home) if info.is_current] == [
        current_release(home).name  # type: ignore[union-attr]
    ]


def test_going_back_to_earlier_content_points_current_at_its_release(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    first = released(small_country(), home)
    released(failing_itu(), home)
    again = released(small_country(), home)
    assert again.publication_id == first.publication_id
    assert current_release(home) == first.path


def test_nothing_published_leaves_the_previous_release_current(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    first = released(small_country(), home)
    country = small_country()
    country.extracts = [{"extract_id": "e9", "extract_kind": "households"}]
    empty = released(country, home)
    assert (empty.path, empty.published, len(empty.withheld), empty.created) == (None, 0, 2, False)
    assert current_release(home) == first.path


def test_a_candidate_that_changed_after_judgement_is_refused(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    run_audit(home, suites=())
    verdicts = judge(home, suites=())
    with duckdb.connect(str(home.build_file)) as connection:
        connection.execute("update marts.fct_metric set value = 99")
    with pytest.raises(CandidateChangedError):
        publish(home, verdicts, "code-1")
    assert current_release(home) is None


def test_a_release_can_not_be_written_to(tmp_path: Path) -> None:
    release = released(small_country(), home_in(tmp_path))
    assert release.path is not None
    for path in (release.path, *release.path.rglob("*")):
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), path


@pytest.mark.parametrize("step", ["datapackage", "flush_tree", "make_read_only"])
def test_a_fault_while_writing_leaves_nothing_and_the_next_publication_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    home = home_in(tmp_path)
    first = released(small_country(), home)

    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(releases, step, fail)
        with pytest.raises(OSError, match="No space left"):
            released(failing_itu(), home)
    assert current_release(home) == first.path
    assert len(list(home.published.glob("pub-*"))) == 1
    second = released(failing_itu(), home)
    assert current_release(home) == second.path
    assert list(home.published.glob(".tmp-*")) == []


def test_a_release_that_stands_without_being_current_is_taken_up(tmp_path: Path) -> None:
    """Killed between the rename and the pointer."""
    home = home_in(tmp_path)
    first = released(small_country(), home)
    home.current.unlink()
    (home.published / ".tmp-current").symlink_to("nowhere")
    again = released(small_country(), home)
    assert (again.path, again.created) == (first.path, False)
    assert current_release(home) == first.path
    assert list(home.published.glob(".tmp-*")) == []


def damaged(release: Release) -> Path:
    """The release's folder, with a byte too many in one file."""
    assert release.path is not None
    victim = release.path / "csv" / "fct_metric.csv"
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes() + b"x")
    assert verify_release(release.path) == ["csv/fct_metric.csv was changed"]
    return release.path


def test_a_damaged_release_is_written_again_under_a_name_of_its_own(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    zeroth = released(failing_itu(), home)
    path = damaged(released(small_country(), home))
    again = released(small_country(), home)
    assert (again.created, again.publication_id) == (True, path.name)
    assert again.path == current_release(home) == path.with_name(f"{path.name}-r2")
    assert verify_release(again.path) == []
    assert not path.exists()
    assert {info.publication_id for info in list_releases(home)} == {zeroth.publication_id, path.name}
    assert read_publication(again.path)["previous_publication_id"] == zeroth.publication_id
    assert not released(small_country(), home).created, "it stands now"
    damaged(again)
    third = released(small_country(), home)
    assert (third.path, third.created) == (path, True), "the first name is free again"
    other = released(failing_itu(), home, "code-2")
    assert other.path is not None
    assert read_publication(other.path)["previous_publication_id"] == path.name


def test_what_followed_a_release_that_was_written_again_names_it(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    path = damaged(released(small_country(), home))
    released(small_country(), home)
    following = released(failing_itu(), home)
    assert following.path is not None
    assert read_publication(following.path)["previous_publication_id"] == path.name


@pytest.mark.parametrize("step", ["write_database", "datapackage", "flush_tree", "make_read_only", "point"])
def test_a_damaged_release_stands_until_its_replacement_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What is damaged in one file is better than nothing, which readers had when the disk was full."""
    home = home_in(tmp_path)
    path = damaged(released(small_country(), home))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(releases, step, fail)
        with pytest.raises(OSError, match="No space left"):
            released(small_country(), home)
    assert current_release(home) == path
    assert verify_release(path) == ["csv/fct_metric.csv was changed"]
    again = released(small_country(), home)
    assert again.path == current_release(home) != path
    assert verify_release(again.path) == []  # type: ignore[arg-type]
    assert [each.name for each in home.published.iterdir() if each.name.startswith(("pub-", ".tmp-"))] == [
        again.path.name  # type: ignore[union-attr]
    ]


def test_readers_find_current_complete_at_every_step_of_a_repair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_in(tmp_path)
    path = damaged(released(small_country(), home))
    names = {each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file()}
    seen: list[str] = []

    def watched(step: str) -> None:
        real = getattr(releases, step)

        def watching(*arguments: Any) -> Any:
            look(f"before {step}")
            answer = real(*arguments)
            look(f"after {step}")
            return answer

        monkeypatch.setattr(releases, step, watching)

    def look(when: str) -> None:
        current = home.current.resolve(strict=True)
        found = {each.relative_to(current).as_posix() for each in current.rglob("*") if each.is_file()}
        assert found == names, when
        with duckdb.connect(str(home.current / "coverage.duckdb"), read_only=True) as reader:
            assert reader.execute("select count(*) from marts.fct_metric").fetchall() == [(2,)], when
        seen.append(when)

    for step in ("write_database", "flush_tree", "make_read_only", "point", "remove_tree"):
        watched(step)
    again = released(small_country(), home)
    look("in the end")
    assert len(seen) == 11, "every step was watched"
    assert (again.path, path.exists()) == (current_release(home), False)


def test_verification_names_what_is_missing_and_what_does_not_belong(tmp_path: Path) -> None:
    release = released(small_country(), home_in(tmp_path))
    assert release.path is not None
    for folder in (release.path, release.path / "csv"):
        folder.chmod(0o755)
    (release.path / "csv" / "fct_metric.csv").unlink()
    (release.path / "notes.txt").write_text("x")
    assert verify_release(release.path) == ["csv/fct_metric.csv is missing", "notes.txt does not belong here"]


def test_publications_at_the_same_time_do_not_collide(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    run_audit(home, suites=())
    verdicts = judge(home, suites=())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: publish(home, verdicts, "code-1"), range(4)))
    assert len({release.publication_id for release in found}) == 1
    assert [release.created for release in found].count(True) == 1
    assert verify_release(current_release(home)) == []  # type: ignore[arg-type]


def test_a_reader_keeps_the_release_it_opened(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    released(small_country(), home)
    with duckdb.connect(str(home.current / "coverage.duckdb"), read_only=True) as reader:
        released(failing_itu(), home)
        held = reader.execute("select value from marts.fct_benchmark").fetchall()
    assert held == [(91.6,)]
    with duckdb.connect(str(home.current / "coverage.duckdb"), read_only=True) as reader:
        assert reader.execute("select value from marts.fct_benchmark").fetchall() == [(None,)]


def test_releases_are_listed_in_order_of_publication(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    small_country().write(home)
    run_audit(home, suites=())
    for day in (3, 1, 2):
        publish(home, judge(home, suites=()), f"code-{day}", datetime(2026, 1, day, tzinfo=UTC))
    assert [info.published_at[:10] for info in list_releases(home)] == [
        "2026-01-01",
        "2026-01-02",
        "2026-01-03",
    ]


def test_a_real_release_says_sample_nowhere(tmp_path: Path) -> None:
    country = small_country()
    for extract in country.extracts:
        extract["is_sample"] = False
    release = released(country, home_in(tmp_path))
    assert release.path is not None
    assert not release.is_sample
    assert not list(release.path.rglob("SAMPLE.txt"))
    for path in release.path.rglob("*.json"):
        assert "SAMPLE" not in json.dumps(
            {key: value for key, value in json.loads(path.read_bytes()).items() if key != "resources"}
        )


def test_a_superseded_sample_file_does_not_make_a_sample(tmp_path: Path) -> None:
    country = small_country()
    for extract in country.extracts:
        extract["is_sample"] = False
    country.extracts.append({"extract_id": "e0", "is_current": False, "is_sample": True})
    assert not released(country, home_in(tmp_path)).is_sample


def test_derived_files_belong_to_the_release(tmp_path: Path) -> None:
    """Made from the tables that lie there, listed with their hash, read-only like the rest."""
    home = home_in(tmp_path)
    verdicts = _judged(small_country().write(home), ())

    def count_rows(folder: Path) -> None:
        with duckdb.connect(str(folder / "coverage.duckdb"), read_only=True) as connection:
            rows = connection.execute("select count(*) from marts.fct_coverage").fetchall()[0][0]
        (folder / "pages").mkdir()
        (folder / "pages" / "rows.txt").write_text(str(rows))

    release = publish(home, verdicts, "code-1", NOON, derived=(count_rows,))
    assert release.path is not None
    assert (release.path / "pages" / "rows.txt").read_text() == "2"
    assert "pages/rows.txt" in {file["path"] for file in read_publication(release.path)["files"]}
    assert verify_release(release.path) == []
    assert not (release.path / "pages" / "rows.txt").stat().st_mode & 0o222


def test_no_release_appears_when_a_derived_file_cannot_be_written(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    verdicts = _judged(small_country().write(home), ())

    def fail(folder: Path) -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        publish(home, verdicts, "code-1", NOON, derived=(fail,))
    assert list_releases(home) == []
    assert current_release(home) is None
    assert publish(home, verdicts, "code-1", NOON).created, "what was left behind is swept away"
