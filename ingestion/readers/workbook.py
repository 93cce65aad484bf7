"""Workbooks (xlsx, xlsm, xls) -> raw table, through calamine, every cell as text.

Belongs here: sheets, title rows, headers of several merged rows, footers. Does not belong here: what the rows mean.

A sheet that the layout lists by name must be there and hold rows, hidden or not: its layout's author has seen it. An
expression takes sheets that nobody has seen. Among those a hidden one is a draft or last year's more often than a
filing, and its sender, who does not see it either, would not know where the rows come from; a chart, or the sheet of a
technology not built yet, holds nothing to read. They are passed over, and the outcome says so; if nothing else
matches, the file is refused.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import fastexcel
import polars as pl

from ingestion.faults import FileRejected
from ingestion.layout import Layout, WorkbookFormat
from ingestion.readers.archive import verify_extent, verify_workbook
from ingestion.readers.formulas import Formula, uncomputed_formulas
from ingestion.readers.merged import merged_rows, rows_of_shared_cells, said_of_each_row
from ingestion.readers.percentages import percentage_cells
from ingestion.readers.table import (
    DECIMAL,
    HEADER_JOIN,
    ROW,
    SHEET,
    RawTable,
    as_received,
    header_name,
    is_blank,
    read_columns,
    unique_names,
    verify_header,
)

# As the library names a formula's errors -> as a person sees them in the cell.
_ERROR_NAMES = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "GettingData": "#GETTING_DATA",
}
_NUMBERS = ("BIGINT", "DOUBLE")


def sheet_names(of_book: list[str], fmt: WorkbookFormat) -> list[str]:
    """Those of a workbook's sheets that a shape describes."""
    if isinstance(fmt.sheets, str):
        return [sheet for sheet in of_book if re.fullmatch(fmt.sheets, sheet)]
    return [sheet for sheet in fmt.sheets if sheet in of_book]


def _sheets(book: fastexcel.ExcelReader, fmt: WorkbookFormat, name: str) -> list[str]:
    found = sheet_names(book.sheet_names, fmt)
    if isinstance(fmt.sheets, str):
        if not found:
            raise FileRejected(
                "missing_sheet", f"{name}: no sheet matches {fmt.sheets!r}; it has {book.sheet_names}"
            )
        return found
    missing = [sheet for sheet in fmt.sheets if sheet not in found]
    if missing:
        raise FileRejected("missing_sheet", f"{name}: no sheet {missing}; it has {book.sheet_names}")
    return found


def joined_header(rows: list[list[str | None]]) -> list[str]:
    """Header texts of several rows as one a column, merged cells filled rightward, joined top-down.

    A cell is filled from its left neighbour only where the row above agrees, so a merge never leaks into the next
    group; a text repeated below itself is said once.
    """
    width = max((len(row) for row in rows), default=0)
    collapsed = [
        [re.sub(r"\s+", " ", cell or "").strip() for cell in row + [None] * (width - len(row))]
        for row in rows
    ]
    for depth, row in enumerate(collapsed[:-1]):
        for i in range(1, width):
            same_group = all(collapsed[above][i] == collapsed[above][i - 1] for above in range(depth))
            below = any(collapsed[under][i] for under in range(depth + 1, len(collapsed)))
            if not row[i] and row[i - 1] and same_group and below:
                row[i] = row[i - 1]
    names = []
    for i in range(width):
        parts: list[str] = []
        for row in collapsed:
            if row[i] and (not parts or parts[-1] != row[i]):
                parts.append(row[i])
        names.append(header_name(HEADER_JOIN.join(parts), i + 1))
    return names


def open_workbook(path: Path) -> fastexcel.ExcelReader:
    """Open a workbook; raises FileRejected(unreadable_workbook), or too_large."""
    verify_workbook(path)
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise FileRejected("unreadable_workbook", f"{path.name}: {error}") from error


def sheet_cells(book: fastexcel.ExcelReader, name: str) -> tuple[str, pl.DataFrame] | None:
    """Name and cells of a sheet, all as text; None when it is hidden or holds nothing."""
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    return (name, _cells(sheet)) if sheet.visible == "visible" and sheet.height else None


