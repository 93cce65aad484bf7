"""Workbooks and CSV files in a real spreadsheet program: they open, hold their types, and run nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ingestion.answer.document import write_answer
from ingestion.check import check_files
from tests.browser.spreadsheet_kit import SOFFICE, Cell, opened
from tests.unit.ingestion_kit import ROW, Warehouse
from tests.unit.test_answer import filing_workbook, row
from tests.unit.test_answer import warehouse as warehouse
from tests.unit.test_export_forms import FORMULAS, exported

if SOFFICE is None and os.environ.get("CI"):
    raise RuntimeError(
        "tests in a spreadsheet program need Debian's libreoffice-calc, which is not installed"
    )
pytestmark = pytest.mark.skipif(SOFFICE is None, reason="no LibreOffice Calc here")


def column(cells: list[list[Cell]], name: str, header: int) -> list[Cell]:
    """A column's cells below its name in the header row (counted from 0)."""
    place = next(i for i, cell in enumerate(cells[header]) if cell.shown == name)
    return [line[place] if place < len(line) else Cell() for line in cells[header + 1 :]]


def computed(sheets: dict[str, list[list[Cell]]]) -> list[Cell]:
    return [cell for cells in sheets.values() for line in cells for cell in line if cell.formula]


def test_a_release_s_workbooks_open_typed_and_compute_nothing(tmp_path: Path) -> None:
    release = exported(tmp_path)
    books = {
        path.stem: opened(path, tmp_path / path.stem) for path in sorted((release / "xlsx").glob("*.xlsx"))
    }
    assert [cell for sheets in books.values() for cell in computed(sheets)] == []
    coverage = books["coverage"]["By technology"]
    assert coverage[0][0].shown.startswith("SAMPLE")
    assert {cell.kind for cell in column(coverage, "as_of_date", 1)} == {"date"}
    assert {cell.kind for cell in column(coverage, "population", 1)} <= {"float", ""}
    assert {cell.shown for cell in column(coverage, "kato", 1)} >= {"000000000"}, "a code keeps its noughts"
    names = column(books["evidence_and_quality"]["Deliveries"], "file_name", 1)
    assert {cell.shown for cell in names} >= set(FORMULAS)
    narrow = [sheet for sheets in books.values() for sheet, cells in sheets.items() if any(
        cell.kind in ("date", "float") and cell.shown.startswith("#") for line in cells for cell in line
    )]  # fmt: skip
    assert narrow == []
    assert {cell.kind for cell in names} == {"string"}


def test_a_release_s_csv_computes_nothing_where_a_bare_one_would(tmp_path: Path) -> None:
    release = exported(tmp_path)
    (csv,) = release.glob("csv/meta_extract.csv")
    assert computed(opened(csv, tmp_path / "open")) == []
    bare = tmp_path / "bare.csv"
    bare.write_text("file_name\n=2+3\n", encoding="utf-8")
    assert [cell.shown for cell in computed(opened(bare, tmp_path / "bare"))] == ["5"]


def test_a_sender_s_workbook_comes_back_with_comments_on_its_faulty_cells(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    file = filing_workbook(warehouse.inbox / "book_2025q4.xlsx")
    (answer,) = check_files([file])
    (*_, path) = write_answer(answer, file, tmp_path / "out", "ru")
    sheets = opened(path, tmp_path / "open")
    assert list(sheets) == ["Форма", "Памятка", "Qamtu"]
    commented = {
        f"{'ABCDEFGH'[place]}{line}": cell.comment
        for line, cells in enumerate(sheets["Форма"], start=1)
        for place, cell in enumerate(cells)
        if cell.comment
    }
    assert set(commented) == {"C5", "B6", "D6"}
    assert commented["C5"].startswith("больше допустимого: ")
    assert computed(sheets) == []
    assert sheets["Форма"][5][1].shown == "=1+1"


def test_a_text_comes_back_as_a_workbook_that_runs_nothing_of_it(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    file = warehouse.file(ROW, row(Технология="=HYPERLINK(0)", Уровень="9"))
    (answer,) = check_files([file])
    (*_, path) = write_answer(answer, file, tmp_path / "out", "en")
    sheets = opened(path, tmp_path / "open")
    assert computed(sheets) == []
    assert any(cell.shown == "=HYPERLINK(0)" for line in next(iter(sheets.values())) for cell in line)


def test_a_file_that_is_no_workbook_does_not_pass_for_one(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 cut off")
    shutil.rmtree(tmp_path / "open", ignore_errors=True)
    with pytest.raises(RuntimeError, match=r"broken\.xlsx does not open"):
        opened(broken, tmp_path / "open")
