"""The scorecard: what the release says, for a person and for a script, and nothing that is withheld."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.unit.audit_kit import Country, Table, home_in, small_country
from tests.unit.test_releases import released
from warehouse.scorecard import Scorecard, read_scorecard, render

COVERAGE, ITU = "population_covered_pct", "itu_population_covered_pct"


def country() -> Country:
    """The small country with all that the scorecard shows."""
    found = small_country()
    found.tables["dim_metric"] = Table(
        """ select * from (values ('population_covered_pct', 'fct_coverage', 'operator_availability',
        'Population covered', 'S1', true), ('itu_population_covered_pct', 'fct_benchmark', 'itu_indicators',
        'Population covered, ITU', 'S1', false) ) as listed (metric_id, source_table, required_extracts,
        name_en, system, is_headline)
        """
    )
    found.tables["fct_metric"].sql = """ select * from (values ('population_covered_pct', date '2025-09-30',
    'national', '000000000', '4g', 89.0::double, 'published', null::varchar), ('population_covered_pct', date
    '2025-12-31', 'national', '000000000', '4g', 90.0, 'published', null), ('itu_population_covered_pct', date
    '2024-12-31', 'national', '000000000', '4g', 91.6, 'published', null) ) as rows (metric_id, as_of_date,
    geography_level, kato, technology, value, status, withheld_reason) cross join (select null::double as
    numerator, null::double as denominator, 'all' as area_type, 'ITU' as denominator_source)
    """
    found.tables["fct_target_progress"] = Table(
        "select 't1' as target_id, 'S1' as system, 'population_covered_pct' as metric_id, '000000000' as kato, "
        "'4g' as technology, 'percent' as unit, 99.0::double as target_value, date '2027-12-31' as due_date, "
        "95.5::double as projected_value, 'off_track' as status, null::varchar as withheld_reason",
        ["fct_metric"],
        meta={"figures_by_row": {"metric_column": "metric_id", "columns": ["projected_value"]}},
    )
    found.tables["fct_statement_check"] = Table(
        """ select * from (values ('s1', 'S1', '90 [percent] of people', date '2026-01-06',
        'population_covered_pct', 'percent', 90.0::double, 90.0::double, 'confirmed', 'Holds.', 'published',
        null::varchar), ('s2', 'S1', 'soon', date '2026-01-06', 'population_covered_pct', 'percent', 99.0,
        null, 'unverifiable', 'Not due yet.', 'published', null), ('s6', 'S6', 'roads', date '2026-01-06',
        null, 'km', 40000.0, null, 'unverifiable', 'Not measured yet.', 'published', null) ) as rows
        (statement_id, system, quote, stated_at, metric_id, unit, stated_value, computed_value, verdict,
        explanation, status, withheld_reason) """,
        ["fct_metric"],
        meta={"figures_by_row": {"metric_column": "metric_id", "columns": ["computed_value"]}},
    )
    found.tables["dim_technology"] = Table("select '4g' as technology, '4G or better' as name_en")
    found.tables["dim_speed_tier"] = Table("select 'ultra_100' as speed_tier, '100 Mbit/s' as name_en")
    found.tables["meta_extract"] = Table(
        """
        select * from (values
            ('e1', 'sample_dala', 'accepted'), ('e2', 'sample_dala', 'accepted_with_quarantine'),
            ('e3', 'sample_dala', 'rejected'), ('unmatched.1', null, 'unmatched'),
            ('ignored.1', null, 'ignored'), ('ignored.2', null, 'ignored')
        ) as rows (extract_id, sender, outcome)
        """
    )
    found.tables["meta_row_account"] = Table(
        """
        select * from (values ('e1', 1000, 990, 7, 3), ('e2', 500, 400, 100, 0))
        as rows (extract_id, rows_read, rows_accepted, rows_quarantined, rows_duplicate)
        """
    )
    return found


def card(tmp_path: Path, given: Country | None = None) -> Scorecard:
    release = released(given or country(), home_in(tmp_path))
    assert release.path is not None
    return read_scorecard(release.path)


def printed(scorecard: Scorecard, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    render(scorecard, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_headline_is_the_latest_figure_of_the_nation(tmp_path: Path) -> None:
    (headline,) = card(tmp_path).headlines
    assert (headline.as_of_date, headline.value, headline.target_value) == ("2025-12-31", 90.0, 99.0)
    assert (headline.technology_name, headline.outlook, headline.due_date) == (
        "4G or better",
        "off_track",
        "2027-12-31",
    )


def test_the_country_is_told_from_population_and_places(tmp_path: Path) -> None:
    given = country()
    given.tables["fct_metric"].sql = """ select 'population' as metric_id, date '2026-01-01' as as_of_date,
    'national' as geography_level, '000000000' as kato, 'all' as area_type, null::varchar as technology,
    20495975.0::double as value, 'the bureau' as denominator_source, 'published' as status,
    null::varchar as withheld_reason, null::double as numerator, null::double as denominator
    """
    metrics = given.tables["dim_metric"]
    metrics.sql = metrics.sql.replace("'itu_population_covered_pct'", "'population'")
    given.tables["dim_region"] = Table(
        "select '100000000' as region_kato, 'oblast' as level, true as is_current"
    )
    given.tables["dim_settlement"] = Table(
        "select * from (values ('103230100', 'settlement', true), ('103230200', 'settlement', false), "
        "('101010000', 'sub_district', false)) as rows (settlement_kato, kato_level, is_programme)"
    )
    told = {line.what: line.count for line in card(tmp_path, given).country}
    assert told == {
        "Population": 20_495_975.0,
        "Regions": 1,
        "Settlement codes of KATO": 2,
        "of these counted as villages of the programme": 1,
    }


def test_rows_are_accounted_for_by_sender(tmp_path: Path) -> None:
    dala, unknown, ignored = card(tmp_path).senders
    assert (dala.sender, dala.files, dala.files_accepted) == ("sample_dala", 3, 2)
    assert (dala.rows_read, dala.rows_accepted, dala.rows_quarantined, dala.rows_duplicate) == (
        1500,
        1390,
        107,
        3,
    )
    assert (unknown.sender, unknown.files, unknown.files_accepted) == ("not recognised", 1, 0)
    assert (ignored.sender, ignored.files, ignored.files_accepted) == ("ignored", 2, 0)


def test_what_is_held_is_told_with_what_ends_it(tmp_path: Path) -> None:
    given = country()
    given.extracts.append(
        {"extract_id": "e9", "extract_kind": "population", "outcome": "held", "is_current": False}
    )
    given.tables["meta_extract"] = Table(
        """
        select 'e9' as extract_id, 'sample_dala' as sender, 'dala/q4.csv' as file_name, 'held' as outcome,
            'held, suspicious beside q3.csv; qamtu accept e9 --reason "..."' as message
        """
    )
    found = card(tmp_path, given)
    (held,) = found.held
    assert (held.extract_id, held.sender, held.file_name) == ("e9", "sample_dala", "dala/q4.csv")
    told = printed(found)
    assert "Held as suspicious, and not used" in told
    assert (
        "dala/q4.csv, on which 0 metrics would rest: held, suspicious beside q3.csv; qamtu accept e9" in told
    )
    assert "Held as suspicious" not in printed(card(tmp_path / "without"))


def test_checks_are_counted_and_open_ones_named(tmp_path: Path) -> None:
    given = country()
    given.tests[1].status, given.tests[1].failures = "fail", 4
    found = card(tmp_path, given)
    assert {line.kind: (line.total, line.passed, line.not_passed) for line in found.checks} == {
        "build": (12, 12, 0),
        "dbt": (3, 2, 1),
    }
    assert [(check.check_id, check.status) for check in found.open_checks] == [
        ("test.qamtu.not_null_fct_benchmark_kato", "fail")
    ]


def test_a_withheld_figure_is_nowhere_on_the_card(tmp_path: Path) -> None:
    given = country()
    given.extracts = given.extracts[1:]
    found = card(tmp_path, given)
    assert [(line.metric_id, line.withheld_reason) for line in found.withheld] == [
        (COVERAGE, "no operator_availability extract received")
    ]
    (headline,) = found.headlines
    assert (headline.value, headline.projected_value) == (None, None)
    text = printed(found)
    assert "95.5" not in text
    assert "no operator_availability extract received" in text
    assert "withheld" in text
    assert "confirmed" not in text


def test_it_says_sample_first(tmp_path: Path) -> None:
    text = printed(card(tmp_path))
    assert "SAMPLE: an invented country" in text.splitlines()[1]
    given = country()
    for extract in given.extracts:
        extract["is_sample"] = False
    assert "SAMPLE" not in printed(card(tmp_path / "real", given))


def test_what_a_person_reads(tmp_path: Path) -> None:
    text = printed(card(tmp_path))
    for expected in (
        "Population covered: 4G or better",
        "90.0 %",
        "99.0 % by 2027",
        "off track",
        "90 [percent] of people",
        "confirmed",
        "1 more statements are not due",
        "Metrics published: 2 of 2",
        "sample_dala",
        "1,390",
        "12 of 12 tables built",
    ):
        assert expected in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_lines_fit_the_terminal_and_paths_stay_whole(tmp_path: Path, width: int) -> None:
    found = card(tmp_path)
    lines = printed(found, width).splitlines()
    for path in found.paths.values():
        assert Path(path).exists()
        assert any(line.endswith(path) for line in lines)
    assert all(len(line) <= width for line in lines if not any(path in line for path in found.paths.values()))


def test_a_script_can_read_it(tmp_path: Path) -> None:
    document = json.loads(json.dumps(card(tmp_path).as_dict()))
    assert document["label"] == "SAMPLE"
    assert [metric["status"] for metric in document["metrics"]] == ["published", "published"]
    assert document["headlines"][0]["value"] == 90.0
    assert set(document["paths"]) == {"duckdb", "parquet", "csv", "descriptor", "account"}


def test_a_release_without_statements_still_has_a_card(tmp_path: Path) -> None:
    given = country()
    for name in ("fct_statement_check", "fct_target_progress", "meta_row_account"):
        del given.tables[name]
    found = card(tmp_path, given)
    assert (found.statements, found.headlines, found.senders) == ((), (), ())
    assert "Metrics published: 2 of 2" in printed(found)


def test_no_release_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_scorecard(tmp_path)