def _cells(sheet: fastexcel.ExcelSheet, uncomputed: Iterable[Formula] = ()) -> pl.DataFrame:
    """All cells as text. What the library cannot turn into text, such as a formula's error, is told as it reads.

    Args:
        uncomputed: formulas whose cells have no value, which are shown in its place.
    """
    uncomputed = list(uncomputed)
    verify_extent(
        f"sheet {sheet.name!r}",
        max([sheet.total_height, *(formula.row + 1 for formula in uncomputed)]),
        max([sheet.width, *(formula.column + 1 for formula in uncomputed)]),
    )
    batch, failed = sheet.to_arrow_with_errors()
    cells = pl.DataFrame(batch)
    told: dict[int, dict[int, str]] = {}
    for error in failed.errors if failed else []:
        row, column = error.offset_position
        found = re.search(r"Error\((\w+)\)", error.detail)
        text = _ERROR_NAMES.get(found[1], f"#{found[1]}") if found else error.detail
        told.setdefault(column, {})[row] = text
    for formula in uncomputed:
        told.setdefault(formula.column, {})[formula.row] = formula.text
    # To the library a sheet ends with its last value: rows and columns of nothing but such formulas may follow.
    height = max([cells.height, *(row + 1 for rows in told.values() for row in rows)])
    width = max([cells.width, *(column + 1 for column in told)])
    beyond = {f"__beyond_{column}": pl.String() for column in range(cells.width, width)}
    cells = pl.concat([cells, cells.clear(height - cells.height)])
    cells = pl.concat([cells, pl.DataFrame(schema=beyond).clear(height)], how="horizontal")
    return cells.with_columns(
        cells.to_series(column).scatter(list(texts), list(texts.values())) for column, texts in told.items()
    )


def _with_percentages(cells: pl.DataFrame, shown: Iterable[tuple[int, int]]) -> pl.DataFrame:
    """Numbers that are shown as percentages, as they are shown: 85% where a cell holds 0.85."""
    rows: dict[int, list[int]] = {}
    for row, column in shown:
        if row < cells.height and column < cells.width:
            rows.setdefault(column, []).append(row)

    def shown_in(column: int) -> pl.Series:
        texts = cells.to_series(column)
        number = texts.gather(rows[column]).cast(pl.Float64, strict=False)
        # Rounded, as a hundred times a binary fraction is seldom what was typed.
        percent = (number * 100).round(10).cast(pl.String).str.strip_suffix(".0") + "%"
        return texts.scatter(rows[column], percent.zip_with(number.is_not_null(), texts.gather(rows[column])))

    return cells.with_columns(shown_in(column) for column in rows)


def _with_decimal_commas(cells: pl.DataFrame, book: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
    """Cells that hold numbers, in the form in which their program shows them; texts stay as they were typed.

    The library writes a number with a point. Left so, it could not be told from a text with a point, which may be
    thousands apart as well as a fraction.
    """
    if not any(cells.select(pl.all().str.contains(r"\d\.\d").any()).row(0)):
        return cells
    # The library makes a truth value of every number and of no text.
    as_truth = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="boolean").to_arrow()
    is_number = pl.DataFrame(as_truth).select(pl.all().is_not_null())
    # Formulas without a value may stand beyond the last number.
    is_number = pl.concat([is_number, is_number.clear(cells.height - is_number.height)])
    return cells.with_columns(
        pl.when(number.fill_null(False)).then(column.str.replace(".", ",", literal=True)).otherwise(column)
        for column, number in zip(cells, is_number, strict=False)
    )


def header_of(book: fastexcel.ExcelReader, name: str, fmt: WorkbookFormat) -> list[str]:
    """Names of a sheet's columns as layouts write them; a header of formulas by what they were computed to."""
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=max(fmt.header_rows), dtypes="string")
    cells = _cells(sheet)
    return _header(cells, fmt) if cells.height >= max(fmt.header_rows) else []


def _header(cells: pl.DataFrame, fmt: WorkbookFormat) -> list[str]:
    return joined_header([list(cells.row(number - 1)) for number in fmt.header_rows])


