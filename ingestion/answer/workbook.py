"""The answer as a workbook: the sender's own file with its faulty cells coloured and commented.

Belongs here: finding the cell of a fault, and marking it. Does not belong here: reading a filing.

A workbook of the sender is kept as it is, and marked. What is no workbook of today's form (text, .xls, features) is
written as one from its rows as they were read: all of them, or only the faulty ones where there are many.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from ingestion.answer.model import Answer, Fault
from ingestion.answer.page import verdict
from ingestion.answer.words import Words, load_words
from ingestion.layout import Layout
from ingestion.pipeline import read_raw
from ingestion.readers.table import ROW, SHEET, unique_names
from ingestion.readers.workbook import header_of, open_workbook, sheet_names
from warehouse.languages import Language

# A workbook of more rows takes minutes to open and save again, and a text of more is no easier to read as a sheet:
# of such a file only the faulty rows are written.
MOST_ROWS = 20_000
_MARK = PatternFill("solid", start_color="FFF4B6B6")
_HEAD = Font(bold=True)
_LONGEST = 32_000
_SHEET = "Qamtu"


def can_be_marked(answer: Answer, file: Path) -> bool:
    """Whether a file is a workbook that can be kept and marked in its own form."""
    return file.suffix.lower() in (".xlsx", ".xlsm") and answer.outcome.rows_read <= MOST_ROWS


def write_workbook(answer: Answer, file: Path, path: Path, language: Language) -> None:
    """Write the answer to a file that a layout takes; raises FileRejected when the file cannot be read."""
    assert answer.layout is not None
    words = load_words(language)
    if can_be_marked(answer, file):
        book = load_workbook(file, keep_vba=file.suffix.lower() == ".xlsm")
        _mark(book, _places(file, book, answer.layout), answer, answer.layout, words)
        _summary(book.create_sheet(_free_name(book.sheetnames)), answer, words)
    else:
        book = Workbook(write_only=True)
        total = _rows(book, answer, file, answer.layout, words)
        note = words.ui["only_faulty_rows"].format(total=total) if total > MOST_ROWS else None
        _summary(book.create_sheet(_free_name(book.sheetnames)), answer, words, note)
    book.save(path)


def _free_name(taken: Sequence[str]) -> str:
    names = (_SHEET if n == 1 else f"{_SHEET} {n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _text(value: object) -> str:
    return str(ILLEGAL_CHARACTERS_RE.sub("\ufffd", str(value)))[:_LONGEST]


def _comment(faults: Iterable[Fault], words: Words, layout: Layout) -> Comment:
    told = [f"{words.rule(fault.rule, layout)}: {words.remedy(fault.rule, layout)}" for fault in faults]
    comment = Comment(_text("\n".join(dict.fromkeys(told))), "Qamtu")
    comment.width, comment.height = 320, 40 + 40 * len(told)
    return comment


def _by_place(faults: Iterable[Fault]) -> dict[tuple[str | None, int], dict[str | None, list[Fault]]]:
    """Faults by sheet and row, and then by column."""
    found: dict[tuple[str | None, int], dict[str | None, list[Fault]]] = {}
    for fault in faults:
        found.setdefault((fault.sheet, fault.row), {}).setdefault(fault.column, []).append(fault)
    return found


# --- The sender's own workbook ------------------------------------------------------------------------------------


def _places(file: Path, book: Workbook, layout: Layout) -> dict[str, dict[str, int]]:
    """Position, from 1, of each column by the name that layouts give it, by sheet.

    As the reader sees the header: a formula by what it was computed to, which the workbook that is marked lacks.
    """
    values = open_workbook(file)
    return {
        name: {column: n for n, column in enumerate(unique_names(header_of(values, name, fmt)), start=1)}
        for fmt in layout.workbooks
        for name in sheet_names(book.sheetnames, fmt)
        if isinstance(book[name], Worksheet)
    }


def _mark(
    book: Workbook, places: dict[str, dict[str, int]], answer: Answer, layout: Layout, words: Words
) -> None:
    for (sheet, row), by_column in _by_place(answer.faults).items():
        if sheet not in places:
            continue
        by_cell: dict[int, list[Fault]] = {}
        for column, faults in by_column.items():
            by_cell.setdefault(places[sheet].get(column or "", 1), []).extend(faults)
        for position, faults in by_cell.items():
            cell = book[sheet].cell(row, position)
            if not isinstance(cell, MergedCell):
                cell.fill = _MARK
                cell.comment = _comment(faults, words, layout)


# --- A workbook made of rows --------------------------------------------------------------------------------------


def _rows(book: Any, answer: Answer, file: Path, layout: Layout, words: Words) -> int:
    """Write rows as they were read, with faults marked; returns how many the file has."""
    by_place = _by_place(answer.faults)
    sheet = book.create_sheet(words.ui["cells"])
    with tempfile.TemporaryDirectory() as folder:
        raw = read_raw(file, layout, Path(folder))
        frame = raw.frame.select(SHEET, ROW, *raw.columns)
        total = raw.rows if raw.rows is not None else int(frame.select(pl.len()).collect().item())
        if total > MOST_ROWS:
            faulty = sorted({row for _, row in by_place})
            frame = frame.filter(pl.col(ROW).is_in(faulty))
        rows = frame.collect(engine="streaming")
    sheet.freeze_panes = "B2"
    for position in range(1, len(raw.columns) + 2):
        sheet.column_dimensions[get_column_letter(position)].width = 22
    sheet.append(
        [_cell(sheet, words.ui["row"], bold=True), *(_cell(sheet, n, bold=True) for n in raw.columns)]
    )
    for said_sheet, row, *values in rows.iter_rows():
        by_column = by_place.pop((said_sheet, row), {})
        cells = [_cell(sheet, row), *(_cell(sheet, value) for value in values)]
        for column, faults in by_column.items():
            cell = cells[raw.columns.index(column) + 1] if column in raw.columns else cells[0]
            cell.fill = _MARK
            cell.comment = _comment(faults, words, layout)
        sheet.append(cells)
    # Lines with too few or too many fields have no columns to stand in.
    for (_, row), by_column in by_place.items():
        faults = [fault for found in by_column.values() for fault in found]
        cell = _cell(sheet, row)
        cell.fill = _MARK
        cell.comment = _comment(faults, words, layout)
        sheet.append([cell])
    return total


def _cell(sheet: Any, value: object, *, bold: bool = False) -> Cell:
    cell = WriteOnlyCell(sheet, value if isinstance(value, int) or value is None else _text(value))
    if isinstance(value, str):
        # A text that begins like a formula stays a text.
        cell.data_type = "s"
    if bold:
        cell.font = _HEAD
    return cell


def _summary(sheet: Any, answer: Answer, words: Words, note: str | None = None) -> None:
    """What becomes of the file, and how often each rule was broken."""
    outcome, ui = answer.outcome, words.ui
    lines: list[list[object]] = [[verdict(answer, words)[0]]]
    lines += [[ui["sample"]]] if outcome.is_sample else []
    lines += [[note]] if note else []
    rows = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "rows_skipped")
    lines += [[ui[name], getattr(outcome, name)] for name in rows]
    lines += [[], [ui["fault"], ui["column"], ui["count"], ui["what_to_do"]]]
    lines += [
        [words.rule(rule, answer.layout), column or "", count, words.remedy(rule, answer.layout)]
        for rule, column, count in outcome.quarantine_reasons
        if answer.layout is not None
    ]
    for column, width in zip("ABCD", (40, 40, 12, 90), strict=True):
        sheet.column_dimensions[column].width = width
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    for line in lines:
        sheet.append([_cell(sheet, value) for value in line])
