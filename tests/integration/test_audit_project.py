"""The audit on the real dbt project and the sample country: what is checked, what a failure withholds."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest
import sqlalchemy
from frictionless import Package
from typer.testing import CliRunner

from expectations.audit import AuditReport, run_audit
from expectations.checks import Check, all_checks
from expectations.gate import MetricNeeds, decide, judge, read_needs
from expectations.ledger import append, read_ledger
from expectations.suite import load_suites
from orchestration.cli import app
from tests.faults.gates import metrics_resting_on
from tests.main_job_kit import Run
from tests.release_texts import texts_of
from tests.unit.audit_kit import standing_of
from warehouse.candidate import Manifest, read_manifest
from warehouse.explain import Figure, explain, model_file
from warehouse.fingerprint import CandidateFingerprint
from warehouse.history import rollback
from warehouse.macros import MACROS
from warehouse.masking import figure_columns
from warehouse.paths import PROJECT_DIR, Home
from warehouse.releases import publish
from warehouse.revision import compare_releases
from warehouse.scorecard import read_scorecard
from warehouse.small_cells import TABLES
from warehouse.verdicts import Verdicts
from warehouse.verify import read_publication, verify_release

# One of each system, and of each way to count settlements.
SYSTEM_METRICS = (
    "population_covered_pct", "population_speed_tier_pct", "households_passed_pct", "settlements_connected",
    "settlements_mobile_covered", "fibre_villages", "urban_5g_area_pct", "highway_km_covered",
    "milestone_slippage_days", "satellites_delivered", "government_systems_qaztech_pct",
)  # fmt: skip
VILLAGE_METRICS = {
    "settlements_connected",
    "settlements_connected_pct",
    "settlements_mobile_covered",
    "settlements_mobile_covered_pct",
    "settlements_speed_tier_pct",
}


@dataclass
class Built:
    home: Home
    manifest: Manifest
    checks: dict[str, Check]
    needs: list[MetricNeeds]
    report: AuditReport
    verdicts: Verdicts
    release: Path


@pytest.fixture(scope="module")
def built(sample_run: Run) -> Built:
    assert sample_run.code == 0, sample_run.told
    home = sample_run.home
    report = run_audit(home)
    manifest = read_manifest(home.dbt_target / "manifest.json")
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        needs = read_needs(connection)
    release = home.current.resolve()
    return Built(home, manifest, all_checks(manifest, load_suites()), needs, report, judge(home), release)


def publish_as_it_was(built: Built) -> None:
    """Make the release of the run current again, as a publication of its own and no step back."""
    publish(built.home, built.verdicts, read_publication(built.release)["code_version"])
    assert built.home.current.resolve() == built.release


def withheld_by(built: Built, check_id: str) -> tuple[set[str], set[str]]:
    """Metrics and tables that are withheld when this check fails, and nothing else does."""
    found = {one.check_id: one for one in built.verdicts.checks}
    found[check_id] = replace(found[check_id], status="fail")
    received = {kind for need in built.needs for kinds in need.required_extracts for kind in kinds.split("|")}
    fingerprints = CandidateFingerprint({}, built.verdicts.candidate_fingerprint)
    verdicts = decide(built.manifest, built.checks, found, built.needs, received, fingerprints)
    return (
        {verdict.metric_id for verdict in verdicts.withheld},
        {verdict.table for verdict in verdicts.tables if verdict.withheld_reason},
    )


def test_the_sample_is_published_whole(built: Built) -> None:
    assert [verdict.metric_id for verdict in built.verdicts.withheld] == []
    assert len(built.verdicts.published) == len(built.needs) > 10
    assert {one.severity for one in built.report.not_passed} <= {"warning"}


def test_there_is_evidence_for_every_test_and_every_expectation(built: Built) -> None:
    manifest = json.loads((built.home.dbt_target / "manifest.json").read_bytes())
    tests = {key for key, node in manifest["nodes"].items() if node["resource_type"] == "test"}
    expectations = {suite.check_id(one) for suite in load_suites() for one in suite.expectations}
    by_kind = {
        kind: {one.check_id for one in built.report.outcomes if one.kind == kind} for kind in ("dbt", "gx")
    }
    assert by_kind == {"dbt": tests, "gx": expectations}
    assert not {"missing", "stale", "error"} & set(built.report.counts())


def test_a_second_audit_has_nothing_to_do(built: Built) -> None:
    assert (built.report.evaluated, built.report.recorded) == (0, 0), "the run has audited it"
    assert not built.report.not_passed or {one.severity for one in built.report.not_passed} == {"warning"}


def test_every_blocking_expectation_can_withhold_something(built: Built) -> None:
    idle = [
        check.check_id
        for check in built.checks.values()
        if check.kind == "gx" and check.blocking and withheld_by(built, check.check_id) == (set(), set())
    ]
    assert idle == []


def test_a_warning_can_withhold_nothing(built: Built) -> None:
    for check in built.checks.values():
        if not check.blocking:
            assert withheld_by(built, check.check_id) == (set(), set()), check.check_id


@pytest.mark.parametrize(
    ("check_id", "metrics"),
    [
        ("shares.itu_shares_lie_in_bounds", {"itu_population_covered_pct"}),
        ("ladder.exactly_n_operators_add_up", {"operators_exactly_pct"}),
        (
            "shares.operator_shares_lie_in_bounds",
            {
                "population_operator_covered_pct",
                "population_covered_largest_pct",
                "population_covered_bounds_pct",
            },
        ),
        ("ladder.rungs_are_cumulative", set()),
        ("ladder.speed_tiers_are_nested", {"population_speed_tier_pct"}),
        ("totals.village_counts_hold_together", VILLAGE_METRICS),
        ("population.households_sum_to_control_totals", {"households", "households_passed_pct"}),
        ("population.households_are_known_where_they_are_passed", {"households_passed_pct"}),
        ("change.households_passed_do_not_fall", {"households_passed_pct"}),
        (
            "population.settlements_make_the_denominator",
            {
                "population_covered_pct",
                "population_speed_tier_pct",
                "population_operator_covered_pct",
                "operators_exactly_pct",
            },
        ),
        ("statements.differences_are_differences", set()),
    ],
)
def test_a_failure_withholds_what_needs_it_and_nothing_else(
    built: Built, check_id: str, metrics: set[str]
) -> None:
    assert withheld_by(built, check_id)[0] == metrics


def test_a_census_gone_wrong_leaves_counts_of_villages(built: Built) -> None:
    for check_id in (
        "population.regions_sum_to_the_nation",
        "population.settlements_sum_to_their_district",
        "build.int_settlement_denominator",
    ):
        metrics, _ = withheld_by(built, check_id)
        assert {"population_covered_pct", "population_speed_tier_pct"} <= metrics, check_id
        assert not VILLAGE_METRICS & metrics, check_id


def test_people_and_households_of_a_place_are_withheld_with_their_census(built: Built) -> None:
    for check_id in ("population.settlements_sum_to_their_district", "build.int_settlement_people"):
        assert {"population", "households"} <= withheld_by(built, check_id)[0], check_id
    shown = {node.alias: node.meta.get("figures") or {} for node in built.manifest.released}
    for table in ("dim_settlement", "fct_coverage_by_technology", "fct_coverage_by_operator"):
        assert shown[table]["population"] == ["population"]
        assert shown[table]["households"] == ["households"]
    assert "population" in shown["fct_rural_connection"]["population"]


def test_an_expectation_names_metrics_that_there_are_and_that_rest_on_its_tables(built: Built) -> None:
    needs = {need.metric_id: need for need in built.needs}
    for check in built.checks.values():
        for metric_id in check.metrics:
            sources = [built.manifest.relation_named(t).unique_id for t in needs[metric_id].source_tables]
            assert set(check.guards) & built.manifest.upstream_of(sources), (check.check_id, metric_id)


def test_a_bad_statement_withholds_the_statements(built: Built) -> None:
    assert withheld_by(built, "statements.differences_are_differences") == (set(), {"fct_statement_check"})


def test_filings_gone_wrong_withhold_coverage_and_leave_the_rest(built: Built) -> None:
    metrics, _ = withheld_by(built, "filings.every_operator_files_again")
    assert {"population_covered_pct", "settlements_mobile_covered", "population_speed_tier_pct"} <= metrics
    assert not {"population", "itu_population_covered_pct"} & metrics


def test_the_gate_withholds_what_the_map_of_dbt_says_rests_on_a_check(built: Built) -> None:
    """For every blocking expectation and a dbt test of every table, against lineage walked by other code."""
    blocking = [check for check in built.checks.values() if check.blocking and check.kind != "build"]
    one_each = {check.check_id if check.kind == "gx" else check.guards: check.check_id for check in blocking}
    assert len(one_each) > 150
    for check_id in one_each.values():
        metrics, _ = withheld_by(built, check_id)
        assert metrics == metrics_resting_on(built.home, [check_id]), check_id


def test_every_table_of_the_suites_is_in_the_project(built: Built) -> None:
    assert [check.check_id for check in built.checks.values() if check.unknown] == []


def test_every_metric_names_its_sources(built: Built) -> None:
    with (PROJECT_DIR / "dbt_project/seeds/coverage/metric.csv").open(encoding="utf-8", newline="") as stream:
        listed = {row["metric_id"] for row in csv.DictReader(stream)}
    assert {need.metric_id for need in built.needs} == listed
    for need in built.needs:
        assert need.required_extracts
        assert all(built.manifest.relation_named(table) for table in need.source_tables)


def test_every_share_of_a_mart_is_declared_a_figure(built: Built) -> None:
    """Or it would stand while its metric is withheld."""
    metrics = {need.metric_id for need in built.needs}
    for node in built.manifest.released:
        shares = {name for name in node.columns if node.alias.startswith("fct_") and name.endswith("_pct")}
        assert shares <= figure_columns(node), node.alias
        assert set(node.meta.get("figures") or {}) <= metrics, node.alias


def test_people_and_households_of_a_mart_are_declared_figures(built: Built) -> None:
    """Denominators too: what is withheld as a metric must not stand in a column beside it."""
    manifest = json.loads((built.home.dbt_target / "manifest.json").read_bytes())
    counted = 0
    for node in built.manifest.released:
        columns = manifest["nodes"][node.unique_id]["columns"]
        of_people = {
            name
            for name, column in columns.items()
            if column.get("meta", {}).get("unit") in ("people", "households")
        }
        assert of_people <= figure_columns(node), node.alias
        counted += len(of_people)
    assert counted > 20


@pytest.mark.parametrize("denominator", ["population", "households"])
def test_a_share_needs_every_check_of_its_denominator(built: Built, denominator: str) -> None:
    """Or a share would stand from which the withheld denominator follows."""
    checks = {verdict.metric_id: set(verdict.checks) for verdict in built.verdicts}
    shares = [
        need.metric_id
        for need in built.needs
        if denominator in need.required_extracts and need.metric_id.endswith("_pct")
    ]
    assert shares
    for share in shares:
        assert checks[denominator] <= checks[share], share


def test_a_withheld_population_stands_nowhere_in_the_release(built: Built) -> None:
    """Neither the numbers that failed nor any other of the metric: in no table, reason, check or file."""
    with duckdb.connect(str(built.home.build_file), read_only=True) as connection:
        found = connection.execute(
            "select census_date::varchar, kato, area_type, population from intermediate.int_region_population "
            "where geography_level in ('national', 'region') and population > 100000"
        ).fetchall()
    numbers = sorted({population for *_, population in found})
    assert len(numbers) > 20
    rows = [dict(zip(("census_date", "kato", "area_type", "population"), row, strict=True)) for row in found]
    check = built.checks["population.regions_sum_to_the_nation"]
    passed = [row for row in read_ledger(built.home.ledger).rows if row.check_id == check.check_id][-1]
    failed = replace(
        passed, status="fail", observed="20 rows", failing_count=20, offending_rows=json.dumps(rows[:20])
    )
    assert len(standing_of(built.release, *numbers)) > 10, "the search finds what is published"
    try:
        append(built.home.ledger, [failed])
        release = publish(built.home, judge(built.home), "code-1")
        assert release.path is not None
        withheld = {verdict.metric_id: str(verdict.withheld_reason) for verdict in release.withheld}
        assert {"population", "population_covered_pct"} <= set(withheld)
        assert "settlements_connected" not in withheld
        assert (
            "population.regions_sum_to_the_nation failed: 20 rows; first: census_date="
            in withheld["population"]
        )
        assert standing_of(release.path, *numbers) == []
    finally:
        append(built.home.ledger, [passed])
        publish_as_it_was(built)


def test_every_mart_has_a_key_and_says_what_it_is(built: Built) -> None:
    for node in built.manifest.released:
        assert built.manifest.key_of(node.unique_id), node.alias
        assert node.description, node.alias
        assert all(column.description for column in node.columns.values()), node.alias


def test_the_release_is_whole_and_valid(built: Built) -> None:
    assert verify_release(built.release) == []
    package = Package(str(built.release / "datapackage.json"))
    small = [
        name
        for name in package.resource_names
        if name.startswith(("dim_", "meta_", "fct_statement", "fct_target"))
    ]
    for name in set(package.resource_names) - set(small):
        package.remove_resource(name)
    report = package.validate()
    assert report.valid, report.flatten(["name", "title", "message"])
    assert len(small) > 10


def test_nothing_internal_of_the_lake_stands_in_any_file_of_the_open_tier(built: Built) -> None:
    files = f"{built.home.lake}/accepted/operator_sites/**/*.parquet"
    sites = {
        site
        for (site,) in duckdb.sql(
            f"select distinct site_id from read_parquet('{files}', union_by_name = true)"
        ).fetchall()
    }
    messages = {
        message
        for (message,) in duckdb.sql(
            f"select distinct message from '{built.home.lake}/meta/extract.parquet' where message is not null"
        ).fetchall()
    }
    looks_like_a_site = re.compile(r"\b[A-Z]{2}-\d+-\d+\b")
    assert len(sites) > 1000
    assert all(looks_like_a_site.fullmatch(site) for site in sites)
    found, forms = [], set()
    for name, text in texts_of(built.release / "open"):
        forms.add(Path(name.split("/")[0]).suffix or name.split("/")[0])
        found += [(name, site) for site in set(looks_like_a_site.findall(text)) & sites]
        found += [(name, message) for message in messages if message in text]
    assert found == []
    assert {".duckdb", "parquet", "csv", "xlsx", "geo", "report", "docs", ".json", ".jsonld"} <= forms
    whole = (built.release / "csv" / "meta_extract.csv").read_text(encoding="utf-8")
    assert any(message in whole for message in messages), "what is looked for is found where it stands"


def test_the_open_tier_has_no_count_too_small_and_says_what_it_lacks(built: Built) -> None:
    opened = built.release / "open"
    assert verify_release(opened) == []
    account = read_publication(built.release)["open_tier"]
    assert account["places_with_small_counts"] > 0
    assert "dim_settlement.population" in account["internal_columns"]
    assert account["tables_left_out"] == ["fct_settlement_population"]
    with duckdb.connect(str(opened / "coverage.duckdb"), read_only=True) as connection:
        for table in TABLES:
            for count in table.counts:
                (small,) = connection.execute(
                    f"select count(*) from marts.{table.table} where ({table.rows}) and round({count}) between 1 and 4"
                ).fetchall()[0]
                assert small == 0, (table.table, count)
        assert connection.execute("select count(population) from marts.dim_settlement").fetchall() == [(0,)]
        (nation,) = connection.execute(
            "from marts.figure('population_covered_pct', technology := '4g') select status"
        ).fetchall()
        assert nation == ("published",)
        # Rows stand in the whole release's order.
        connection.execute(f"attach '{built.release / 'coverage.duckdb'}' as whole (read_only)")
        for resource in json.loads((opened / "datapackage.json").read_bytes())["resources"]:
            if key := resource["schema"].get("primaryKey"):
                rows = f"select {', '.join(key)}, row_number() over (order by rowid) as place from"
                (moved,) = connection.execute(
                    f"""
                    select count(*) from (
                        select place < lag(place, 1, 0) over (order by own_place) as is_moved
                        from (
                            select whole.place, own.place as own_place
                            from ({rows} marts.{resource["name"]}) as own
                            inner join ({rows} whole.marts.{resource["name"]}) as whole using ({", ".join(key)})
                        )
                    ) where is_moved
                    """
                ).fetchall()[0]
                assert moved == 0, resource["name"]
    # What no rule touches is one file with two names.
    same = [path / "csv" / "fct_highway_gap.csv" for path in (built.release, opened)]
    assert same[0].samefile(same[1])


def test_the_release_says_sample_wherever_one_looks(built: Built) -> None:
    with duckdb.connect(str(built.release / "coverage.duckdb"), read_only=True) as connection:
        comments = connection.execute("select comment from duckdb_tables()").fetchall()
    assert all(str(comment).startswith("SAMPLE. ") for (comment,) in comments)
    assert read_publication(built.release)["label"] == "SAMPLE"
    assert read_scorecard(built.release).is_sample


def test_every_macro_stands_and_says_what_it_answers(built: Built) -> None:
    with duckdb.connect(str(built.release / "coverage.duckdb"), read_only=True) as connection:
        told = dict(
            connection.execute(
                "select function_name, comment from duckdb_functions() where schema_name = 'marts'"
            ).fetchall()
        )
        place = "place := '610000000', area := 'rural'"
        figure = f"from marts.figure('population_covered_pct', technology := '4g', {place})"
        (named,) = connection.execute(f"select value, as_of_date {figure}").fetchall()
        (filed,) = connection.execute(
            "select value, as_of_date from marts.fct_metric where metric_id = 'population_covered_pct' "
            "and technology = '4g' and kato = '610000000' and area_type = 'rural' "
            "order by as_of_date desc limit 1"
        ).fetchall()
        (without,) = connection.execute(
            "select count(*), count(distinct settlement_kato) from marts.villages_without('4g', date '2025-12-31')"
        ).fetchall()
        (villages,) = connection.execute(
            "select denominator - numerator from marts.figure('settlements_mobile_covered', technology := '4g', "
            "area := 'rural')"
        ).fetchall()
    assert told == {macro.name: macro.answers for macro in MACROS}
    assert named == filed
    assert without == (villages[0], villages[0]), "those that have it and those without it are all there are"


@pytest.mark.parametrize("metric", SYSTEM_METRICS)
def test_terms_of_published_figures_add_up_to_the_row(built: Built, metric: str) -> None:
    """S1 to S9: every term that counts has a row of a file behind it, and they make the number."""
    with duckdb.connect(str(built.release / "coverage.duckdb"), read_only=True) as connection:
        (key,) = connection.execute(
            "select kato, technology, as_of_date, area_type from marts.fct_metric where metric_id = ? "
            "and geography_level in ('national', 'region') and value > 0 "
            "order by as_of_date desc, geography_level desc, kato desc, technology, area_type desc limit 1",
            [metric],
        ).fetchall()
    found = explain(built.home, built.release, Figure(metric, *key))
    with_rows = {row["term"] for row in found.rows}
    assert found.notes == ()
    assert found.check_sum["numerator_unexplained"] == pytest.approx(0, abs=1e-6)
    assert [
        term["term"] for term in found.terms if term["is_counted"] and term["term"] not in with_rows
    ] == []
    assert all(row["file_name"] and row["row"] and len(row["sha256"]) == 64 for row in found.rows)
    assert {row["extract_id"] for row in found.rows} <= {row["extract_id"] for row in found.deliveries}
    assert found.models
    assert all(model_file(model) for model in found.models)


def recipes() -> list[tuple[str, str]]:
    """Blocks of the guide, with the words after the three ticks."""
    text = (PROJECT_DIR / "docs" / "guides" / "use-a-release.md").read_text(encoding="utf-8")
    return re.findall(r"^```(\w[\w ]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("kind", "recipe"), recipes())
def test_recipes_of_the_guide_run(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, recipe: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QAMTU_HOME", str(built.home.root))
    (tmp_path / "var").symlink_to(built.home.root)
    if kind.startswith("sql"):
        names = {"sql releases": "releases.duckdb", "sql open": "current/open/coverage.duckdb"}
        name = names.get(kind, "current/coverage.duckdb")
        with duckdb.connect(str(built.home.published / name), read_only=True) as connection:
            for statement in duckdb.extract_statements(recipe):
                rows = connection.execute(statement).fetchall()
                assert rows or "revisions_of" in recipe, "a first release has no revisions"
    elif kind == "python":
        exec(compile(recipe, "use-a-release.md", "exec"), {})
    elif kind == "sh":
        for line in recipe.splitlines():
            answer = CliRunner().invoke(app, line.split()[1:])
            assert answer.exit_code == 0, answer.stderr
    elif kind == "bash":
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        done = subprocess.run(
            ["bash", "-euc", recipe], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Turkistan" in done.stdout
        assert "2606" in (tmp_path / "figure.csv").read_text(encoding="utf-8")
    elif kind == "r":
        # R's duckdb package is on no registry that an environment like this one installs from; its engine is ours.
        (file, query) = re.findall(r'"([^"]+)"', recipe)
        with duckdb.connect(str(tmp_path / file), read_only=True) as connection:
            assert connection.execute(query).fetchall()
    else:
        assert kind == "text", "nothing here runs it"


def test_a_tool_that_speaks_sqlalchemy_can_read_and_not_write(built: Built) -> None:
    url = f"duckdb:///{built.release / 'coverage.duckdb'}"
    engine = sqlalchemy.create_engine(url, connect_args={"read_only": True})
    try:
        # What such a tool asks first. Columns cannot be asked for with duckdb-engine 0.17 on SQLAlchemy 2.1, whose
        # Postgres dialect reads a catalogue that DuckDB lacks.
        assert "fct_metric" in sqlalchemy.inspect(engine).get_table_names(schema="marts")
        with engine.connect() as connection, pytest.raises(sqlalchemy.exc.DBAPIError, match="read-only"):
            connection.execute(sqlalchemy.text("delete from marts.fct_metric"))
    finally:
        engine.dispose()


def test_the_dictionary_covers_every_column_of_the_release(built: Built) -> None:
    with duckdb.connect(str(built.release / "coverage.duckdb"), read_only=True) as connection:
        undescribed = connection.execute(
            """ select columns.table_name, columns.column_name from duckdb_columns() as columns left join
            marts.meta_column as dictionary on columns.table_name = dictionary.table_name and
            columns.column_name = dictionary.column_name where columns.schema_name = 'marts' and
            (dictionary.column_name is null or columns.comment is null)
            """
        ).fetchall()
    assert undescribed == []


def test_published_figures_are_those_of_the_build(built: Built) -> None:
    totals = []
    for path in (built.home.build_file, built.release / "coverage.duckdb"):
        with duckdb.connect(str(path), read_only=True) as connection:
            totals.append(
                connection.execute(
                    "select metric_id, count(*), sum(value::decimal(38, 6)) from marts.fct_metric group by 1 order by 1"
                ).fetchall()
            )
    assert totals[0] == totals[1]


def test_the_scorecard_has_the_programmes_figures(built: Built) -> None:
    card = read_scorecard(built.release)
    figures = {(line.metric_id, line.technology): line.value for line in card.headlines}
    assert figures[("settlements_connected", "level_1")] == 2606
    assert figures[("settlements_connected", "level_2")] == 663
    assert figures[("settlements_mobile_covered", "4g")] == 3115
    assert {line.system for line in card.headlines} == {f"S{number}" for number in range(1, 10)}


def test_nothing_of_this_machine_is_in_the_release(built: Built) -> None:
    place = str(built.home.root).encode()
    for path in built.release.rglob("*"):
        if path.suffix in (".csv", ".json", ".txt"):
            assert place not in path.read_bytes(), path


def test_a_release_after_another_tells_what_changed_and_changes_nothing_else(built: Built) -> None:
    share = "population_covered_pct"
    metrics = tuple(
        replace(verdict, status="withheld", withheld_reason="for the test")
        if verdict.metric_id == share
        else verdict
        for verdict in built.verdicts.metrics
    )
    second = publish(built.home, replace(built.verdicts, metrics=metrics), "code-1")
    assert second.path is not None
    first, then = (read_publication(path) for path in (built.release, second.path))
    assert then["revisions"]["compared_with"] == first["publication_id"]
    with duckdb.connect(str(second.path / "coverage.duckdb"), read_only=True) as connection:
        told = connection.execute(
            "select metric_id, change, cause, count(*), count(old_value), count(new_value) from marts.fct_revision "
            "group by all order by all"
        ).fetchall()
        (figures,) = connection.execute(
            "select count(*) from marts.fct_metric where metric_id = ?", [share]
        ).fetchall()[0]
    assert told == [(share, "withheld", "gate", figures, 0, 0)]
    assert compare_releases(built.release, second.path).num_rows == figures
    before, after = (
        {table["name"]: table["content_sha256"] for table in each["tables"]} for each in (first, then)
    )
    changed = {name for name in before if before[name] != after[name]}
    assert {"fct_revision", "fct_metric", "fct_coverage_by_technology", "meta_metric"} <= changed
    assert not {
        name for name in changed if name.startswith(("dim_", "meta_column", "meta_extract", "meta_lineage"))
    }
    assert verify_release(second.path) == []
    assert rollback(built.home, first["publication_id"]) == then["publication_id"]
    publish_as_it_was(built)