def _sheet_table(
    book: fastexcel.ExcelReader,
    sheet: fastexcel.ExcelSheet,
    uncomputed: Sequence[Formula],
    layout: Layout,
    fmt: WorkbookFormat,
    path: Path,
) -> RawTable:
    cells = _with_percentages(_cells(sheet, uncomputed), percentage_cells(path, sheet.name))
    if fmt.decimal == ",":
        cells = _with_decimal_commas(cells, book, sheet.name)
    where = f"{path.name}, sheet {sheet.name!r}, header in row {', '.join(map(str, fmt.header_rows))}"
    in_header = [formula for formula in uncomputed if formula.row + 1 in fmt.header_rows]
    if in_header:
        raise FileRejected(
            "formulas_not_computed",
            f"{where}: the header itself is formulas never computed, "
            f"{in_header[0].cell}: {in_header[0].text}",
        )
    header = _header(cells, fmt)
    verify_header(layout, [*header, *fmt.set_values], where)
    columns = unique_names([*header, *fmt.set_values])
    of_file, constants = columns[: len(header)], columns[len(header) :]
    frame = cells.rename(dict(zip(cells.columns, of_file, strict=True))).with_row_index(ROW, offset=1)
    frame = frame.with_columns(pl.col(ROW).cast(pl.Int64)).filter(~is_blank(of_file))
    aside = _above_first_row(frame, of_file, sheet.name, fmt)
    rows = frame.filter(pl.col(ROW) >= fmt.first_row)
    rows, shared = _without_merges(rows, merged_rows(path, sheet.name), layout, of_file)
    aside = pl.concat([aside, _aside(shared, of_file, sheet.name, "merged_number")])
    if fmt.stop_at:
        begins = pl.col(columns[0]).str.contains(fmt.stop_at)
        below = pl.col(ROW) > _last_full_row(rows, read_columns(layout, of_file))
        ends = rows.filter(begins & below)[ROW]
        if len(ends):
            rows = rows.filter(pl.col(ROW) < ends[0])
    rows = rows.with_columns(
        pl.lit(sheet.name).alias(SHEET),
        pl.lit(fmt.decimal).alias(DECIMAL),
        *(pl.lit(text).alias(name) for name, text in zip(constants, fmt.set_values.values(), strict=True)),
    )
    return RawTable(rows.lazy(), columns, aside=aside, skipped=cells.height - rows.height - aside.height)


def _above_first_row(
    frame: pl.DataFrame, columns: list[str], sheet: str, fmt: WorkbookFormat
) -> pl.DataFrame:
    """Rows between the header and the first row of data, which a layout takes for empty, or for numbers of columns.

    A sender that leaves those numbers out moves its first row of data up to where nobody reads it.
    """
    between = frame.filter(
        pl.col(ROW).is_between(min(fmt.header_rows), fmt.first_row, closed="none")
        & ~pl.col(ROW).is_in(fmt.header_rows)
    )
    numbering = [row[0] for row in between.select(ROW, *columns).iter_rows() if numbers_columns(row[1:])]
    return _aside(between.filter(~pl.col(ROW).is_in(numbering)), columns, sheet, "above_first_row")


def _aside(rows: pl.DataFrame, columns: list[str], sheet: str, rule: str) -> pl.DataFrame:
    return rows.select(
        ROW,
        pl.lit(sheet).alias(SHEET),
        as_received({name: name for name in columns}).alias("text"),
        pl.lit(rule).alias("rule"),
    )


