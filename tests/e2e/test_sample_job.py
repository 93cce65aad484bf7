"""The main job through the command line, as a person runs it: the sample, again, and with a bad filing."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import duckdb
import pytest

from orchestration.filings import key_of
from orchestration.instance import open_instance
from sample_country.expected import PUBLISHED
from tests.main_job_kit import Run, qamtu
from warehouse.paths import PROJECT_DIR
from warehouse.report import write_report
from warehouse.verify import read_publication

pytestmark = pytest.mark.slow


def test_the_sample_is_published_whole(sample_run: Run) -> None:
    assert sample_run.code == 0, sample_run.told
    assert sample_run.query("select count(*) from marts.meta_metric where status <> 'published'") == [(0,)]
    assert sample_run.query("select is_sample, label from marts.meta_publication") == [(True, "SAMPLE")]


def test_dagster_shows_which_quarters_a_sender_has_filed_for(
    sample_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(sample_run.home.dagster))
    senders = ("sample_koktem", "sample_arman")
    with open_instance(sample_run.home) as instance:
        filed = {sender: instance.get_materialized_partitions(key_of(sender)) for sender in senders}
    quarters = {f"{year}-{month}-01" for year in (2024, 2025) for month in ("01", "04", "07", "10")}
    assert filed == dict.fromkeys(senders, quarters)


def test_the_published_totals_come_out_exactly(sample_run: Run) -> None:
    latest = "as_of_date = date '2025-12-31' and kato = '000000000' and area_type = 'rural'"
    figures = "select technology, value from marts.fct_metric where metric_id"
    connected = dict(sample_run.query(f"{figures} = 'settlements_connected' and {latest}"))
    mobile = dict(sample_run.query(f"{figures} = 'settlements_mobile_covered' and {latest}"))
    assert (connected["level_1"], connected["level_2"], mobile["4g"]) == (2606, 663, 3115)
    assert sample_run.query("select count(*) from marts.dim_settlement where is_programme") == [(6179,)]
    assert (PUBLISHED["villages_fixed_level_1"], PUBLISHED["villages_4g"]) == (2606, 3115)


def test_statements_are_confirmed_or_not(sample_run: Run) -> None:
    verdicts = dict(sample_run.query("select statement_id, verdict from marts.fct_statement_check"))
    assert verdicts["s3_4g_3115_2025"] == "confirmed"
    assert verdicts["s2_rural_connected_2025"] == "definition_mismatch"
    assert verdicts["s2_trunk_repeated_2025"] == "stale"
    assert verdicts["s2_plus_1900_2026"] == "unverifiable"


def test_fibre_milestones_satellites_and_systems_are_judged(sample_run: Run) -> None:
    progress = (
        "select target_id, status from marts.fct_target_progress where system in ('S4', 'S7', 'S8', 'S9')"
    )
    assert dict(sample_run.query(progress)) == {
        "s4_villages_fibre_2027": "off_track",
        "s4_households_fibre_2027": "off_track",
        "s4_people_fibre_2027": "off_track",
        "s7_caspian_cable_2026": "off_track",
        "s8_satellites_2027": "on_track",
        "s8_revenue_2027": "at_risk",
        "s9_qaztech_all": "off_track",
    }
    verdicts = dict(sample_run.query("select statement_id, verdict from marts.fct_statement_check"))
    assert verdicts["s4_households_400000_2027"] == "definition_mismatch"
    assert verdicts["s7_caspian_cable_2026"] == "unverifiable"
    assert verdicts["s9_qaztech_all"] == "definition_mismatch"
    ((why,),) = sample_run.query(
        "select explanation from marts.fct_statement_check where statement_id = 's4_households_400000_2027'",
    )
    assert "6.25 people a household" in why
    assert "3.66 a household" in why
    unseen = "select check_id from marts.meta_check where status <> 'pass' and check_id like 'programme.%'"
    assert sorted(sample_run.query(unseen)) == [
        ("programme.milestones_do_not_move_silently",),
        ("programme.systems_are_not_filed_twice",),
    ]


def test_an_upheld_dispute_makes_the_claim_disputed_and_nothing_else(sample_run: Run) -> None:
    upheld = """
        select claims.evidence_grade, count(*)
        from marts.fct_availability as claims
        inner join marts.fct_dispute as disputes
            on claims.as_of_date = disputes.as_of_date and claims.settlement_kato = disputes.settlement_kato
            and claims.operator_id = disputes.operator_id and claims.technology = disputes.technology
        where disputes.status = 'upheld' and claims.connection_level >= 2 group by all
    """
    ((grade, claims),) = sample_run.query(upheld)
    assert (grade, claims >= 15) == ("disputed", True)
    assert sample_run.query(
        "select count(*) > 0 from marts.fct_dispute where h3_cell is not null and settlement_kato is null"
    ) == [(True,)]


def test_overdue_answers_are_listed_by_operator(sample_run: Run) -> None:
    by_operator = sample_run.query(
        """
        select operator_id, answers_overdue, oldest_due_at, longest_overdue_days
        from marts.fct_dispute_overdue where as_of_date = date '2025-12-31' and answers_overdue > 0 order by 1
        """
    )
    assert [(operator, overdue) for operator, overdue, _, _ in by_operator] == [
        ("arman_mobile", 5), ("sayran_cell", 1),
    ]  # fmt: skip
    assert all((dt.date(2025, 12, 31) - oldest).days == days for _, _, oldest, days in by_operator)
    listed = "select count(*) from marts.fct_dispute where is_overdue and as_of_date = date '2025-12-31'"
    assert sample_run.query(listed) == [(sum(overdue for _, overdue, _, _ in by_operator),)]


def test_history_is_on_one_map(sample_run: Run) -> None:
    regions = sample_run.query(
        """
        select as_of_date, count(distinct kato) from marts.fct_coverage_by_technology
        where geography_level = 'region' group by as_of_date
        """,
    )
    assert len(regions) == 11
    assert {count for _, count in regions} == {20}


def test_every_row_read_is_accounted_for(sample_run: Run) -> None:
    assert sample_run.query(
        """
        select count(*) from marts.meta_row_account
        where rows_read <> rows_accepted + rows_quarantined + rows_duplicate
        """,
    ) == [(0,)]


def test_readme_shows_what_its_query_answers(sample_run: Run) -> None:
    """The README prints the columns' names and the rows as the query gives them."""
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    shown = readme.split("current/coverage.duckdb`):\n\n", 1)[1].split("\n\nEvery percentage", 1)[0]
    sql, printed = shown.split(";\n\n", 1)
    header, *rows = (line.split("(SAMPLE)")[0].strip() for line in printed.splitlines())
    path = sample_run.home.current / "coverage.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        answer = connection.execute(sql)
        columns = [name for name, *_ in answer.description or ()]
        found = [[str(value) for value in row] for row in answer.fetchall()]
    assert [re.split(r"\s{2,}", row) for row in rows] == found
    assert header.split() == columns


