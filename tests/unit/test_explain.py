"""From a published number down to rows of files, and back up: sums that can be done by hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.unit.release_kit import CLAIMS, EAST, NATION, Q3, Q4, WEST, SmallRelease
from warehouse.explain import Figure, NotExplainable, explain, explain_delivery, is_metric, model_file
from warehouse.explanation_text import print_delivery, print_explanation, write_terms
from warehouse.paths import Home

SHARE = "population_covered_pct"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("explain") / "home")


@pytest.fixture(scope="module")
def release(home: Home) -> Path:
    return SmallRelease().write(home)


def test_a_share_goes_down_to_file_sheet_and_row(home: Home, release: Path) -> None:
    found = explain(home, release, Figure(SHARE, WEST, "4g", Q3))
    assert (found.figure["value"], found.figure["numerator"], found.figure["denominator"]) == (
        90.0,
        900.0,
        1000.0,
    )
    assert [(term["term"], term["is_counted"], term["numerator"]) for term in found.terms] == [
        ("101000000", True, 600.0), ("102000100", True, 300.0), ("102000200", False, None),
    ]  # fmt: skip
    told = [
        (row["term"], row["technology"], row["file_name"], row["sheet"], row["row"]) for row in found.rows
    ]
    assert told == [
        ("101000000", "4g", "arman/filing_2025-09-30.csv", "Данные", 10),
        ("102000100", "5g", "arman/filing_2025-09-30.csv", "Данные", 11),
    ]
    assert all(len(row["sha256"]) == 64 and row["sender"] == "arman" for row in found.rows)
    assert found.check_sum["numerator_unexplained"] == found.check_sum["denominator_in_no_term"] == 0
    assert next((row["term"], row["value"], row["row"]) for row in found.census_rows) == (WEST, 1000, 10)


def test_what_the_lake_lost_is_told(tmp_path: Path, release: Path) -> None:
    """Without the rows of the lake the terms still stand, and the lack of rows is said."""
    found = explain(Home(tmp_path), release, Figure(SHARE, EAST, "2g", Q3))
    assert (found.check_sum["numerator_of_terms"], found.rows) == (500.0, ())
    assert any("does not hold the rows of arman.2025-09-30, dala.2025-09-30" in note for note in found.notes)


def test_the_date_is_the_latest_and_places_have_names(home: Home, release: Path) -> None:
    found = explain(home, release, Figure(SHARE, "west", "4g"))
    assert (found.figure["as_of_date"], found.figure["kato"], found.figure["value"]) == (Q4, WEST, 70.0)
    assert [term["term"] for term in found.terms if term["is_counted"]] == ["101000000", "102000200"]


def test_villages_count_one_each(home: Home, release: Path) -> None:
    found = explain(home, release, Figure("settlements_connected"))
    assert (found.figure["value"], found.check_sum["numerator_of_terms"]) == (0.0, 0)
    assert (found.check_sum["terms"], found.check_sum["denominator_of_terms"]) == (3, 3.0)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Figure("population_coverd_pct"), "near it: population_covered_pct"),
        (Figure(SHARE, technology="6g"), "choose --technology from: 2g, 4g, 5g, fttp"),
        (Figure(SHARE), "which one\\? choose --technology from: 2g"),
        (Figure(SHARE, "Atlantis", "4g"), "names no one region or district"),
        (Figure(SHARE, "999999999", "4g"), "has no figure for the place 999999999"),
        (
            Figure(SHARE, technology="4g", as_of=Q4.replace(year=2019)),
            "choose --as-of from: 2025-09-30, 2025-12-31",
        ),
        (Figure(SHARE, technology="4g", area_type="lunar"), "choose --area-type from: all, rural, urban"),
    ],
)
def test_what_there_is_instead_is_told(home: Home, release: Path, asked: Figure, told: str) -> None:
    with pytest.raises(NotExplainable, match=told):
        explain(home, release, asked)


def test_a_withheld_figure_says_why_and_gives_nothing_away(tmp_path: Path) -> None:
    home = Home(tmp_path)
    folder = SmallRelease("pub-000000000003", withheld=frozenset({SHARE})).write(home)
    found = explain(home, folder, Figure(SHARE, WEST, "4g", Q3))
    assert (found.figure["status"], found.figure["withheld_reason"]) == (
        "withheld",
        "check marts.total failed",
    )
    assert (found.terms, found.rows, found.census_rows, found.check_sum) == ((), (), (), {})
    assert found.deliveries, "whose files it would rest on is no secret"
    assert [check["check_id"] for check in found.checks] == ["marts.total"]


def test_deliveries_say_what_they_are_to_the_figure(home: Home, release: Path) -> None:
    found = explain(home, release, Figure(SHARE, WEST, "4g", Q3))
    counted = {
        row["extract_id"]: row["rows_in_figure"] for row in found.deliveries if row["role"] == "counted"
    }
    assert counted == {"arman.2025-09-30": 2, "dala.2025-09-30": 0, "census.2025": 4}


def test_a_name_that_several_deliveries_have_is_no_answer(home: Home, release: Path) -> None:
    with pytest.raises(NotExplainable, match=r"may be any of 2 deliveries: arman\.2025-12-31, dala"):
        explain_delivery(home, release, "filing_2025-12-31.csv")


@pytest.mark.parametrize(
    "name", ["arman.2025-09-30", "arman/filing_2025-09-30.csv", "in/arman/filing_2025-09-30.csv"]
)
def test_a_delivery_goes_up_to_the_numbers_that_rest_on_it(home: Home, release: Path, name: str) -> None:
    found = explain_delivery(home, release, name)
    uses = {(use["metric_id"], use["as_of_date"]): use["numbers_published"] for use in found.uses}
    # 3 levels: nation, 2 regions, 3 districts; of each all, and urban or rural where there is any; 4 technologies
    assert uses == {(SHARE, Q3): 56, ("settlements_connected", Q3): 5}
    assert ("settlements_connected", Q3) in {(row["metric_id"], row["as_of_date"]) for row in found.national}


def test_what_nobody_sent_rests_under_nothing(home: Home, release: Path) -> None:
    with pytest.raises(NotExplainable, match=r"no metric and no delivery is called 'tariffs\.csv'"):
        explain_delivery(home, release, "tariffs.csv")
    assert (is_metric(release, SHARE), is_metric(release, "tariffs")) == (True, False)


def test_a_census_bears_on_the_figures_of_later_dates(home: Home, release: Path) -> None:
    found = explain_delivery(home, release, "census.2025")
    assert {(use["metric_id"], use["as_of_date"]) for use in found.uses} == {(SHARE, Q3), (SHARE, Q4)}


def test_an_old_release_is_explained_with_what_it_said(tmp_path: Path) -> None:
    home = Home(tmp_path)
    release = SmallRelease().write(home)
    claims = {key: claim for key, claim in CLAIMS.items() if key[1] != "102000100"}
    later = SmallRelease("pub-000000000002", claims=claims).write(home)
    assert explain(home, later, Figure(SHARE, WEST, "4g", Q3)).figure["value"] == 60.0
    assert explain(home, release, Figure(SHARE, WEST, "4g", Q3)).check_sum["numerator_of_terms"] == 900.0


def test_the_text_names_what_a_reader_needs(home: Home, release: Path) -> None:
    console = Console(width=180, record=True, file=io.StringIO())
    print_explanation(explain(home, release, Figure(SHARE, WEST, "4g", Q3)), console, top=2)
    text = console.export_text()
    for words in (
        "90.00 %",
        "900 of 1,000",
        "arman/filing_2025-09-30.csv",
        "connection_level 2",
        "the first 2 of 3",
    ):
        assert words in text
    print_delivery(explain_delivery(home, release, "arman.2025-09-30"), console, top=2)
    assert "Numbers that count its rows" in console.export_text()


def test_terms_in_csv_run_no_formula(home: Home, release: Path, tmp_path: Path) -> None:
    found = explain(home, release, Figure(SHARE, NATION, "4g", Q3))
    found.terms[0]["name"] = "=1+1"
    rows = write_terms(found, tmp_path / "terms.csv")
    with (tmp_path / "terms.csv").open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream))
    assert len(read) == rows == 7
    assert read[0]["name"] == "'=1+1"
    assert {row["term"] for row in read if row["is_counted"] == "True"} == {"101000000", "102000100"}


def test_models_are_found_in_the_project() -> None:
    path = model_file("marts.fct_metric")
    assert path is not None
    assert path.name == "fct_metric.sql"
    assert model_file("marts.no_such_table") is None


def test_names_of_a_region_may_hold_quotes(home: Home, release: Path) -> None:
    with pytest.raises(NotExplainable):
        explain(home, release, Figure(SHARE, "O'Higgins'; drop table fct_metric; --", "4g"))
    assert NATION
