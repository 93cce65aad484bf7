"""The one shape every reader returns.

Belongs here: the raw table, and comparing its columns with the layout. Does not belong here: any file format.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingestion.faults import FileRejected
from ingestion.layout import Layout
from ingestion.limits import MOST_COLUMNS

ROW = "source_row"
SHEET = "source_sheet"
# The decimal mark of a row's numbers, where the shapes of a workbook differ in it: a column of the raw table's frame.
DECIMAL = "__decimal"
# What is known of each row's geometry, beside the file's columns: columns of the raw table's frame.
FAULT = "__geometry_fault"
HASH = "__geometry_hash"
MEASURES = {
    "geometry_type": "__geometry_type",
    "geometry_area_km2": "__geometry_area_km2",
    "geometry_cell_area_km2": "__geometry_cell_area_km2",
    "geometry_length_km": "__geometry_length_km",
    "geometry_outline": "__geometry_outline",
    "geometry_vertices": "__geometry_vertices",
    "geometry_repair": "__geometry_repair",
}
# Rules that a row's geometry may break, as FAULT says.
GEOMETRY_FAULTS = (
    "geometry_missing",
    "geometry_empty",
    "geometry_unreadable",
    "geometry_wrong_type",
    "coordinates_swapped",
    "outside_country",
)
# Characters that show as nothing: soft hyphens, joiners, marks of direction and of byte order.
INVISIBLE_CHARACTERS = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
INVISIBLE = f"[{INVISIBLE_CHARACTERS}]"
# Every character that Unicode calls a space.
_SPACES = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# Between the rows of a header of several rows, once they are one name.
HEADER_JOIN = " | "
# Rows that a reader sets aside: which rule each broke, and its text as received.
ASIDE: dict[str, pl.DataType] = {
    ROW: pl.Int64(),
    SHEET: pl.String(),
    "text": pl.String(),
    "rule": pl.String(),
}
# How the names begin that `rules`, `resolution` and `split` give to columns of their own beside the file's.
_INTERNAL = ("__", "=", "~", "?")


@dataclass(frozen=True)
class RawTable:
    """Rows as text, before any judgement.

    frame: source_row (line or row number as a person sees it), source_sheet, then the file's columns, all text.
    aside: rows that are no rows of the table, so that nobody can judge them: as ASIDE says.
    skipped: rows that hold no data by the layout's own account: titles, headers, footers, blanks.
    is_trimmed: no field has space around it, known from the bytes; stripping 10^8 fields for nothing costs seconds.
    may_hold_nul: false where the bytes show that no field holds a NUL; looking into 10^8 fields costs seconds too.
    may_repeat_header: false where the bytes show that the header does not stand again among the rows.
    may_hold_formula_error: false where the bytes show that no field holds a formula's error, likewise.
    is_ascii: no field has a letter that encodings could differ in, known from the bytes, likewise.
    rows: rows of the frame where the reader counted them itself, else None.
    cells: Parquet of the H3 cells that the rows' geometries became, by source_row; None without geometry.
    notes: what was passed over although the layout may have meant it, in words, for the file's outcome.
    """

    frame: pl.LazyFrame
    columns: list[str]
    aside: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ASIDE))
    skipped: int = 0
    is_trimmed: bool = False
    may_hold_nul: bool = True
    may_repeat_header: bool = True
    may_hold_formula_error: bool = True
    is_ascii: bool = False
    rows: int | None = None
    notes: tuple[str, ...] = ()
    cells: Path | None = None


def trimmed(text: pl.Expr) -> pl.Expr:
    """Text without what cannot be seen at its ends: spaces of any kind, marks, joiners."""
    return text.str.strip_chars(_SPACES + INVISIBLE_CHARACTERS)


def says(text: pl.Expr, name: str) -> pl.Expr:
    """True where a text is a header's name, whatever the case of its letters and the spaces between its words."""
    gap = rf"[\s{INVISIBLE_CHARACTERS}]*"
    return text.str.contains(f"(?i)^{gap}{gap.join(map(re.escape, name.split()))}{gap}$")


