"""Reading workbooks: which sheets are read, what is said of the others, and cells whose formula failed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
import xlwt

from ingestion.faults import FILE_RULES
from ingestion.readers.formulas import uncomputed_formulas
from ingestion.readers.merged import merged_rows
from ingestion.readers.percentages import percentage_cells
from tests.unit.ingestion_kit import FILING, YEARS, Warehouse, layout

HEADER = ["Дата", "Село", "КАТО", "Технология", "Уровень", "Приём", "Отдача", "Охвачено", "Подключено"]
ROW: list[object] = ["31.12.2025", "с.Карааул", "103230100", "ВОЛС", 3, 100.5, 50, 140, 90]
OTHER: list[object] = ["31.12.2025", "с.Шынгыс", "103230200", "ВОЛС", 2, 20, 5, 70, 30]
READ = {
    "as_of_date": {"from": "Дата", "date_format": "%d.%m.%Y"},
    "operator_id": {"value": "dala_telecom"},
    "filed_settlement": {"from": "Село"},
    "settlement_kato": {"from": "КАТО"},
    "technology": {"from": "Технология", "map": {"ВОЛС": "fttp"}},
    "connection_level": {"from": "Уровень"},
    "max_download_mbps": {"from": "Приём"},
    "max_upload_mbps": {"from": "Отдача"},
    "households_passed": {"from": "Охвачено"},
    "households_connected": {"from": "Подключено"},
}


class Error(str):
    """A cell whose formula failed."""

    __slots__ = ()


def workbook_layout(sheets: list[str] | str = r"\dG.*") -> dict[str, object]:
    return FILING | {
        "layout": "test/book",
        "file_pattern": r"book_(?P<year>\d{4})q(?P<quarter>\d)\.xlsx?",
        "format": "workbook",
        "text": None,
        "workbook": {"sheets": sheets, "header_rows": [1], "first_row": 2},
        "columns": READ,
        "absent": ["filed_region", "filed_district"],
        "total_rows": None,
        "resolve": {"kato": "settlement_kato"},
    }


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    made.layouts["test/book"] = layout(workbook_layout())
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    return made


def book(*fill: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    """A workbook with a filing on the sheet '4G', and whatever else is put into it."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet(workbook, "4G", HEADER, ROW)
        for add in fill:
            add(workbook)
    return buffer.getvalue()


def sheet(
    workbook: xlsxwriter.Workbook, name: str, *rows: list[object] | list[str]
) -> xlsxwriter.worksheet.Worksheet:
    page = workbook.add_worksheet(name)
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, Error):
                page.write_formula(number, column, "=NA()", None, str(value))
            else:
                page.write(number, column, value)
    return page


def empty_sheet(workbook: xlsxwriter.Workbook) -> None:
    workbook.add_worksheet("5G")


def header_without_rows(workbook: xlsxwriter.Workbook) -> None:
    sheet(workbook, "5G", HEADER)


def chart_sheet(workbook: xlsxwriter.Workbook) -> None:
    chart = workbook.add_chart({"type": "line"})
    chart.add_series({"values": "='4G'!$E$2:$E$3"})
    workbook.add_chartsheet("5G chart").set_chart(chart)


def hidden_sheet(workbook: xlsxwriter.Workbook) -> None:
    sheet(workbook, "3G", HEADER, OTHER).hide()


def very_hidden_sheet(workbook: xlsxwriter.Workbook) -> None:
    sheet(workbook, "3G", HEADER, OTHER).very_hidden()


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (empty_sheet, "sheet '5G' has 0 rows, data starts in 2 (it is empty, or a chart): passed over"),
        (header_without_rows, "sheet '5G' has 1 rows, data starts in 2: passed over"),
        (chart_sheet, "sheet '5G chart' has 0 rows, data starts in 2 (it is empty, or a chart): passed over"),
        (hidden_sheet, "sheet '3G' is hidden, and the layout does not list it by name: passed over"),
        (very_hidden_sheet, "sheet '3G' is hidden, and the layout does not list it by name: passed over"),
    ],
    ids=["empty_sheet", "header_without_rows", "chart_sheet", "hidden_sheet", "very_hidden_sheet"],
)
def test_an_odd_sheet_that_an_expression_takes_is_passed_over_and_told(
    warehouse: Warehouse, odd: Callable[[xlsxwriter.Workbook], None], told: str
) -> None:
    warehouse.put("book_2025q4.xlsx", book(odd))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.outcome, outcome.message) == ("accepted", told)
    assert warehouse.part("accepted", outcome)["source_sheet"].to_list() == ["4G"]


