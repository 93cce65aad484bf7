"""Workbooks of a release: one XLSX file a theme, for people who work in a spreadsheet.

Belongs here: which tables a theme shows and how a sheet looks. Does not belong here: computing or withholding a figure.
Reads the release's own tables and nothing else, so equal releases have equal workbooks.

Numbers, dates and text keep their types; text is never taken for a formula or a link, whatever it begins with. Sheets
are kept to what a person reads; every row of every table lies in `csv/` and `parquet/`.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import xlsxwriter

from warehouse.exports import DUCKDB_FILE, SAMPLE_NOTE, TITLE, marts_in

FOLDER = "xlsx"
#: Excel numbers sizes of paper.
_A4 = 9
#: Of a character, in Excel's own font; of what is shown in a column at most; of a number; of a filter's button.
_PIXELS, _MOST_SHOWN, _NUMBER, _BUTTON = 7, 44, 13, 4
#: Characters of the columns of the notes.
_NOTES_WIDTHS = (34, 34, 100)
# A workbook carries a date of its making; a fixed one keeps equal releases equal.
_MADE = dt.datetime(2026, 1, 1)
_NATION_AND_REGIONS = (
    "geography_level in ('national', 'region') "
    "and (month(as_of_date) = 12 or as_of_date = (select max(as_of_date) from {table}))"
)
_LATEST_DISTRICTS = "geography_level = 'district' and as_of_date = (select max(as_of_date) from {table})"
_LATEST = "as_of_date = (select max(as_of_date) from {table})"


@dataclass(frozen=True)
class Sheet:
    """A sheet: its title (up to 31 characters), the mart it shows, and which of its rows."""

    title: str
    table: str
    where: str = "true"


THEMES: dict[str, tuple[Sheet, ...]] = {
    "coverage": (
        Sheet("By technology", "fct_coverage_by_technology", _NATION_AND_REGIONS),
        Sheet(
            "Districts by technology",
            "fct_coverage_by_technology",
            f"{_LATEST_DISTRICTS} and area_type = 'all'",
        ),
        Sheet("By speed", "fct_coverage_by_speed_tier", _NATION_AND_REGIONS),
    ),
    "villages": (
        Sheet("Ladder of connection", "fct_rural_connection", _NATION_AND_REGIONS),
        Sheet("Districts", "fct_rural_connection", _LATEST_DISTRICTS),
        Sheet("Fibre by the plan", "fct_fibre_rollout", _NATION_AND_REGIONS),
    ),
    "cities_and_highways": (
        Sheet("5G by city", "fct_urban_5g"),
        Sheet("Highways", "fct_highway_coverage"),
        Sheet("Gaps of highways", "fct_highway_gap", _LATEST),
    ),
    "statements": (
        Sheet("Statements", "fct_statement_check"),
        Sheet("Targets", "fct_target_progress"),
        Sheet("Milestones", "fct_milestone", _LATEST),
        Sheet("Satellites", "fct_satellite_export", _LATEST),
        Sheet("Government systems", "fct_government_system", _LATEST),
    ),
    "evidence_and_quality": (
        Sheet("Field tests", "fct_reliability"),
        Sheet("Disputes", "fct_dispute", _LATEST),
        Sheet("Overdue answers", "fct_dispute_overdue", _LATEST),
        Sheet("Measured speed", "fct_measured_speed"),
        Sheet("Deliveries", "meta_extract"),
        Sheet("Rows", "meta_row_account"),
        Sheet("Suspicious deliveries", "meta_suspicion"),
        Sheet("Decisions", "meta_decision"),
        Sheet("Checks", "meta_check"),
    ),
    "dictionary": (
        Sheet("Columns", "meta_column"),
        Sheet("Measures", "dim_metric"),
        Sheet("Methods", "dim_method"),
        Sheet("Published and withheld", "meta_metric"),
    ),
}


def write_workbooks(release: Path) -> None:
    """Write `xlsx/<theme>.xlsx` into a release's folder.

    The first sheet of each says what the figures are, which are withheld and why, and what every column means. A mart
    that the release lacks has no sheet. Errors: OSError when the folder stands or cannot be written.
    """
    folder = release / FOLDER
    folder.mkdir()
    with duckdb.connect(str(release / DUCKDB_FILE), read_only=True) as connection:
        connection.execute("use marts")
        standing = marts_in(connection, Path(DUCKDB_FILE).stem)
        for theme, sheets in THEMES.items():
            shown = [sheet for sheet in sheets if sheet.table in standing]
            _write_workbook(connection, folder / f"{theme}.xlsx", shown)


def _write_workbook(connection: duckdb.DuckDBPyConnection, path: Path, sheets: list[Sheet]) -> None:
    publication, is_sample = connection.execute(
        "select publication_id, is_sample from meta_publication"
    ).fetchall()[0]
    label = "SAMPLE. " if is_sample else ""
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"title": f"{label}{TITLE}", "comments": publication, "created": _MADE})
        _write_notes(connection, book, sheets, publication, bool(is_sample))
        for sheet in sheets:
            order = ", ".join(f'"{name}"' for name in _columns(connection, sheet.table))
            rows = connection.execute(
                f"select * from {sheet.table} where {sheet.where.format(table=sheet.table)} order by {order}"
            ).pl()
            written = rows.write_excel(
                book,
                sheet.title,
                position=(1, 0),
                freeze_panes=(2, 0),
                column_widths=_widths(rows),
                header_format={"bold": True},
                table_style="Table Style Light 1",
                dtype_formats={pl.Int64: "#,##0", pl.Float64: "#,##0.0##", pl.Date: "yyyy-mm-dd"},
            )
            assert written is book
            page = book.get_worksheet_by_name(sheet.title)
            page.write_string(0, 0, f"{label}{sheet.title}, {publication}", book.add_format({"bold": True}))
            page.set_header(f"&L{label}{sheet.title}&R{publication}")
            # A table is wider than paper; its header and first column stand on every sheet of it.
            page.set_paper(_A4)
            page.set_landscape()
            page.print_across()
            page.repeat_rows(0, 1)
            page.repeat_columns(0)


def _write_notes(
    connection: duckdb.DuckDBPyConnection,
    book: xlsxwriter.Workbook,
    sheets: list[Sheet],
    publication: str,
    is_sample: bool,
) -> None:
    """The first sheet: what this is, what is withheld, methods of the figures, meanings of the columns."""
    tables = sorted({sheet.table for sheet in sheets})
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    page = book.add_worksheet("Notes")
    for column, width in enumerate(_NOTES_WIDTHS):
        page.set_column(column, column, width)
    title = f"{TITLE}, {publication}"
    lines: list[tuple[str, ...]] = [(SAMPLE_NOTE.strip(),)] if is_sample else []
    lines += [
        (title,),
        ("Empty cells are unknown or withheld, never zero; status and withheld_reason say which.",),
        (
            "Nation and regions at the ends of years and the latest date, districts at the latest date; all in csv/.",
        ),
        (),
        ("Withheld", "", "Reason"),
    ]
    lines += connection.execute(
        "select metric_id, '', withheld_reason from meta_metric where status = 'withheld' order by metric_id"
    ).fetchall() or [("None",)]
    lines += [(), ("Measure", "Method", "What it says; how it is computed; what it does not say")]
    lines += _rows_of(
        connection,
        """
        select metrics.metric_id, methods.title || ', version ' || methods.version,
            concat_ws(chr(10), metrics.description, methods.formula, methods.caveats)
        from dim_metric as metrics
        left join dim_method as methods on metrics.method_id = methods.method_id
        where len(list_intersect(string_split(metrics.source_table, ','), $1)) > 0
        order by metrics.metric_id
        """,
        tables,
    )
    lines += [(), ("Table", "Column", "Meaning")]
    lines += _rows_of(
        connection,
        """
        select table_name, column_name, comment from duckdb_columns()
        where schema_name = 'marts' and list_contains($1, table_name)
        order by table_name, column_index
        """,
        tables,
    )
    for number, line in enumerate(lines):
        heading = number == 0 or line[:1] in [("Withheld",), ("Measure",), ("Table",), (title,)]
        # What stands alone in its row may run on over the empty cells beside it.
        form = bold if heading else wrap if len(line) > 1 else None
        if form is wrap:
            page.set_row(number, _height(line))
        for column, text in enumerate(line):
            page.write_string(number, column, text or "", form)
    page.freeze_panes(1, 0)
    page.set_paper(_A4)
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _widths(rows: pl.DataFrame) -> dict[str | pl.selectors.Selector, int]:
    """Pixels of each column, so that its name, every number and date, and most texts are seen whole."""
    if rows.is_empty():
        return {name: _PIXELS * (len(name) + _BUTTON) for name in rows.columns}
    longest = rows.select(pl.all().cast(pl.String).str.len_chars().max().fill_null(0)).row(0)
    widths: dict[str | pl.selectors.Selector, int] = {}
    for (name, kind), length in zip(rows.schema.items(), longest, strict=True):
        # Numbers are shown with separators and three decimals, whatever digits they have.
        shown = min(length, _NUMBER) + 3 if kind.is_numeric() else length + 1
        widths[name] = _PIXELS * min(max(len(name) + _BUTTON, shown), _MOST_SHOWN)
    return widths


def _height(line: tuple[str, ...]) -> int:
    """Points of a row of notes, by the lines that its texts take: not every program finds that out itself."""
    lines = (
        sum(math.ceil(max(len(part), 1) / width) for part in (text or "").split("\n"))
        for text, width in zip(line, _NOTES_WIDTHS, strict=False)
    )
    return 15 * max(lines, default=1)


def _rows_of(connection: duckdb.DuckDBPyConnection, query: str, tables: list[str]) -> list[tuple[str, ...]]:
    try:
        return connection.execute(query, [tables]).fetchall()
    except duckdb.CatalogException:
        return []


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [name for name, *_ in connection.execute(f"describe {table}").fetchall()]