def test_the_release_carries_its_report(sample_run: Run, tmp_path: Path) -> None:
    """Listed with its hashes, small enough, and the same when it is written again from the release alone."""
    release = sample_run.home.current.resolve()
    pages = {
        path.relative_to(release).as_posix(): path
        for path in (release / "report").rglob("*")
        if path.is_file()
    }
    listed = {file["path"] for file in read_publication(release)["files"]}
    assert len(pages) > 90
    assert set(pages) == {name for name in listed if name.startswith("report/")}
    shared = sum(pages[f"report/assets/report.{kind}"].stat().st_size for kind in ("css", "js"))
    for code in ("kk", "ru", "en"):
        assert pages[f"report/{code}/index.html"].stat().st_size + shared < 300_000
    assert max(path.stat().st_size for path in pages.values()) < 2_000_000
    write_report(release, tmp_path / "again")
    for name, path in pages.items():
        assert (tmp_path / "again" / Path(name).relative_to("report")).read_bytes() == path.read_bytes(), name


def test_nothing_new_gives_the_same_release(sample_run: Run) -> None:
    home = sample_run.home
    before = home.current.resolve()
    again = qamtu(home.root, "run", "--sample", "--json")
    assert (again.code, list(again.answer["seconds"])) == (0, ["sample", "look"]), again.told
    assert home.current.resolve() == before


def test_a_run_that_does_its_work_again_gives_the_same_release(sample_run: Run) -> None:
    home = sample_run.home
    before = home.current.resolve()
    (home.root / "last_run.json").unlink()
    again = qamtu(home.root, "run", "--sample")
    assert again.code == 0, again.told
    assert "0 models and seeds built" in again.told
    assert home.current.resolve() == before