@pytest.mark.parametrize("hidden", [hidden_sheet, very_hidden_sheet])
def test_a_hidden_sheet_that_the_layout_lists_is_read(
    warehouse: Warehouse, hidden: Callable[[xlsxwriter.Workbook], None]
) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout(["4G", "3G"]))
    warehouse.put("book_2025q4.xlsx", book(hidden))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.outcome, outcome.message) == ("accepted", None)
    assert warehouse.part("accepted", outcome)["source_sheet"].to_list() == ["4G", "3G"]


@pytest.mark.parametrize(
    ("sheets", "odd", "rule", "told"),
    [
        (["4G", "5G"], empty_sheet, "empty_file", "book_2025q4.xlsx, sheet '5G' has 0 rows"),
        (["4G", "5G chart"], chart_sheet, "empty_file", "book_2025q4.xlsx, sheet '5G chart' has 0 rows"),
        ("5G.*", chart_sheet, "empty_file", "book_2025q4.xlsx: sheet '5G chart' has 0 rows"),
        ("3G", hidden_sheet, "missing_sheet", "book_2025q4.xlsx: sheet '3G' is hidden"),
    ],
    ids=["listed_sheet_is_empty", "listed_sheet_is_a_chart", "only_a_chart_fits", "only_a_hidden_sheet_fits"],
)
def test_a_workbook_without_a_sheet_that_the_layout_needs_is_refused(
    warehouse: Warehouse,
    sheets: list[str] | str,
    odd: Callable[[xlsxwriter.Workbook], None],
    rule: str,
    told: str,
) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout(sheets))
    warehouse.put("book_2025q4.xlsx", book(odd))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.outcome, outcome.rule) == ("rejected", rule)
    assert told in str(outcome.message)
    assert FILE_RULES[rule] in str(outcome.message)


def formula_errors(workbook: xlsxwriter.Workbook) -> None:
    def broken(column: str, error: str) -> list[object]:
        row = list(OTHER)
        row[HEADER.index(column)] = Error(error)
        return row

    sheet(
        workbook, "3G", HEADER,
        broken("Приём", "#N/A"), broken("Уровень", "#DIV/0!"), broken("Дата", "#VALUE!"),
        broken("Технология", "#NAME?"), broken("КАТО", "#REF!"), broken("Село", "#N/A"), list(OTHER),
    )  # fmt: skip


def test_the_error_of_a_formula_is_told_as_it_stands_in_the_cell(warehouse: Warehouse) -> None:
    warehouse.put("book_2025q4.xlsx", book(formula_errors))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.rows_read, outcome.rows_accepted) == (8, 2)
    found = set(warehouse.reasons(outcome))
    assert found == {
        (2, "not_a_number", "Приём", "#N/A"),
        (3, "not_a_number", "Уровень", "#DIV/0!"),
        (4, "not_a_date", "Дата", "#VALUE!"),
        (5, "value_not_mapped", "Технология", "#NAME?"),
        (6, "kato_unknown", "КАТО", "#REF!"),
        (6, "formula_error", "КАТО", "#REF!"),
        (7, "formula_error", "Село", "#N/A"),
    }
    assert "sheet '3G', row 2, column 'Приём', value '#N/A'" in str(outcome.message)


def test_the_error_of_a_formula_that_the_layout_marks_as_unknown_is_unknown(warehouse: Warehouse) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout("3G"), null_marks=["#N/A"])
    row = [*ROW[:5], Error("#N/A"), *ROW[6:]]
    warehouse.put("book_2025q4.xlsx", book(lambda workbook: sheet(workbook, "3G", HEADER, row)))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert outcome.outcome == "accepted"
    assert warehouse.part("accepted", outcome)["max_download_mbps"].to_list() == [None]


