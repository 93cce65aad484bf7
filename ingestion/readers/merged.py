"""Cells of a workbook that are merged over several rows: they say one thing of each of those rows.

Belongs here: finding them, and what they mean for the rows below the first. Does not belong here: merges of a header,
which its empty cells tell (`workbook`). A workbook of before 2007 does not tell merges here; its rows lack what the
first of them says, and the contract's rules see it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from ingestion.readers.sheet_xml import NAME, REFERENCE, attribute, matches, position
from ingestion.readers.table import ROW, trimmed

_SIGN = re.compile(rb"mergeCell\b")
_MERGE = re.compile(
    rb"<" + NAME + rb"mergeCell\b[^>]*" + attribute(b"ref", REFERENCE + rb":[A-Z]{1,3}([1-9]\d{0,6})")
)
_SCHEMA = {"column": pl.Int64, "first_row": pl.Int64, "last_row": pl.Int64}


def merged_rows(path: Path, sheet: str) -> pl.DataFrame:
    """Where cells of a sheet are merged over several rows.

    Returns a row for each: `column` of its first cell, from 0, and `first_row` and `last_row` as the program numbers
    them; ordered by these. Of a workbook that is no zip archive none.
    """
    if not zipfile.is_zipfile(path):
        return pl.DataFrame(schema=_SCHEMA)
    with zipfile.ZipFile(path) as book:
        found = [
            (position(merge[1]), int(merge[2]), int(merge[3]))
            for merge in matches(book, sheet, _MERGE, _SIGN)
        ]
    told = pl.DataFrame(found, schema=_SCHEMA, orient="row").filter(pl.col("last_row") > pl.col("first_row"))
    # Merges that overlap are no workbook's; of two that begin in one cell either will do.
    return told.sort(list(_SCHEMA)).unique(["column", "first_row"], keep="last", maintain_order=True)


def said_of_each_row(rows: pl.DataFrame, merged: pl.DataFrame, names: Mapping[int, str]) -> pl.DataFrame:
    """Rows in which each row of a merged cell says what the cell says.

    Args:
        rows: with ROW in ascending order, and text.
        merged: as `merged_rows` gives it.
        names: columns by their place in the sheet, from 0; merges of others change nothing.
    """
    for column, name in names.items():
        said = _spans(merged, column).join(
            rows.select(pl.col(ROW).alias("first_row"), pl.col(name).alias("__said")), on="first_row"
        )
        is_below = (pl.col(ROW) <= pl.col("last_row")) & (trimmed(pl.col(name).fill_null("")) == "")
        rows = (
            rows.join_asof(said.sort("first_row"), left_on=ROW, right_on="first_row")
            .with_columns(pl.when(is_below).then("__said").otherwise(name).alias(name))
            .select(rows.columns)
        )
    return rows


def rows_of_shared_cells(rows: pl.DataFrame, merged: pl.DataFrame, columns: Iterable[int]) -> set[int]:
    """Numbers of the rows that share a merged cell of any of these columns, given by their place from 0."""
    found: set[int] = set()
    for column in columns:
        within = rows.select(ROW).join_asof(_spans(merged, column), left_on=ROW, right_on="first_row")
        found.update(within.filter(pl.col(ROW) <= pl.col("last_row"))[ROW])
    return found


def _spans(merged: pl.DataFrame, column: int) -> pl.DataFrame:
    return merged.filter(pl.col("column") == column).select("first_row", "last_row")