def is_blank(columns: list[str]) -> pl.Expr:
    """True where a row holds nothing in any of the columns."""
    return pl.all_horizontal(trimmed(pl.col(columns).fill_null("")) == "")


def as_received(columns: Mapping[str, str]) -> pl.Expr:
    """The text of a row as it was received: JSON of its cells by the file's name of their column.

    Args:
        columns: where each of these columns stands now.
    """
    cells = [pl.col(now).alias(name) for name, now in columns.items()]
    return pl.struct(cells).struct.json_encode()


def header_name(text: str | None, position: int) -> str:
    """A header cell as a person sees it: spaces collapsed, what is invisible left out, letters and their marks one.

    `#<position>` (from 1) when it is empty.
    """
    visible = re.sub(INVISIBLE, "", unicodedata.normalize("NFC", text or ""))
    collapsed = re.sub(r"\s+", " ", visible).strip()
    return collapsed or f"#{position}"


def is_unnamed(name: str) -> bool:
    """True for the name that `header_name` gives a column whose header is empty."""
    return re.fullmatch(r"#\d+", name) is not None


def is_reserved(name: str) -> bool:
    """True for a name that a column of the pipeline's own may bear beside the file's columns."""
    return name in (ROW, SHEET) or name.startswith(_INTERNAL)


def unique_names(header: list[str]) -> list[str]:
    """Header names as columns of one frame: each once, none reserved.

    A name that repeats or is reserved gets its position before it. `verify_header` has made sure that the layout
    reads no such column, so that only its text in quarantined rows bears the longer name.
    """
    taken = set(header)
    names: list[str] = []
    for position, name in enumerate(header, start=1):
        unique = name
        if is_reserved(name) or name in names:
            unique = f"#{position} {name}"
            while unique in taken:
                unique = f"#{unique}"
            taken.add(unique)
        names.append(unique)
    return names


def read_columns(layout: Layout, header: list[str]) -> list[str]:
    """Those of a header's names that a layout reads."""
    wanted = set(layout.source_columns)
    patterns = [re.compile(u.columns_matching) for u in layout.unpivot if u.columns_matching]
    return [name for name in header if name in wanted or any(p.fullmatch(name) for p in patterns)]


def verify_width(columns: int, where: str) -> None:
    """Refuse a table of too many columns; raises FileRejected(too_large)."""
    if columns > MOST_COLUMNS:
        raise FileRejected("too_large", f"{where}: {columns} columns; at most {MOST_COLUMNS} are read")


def verify_header(layout: Layout, header: list[str], where: str) -> None:
    """Refuse a header that lacks a column of the layout, holds one nobody mapped, or names one twice.

    Raises:
        FileRejected: missing_column, unmapped_column, duplicate_header or reserved_column, with the likeliest pairs
            named; too_large.
    """
    verify_width(len(header), where)
    wanted = layout.source_columns
    read = read_columns(layout, header)
    known = {*read, *layout.ignore}
    reserved = [name for name in read if is_reserved(name)]
    if reserved:
        raise FileRejected(
            "reserved_column",
            f"{where}: layout {layout.layout_id} reads column {', '.join(map(repr, reserved))}",
        )
    twice = sorted({name for name in read if read.count(name) > 1})
    if twice:
        raise FileRejected(
            "duplicate_header", f"{where}: column {', '.join(map(repr, twice))} stands more than once"
        )
    missing = [name for name in wanted if name not in header]
    extra = [name for name in header if name not in known and not is_unnamed(name)]
    if missing:
        hints = []
        for name in missing:
            close = difflib.get_close_matches(name, extra, n=1, cutoff=0.6)
            hints.append(f"{name!r}" + (f" (the file has {close[0]!r})" if close else ""))
        raise FileRejected("missing_column", f"{where}: no column {', '.join(hints)}; the header is {header}")
    if extra:
        raise FileRejected(
            "unmapped_column",
            f"{where}: column {', '.join(map(repr, extra))} is not in layout {layout.layout_id}",
        )