def test_the_error_of_a_formula_in_a_workbook_of_before_2007(warehouse: Warehouse) -> None:
    old = xlwt.Workbook()
    page = old.add_sheet("4G")
    for number, row in enumerate([HEADER, ROW, OTHER]):
        for column, value in enumerate(row):
            page.write(number, column, value)
    page.row(2).set_cell_error(HEADER.index("Приём") + 10, "#REF!")
    page.write(0, HEADER.index("Приём") + 10, "Примечание")
    buffer = io.BytesIO()
    old.save(buffer)
    values = workbook_layout() | {"columns": READ | {"max_upload_mbps": {"from": "Примечание"}}}
    warehouse.layouts["test/book"] = layout(values, ignore=["Отдача"])
    warehouse.put("book_2025q4.xls", buffer.getvalue())
    outcome = warehouse.run()["book_2025q4.xls"]
    assert warehouse.reasons(outcome) == [(3, "not_a_number", "Примечание", "#REF!")]


def test_each_shape_of_a_workbook_has_its_own_decimal_mark(warehouse: Warehouse) -> None:
    shapes = [
        {"sheets": ["4G"], "header_rows": [1], "first_row": 2, "decimal": ","},
        {"sheets": ["3G"], "header_rows": [1], "first_row": 2},
    ]
    warehouse.layouts["test/book"] = layout(workbook_layout(), workbook=shapes)

    def with_speeds(row: list[object], *speeds: str) -> list[list[object]]:
        place = HEADER.index("Приём")
        return [[*row[:place], speed, *row[place + 1 :]] for speed in speeds]

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet(workbook, "4G", HEADER, *with_speeds(ROW, "1,5"))
        sheet(workbook, "3G", HEADER, *with_speeds(OTHER, "2.5", "1,234"))
    warehouse.put("book_2025q4.xlsx", buffer.getvalue())
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert warehouse.part("accepted", outcome)["max_download_mbps"].to_list() == [1.5, 2.5]
    assert warehouse.reasons(outcome) == [(3, "not_a_number", "Приём", "1,234")]
    assert "such as 1234567,8 or 1234567.8" in str(outcome.message)


def test_an_error_under_a_year_names_the_column_of_the_file(warehouse: Warehouse) -> None:
    warehouse.layouts["test/years"] = layout(
        YEARS,
        file_pattern=r"years\.xlsx",
        format="workbook",
        text=None,
        workbook={"sheets": ["1"], "header_rows": [1], "first_row": 2},
    )
    rows = [["КАТО", "2024", "2025", "2199"], ["103230100", 5, Error("#REF!"), 7]]
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet(workbook, "1", *rows)
    warehouse.put("years.xlsx", buffer.getvalue())
    outcome = warehouse.run()["years.xlsx"]
    assert (outcome.rows_read, outcome.rows_accepted) == (3, 1), outcome.message
    assert set(warehouse.reasons(outcome)) == {
        (2, "not_a_number", "2025", "#REF!"),
        (2, "future_period", "2199", "2199-01-01"),
    }


def as_libraries_write(*rows: Sequence[object]) -> bytes:
    """A filing on the sheet '4G' as libraries write it: no program has computed its formulas."""
    buffer = io.BytesIO()
    written = openpyxl.Workbook()
    page = written.active
    assert page is not None
    page.title = "4G"
    for row in [HEADER, *rows]:
        page.append(row)
    written.save(buffer)
    return buffer.getvalue()


