"""What a sender gets back: words in three languages, the page, the marked workbook, and what it is asked to confirm."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import openpyxl
import polars as pl
import pytest
import xlsxwriter

from ingestion import pipeline
from ingestion.answer.anomalies import MOST_PLACES, Anomaly, compare
from ingestion.answer.document import document, write_answer
from ingestion.answer.model import MOST_OF_A_KIND, Answer
from ingestion.answer.page import anomalies, number, periods, render_page
from ingestion.answer.words import load_words
from ingestion.check import check_files
from ingestion.contract import load_contracts
from ingestion.faults import FILE_RULES, ROW_RULES
from tests.unit.ingestion_kit import FILING, HEADER, ROW, Warehouse, layout
from warehouse.languages import Language

LINKS = {language: f"x.{language}.html" for language in Language}
BOOK = FILING | {
    "layout": "test/book",
    "file_pattern": r"book_(?P<year>\d{4})q(?P<quarter>\d)\.xlsx",
    "format": "workbook",
    "text": None,
    "workbook": {"sheets": ["Форма"], "header_rows": [2, 3], "first_row": 4},
    "columns": {
        "as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}},
        "operator_id": {"value": "dala_telecom"},
        "settlement_kato": {"from": "КАТО"},
        "technology": {"from": "Сеть", "map": {"ВОЛС": "fttp"}},
        "connection_level": {"from": "Услуга | уровень"},
        "max_download_mbps": {"from": "Услуга | скорость"},
    },
    "absent": [
        "max_upload_mbps", "households_passed", "households_connected",
        "filed_region", "filed_district", "filed_settlement",
    ],
    "total_rows": None,
    "resolve": None,
}  # fmt: skip


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    made.layouts["test/book"] = layout(BOOK)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    monkeypatch.setattr("ingestion.check.load_layouts", lambda: made.layouts)
    return made


def row(**changes: str) -> str:
    """The good row of a filing with some of its fields replaced."""
    fields = dict(zip(HEADER.split(";"), ROW.split(";"), strict=True))
    return ";".join((fields | changes).values())


# --- Words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_every_rule_has_a_name_and_a_remedy_in_each_language(language: str) -> None:
    words = load_words(language)  # type: ignore[arg-type]
    of_contracts = {rule.name for contract in load_contracts().values() for rule in contract.row_rules}
    for rules, told in ((set(ROW_RULES) | of_contracts, words.rules), (set(FILE_RULES), words.files)):
        assert rules == {rule.rpartition(".")[2] for rule in told}
        assert all(set(entry) == {"name", "remedy"} and all(entry.values()) for entry in told.values())


def test_all_languages_say_the_same_things_with_the_same_values() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english = load_words("en")
    for language in Language:
        words = load_words(language)
        for ours, theirs in ((words.ui, english.ui), (words.anomalies, english.anomalies)):
            assert {key: places(text) for key, text in ours.items()} == {
                key: places(text) for key, text in theirs.items()
            }


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_every_extract_has_a_name_in_each_language(language: Any) -> None:
    assert load_words(language).extracts.keys() == load_contracts().keys()


def test_the_remedy_of_a_number_shows_the_form_of_the_layout_in_every_language() -> None:
    for language in Language:
        assert "1234567,8" in load_words(language).remedy("not_a_number", layout(FILING))


def test_a_contract_s_own_rule_is_told_in_its_own_words() -> None:
    tiles = layout(FILING, extract="speed_test_tiles")
    assert load_words("ru").remedy("outside_country", tiles) == "плитка вне страны; уберите её"
    assert "координаты" in load_words("ru").remedy("outside_country", layout(FILING))


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "1,234,567.5"), ("ru", "1\u00a0234\u00a0567,5"), ("kk", "1\u00a0234\u00a0567,5")],
)
def test_numbers_are_written_as_readers_write_them(language: Any, text: str) -> None:
    assert number(1234567.5, language) == text


# --- The page and JSON --------------------------------------------------------------------------------------------


def test_a_page_shows_each_fault_with_row_value_and_remedy_and_runs_no_html_of_the_file(
    warehouse: Warehouse,
) -> None:
    file = warehouse.file(ROW, row(Уровень="9"), row(Охвачено="<script>alert(1)</script>", КАТО="103230200"))
    (answer,) = check_files([file])
    page = render_page(answer, "ru", LINKS)
    assert '<html lang="ru">' in page
    assert 'href="x.kk.html" lang="kk"' in page
    assert "Принимается, кроме строк с ошибками: 2" in page
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "больше допустимого" in page
    assert "<dt>Оператор</dt><dd>dala_telecom</dd>" in page
    assert "<dd>Доступность связи по населённым пунктам (operator_availability)</dd>" in page
    assert "больше наибольшего допустимого значения" in page
    told = document(answer)
    assert told["rows"] == {"read": 3, "accepted": 1, "quarantined": 2, "duplicate": 0, "skipped": 1}
    assert [(f["row"], f["column"], f["value"], f["rule"]) for f in told["faults"]] == [
        (3, "Уровень", "9", "above_maximum"),
        (4, "Охвачено", "<script>alert(1)</script>", "not_a_number"),
    ]


def test_a_kind_of_fault_is_shown_a_thousand_times_with_its_true_total(warehouse: Warehouse) -> None:
    bad = MOST_OF_A_KIND + 500
    rows = [row(КАТО=f"{100000000 + n}", Уровень="9") for n in range(bad)]
    (answer,) = check_files([warehouse.file(ROW, *rows, row(Технология="WiMAX", КАТО="103230200"))])
    shown = [fault.row for fault in answer.faults if fault.rule == "above_maximum"]
    assert shown == list(range(3, 3 + MOST_OF_A_KIND))
    assert [fault.row for fault in answer.faults if fault.rule == "value_not_mapped"] == [bad + 3]
    assert {"rule": "above_maximum", "column": "Уровень", "rows": bad} in document(answer)["totals"]
    assert "the first 1,000 of 1,500" in render_page(answer, "en", LINKS)


def test_a_refused_file_is_told_why_and_what_to_do(warehouse: Warehouse) -> None:
    (answer,) = check_files([warehouse.file("1;2", header="a;b")])
    page = render_page(answer, "kk", LINKS)
    assert "Файл қабылданбас еді" in page
    assert "баған жоқ" in page
    assert "файлда нысанның бағаны жоқ" in page


def test_every_delivery_keeps_its_answer_in_the_home(warehouse: Warehouse) -> None:
    warehouse.file(ROW, row(Уровень="9"))
    warehouse.put("tariffs.csv", "a,b\n1,2\n")
    outcomes = warehouse.run()
    assert set(outcomes) == {"kato.csv", "changes.csv", "dala_2025q4.csv", "tariffs.csv"}
    for outcome in outcomes.values():
        folder = warehouse.home.answers / outcome.extract_id
        assert {path.name for path in folder.iterdir()} == {
            "answer.json", "answer.kk.html", "answer.ru.html", "answer.en.html",
        }  # fmt: skip
        told = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        assert (told["sha256"], told["outcome"]) == (outcome.sha256, outcome.outcome)
    kept = json.loads(
        (warehouse.home.answers / outcomes["dala_2025q4.csv"].extract_id / "answer.json").read_text("utf-8")
    )
    assert [(fault["row"], fault["rule"]) for fault in kept["faults"]] == [(3, "above_maximum")]


# --- The workbook -------------------------------------------------------------------------------------------------


def filing_workbook(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("Форма")
        page.write(0, 0, "Отчёт")
        page.merge_range(1, 2, 1, 3, "Услуга")
        for column, (above, name) in enumerate(
            [("КАТО", ""), ("Сеть", ""), ("Услуга", "уровень"), ("", "скорость")]
        ):
            if column < 2:
                page.write(1, column, above)
            page.write(2, column, name)
        rows = [("103230100", "ВОЛС", 3, 100), ("103230200", "ВОЛС", 9, 50), ("103230300", "=1+1", 3, -1)]
        for number_, values in enumerate(rows, start=3):
            for column, value in enumerate(values):
                write = page.write_string if isinstance(value, str) else page.write_number
                write(number_, column, value)
        book.add_worksheet("Памятка").write(0, 0, "не трогать")
    return path


def test_the_sender_s_own_workbook_comes_back_with_exactly_its_faulty_cells_marked(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    file = filing_workbook(warehouse.inbox / "book_2025q4.xlsx")
    (answer,) = check_files([file])
    (*_, path) = write_answer(answer, file, tmp_path / "out", "ru")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Форма", "Памятка", "Qamtu"]
    marked = {cell.coordinate: cell.comment.text for cells in book["Форма"] for cell in cells if cell.comment}
    assert set(marked) == {"C5", "B6", "D6"}
    assert marked["C5"].startswith("больше допустимого: ")
    assert book["Форма"]["C5"].fill.start_color.rgb == "FFF4B6B6"
    assert book["Форма"]["C4"].fill.fill_type is None
    assert book["Памятка"]["A1"].value == "не трогать"
    assert (book["Форма"]["B6"].value, book["Форма"]["B6"].data_type) == ("=1+1", "s")


def test_a_fault_below_a_header_that_is_a_formula_is_marked_in_its_own_cell(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    file = warehouse.inbox / "book_2025q4.xlsx"
    with xlsxwriter.Workbook(file) as workbook:
        page = workbook.add_worksheet("Форма")
        page.write_row(2, 0, ["КАТО", "Сеть"])
        page.write_formula(1, 2, '="Услу"&"га"', None, "Услуга")
        page.write_formula(2, 2, "=Имена!A1", None, "уровень")
        page.write_formula(2, 3, "=Имена!A2", None, "скорость")
        page.write_row(3, 0, ["103230100", "ВОЛС", 3, 100])
        page.write_row(4, 0, ["103230200", "ВОЛС", 9, 100])
    (answer,) = check_files([file])
    (*_, path) = write_answer(answer, file, tmp_path / "out", "ru")
    sheet = openpyxl.load_workbook(path)["Форма"]
    assert [cell.coordinate for cells in sheet for cell in cells if cell.comment] == ["C5"]
    assert sheet["C2"].value == '="Услу"&"га"', "the sender's formula stays"


@pytest.mark.parametrize(
    ("language", "told"), [("kk", "Күні</dt><dd>31.12.2025"), ("ru", "По состоянию на</dt><dd>31.12.2025"),
                           ("en", "As of</dt><dd>2025-12-31")]
)  # fmt: skip
def test_the_page_says_which_date_the_file_is_of(warehouse: Warehouse, language: str, told: str) -> None:
    (answer,) = check_files([warehouse.file(ROW)])
    assert told in render_page(answer, Language(language), LINKS)


def test_of_many_dates_the_first_and_the_last_are_told() -> None:
    many = Mock(periods=tuple(f"20{year}-12-31" for year in range(10, 20)))
    assert periods(many, Language.en) == "2010-12-31 – 2019-12-31 (10)"
    assert periods(Mock(periods=()), Language.ru) is None


def test_a_text_comes_back_as_a_workbook_whose_cells_stay_text(warehouse: Warehouse, tmp_path: Path) -> None:
    file = warehouse.file(ROW, row(Технология="=HYPERLINK(0)", Уровень="9"))
    (answer,) = check_files([file])
    (*_, path) = write_answer(answer, file, tmp_path / "out", "en")
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["row", *HEADER.split(";")]
    assert [cell.value for cell in sheet[2]] == [2, *ROW.split(";")]
    wrong = sheet[3][HEADER.split(";").index("Технология") + 1]
    assert (wrong.value, wrong.data_type) == ("=HYPERLINK(0)", "s")
    assert {cell.column_letter for cell in sheet[3] if cell.comment} == {"G", "H"}
    assert not any(cell.comment for cell in sheet[2])


def test_of_a_long_text_only_faulty_rows_are_written(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.answer.workbook.MOST_ROWS", 2)
    file = warehouse.file(ROW, row(КАТО="103230200"), row(Уровень="9", КАТО="103230500"))
    (answer,) = check_files([file])
    (*_, path) = write_answer(answer, file, tmp_path / "out", "en")
    book = openpyxl.load_workbook(path)
    assert [cells[0].value for cells in book.worksheets[0]] == ["row", 4]
    assert book["Qamtu"]["A2"].value == "Only rows with faults are shown; the file has 3 rows."


def test_a_file_without_faults_has_no_workbook(warehouse: Warehouse, tmp_path: Path) -> None:
    file = warehouse.file(ROW)
    (answer,) = check_files([file])
    assert answer.is_clean
    names = {path.name for path in write_answer(answer, file, tmp_path / "out", "kk")}
    assert names == {"dala_2025q4.csv.answer.json", "dala_2025q4.csv.answer.kk.html"}


# --- What to confirm ----------------------------------------------------------------------------------------------


def filing(*rows: tuple[str, str, int]) -> pl.LazyFrame:
    """Accepted rows of operator_availability: place, technology, households passed."""
    frame = pl.DataFrame(
        rows,
        schema={
            "settlement_kato": pl.String,
            "technology": pl.String,
            "households_passed": pl.Int64,
        },
        orient="row",
    )
    return frame.lazy().with_columns(
        operator_id=pl.lit("dala"), filed_settlement=pl.lit("с.Карааул"), households_connected=pl.lit(1)
    )


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (filing(("1", "fttp", 100), ("2", "fttp", 100), ("2", "dsl", 10)), []),
        (filing(("1", "fttp", 109), ("2", "fttp", 100), ("2", "dsl", 10)), []),
        (
            filing(("1", "fttp", 100), ("1", "dsl", 110), ("3", "dsl", 0)),
            [Anomaly("place_lost", {"place": "2 с.Карааул"})],
        ),
        (
            filing(("1", "fttp", 100), ("2", "fttp", 110), ("3", "fttp", 0)),
            [Anomaly("category_lost", {"column": "technology", "value": "dsl", "count": 1})],
        ),
        (
            filing(("1", "fttp", 150), ("2", "fttp", 100), ("2", "dsl", 10)),
            [Anomaly("sum_changed", {"column": "households_passed", "before": 210, "after": 260, "change": 23.8})],
        ),
    ],
    ids=["same", "a little more", "a place lost", "a technology lost", "households changed by more than a tenth"],
)  # fmt: skip
def test_a_filing_is_asked_about_what_it_lost_or_changed(after: pl.LazyFrame, told: list[Anomaly]) -> None:
    before = filing(("1", "fttp", 100), ("2", "fttp", 100), ("2", "dsl", 10))
    contract = load_contracts()["operator_availability"]
    assert list(compare(contract, "settlement_kato", before, after)) == told


def test_many_places_lost_are_counted_and_a_halved_filing_is_said_to_be_one() -> None:
    before = filing(*((f"{n:03}", "fttp", 10) for n in range(60)))
    found = compare(
        load_contracts()["operator_availability"], "settlement_kato", before, filing(("000", "fttp", 10))
    )
    assert found[0] == Anomaly("rows_halved", {"before": 60, "after": 1})
    assert [anomaly.kind for anomaly in found].count("place_lost") == MOST_PLACES
    assert Anomaly("place_lost_more", {"count": 59}) in found


@pytest.mark.parametrize(("after", "is_told"), [(5, False), (4, True)])
def test_a_filing_is_halved_when_it_holds_less_than_half(after: int, is_told: bool) -> None:
    contract = load_contracts()["public_statements"]
    frames = [pl.LazyFrame({"statement_id": list(range(rows))}) for rows in (10, after)]
    found = compare(contract, None, *frames)
    assert ("rows_halved" in [anomaly.kind for anomaly in found]) == is_told


def test_the_filing_before_is_given_or_found_in_the_home(warehouse: Warehouse) -> None:
    earlier = warehouse.file(row(Дата="30.09.2025", Охвачено="10 000"), name="dala_2025q3.csv")
    warehouse.run()
    later = warehouse.file(ROW)
    (alone,) = check_files([later])
    (given,) = check_files([later], previous=earlier)
    (found,) = check_files([later], warehouse.home)
    assert (alone.previous, alone.anomalies) == (None, ())
    assert given.previous == found.previous == "dala_2025q3.csv"
    assert [a.kind for a in given.anomalies] == [a.kind for a in found.anomalies] == ["sum_changed"]
    assert anomalies(given, load_words("ru")) == [
        "households_passed: было 10\u00a0000, стало 1\u00a0140 (-88,6 %)"
    ]
    outcomes = warehouse.run()
    kept = warehouse.home.answers / outcomes["dala_2025q4.csv"].extract_id / "answer.json"
    told = json.loads(kept.read_text(encoding="utf-8"))
    assert (told["previous"], [asked["kind"] for asked in told["to_confirm"]]) == (
        "dala_2025q3.csv",
        ["sum_changed"],
    )


def test_a_filing_is_compared_with_its_own_kind_only(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match=r"kato\.csv is nothing to compare dala_2025q4\.csv with"):
        list(check_files([warehouse.file(ROW)], previous=warehouse.inbox / "kato.csv"))
    bad = warehouse.file(row(Уровень="9"), name="dala_2025q3.csv")
    with pytest.raises(ValueError, match="none of 1 rows accepted"):
        list(check_files([warehouse.file(ROW)], previous=bad))


def test_an_answer_without_a_layout_still_has_a_page(warehouse: Warehouse) -> None:
    (answer,) = check_files([warehouse.put("tariffs.csv", "a,b\n")])
    assert isinstance(answer, Answer)
    assert "no layout knows this file name" in render_page(answer, "en", LINKS)


def test_a_run_that_dies_over_an_answer_writes_it_the_next_time(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.file(ROW)
    with monkeypatch.context() as disk:
        disk.setattr(pipeline, "write_pages", Mock(side_effect=OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            warehouse.run()
    outcomes = warehouse.run()
    answered = warehouse.home.answers / outcomes["dala_2025q4.csv"].extract_id
    assert {path.name for path in answered.iterdir()} == {
        "answer.json",
        "answer.en.html",
        "answer.kk.html",
        "answer.ru.html",
    }
