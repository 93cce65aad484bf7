"""GeoJSON points -> raw table: one row a feature, its properties and coordinates as text.

Belongs here: points. Lines and polygons become cells, not rows, and are read elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.faults import FileRejected
from ingestion.layout import Layout
from ingestion.readers.table import ROW, SHEET, RawTable, unique_names, verify_header


def _row(feature: dict[str, Any]) -> dict[str, str | None]:
    """A feature's properties as text; a feature without geometry keeps its row, without coordinates."""
    geometry = feature["geometry"] or {"type": None, "coordinates": (None, None)}
    longitude, latitude = geometry["coordinates"][:2]
    values = feature["properties"] | {
        "geometry_type": geometry["type"],
        "longitude": longitude,
        "latitude": latitude,
    }
    return {
        name: value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }


def read_geojson(path: Path, layout: Layout) -> RawTable:
    """Read point features; coordinates become the columns `longitude` and `latitude`, rows are numbered from 1.

    Raises:
        FileRejected: unreadable_json, empty_file, or properties that do not fit the layout.
    """
    try:
        document = json.loads(path.read_bytes())
        features = document["features"]
        rows = [_row(feature) for feature in features]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise FileRejected("unreadable_json", f"{path.name}: {type(error).__name__}: {error}") from error
    if not rows:
        raise FileRejected("empty_file", f"{path.name} holds no features")
    frame = pl.from_dicts(rows, infer_schema_length=None)
    verify_header(layout, frame.columns, path.name)
    columns = unique_names(frame.columns)
    frame = (
        frame.select(pl.all().cast(pl.String))
        .rename(dict(zip(frame.columns, columns, strict=True)))
        .with_row_index(ROW, offset=1)
        .with_columns(pl.col(ROW).cast(pl.Int64))
    )
    return RawTable(frame.with_columns(pl.lit(None, pl.String).alias(SHEET)).lazy(), columns)