def test_a_formula_that_was_never_computed_is_not_taken_for_an_empty_cell(warehouse: Warehouse) -> None:
    formulas: list[object] = [*OTHER[:5], "=50*2", "=F3/2", "=100+40", '=IF(H3>"1",90,0)']
    warehouse.put("book_2025q4.xlsx", as_libraries_write(ROW, formulas))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert warehouse.part("accepted", outcome)["settlement_kato"].to_list() == ["103230100"]
    assert warehouse.reasons(outcome) == [
        (3, "not_a_number", "Приём", "=50*2"),
        (3, "not_a_number", "Отдача", "=F3/2"),
        (3, "not_a_number", "Охвачено", "=100+40"),
        (3, "not_a_number", "Подключено", '=IF(H3>"1",90,0)'),
    ]


def test_a_last_row_of_nothing_but_formulas_never_computed_is_not_lost(warehouse: Warehouse) -> None:
    warehouse.put("book_2025q4.xlsx", as_libraries_write(ROW, ["=A2", "=B2", '="103230200"', "=D2", "=E2"]))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.rows_read, outcome.rows_quarantined) == (2, 1)
    assert (3, "formula_error", "Село", "=B2") in warehouse.reasons(outcome)


def test_a_formula_whose_result_is_empty_text_is_an_empty_cell(warehouse: Warehouse) -> None:
    row = [*OTHER[:5], '=IF(H2<90,"",1)', *OTHER[6:]]
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(as_libraries_write(row))) as before,
        zipfile.ZipFile(buffer, "w") as after,
    ):
        for name in before.namelist():
            # As a spreadsheet program saves it.
            after.writestr(name, before.read(name).replace(b'<c r="F2">', b'<c r="F2" t="str">'))
    warehouse.put("book_2025q4.xlsx", buffer.getvalue())
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert outcome.outcome == "accepted", outcome.message
    assert warehouse.part("accepted", outcome)["max_download_mbps"].to_list() == [None]


def test_a_total_in_the_middle_that_reads_like_the_footer_ends_no_table(warehouse: Warehouse) -> None:
    warehouse.layouts["test/book"] = layout(
        workbook_layout()
        | {
            "workbook": {
                "sheets": ["4G"],
                "header_rows": [1],
                "first_row": 2,
                "stop_at": "^Итого|^Исполнитель",
            }
        }
    )
    total: list[object] = ["Итого", None, None, None, None, None, None, 140, 90]
    warehouse.put(
        "book_2025q4.xlsx",
        as_libraries_write(ROW, total, OTHER, total, ["Исполнитель: отдел статистики", None, "тел. 12-34"]),
    )
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert warehouse.part("accepted", outcome)["settlement_kato"].to_list() == ["103230100", "103230200"]
    assert {row for row, *_ in warehouse.reasons(outcome)} == {3}
    assert outcome.rows_skipped == 3


GAP = {"sheets": ["4G"], "header_rows": [1], "first_row": 3}


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        pytest.param(OTHER, True, id="data_that_slipped_up"),
        pytest.param([None, None, None, None, None, "кбит/с"], True, id="units_below_the_header"),
        pytest.param(["тыс. домохозяйств"], True, id="note_in_the_first_column"),
        pytest.param([None] * 9, False, id="blank_row"),
        pytest.param([1, 2, 3, 4, 5, 6, 7, 8, 9], False, id="numbers_of_the_columns"),
        pytest.param(["А", "Б", 1, 2, 3, 4, 5, 6, 7], False, id="letters_and_numbers_of_the_columns"),
    ],
)
def test_a_row_between_the_header_and_the_first_row_is_not_dropped_unseen(
    warehouse: Warehouse, between: list[object], kept: bool
) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout(), workbook=GAP)
    warehouse.put("book_2025q4.xlsx", as_libraries_write(between, ROW))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (1 + kept, 1, kept)
    assert outcome.rows_skipped == 2 - kept
    if kept:
        assert warehouse.reasons(outcome) == [(2, "above_first_row", None, None)]
        rows = warehouse.part("quarantined", outcome)
        told = next(str(cell) for cell in between if cell)
        assert (rows["source_sheet"].item(), told in rows["source_text"].item()) == ("4G", True)
        assert "1 x above_first_row, first in sheet '4G', row 2: " in str(outcome.message)


