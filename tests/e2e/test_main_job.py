"""The main job through the command line, as a person runs it: the sample, a bad filing, the real extracts, both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sample_country.expected import PUBLISHED
from warehouse.paths import PROJECT_DIR, Home
from warehouse.report import write_report
from warehouse.verify import read_publication

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
DATA = PROJECT_DIR.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real extracts are not beside the project")
# A run works in one process most of the time: those on the sample and those on real extracts go side by side.
on_the_sample = pytest.mark.xdist_group("sample")
on_real_extracts = pytest.mark.xdist_group("real")


@dataclass(frozen=True)
class Run:
    """A finished command: its exit code, its JSON answer, what it told on the way."""

    code: int
    answer: dict[str, Any]
    told: str


def qamtu(home: Path, *arguments: str) -> Run:
    """Run the command on a home, with `--json` where it answers so."""
    json_flag = ["--json"] if arguments[0] == "run" else []
    done = subprocess.run(
        [str(Path(sys.executable).with_name("qamtu")), *arguments, *json_flag],
        env=os.environ | {"QAMTU_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Run(done.returncode, json.loads(done.stdout) if json_flag and done.stdout else {}, done.stderr)


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the current release."""
    with duckdb.connect(str(Home(home).current / "coverage.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    home = tmp_path_factory.mktemp("sample") / "home"
    return home, qamtu(home, "run", "--sample")


@on_the_sample
def test_the_sample_is_published_whole(sample: tuple[Path, Run]) -> None:
    home, run = sample
    assert run.code == 0, run.told
    assert query(home, "select count(*) from marts.meta_metric where status <> 'published'") == [(0,)]
    assert query(home, "select is_sample, label from marts.meta_publication") == [(True, "SAMPLE")]


@on_the_sample
def test_the_published_totals_come_out_exactly(sample: tuple[Path, Run]) -> None:
    home, _ = sample
    latest = "as_of_date = date '2025-12-31' and kato = '000000000' and area_type = 'rural'"
    figures = "select technology, value from marts.fct_metric where metric_id"
    connected = dict(query(home, f"{figures} = 'settlements_connected' and {latest}"))
    mobile = dict(query(home, f"{figures} = 'settlements_mobile_covered' and {latest}"))
    assert (connected["level_1"], connected["level_2"], mobile["4g"]) == (2606, 663, 3115)
    assert query(home, "select count(*) from marts.dim_settlement where is_programme") == [(6179,)]
    assert (PUBLISHED["villages_fixed_level_1"], PUBLISHED["villages_4g"]) == (2606, 3115)


@on_the_sample
def test_statements_are_confirmed_or_not(sample: tuple[Path, Run]) -> None:
    home, _ = sample
    verdicts = dict(query(home, "select statement_id, verdict from marts.fct_statement_check"))
    assert verdicts["s3_4g_3115_2025"] == "confirmed"
    assert verdicts["s2_rural_connected_2025"] == "definition_mismatch"
    assert verdicts["s2_trunk_repeated_2025"] == "stale"
    assert verdicts["s2_plus_1900_2026"] == "unverifiable"


@on_the_sample
def test_fibre_milestones_satellites_and_systems_are_judged(sample: tuple[Path, Run]) -> None:
    home, _ = sample
    progress = (
        "select target_id, status from marts.fct_target_progress where system in ('S4', 'S7', 'S8', 'S9')"
    )
    assert dict(query(home, progress)) == {
        "s4_villages_fibre_2027": "off_track",
        "s4_households_fibre_2027": "off_track",
        "s4_people_fibre_2027": "off_track",
        "s7_caspian_cable_2026": "off_track",
        "s8_satellites_2027": "on_track",
        "s8_revenue_2027": "at_risk",
        "s9_qaztech_all": "off_track",
    }
    verdicts = dict(query(home, "select statement_id, verdict from marts.fct_statement_check"))
    assert verdicts["s4_households_400000_2027"] == "definition_mismatch"
    assert verdicts["s7_caspian_cable_2026"] == "unverifiable"
    assert verdicts["s9_qaztech_all"] == "definition_mismatch"
    ((why,),) = query(
        home,
        "select explanation from marts.fct_statement_check where statement_id = 's4_households_400000_2027'",
    )
    assert "6.25 people a household" in why
    assert "3.66 a household" in why
    unseen = "select check_id from marts.meta_check where status <> 'pass' and check_id like 'programme.%'"
    assert sorted(query(home, unseen)) == [
        ("programme.milestones_do_not_move_silently",),
        ("programme.systems_are_not_filed_twice",),
    ]


@on_the_sample
def test_history_is_on_one_map(sample: tuple[Path, Run]) -> None:
    home, _ = sample
    regions = query(
        home,
        """
        select as_of_date, count(distinct kato) from marts.fct_coverage_by_technology
        where geography_level = 'region' group by as_of_date
        """,
    )
    assert len(regions) == 11
    assert {count for _, count in regions} == {20}


@on_the_sample
def test_every_row_read_is_accounted_for(sample: tuple[Path, Run]) -> None:
    home, _ = sample
    assert query(
        home,
        """
        select count(*) from marts.meta_row_account
        where rows_read <> rows_accepted + rows_quarantined + rows_duplicate
        """,
    ) == [(0,)]


@on_the_sample
def test_the_release_carries_its_report(sample: tuple[Path, Run], tmp_path: Path) -> None:
    """Listed with its hashes, small enough, and the same when it is written again from the release alone."""
    home, _ = sample
    release = Home(home).current.resolve()
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


@on_the_sample
def test_nothing_new_gives_the_same_release(sample: tuple[Path, Run]) -> None:
    home, _ = sample
    before = Home(home).current.resolve()
    again = qamtu(home, "run", "--sample")
    assert (again.code, list(again.answer["seconds"])) == (0, ["sample", "look"]), again.told
    assert Home(home).current.resolve() == before


@on_the_sample
def test_a_run_that_does_its_work_again_gives_the_same_release(sample: tuple[Path, Run]) -> None:
    home, _ = sample
    before = Home(home).current.resolve()
    (home / "last_run.json").unlink()
    again = qamtu(home, "run", "--sample")
    assert again.code == 0, again.told
    assert "0 models and seeds built" in again.told
    assert Home(home).current.resolve() == before


@on_the_sample
def test_a_filing_that_lies_withholds_what_it_touches_and_no_more(
    sample: tuple[Path, Run], tmp_path: Path
) -> None:
    home, _ = sample
    inbox = tmp_path / "inbox"
    shutil.copytree(home / "sample_inbox", inbox, ignore=shutil.ignore_patterns(".*"))
    late = list(inbox.glob("sample_arman/**/*2025*Q4*"))
    for path in late:
        path.rename(tmp_path / path.name)
    # A reader may hold the release of before all the while.
    run = qamtu(tmp_path / "home", "run", "--inbox", str(inbox))
    assert run.code == 3, run.told
    withheld = dict(
        query(
            tmp_path / "home",
            "select metric_id, withheld_reason from marts.meta_metric where status = 'withheld'",
        )
    )
    assert "population_covered_pct" in withheld
    assert "check filings." in withheld["population_covered_pct"]
    assert "first: operator_id=" in withheld["population_covered_pct"]
    assert not {"population", "itu_population_covered_pct"} & set(withheld)
    shown = query(
        tmp_path / "home",
        """
        select count(population_covered_pct), count(distinct status), min(withheld_reason)
        from marts.fct_coverage_by_technology
        """,
    )
    assert shown[0][:2] == (0, 1)
    assert shown[0][2]

    # It comes late: its period is built again, the others stand, and the whole is what one build of all gives.
    for path in late:
        (tmp_path / path.name).rename(path)
    run = qamtu(tmp_path / "home", "run", "--inbox", str(inbox))
    assert run.code == 0, run.told
    assert "of 2025-12-31 alone" in run.told
    assert contents(tmp_path / "home") == contents(home)


def contents(home: Path) -> dict[str, str]:
    """Hash of the rows of each fact and dimension of a release, but for what it says of the release before it."""
    document = json.loads((Home(home).current / "publication.json").read_bytes())
    tables = {table["name"]: table["content_sha256"] for table in document["tables"]}
    of_now = (name for name in tables if name.startswith(("fct_", "dim_")) and name != "fct_revision")
    return {name: tables[name] for name in of_now}


@on_the_sample
def test_with_nothing_to_publish_the_previous_release_stands(
    sample: tuple[Path, Run], tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "letter.txt").write_text("Good day", encoding="utf-8")
    run = qamtu(tmp_path / "home", "run", "--inbox", str(inbox))
    assert run.code == 4, run.told
    assert not Home(tmp_path / "home").current.exists()


@on_real_extracts
@needs_data
def test_the_real_extracts_publish_what_they_support(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run = qamtu(home, "run", "--inbox", str(DATA))
    assert run.code == 3, run.told
    assert query(home, "select count(*) from marts.dim_region where is_current and level <> 'district'") == [
        (20,)
    ]
    assert query(home, "select count(*) from marts.dim_settlement where kato_level = 'settlement'") == [
        (12_986,)
    ]
    population = query(
        home,
        """
        select geography_level, sum(value) from marts.fct_metric
        where metric_id = 'population' and area_type = 'all' and as_of_date = date '2023-01-01'
            and geography_level in ('national', 'region')
        group by geography_level order by geography_level
        """,
    )
    assert population == [("national", 19_765_004.0), ("region", 19_765_004.0)]
    itu = query(
        home,
        """
        select value from marts.fct_metric
        where metric_id = 'itu_population_covered_pct' and technology = '4g' and as_of_date = date '2024-12-31'
        """,
    )
    assert itu == [(91.6,)]
    reasons = dict(
        query(home, "select metric_id, withheld_reason from marts.meta_metric where status = 'withheld'")
    )
    assert "population" not in reasons
    assert reasons["population_covered_pct"] == "no operator_availability extract received"
    assert query(home, "select is_sample from marts.meta_publication") == [(False,)]


@on_real_extracts
@needs_data
def test_sample_filings_over_the_real_geography_publish_everything(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn"
    assert qamtu(tmp_path / "home", "sample", "--geography", str(DATA), "--out", str(drawn)).code == 0
    run = qamtu(tmp_path / "home", "run", "--inbox", str(DATA), "--inbox", str(drawn))
    assert run.code == 0, run.told
    home = tmp_path / "home"
    assert query(home, "select is_sample, label from marts.meta_publication") == [(True, "SAMPLE")]
    assert query(home, "select count(*) from marts.dim_settlement where is_programme") == [(6179,)]
    verdicts = dict(query(home, "select statement_id, verdict from marts.fct_statement_check"))
    assert verdicts["s3_4g_3115_2025"] == "confirmed"
    areas = query(
        home, "select status, count(*) from marts.fct_region_area where kato = '000000000' group by status"
    )
    assert areas == [("published", 2)], "the edition of 2018 shows the map that came in June of its year"
