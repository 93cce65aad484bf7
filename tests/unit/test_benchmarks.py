"""The benchmark's own parts: plain scripts that are right, verdicts, the table, and the watch on memory."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from benchmarks import __main__ as command
from benchmarks import filings, floors, growth, peers, scenarios
from benchmarks.measure import CommandFailed, Timing, run_measured
from benchmarks.report import BEGIN, END, GIB, Judged, Measured, Report, markdown, memory, ratio, spliced
from warehouse.paths import Home

FILING = """location_id,kato,technology,level,down,up
1,101010000,fttp,4,100,50
2,101010000,fttp,2,100.5,50
3,101010000,fttp,1,,
4,751010000,dsl,3,8,1
4,751010000,dsl,3,8,1
5,751010000,fttp,7,100,50
6,751010000,fttp,3,-1,50
7,999999999,fttp,3,100,50
8,751010000,,3,100,50
"""


def _timing(seconds: float, peak: int = 0, output: str = "") -> Timing:
    return Timing(seconds, seconds / 2, peak, 0, output)


def _inputs(folder: Path, filing: str) -> tuple[Path, Path, Path]:
    path, settlements, out = folder / "filing.csv", folder / "settlements.parquet", folder / "out"
    path.write_text(filing)
    pl.DataFrame(
        {
            "settlement_kato": ["101010000", "751010000"],
            "region_kato": ["100000000", "750000000"],
            "population": [1000, 50],
            "is_inhabited": [True, True],
        }
    ).write_parquet(settlements)
    out.mkdir()
    return path, settlements, out


def test_both_floors_count_the_same(tmp_path: Path) -> None:
    inputs = _inputs(tmp_path, FILING)
    expected = {
        ("000000000", "dsl"): (1, 50, 1),
        ("000000000", "fttp"): (1, 1000, 2),
        ("100000000", "fttp"): (1, 1000, 2),
        ("750000000", "dsl"): (1, 50, 1),
    }
    assert scenarios.coverage_of(floors.bare(*inputs)) == expected
    assert scenarios.coverage_of(floors.checked(*inputs)) == expected


def test_the_checked_floor_accounts_for_every_row(tmp_path: Path) -> None:
    answer = floors.checked(*_inputs(tmp_path, FILING))
    assert answer["account"] == {
        "rows_read": 9,
        "rows_accepted": 4,
        "rows_quarantined": 4,
        "rows_duplicate": 1,
    }
    assert answer["reasons"] == {
        "above_maximum": 1,
        "below_minimum": 1,
        "kato_unknown": 1,
        "required_missing": 1,
    }


FAULTY = pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("x1,101010000,fttp,3,1,1", "pattern_mismatch"),
        (",101010000,fttp,3,1,1", "required_missing"),
        ("1,,fttp,3,1,1", "required_missing"),
        ("1,101010000,smoke,3,1,1", "not_allowed"),
        ("1,101010000,fttp,,1,1", "required_missing"),
        ("1,101010000,fttp,high,1,1", "not_a_number"),
        ("1,101010000,fttp,nan,1,1", "not_a_number"),
        ("1,101010000,fttp,2.5,1,1", "not_an_integer"),
        ("1,101010000,fttp,3,fast,1", "not_a_number"),
        ("1,101010000,fttp,3,100001,1", "above_maximum"),
        ("1,101010000,fttp,3,1,-0.1", "below_minimum"),
        ("1,101010000,fttp,3,10001,1", "impossible_speed"),
        ("1,101010000,dsl,3,1,1001", "impossible_upload"),
        ("1,101010000,fttp,3,0.5,1", "implausibly_slow"),
    ],
)


@FAULTY
def test_the_checked_floor_knows_the_contracts_rules(tmp_path: Path, row: str, rule: str) -> None:
    answer = floors.checked(*_inputs(tmp_path, f"location_id,kato,technology,level,down,up\n{row}\n"))
    assert answer["account"]["rows_quarantined"] == 1
    assert rule in answer["reasons"]


def test_rows_that_contradict_each_other_are_all_set_aside(tmp_path: Path) -> None:
    rows = "1,101010000,fttp,3,1,1\n1,101010000,fttp,4,1,1\n2,101010000,fttp,3,1,1\n"
    answer = floors.checked(*_inputs(tmp_path, f"location_id,kato,technology,level,down,up\n{rows}"))
    assert answer["account"]["rows_accepted"] == 1
    assert answer["reasons"] == {"key_conflict": 2}


def test_a_peer_says_what_the_checked_floor_says(tmp_path: Path) -> None:
    """SQL that three peers share, in the one of them that Python brings along; the benchmark compares them all."""
    inputs = _inputs(tmp_path, FILING)
    assert peers.sqlite(inputs[0], _as_csv(inputs[1]), tmp_path / "sqlite") == floors.checked(*inputs)


@FAULTY
def test_peers_know_the_contracts_rules(tmp_path: Path, row: str, rule: str) -> None:
    inputs = _inputs(tmp_path, f"location_id,kato,technology,level,down,up\n{row}\n9,101010000,fttp,3,1,1\n")
    wanted = floors.checked(*inputs)
    found = peers.sqlite(inputs[0], _as_csv(inputs[1]), tmp_path / "sqlite")
    assert (found["account"], found["coverage"]) == (wanted["account"], wanted["coverage"])
    # The floor finds that what is no number lies above the maximum, too.
    assert rule in found["reasons"].keys() <= wanted["reasons"].keys()
    ((accepted, quarantined),) = peers._judged_by_pandas(inputs[0], {"101010000", "751010000"})
    assert accepted["source_row"].tolist() == [3]
    told = {each.partition(":")[0] for each in quarantined["reasons"].item().split(";") if each}
    assert told == set(found["reasons"])


@pytest.mark.parametrize(
    "last", ["2,101010000,fttp,3,1,1", "1,101010000,fttp,3,1,1", "1,751010000,fttp,3,1,1"]
)
def test_a_peer_finds_repeated_keys_as_the_checked_floor_does(tmp_path: Path, last: str) -> None:
    rows = f"1,101010000,fttp,3,1,1\n1,101010000,fttp,4,1,1\n2,101010000,fttp,3,1,\n{last}\n"
    inputs = _inputs(tmp_path, f"location_id,kato,technology,level,down,up\n{rows}")
    assert peers.sqlite(inputs[0], _as_csv(inputs[1]), tmp_path / "sqlite") == floors.checked(*inputs)


def _as_csv(settlements: Path) -> Path:
    path = settlements.with_suffix(".csv")
    pl.read_parquet(settlements).with_columns(pl.col("is_inhabited").cast(pl.Int8)).write_csv(path)
    return path


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_exponent_of_growth(power: float) -> None:
    points = [(rows, 3 * rows**power) for rows in (1e6, 3e6, 3e7)]
    assert growth.exponent(points) == pytest.approx(power)


def test_curves_of_growth_rise_and_name_their_sizes() -> None:
    steps = [
        growth.Step(rows, _timing(rows / 1e6, GIB), _timing(rows / 4e6), rows)
        for rows in (1_000_000, 3_000_000, 30_000_000)
    ]
    drawn = growth.picture(steps)
    curve = re.findall(r'points="([^"]*)"', drawn)[0]
    places = [tuple(map(float, point.split(","))) for point in curve.split()]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)
    assert [">1<" in drawn, ">3<" in drawn, ">30<" in drawn] == [True] * 3


def test_what_is_on_disk_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    assert growth.size_of(tmp_path) == 5


def test_a_difference_between_tables_is_named() -> None:
    one = {("000000000", "fttp"): (1, 2, 3)}
    assert scenarios.differing(one, dict(one)) == ""
    assert (
        scenarios.differing(one, {("000000000", "fttp"): (1, 2, 4)})
        == "000000000 fttp: (1, 2, 3) and (1, 2, 4)"
    )
    assert scenarios.differing(one, {}) == "000000000 fttp: (1, 2, 3) and None"
    assert scenarios.differing({}, {}) == "both are empty"


def _home(folder: Path, households: int = 2, quarantined: int = 1) -> Home:
    """A home whose release and lake say what `_ANSWER` says, unless told otherwise."""
    home = Home(folder / "home")
    home.build.mkdir(parents=True)
    with duckdb.connect(str(home.build_file)) as release:
        release.execute(
            f"""
            create schema marts;
            create table marts.fct_coverage_by_technology as
            select
                date '{filings.PERIOD}' as as_of_date, 'national' as geography_level, '000000000' as kato,
                'all' as area_type, technology, settlements_covered, population_covered, households_passed
            from (values ('fttp', 1, 1000, {households}), ('5g', 1, 1000, null))
                as cells (technology, settlements_covered, population_covered, households_passed)
            """
        )
    meta = home.lake / "meta"
    meta.mkdir(parents=True)
    key = {"extract_id": ["a"]}
    pl.DataFrame(
        key | {"extract_kind": ["operator_address_availability"], "is_current": [True], "rule": ["shrunk"]}
    ).write_parquet(meta / "extract.parquet")
    pl.DataFrame(
        key
        | {"rows_read": [4], "rows_accepted": [3], "rows_quarantined": [quarantined], "rows_duplicate": [0]}
    ).write_parquet(meta / "row_account.parquet")
    pl.DataFrame(key | {"rule": ["kato_unknown"], "row_count": [1]}).write_parquet(
        meta / "quarantine_reason.parquet"
    )
    return home


_COVERED = {"settlements_covered": 1, "population_covered": 1000, "households_passed": 2}
_ANSWER = {
    "coverage": [{"kato": "000000000", "technology": "fttp", **_COVERED}],
    "account": {"rows_read": 4, "rows_accepted": 3, "rows_quarantined": 1, "rows_duplicate": 0},
    "reasons": {"kato_unknown": 1},
}


def test_a_release_that_says_what_the_floors_say_passes(tmp_path: Path) -> None:
    scenarios.compare(_home(tmp_path), _ANSWER, _ANSWER)


def test_a_release_that_says_something_else_is_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(scenarios.Mismatch, match=r"bare floor disagree: 000000000 fttp"):
        scenarios.compare(_home(tmp_path, households=3), _ANSWER, _ANSWER)


def test_another_account_of_rows_is_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(scenarios.Mismatch, match="the lake accounts for"):
        scenarios.compare(_home(tmp_path, quarantined=0), _ANSWER, _ANSWER)


def test_stages_are_those_of_the_median_run() -> None:
    told = [_timing(5, output='{"seconds": {"dbt": 3.0}}'), _timing(9, output='{"seconds": {"dbt": 7.0}}')]
    measured = Measured("run", [*told, _timing(4, output='{"seconds": {"dbt": 1.0}}')])
    assert scenarios.stages(measured) == {"dbt": 3.0, "start and end of the process": 2.0}


def test_the_median_and_the_highest_memory_count() -> None:
    measured = Measured("run", [_timing(3, GIB), _timing(1, 2 * GIB), _timing(8, GIB)])
    assert (measured.seconds, measured.peak_gib) == (3, 2)
    assert ratio("q", measured, Measured("floor", [_timing(2)]), limit=1.6).value == 1.5
    assert not memory("q", measured, limit_gib=1.9).is_within


@pytest.mark.parametrize(
    ("value", "aim", "verdict"),
    [
        (1.1, 1.2, "aim reached"),
        (1.4, 1.2, "within the limit, aim not reached"),
        (1.4, None, "within the limit"),
        (1.6, 1.2, "**MISSED**"),
    ],
)
def test_verdicts(value: float, aim: float | None, verdict: str) -> None:
    assert Judged("q", value, 1.5, aim).verdict == verdict


def test_the_table_holds_questions_timings_and_stages() -> None:
    report = Report(
        [Measured("floor", [_timing(2, GIB), _timing(4)])], [Judged("run / floor", 1.6, 1.5, 1.2)]
    )
    report.add(Report(stages={"run": {"load": 1.25, "dbt": 2.0}}, remarks=["Equal."]))
    text = markdown(report, "2 cores.")
    assert "| run / floor | 1.60 x | 1.5 | 1.2 | **MISSED** |" in text
    assert "| floor | 3.0 | 2.0, 4.0 | 1.50 | 1.00 |" in text
    assert "| run | load 1.2, dbt 2.0 |" in text
    assert text.startswith("2 cores.\n")
    assert text.endswith("\nEqual.\n")
    assert not report.is_within


def test_the_page_keeps_what_stands_around_the_table() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert spliced(page, "new\n") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="lacks"):
        spliced("no markers", "new")


def test_the_real_page_has_the_markers() -> None:
    assert "new" in spliced(command.PAGE.read_text(encoding="utf-8"), "new")


def test_quarters_before_the_new_one() -> None:
    assert filings.quarters_before(1) == [(2025, 4)]
    twenty = filings.quarters_before(20)
    assert (twenty[0], twenty[-1], len(set(twenty))) == ((2021, 1), (2025, 4), 20)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("sample_dala/addresses_2025q4.csv", "sample_dala/addresses_2024q1.csv"),
        ("sample_arman/2025/arman_2025-Q4.xlsx", "sample_arman/2025/arman_2024-Q1.xlsx"),
        ("sample_sayran/sayran_coverage_2025_4.txt", "sample_sayran/sayran_coverage_2024_1.txt"),
    ],
)
def test_another_quarter_in_a_file_name(path: str, expected: str) -> None:
    assert filings.renamed(path, 2024, 1) == expected


def test_a_file_without_a_quarter_is_refused() -> None:
    with pytest.raises(ValueError, match="names no quarter"):
        filings.renamed("sample_dala/readme.csv", 2024, 1)


def test_a_command_is_timed_with_the_memory_of_its_children(tmp_path: Path) -> None:
    child = "held = bytearray(120_000_000); import time; time.sleep(0.4)"
    parent = f"import subprocess, sys; print('done'); subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    timing = run_measured([sys.executable, "-c", parent], tmp_path / "run.log")
    assert timing.output == "done\n"
    assert 0.4 < timing.seconds < 30
    assert 120_000_000 < timing.peak_bytes < 1_000_000_000


def test_memory_of_whoever_measures_does_not_count(tmp_path: Path) -> None:
    held = bytearray(200_000_000)
    timing = run_measured([sys.executable, "-S", "-c", "import time; time.sleep(0.3)"], tmp_path / "run.log")
    assert 0 < timing.peak_bytes < len(held) / 2


def test_an_unexpected_exit_code_is_an_error_that_says_why(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(3)"]
    with pytest.raises(CommandFailed, match=r"ended with 3\n\nwhy"):
        run_measured(failing, tmp_path / "run.log")
    assert run_measured(failing, tmp_path / "run.log", expected=(0, 3)).exit_code == 3


def test_quick_is_small_and_an_explicit_number_wins() -> None:
    quick = command.arguments(["--quick", "--history", "7"])
    assert (quick.rows, quick.history, quick.repetitions) == (1_000_000, 7, 1)
    full = command.arguments([])
    assert (full.rows, full.history, full.repetitions) == (30_000_000, 20, 3)
    with pytest.raises(SystemExit):
        command.arguments(["--rows", "5"])


def test_numbers_that_disagree_end_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disagree(*_: object) -> Report:
        raise scenarios.Mismatch("000000000 fttp")

    monkeypatch.setattr(command, "measure", disagree)
    assert command.main(["--quick", "--work", str(tmp_path)]) == 1


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_a_missed_limit_is_an_error_only_when_strict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: list[str], code: int
) -> None:
    monkeypatch.setattr(command, "measure", lambda *_: Report(judged=[Judged("q", 2, 1)]))
    assert command.main(["--quick", "--work", str(tmp_path), *strict]) == code


def test_the_table_is_written_into_the_page_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\nold\n{END}\n")
    monkeypatch.setattr(command, "PAGE", page)
    monkeypatch.setattr(command, "measure", lambda *_: Report(remarks=["fresh"]))
    assert command.main(["--quick", "--work", str(tmp_path)]) == 0
    assert "old" in page.read_text()
    assert command.main(["--quick", "--work", str(tmp_path), "--write"]) == 0
    assert "fresh" in page.read_text()