def merged_book(*merged: tuple[str, object]) -> bytes:
    """A filing of one village by three technologies, in rows 2 to 4, with cells of columns merged over all three."""
    told = [[*OTHER[:3], technology, *OTHER[4:]] for technology in ("ВОЛС", "4G", "3G")]
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        page = sheet(workbook, "4G", HEADER, *told, ROW)
        for column, value in merged:
            page.merge_range(1, HEADER.index(column), 3, HEADER.index(column), value)
    return buffer.getvalue()


@pytest.fixture
def by_technology(warehouse: Warehouse) -> Warehouse:
    technology = {"from": "Технология", "map": {"ВОЛС": "fttp", "4G": "4g", "3G": "3g"}}
    warehouse.layouts["test/book"] = layout(workbook_layout(), columns=READ | {"technology": technology})
    return warehouse


def test_a_merged_cell_says_its_text_of_each_of_its_rows(by_technology: Warehouse) -> None:
    by_technology.put(
        "book_2025q4.xlsx",
        merged_book(("Дата", "31.12.2025"), ("Село", "с.Шынгыс"), ("КАТО", "103230200")),
    )
    outcome = by_technology.run()["book_2025q4.xlsx"]
    assert (outcome.outcome, outcome.rows_accepted, outcome.rows_skipped) == ("accepted", 4, 1)
    accepted = by_technology.part("accepted", outcome).sort("source_row")
    assert accepted["settlement_kato"].to_list() == ["103230200"] * 3 + ["103230100"]
    assert accepted["filed_settlement"].to_list() == ["с.Шынгыс"] * 3 + ["с.Карааул"]
    assert accepted["technology"].to_list() == ["fttp", "4g", "3g", "fttp"]


def test_nobody_can_tell_whose_a_number_in_a_merged_cell_is(by_technology: Warehouse) -> None:
    by_technology.put("book_2025q4.xlsx", merged_book(("Охвачено", 70)))
    outcome = by_technology.run()["book_2025q4.xlsx"]
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (4, 1, 3)
    assert by_technology.reasons(outcome) == [(row, "merged_number", None, None) for row in (2, 3, 4)]


def test_merges_that_lie_over_each_other_end_no_run(warehouse: Warehouse) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet(workbook, "4G", HEADER, ROW, OTHER)
    everywhere = b"".join(b'<mergeCell ref="A%d:XFD1048576"/>' % row for row in range(1, 100_000))
    changed = io.BytesIO()
    with zipfile.ZipFile(buffer) as before, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.infolist():
            content = before.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                content = content.replace(
                    b"</sheetData>", b'</sheetData><mergeCells count="99999">' + everywhere + b"</mergeCells>"
                )
            after.writestr(part, content)
    warehouse.put("book_2025q4.xlsx", changed.getvalue())
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.outcome, outcome.rows_accepted) == ("accepted", 2)


def test_a_note_above_a_wide_table_is_not_dropped_unseen(warehouse: Warehouse) -> None:
    warehouse.layouts["test/years"] = layout(
        YEARS, file_pattern=r"years\.xlsx", format="workbook", text=None,
        workbook={"sheets": ["4G"], "header_rows": [1], "first_row": 3},
    )  # fmt: skip
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet(workbook, "4G", ["КАТО", "2024"], ["тысяч человек"], ["103230100", 5])
    warehouse.put("years.xlsx", buffer.getvalue())
    outcome = warehouse.run()["years.xlsx"]
    assert (outcome.rows_read, outcome.rows_accepted) == (2, 1)
    assert warehouse.reasons(outcome) == [(2, "above_first_row", None, None)]


def test_a_sheet_of_nothing_but_formulas_never_computed_is_not_called_empty(warehouse: Warehouse) -> None:
    """A sheet that gathers another's cells, as a library wrote it."""
    warehouse.layouts["test/book"] = layout(workbook_layout(["4G"]))
    formulas = [f"=Лист1!{letter}1" for letter in "ABCDEFGHI"]
    book = openpyxl.load_workbook(io.BytesIO(as_libraries_write(formulas)))
    for column, formula in enumerate(formulas, start=1):
        book["4G"].cell(1, column, formula)
    buffer = io.BytesIO()
    book.save(buffer)
    warehouse.put("book_2025q4.xlsx", buffer.getvalue())
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.outcome, outcome.rule) == ("rejected", "formulas_not_computed")
    told = "book_2025q4.xlsx, sheet '4G', header in row 1: the header itself is formulas never computed, A1: =Лист1!A1"
    assert told in str(outcome.message)