def _without_merges(
    rows: pl.DataFrame, merged: pl.DataFrame, layout: Layout, columns: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that say in each what merged cells say of several, and those of which nobody can tell what they say.

    A name, a code, a word or a date can hold of several rows; whose a number is, or how it parts, cannot be known.
    """
    if merged.is_empty():
        return rows, rows.clear()
    types = {column.name: column.physical_type for column in layout.contract.columns}
    texts = {source.source for name, source in layout.columns.items() if types[name] not in _NUMBERS}
    if layout.total_rows:
        texts.add(layout.total_rows.column)
    read = {columns.index(name): name for name in read_columns(layout, columns)}
    shared = rows_of_shared_cells(rows, merged, [at for at, name in read.items() if name not in texts])
    rows = said_of_each_row(rows, merged, {at: name for at, name in read.items() if name in texts})
    is_shared = pl.col(ROW).is_in(list(shared))
    return rows.filter(~is_shared), rows.filter(is_shared)


def numbers_columns(row: Sequence[str | None]) -> bool:
    """Whether a row says nothing but the numbers of the columns above it, as official forms do: А, Б, 1, 2, 3."""
    said = [cell.strip() for cell in row if cell and cell.strip()]
    while said and re.fullmatch(r"[A-ZА-Я]", said[0]):
        said = said[1:]
    return len(said) > 1 and said == [str(number) for number in range(1, len(said) + 1)]


def _last_full_row(frame: pl.DataFrame, read: list[str]) -> int:
    """Number of the last row in which nothing that a layout reads is empty, 0 when there is none.

    No footer begins above it: a total in the middle of a table, or a note there, may read like one.
    """
    if len(read) == 1:
        return 0
    is_full = pl.all_horizontal(pl.col(read).fill_null("").str.strip_chars() != "")
    rows = frame.filter(is_full)[ROW]
    return int(rows[-1]) if len(rows) else 0


def _not_read(
    sheet: fastexcel.ExcelSheet, uncomputed: Sequence[Formula], fmt: WorkbookFormat
) -> tuple[str, str] | None:
    """Why a sheet gives no rows, as rule and words; None when it is to be read."""
    if isinstance(fmt.sheets, str) and sheet.visible != "visible":
        return "missing_sheet", f"sheet {sheet.name!r} is hidden, and the layout does not list it by name"
    height = max([sheet.height, *(formula.row + 1 for formula in uncomputed)])
    if height < fmt.first_row:
        what = "" if height else " (it is empty, or a chart)"
        return (
            "empty_file",
            f"sheet {sheet.name!r} has {height} rows, data starts in {fmt.first_row}{what}",
        )
    return None


def _tables(
    path: Path, book: fastexcel.ExcelReader, layout: Layout, fmt: WorkbookFormat
) -> tuple[list[RawTable], list[str]]:
    """Tables of the sheets of one shape, and what is to be said of sheets that were passed over."""
    tables: list[RawTable] = []
    passed_over: list[tuple[str, str]] = []
    for sheet_name in _sheets(book, fmt, path.name):
        sheet = book.load_sheet(sheet_name, header_row=None, skip_rows=0, dtypes="string")
        uncomputed = list(uncomputed_formulas(path, sheet_name))
        fault = _not_read(sheet, uncomputed, fmt)
        if fault is None:
            tables.append(_sheet_table(book, sheet, uncomputed, layout, fmt, path))
        elif isinstance(fmt.sheets, str):
            passed_over.append(fault)
        else:
            raise FileRejected(fault[0], f"{path.name}, {fault[1]}")
    if passed_over and not tables:
        raise FileRejected(passed_over[0][0], f"{path.name}: {'; '.join(words for _, words in passed_over)}")
    return tables, [f"{words}: passed over" for _, words in passed_over]


#: What readers say of a workbook that is damaged; zipfile knows no version of an archive but its own, and no password.
_BROKEN = (
    fastexcel.FastExcelError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    zlib.error,
    ElementTree.ParseError,
)


def read_workbook(path: Path, layout: Layout) -> RawTable:
    """Read the layout's sheets of a workbook, one under the other.

    Raises:
        FileRejected: unreadable_workbook, too_large, missing_sheet, empty_file, formulas_not_computed, or a header that
            does not fit.
    """
    if path.stat().st_size == 0:
        raise FileRejected("empty_file", f"{path.name} has no bytes")
    try:
        book = open_workbook(path)
        read = [_tables(path, book, layout, fmt) for fmt in layout.workbooks]
    except _BROKEN as error:
        raise FileRejected("unreadable_workbook", f"{path.name}: {error}") from error
    except BaseException as error:
        # A damaged cell reference makes the reader's Rust code panic, which Python sees as no Exception.
        if type(error).__name__ == "PanicException":
            raise FileRejected("unreadable_workbook", f"{path.name}: {error}") from error
        raise
    tables = [table for found, _ in read for table in found]
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    frame = pl.concat([table.frame for table in tables], how="diagonal")
    return RawTable(
        frame,
        columns,
        aside=pl.concat([table.aside for table in tables]),
        skipped=sum(table.skipped for table in tables),
        notes=tuple(note for _, told in read for note in told),
    )
