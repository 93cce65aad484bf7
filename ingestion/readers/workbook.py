"""Workbooks (xlsx, xlsm, xls) -> raw table, through calamine, every cell as text.

Belongs here: sheets, title rows, headers of several merged rows, footers. Does not belong here: what the rows mean.
"""

from __future__ import annotations

import re
from pathlib import Path

import fastexcel
import polars as pl

from ingestion.faults import FileRejected
from ingestion.layout import Layout, WorkbookFormat
from ingestion.readers.table import ROW, SHEET, RawTable, header_name, verify_header

HEADER_JOIN = " | "


def _sheets(book: fastexcel.ExcelReader, fmt: WorkbookFormat, name: str) -> list[str]:
    if isinstance(fmt.sheets, str):
        found = [sheet for sheet in book.sheet_names if re.fullmatch(fmt.sheets, sheet)]
        if not found:
            raise FileRejected(
                "missing_sheet", f"{name}: no sheet matches {fmt.sheets!r}; it has {book.sheet_names}"
            )
        return found
    missing = [sheet for sheet in fmt.sheets if sheet not in book.sheet_names]
    if missing:
        raise FileRejected("missing_sheet", f"{name}: no sheet {missing}; it has {book.sheet_names}")
    return fmt.sheets


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


def _sheet_table(
    book: fastexcel.ExcelReader, sheet: str, layout: Layout, fmt: WorkbookFormat, name: str
) -> RawTable:
    cells = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
    where = f"{name}, sheet {sheet!r}, header in row {', '.join(map(str, fmt.header_rows))}"
    if cells.height < fmt.first_row:
        raise FileRejected(
            "empty_file", f"{name}, sheet {sheet!r} has {cells.height} rows, data starts in {fmt.first_row}"
        )
    header = joined_header([list(cells.row(number - 1)) for number in fmt.header_rows])
    verify_header(layout, [*header, *fmt.set_values], where)
    columns = [n if header.index(n) == i else f"{n}#{i + 1}" for i, n in enumerate(header)]
    frame = cells.rename(dict(zip(cells.columns, columns, strict=True))).with_row_index(ROW, offset=1)
    frame = frame.with_columns(pl.col(ROW).cast(pl.Int64)).filter(pl.col(ROW) >= fmt.first_row)
    if fmt.stop_at:
        ends = frame.filter(pl.col(columns[0]).str.contains(fmt.stop_at))[ROW]
        if len(ends):
            frame = frame.filter(pl.col(ROW) < ends[0])
    filled = frame.filter(~pl.all_horizontal(pl.col(columns).fill_null("").str.strip_chars() == ""))
    filled = filled.with_columns(
        pl.lit(sheet).alias(SHEET), *(pl.lit(text).alias(name) for name, text in fmt.set_values.items())
    )
    return RawTable(filled.lazy(), [*columns, *fmt.set_values], skipped=cells.height - filled.height)


def read_workbook(path: Path, layout: Layout) -> RawTable:
    """Read the layout's sheets of a workbook, one under the other.

    Raises:
        FileRejected: unreadable_workbook, missing_sheet, empty_file, or a header that does not fit.
    """
    if path.stat().st_size == 0:
        raise FileRejected("empty_file", f"{path.name} has no bytes")
    try:
        book = fastexcel.read_excel(path)
        tables = [
            _sheet_table(book, sheet, layout, fmt, path.name)
            for fmt in layout.workbooks
            for sheet in _sheets(book, fmt, path.name)
        ]
    except fastexcel.FastExcelError as error:
        raise FileRejected("unreadable_workbook", f"{path.name}: {error}") from error
    except BaseException as error:
        # A damaged cell reference makes the reader's Rust code panic, which Python sees as no Exception.
        if type(error).__name__ == "PanicException":
            raise FileRejected("unreadable_workbook", f"{path.name}: {error}") from error
        raise
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    frame = pl.concat([table.frame for table in tables], how="diagonal")
    return RawTable(frame, columns, skipped=sum(table.skipped for table in tables))