@pytest.mark.parametrize("sheets", [["4G"], "4G"], ids=["listed", "by_expression"])
def test_rows_of_nothing_but_formulas_below_a_header_are_rows(
    warehouse: Warehouse, sheets: list[str] | str
) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout(sheets))
    warehouse.put("book_2025q4.xlsx", as_libraries_write(["=X!A1", "=X!B1", "=X!C1", None, None, "=X!F1"]))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.rule, outcome.rows_read, outcome.rows_quarantined) == ("no_rows_accepted", 1, 1)
    assert (2, "formula_error", "Село", "=X!B1") in warehouse.reasons(outcome)


def test_a_text_that_looks_like_a_number_is_read_by_the_decimal_mark_of_the_layout(
    warehouse: Warehouse,
) -> None:
    """1.234 as text may be a thousand or one and a bit; a cell that holds a number has no mark at all."""
    shape = {"sheets": ["4G"], "header_rows": [1], "first_row": 2, "decimal": ","}
    warehouse.layouts["test/book"] = layout(workbook_layout(), workbook=shape)

    def with_speed(speed: object, level: int) -> list[object]:
        return [*ROW[:4], level, speed, *ROW[6:]]

    sent = [with_speed(1.234, 1), with_speed("1.234", 2), with_speed("1,234", 3), with_speed(12.5, 4)]
    codes = ["103230100", "103230200", "103230500", "103230600"]
    rows = [[*row[:2], code, *row[3:]] for row, code in zip(sent, codes, strict=True)]
    rows = [[row[0], None, *row[2:]] for row in rows]
    warehouse.put("book_2025q4.xlsx", as_libraries_write(*rows))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert warehouse.part("accepted", outcome)["max_download_mbps"].to_list() == [1.234, 1.234, 12.5]
    assert warehouse.reasons(outcome) == [(3, "not_a_number", "Приём", "1.234")]
    assert "such as 1234567,8 or 1 234 567,8" in str(outcome.message)


def test_a_text_with_a_point_in_an_old_workbook_with_decimal_commas(warehouse: Warehouse) -> None:
    shape = {"sheets": ["4G"], "header_rows": [1], "first_row": 2, "decimal": ","}
    warehouse.layouts["test/book"] = layout(workbook_layout(), workbook=shape)
    old = xlwt.Workbook()
    page = old.add_sheet("4G")
    for number, row in enumerate([HEADER, ROW, [*OTHER[:5], "1.234", *OTHER[6:]]]):
        for column, value in enumerate(row):
            page.write(number, column, value)
    buffer = io.BytesIO()
    old.save(buffer)
    warehouse.put("book_2025q4.xls", buffer.getvalue())
    outcome = warehouse.run()["book_2025q4.xls"]
    assert warehouse.part("accepted", outcome)["max_download_mbps"].to_list() == [100.5]
    assert warehouse.reasons(outcome) == [(3, "not_a_number", "Приём", "1.234")]


SHARES: dict[str, object] = FILING | {
    "layout": "test/shares",
    "extract": "itu_indicators",
    "file_pattern": r"shares\.xlsx",
    "format": "workbook",
    "text": None,
    "workbook": {"sheets": ["ITU"], "header_rows": [1], "first_row": 2},
    "columns": {
        "series_code": {"value": "i271GA"},
        "entity_iso": {"value": "KAZ"},
        "year": {"from": "Год"},
        "series_name": {"value": "LTE"},
        "unit": {"value": "%"},
        "value": {"from": "Доля"},
    },
    "absent": ["value_note", "value_source"],
    "total_rows": None,
    "resolve": None,
}


