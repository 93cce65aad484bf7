"""GeoJSON points -> raw table: one row a feature, its properties and coordinates as text.

Belongs here: points. Lines and polygons become cells, not rows, and are read elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from ingestion.faults import FileRejected
from ingestion.layout import Layout
from ingestion.readers.table import ROW, SHEET, RawTable, verify_header


def read_geojson(path: Path, layout: Layout) -> RawTable:
    """Read point features; coordinates become the columns `longitude` and `latitude`, rows are numbered from 1.

    Raises:
        FileRejected: unreadable_json, empty_file, or properties that do not fit the layout.
    """
    try:
        document = json.loads(path.read_bytes())
        features = document["features"]
        rows = [
            feature["properties"]
            | {
                "geometry_type": feature["geometry"]["type"],
                "longitude": repr(feature["geometry"]["coordinates"][0]),
                "latitude": repr(feature["geometry"]["coordinates"][1]),
            }
            for feature in features
        ]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise FileRejected("unreadable_json", f"{path.name}: {type(error).__name__}: {error}") from error
    if not rows:
        raise FileRejected("empty_file", f"{path.name} holds no features")
    frame = pl.from_dicts(rows, infer_schema_length=None)
    columns = frame.columns
    verify_header(layout, columns, path.name)
    frame = (
        frame.select(pl.all().cast(pl.String))
        .with_row_index(ROW, offset=1)
        .with_columns(pl.col(ROW).cast(pl.Int64))
    )
    return RawTable(frame.with_columns(pl.lit(None, pl.String).alias(SHEET)).lazy(), columns)
