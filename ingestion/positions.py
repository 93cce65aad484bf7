"""Positions that a table gives as two coordinates of any reference -> degrees.

Belongs here: two columns of text that become `longitude` and `latitude`. Does not belong here: files of features and
geometry written as text (`readers.features`), or whether a position is good (`rules`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from ingestion import geometry
from ingestion.faults import FileRejected
from ingestion.layout import POSITION, Layout
from ingestion.readers.table import ROW, SHEET, RawTable
from ingestion.rules import number_of

# A hundredth of a millimetre: what is beyond it differs between builds of PROJ.
_DECIMALS = 10
_BATCH = 65_536


def with_positions(raw: RawTable, layout: Layout, work: Path) -> RawTable:
    """The table with `longitude` and `latitude` in degrees, as text in the form of the layout.

    A coordinate that is no number, or that has no place in degrees, stands there as it was received, so that the rule
    it breaks shows it.

    Raises:
        FileRejected: duplicate_header, when the file has a column of degrees too.
    """
    source = layout.geometry
    assert source is not None
    assert source.x is not None
    assert source.y is not None
    assert source.crs is not None
    twice = [name for name in POSITION if name in raw.columns]
    if twice:
        told = ", ".join(map(repr, twice))
        raise FileRejected(
            "duplicate_header",
            f"column {told} stands beside {source.x!r} and {source.y!r}, which tell it too",
        )
    marks = sorted({*layout.null_marks, ""})
    filed = dict(zip(POSITION, (source.x, source.y), strict=True))
    texts = {
        name: pl.when(~pl.col(origin).str.strip_chars().is_in(marks)).then(pl.col(origin).str.strip_chars())
        for name, origin in filed.items()
    }
    # PROJ is called from this thread alone: called from those of a streaming query it ended the process.
    points, degrees = work / "points.parquet", work / "degrees.parquet"
    raw.frame.select(
        SHEET,
        ROW,
        *(text.alias(f"{name} text") for name, text in texts.items()),
        *(number_of(layout, text).alias(name) for name, text in texts.items()),
    ).sink_parquet(points)
    mark = "," if layout.format == "text" and layout.decimals == (",",) else "."
    schema = pl.DataFrame(schema={SHEET: pl.String(), ROW: pl.Int64()} | dict.fromkeys(POSITION, pl.String()))
    arrow = schema.to_arrow().schema
    with pq.ParquetFile(points) as lines, pq.ParquetWriter(degrees, arrow, compression="zstd") as target:
        for batch in lines.iter_batches(_BATCH):
            told_degrees = _degrees(pl.DataFrame(batch), source.crs, mark)
            target.write_table(told_degrees.to_arrow().cast(arrow))
    placed = pl.scan_parquet(degrees)
    frame = raw.frame.join(placed, on=[SHEET, ROW], how="left", nulls_equal=True, maintain_order="left")
    return replace(raw, frame=frame, columns=[*raw.columns, *POSITION])


def _degrees(points: pl.DataFrame, crs: str, mark: str) -> pl.DataFrame:
    """Sheet, row and degrees as text of points: numbers `longitude` (east) and `latitude` (north), and their texts."""
    x, y = (points[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in POSITION)
    found = np.column_stack(geometry.points_to_wgs84(x, y, crs)).round(_DECIMALS)
    is_placed = pl.Series(np.isfinite(found).all(axis=1))
    # One that is a number beside one that is none says nothing by itself.
    is_alone = pl.Series(np.isnan(x) != np.isnan(y))
    told = {}
    for name, axis, values in zip(POSITION, (x, y), found.T, strict=True):
        text = pl.Series(values).cast(pl.String).str.replace(".", mark, literal=True)
        filed = points[f"{name} text"].zip_with(
            ~(is_alone & pl.Series(~np.isnan(axis))), pl.Series([None], dtype=pl.String)
        )
        told[name] = text.zip_with(is_placed, filed)
    return points.select(SHEET, ROW, **told)