def shares(
    values: list[object], number_format: str, *, decimal: str = "."
) -> tuple[bytes, dict[str, object]]:
    """A share a year, in cells of a number format, and the layout that reads them."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        page = sheet(workbook, "ITU", ["Год", "Доля"])
        form = workbook.add_format({"num_format": number_format})
        for number, value in enumerate(values, start=1):
            page.write(number, 0, 2015 + number)
            page.write(number, 1, value, form)
    shape = {"sheets": ["ITU"], "header_rows": [1], "first_row": 2, "decimal": decimal}
    return buffer.getvalue(), SHARES | {"workbook": shape}


@pytest.mark.parametrize("number_format", ["0%", "0.00%", "0.0%;[Red]-0.0%"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_a_cell_that_shows_a_percentage_holds_what_it_shows(
    warehouse: Warehouse, number_format: str, decimal: str
) -> None:
    content, how = shares([0.85, 0.916, 1, 0.07, "85%"], number_format, decimal=decimal)
    warehouse.layouts["test/shares"] = layout(how)
    warehouse.put("shares.xlsx", content)
    outcome = warehouse.run()["shares.xlsx"]
    assert outcome.outcome == "accepted", outcome.message
    assert warehouse.part("accepted", outcome)["value"].to_list() == [85, 91.6, 100, 7, 85]


def test_shares_of_one_where_percentages_are_meant_are_refused(warehouse: Warehouse) -> None:
    content, how = shares([0.85, 0.916, 1, 0.07, 0.5], "0.00")
    warehouse.layouts["test/shares"] = layout(how)
    warehouse.put("shares.xlsx", content)
    outcome = warehouse.run()["shares.xlsx"]
    assert (outcome.outcome, outcome.rule, outcome.rows_accepted) == ("rejected", "shares_of_one", 0)
    assert "shares.xlsx, column 'Доля': all 5 values lie between 0 and 1, the largest is 1" in str(
        outcome.message
    )


@pytest.mark.parametrize(
    "values", [[0.85, 0.916, 1, 0.07, 1.1], [0, 0, 0, 0, 0], [0.2, 0.3]], ids=["grows", "none", "too_few"]
)
def test_small_percentages_are_percentages(warehouse: Warehouse, values: list[object]) -> None:
    content, how = shares(values, "0.00")
    warehouse.layouts["test/shares"] = layout(how)
    warehouse.put("shares.xlsx", content)
    assert warehouse.run()["shares.xlsx"].outcome == "accepted"


def test_a_cell_that_shows_a_percentage_is_no_number_of_anything_else(warehouse: Warehouse) -> None:
    def percent(workbook: xlsxwriter.Workbook) -> None:
        page = sheet(workbook, "3G", HEADER, OTHER)
        page.write(1, HEADER.index("Охвачено"), 0.7, workbook.add_format({"num_format": "0%"}))

    warehouse.put("book_2025q4.xlsx", book(percent))
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert warehouse.reasons(outcome) == [(2, "not_a_number", "Охвачено", "70%")]


def test_what_a_sheet_tells_does_not_depend_on_how_its_xml_is_quoted(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made["Sheet"]
    sheet.append(["share", "0.5", 0.25, "=1+1"])
    sheet["C1"].number_format = "0%"
    sheet.merge_cells("A1:A3")
    made.save(tmp_path / "plain.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "plain.xlsx") as plain,
        zipfile.ZipFile(tmp_path / "other.xlsx", "w") as other,
    ):
        for name in plain.namelist():
            content = plain.read(name)
            if "worksheets/" in name:
                content = re.sub(rb'=\s*"([^"]*)"', rb" = '\1'", content)
            other.writestr(name, content)
    for path in (tmp_path / "plain.xlsx", tmp_path / "other.xlsx"):
        assert [(found.cell, found.text) for found in uncomputed_formulas(path, "Sheet")] == [("D1", "=1+1")]
        assert list(percentage_cells(path, "Sheet")) == [(0, 2)]
        assert merged_rows(path, "Sheet").rows() == [(0, 1, 3)]
