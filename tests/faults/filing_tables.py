"""A filing as a table that can be edited: opened from its bytes as its layout says, and written back in its own format.

Belongs here: bytes -> rows -> bytes, so that a defect is the same small change of rows in every format. Does not belong
here: which change (`injections`).
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fastexcel
import numpy as np
import pyogrio
import pyogrio.raw
import shapely
import xlsxwriter

from ingestion.layout import Layout
from ingestion.readers.workbook import joined_header, sheet_names

GEOMETRY = "geometry"
Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of a filing by column, all of them text but for attributes and `geometry` of features.

    `columns` are those of the rows, in order; what stands above and below the rows is kept by whoever writes.
    """

    columns: list[str]
    rows: list[Row]

    def with_rows(self, rows: list[Row]) -> Table:
        return replace(self, rows=rows)


def edited(content: bytes, suffix: str, layout: Layout, change: Callable[[Table], Table]) -> bytes:
    """The filing with its rows changed, in its own format; `suffix` is that of its name."""
    match suffix:
        case ".csv" | ".txt":
            return _text(content, layout, change)
        case ".xlsx":
            return _workbook(content, layout, change)
        case ".geojson":
            return _geojson(content, change)
        case ".zip":
            return _shapefile(content, change)
    raise ValueError(f"no way to edit {suffix}")


def _text(content: bytes, layout: Layout, change: Callable[[Table], Table]) -> bytes:
    assert layout.text is not None
    reader = csv.reader(
        io.StringIO(content.decode(layout.text.encoding), newline=""), delimiter=layout.text.delimiter
    )
    columns = next(reader)
    changed = change(Table(columns, [dict(zip(columns, row, strict=True)) for row in reader]))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=layout.text.delimiter, lineterminator="\n")
    writer.writerow([name.split("\0")[0] for name in changed.columns])
    # A row may hold more fields than there are columns: under a name that no column bears.
    for row in changed.rows:
        more = [value for name, value in row.items() if name not in changed.columns]
        writer.writerow([*(row.get(name) for name in changed.columns), *more])
    return out.getvalue().encode(layout.text.encoding)


def _workbook(content: bytes, layout: Layout, change: Callable[[Table], Table]) -> bytes:
    """Every cell becomes text, as the reader sees it anyway; the first sheet that the layout reads is changed."""
    shape = layout.workbooks[0]
    book = fastexcel.read_excel(content)
    first = sheet_names(book.sheet_names, shape)[0]
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_numbers": False}) as written:
        for name in book.sheet_names:
            cells = book.load_sheet(name, header_row=None, dtypes="string").to_polars().rows()
            if name == first:
                header = joined_header([list(cells[number - 1]) for number in shape.header_rows])
                head, body, foot = _parts(cells, shape.first_row - 1)
                # Tuples of a width, named by place where a header cell is empty.
                changed = change(Table(header, [dict(zip(header, row, strict=True)) for row in body]))
                cells = [*head, *(tuple(row.get(c) for c in changed.columns) for row in changed.rows), *foot]
            sheet = written.add_worksheet(name)
            for number, row in enumerate(cells):
                sheet.write_row(number, 0, row)
    return out.getvalue()


def _parts(cells: list[tuple[Any, ...]], first: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Rows above the table, the table, and what follows the first blank row or signature below it."""
    body = cells[first:]
    end = next(
        (i for i, row in enumerate(body) if sum(cell is not None for cell in row) < 2),
        len(body),
    )
    return cells[:first], body[:end], body[end:]


def _geojson(content: bytes, change: Callable[[Table], Table]) -> bytes:
    document = json.loads(content)
    columns = [*document["features"][0]["properties"], GEOMETRY]
    rows = [{**one["properties"], GEOMETRY: one["geometry"]} for one in document["features"]]
    changed = change(Table(columns, rows))
    document["features"] = [
        {
            "type": "Feature",
            "properties": {name: row.get(name) for name in changed.columns if name != GEOMETRY},
            "geometry": row.get(GEOMETRY),
        }
        for row in changed.rows
    ]
    return json.dumps(document, ensure_ascii=False).encode()


def _shapefile(content: bytes, change: Callable[[Table], Table]) -> bytes:
    """A zipped Shapefile; geometries as GeoJSON while they are changed."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in.zip").write_bytes(content)
        meta, _, geometries, values = pyogrio.raw.read(f"/vsizip/{folder}/in.zip")
        names = list(map(str, meta["fields"]))
        rows = [
            {
                **dict(zip(names, row, strict=True)),
                GEOMETRY: json.loads(shapely.to_geojson(shapely.from_wkb(wkb))),
            }
            for wkb, row in zip(geometries, zip(*values, strict=True), strict=True)
        ]
        changed = change(Table([*names, GEOMETRY], rows))
        shapes = [shapely.from_geojson(json.dumps(row[GEOMETRY])) for row in changed.rows]
        pyogrio.raw.write(
            f"{folder}/out.shp",
            shapely.to_wkb(np.array(shapes, dtype=object)),
            [np.array([row[name] for row in changed.rows]) for name in names],
            names,
            geometry_type="Polygon",
            crs=meta["crs"],
            driver="ESRI Shapefile",
            encoding="UTF-8",
        )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as packed:
            for path in sorted(Path(folder).glob("out.*")):
                packed.write(path, path.name)
        return out.getvalue()
