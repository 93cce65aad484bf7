"""Files of features -> raw table and cells: GeoJSON, GeoPackage, Shapefile, and text with geometry in a column.

Belongs here: opening such files, what their coordinates refer to, and carrying geometry batch by batch to the cells
it becomes. Does not belong here: the arithmetic (`ingestion.geometry`), or judging other columns (`ingestion.rules`).

GDAL inside pyogrio reads; geometry travels as WKB, a batch at a time, and only its cells and measures are written
down. So memory is bounded by the largest batch, however many features and cells there are.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyproj.exceptions import CRSError, ProjError

from ingestion import geometry
from ingestion.contract import Contract
from ingestion.faults import FileRejected
from ingestion.layout import Layout
from ingestion.limits import GEOJSON_FEATURE_MB
from ingestion.readers.archive import BROKEN_ARCHIVE, verify_archive
from ingestion.readers.table import FAULT, HASH, ROW, SHEET, RawTable, unique_names, verify_header

_FACTS: dict[str, pl.DataType] = {
    ROW: pl.Int64(),
    FAULT: pl.String(),
    HASH: pl.String(),
    "__geometry_type": pl.String(),
    "__geometry_area_km2": pl.Float64(),
    "__geometry_cell_area_km2": pl.Float64(),
    "__geometry_length_km": pl.Float64(),
    "__geometry_outline": pl.String(),
    "__geometry_vertices": pl.Int64(),
    "__geometry_repair": pl.String(),
    "geometry": pl.String(),
    "longitude": pl.Float64(),
    "latitude": pl.Float64(),
}
_SHAPEFILE_MAGIC, _ZIP_MAGIC, _SQLITE_MAGIC = b"\x00\x00\x27\x0a", b"PK\x03\x04", b"SQLite format 3\x00"
_BATCH = {"point": 65_536, "line": 256, "polygon": 256}
_TEXT_BATCH = 1024
_HEAD = 100
_MOST_EXAMPLES = 3
# GDAL holds one GeoJSON feature as objects that take twenty times its text, and counts them.
pyogrio.set_gdal_config_options({"OGR_GEOJSON_MAX_OBJ_SIZE": str(GEOJSON_FEATURE_MB)})


def geometry_kind(contract: Contract) -> str:
    """What kind of geometry the rows of an extract have: point, line or polygon."""
    if contract.geometry is not None:
        return contract.geometry.kind
    return "polygon" if contract.with_role("tile_latitude") else "point"


class GeometryWriter:
    """Turns batches of geometries into facts of their rows, and into cells, which go to one Parquet file."""

    def __init__(self, contract: Contract, crs: str, where: str, cells: Path | None) -> None:
        self._spec, self._kind = contract.geometry, geometry_kind(contract)
        self._crs, self._where, self._path = crs, where, cells
        self._schema = pl.DataFrame(schema=geometry.CELL_SCHEMA).to_arrow().schema
        self._writer: pq.ParquetWriter | None = None
        self._seen = self._misplaced = self._repaired = self._without_cell = 0
        self._examples: list[str] = []
        self._first: str | None = None
        self._is_placed = contract.with_role("tile_latitude") is None
        self._measures_cells = contract.with_role("geometry_cell_area_km2") is not None
        self._keeps_outlines = contract.with_role("geometry_outline") is not None

    def __enter__(self) -> GeometryWriter:
        if self._spec is not None and self._path is not None:
            self._writer = pq.ParquetWriter(self._path, self._schema, compression="zstd")
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(
        self, rows: np.ndarray[Any, np.dtype[np.int64]], geometries: geometry.Geometries, unreadable: Any
    ) -> pl.DataFrame:
        """What is known of a batch's geometries, a row each; their cells are written.

        Args:
            geometries: as the file has them; None where there is none or it could not be read.
            unreadable: true where there is one that could not be read.
        """
        fault = np.full(len(rows), None, dtype=object)
        kinds = shapely.get_type_id(geometries)
        fault[~np.isin(kinds, geometry.TYPES[self._kind])] = "geometry_wrong_type"
        fault[shapely.is_empty(geometries)] = "geometry_empty"
        fault[shapely.is_missing(geometries)] = "geometry_missing"
        fault[unreadable] = "geometry_unreadable"
        told = _summaries(geometries, unreadable)
        vertices = shapely.get_num_coordinates(geometries)
        good = np.flatnonzero(_is_none(fault))
        geometries = geometries.copy()
        geometries[good] = geometry.to_wgs84(geometries[good], self._crs)
        self._place(good, geometries, fault, told)
        repair, hashes, outline = np.full((3, len(rows)), None, dtype=object)
        area, cell_area, length = np.full((3, len(rows)), np.nan)
        if self._spec is not None:
            good = np.flatnonzero(_is_none(fault))
            geometries[good], repair[good] = geometry.repaired(geometries[good], self._kind)
            fault[good[shapely.is_empty(geometries[good])]] = "geometry_empty"
            good = np.flatnonzero(_is_none(fault))
            if self._kind == "polygon":
                area[good] = geometry.area_km2(geometries[good])
            else:
                length[good] = geometry.line_lengths_km(geometries[good])
            hashes[good] = [_hash(one) for one in geometries[good]]
            self._note_repairs(rows[good], repair[good])
            cell_area[good] = self._write(rows[good], geometries[good])
            if self._keeps_outlines:
                outline[good] = geometry.outlines_wkt(geometries[good], self._kind)
        is_point = kinds == shapely.GeometryType.POINT
        points = geometries.copy()
        points[~(is_point & _is_none(fault))] = None
        frame = pl.DataFrame(
            {
                ROW: rows,
                FAULT: pl.Series(fault.tolist(), dtype=pl.String),
                HASH: pl.Series(hashes.tolist(), dtype=pl.String),
                "__geometry_type": [_TYPE_NAMES.get(int(kind)) for kind in kinds],
                "__geometry_area_km2": area,
                "__geometry_cell_area_km2": cell_area,
                "__geometry_length_km": length,
                "__geometry_outline": pl.Series(outline.tolist(), dtype=pl.String),
                "__geometry_vertices": vertices,
                "__geometry_repair": pl.Series(repair.tolist(), dtype=pl.String),
                "geometry": told,
                "longitude": shapely.get_x(points),
                "latitude": shapely.get_y(points),
            },
            schema_overrides=_FACTS,
        )
        return frame.with_columns(pl.col(pl.Float64).fill_nan(None))

    def _place(self, good: Any, geometries: geometry.Geometries, fault: Any, told: list[str | None]) -> None:
        misplaced = geometry.misplaced(geometries[good])
        for index, rule in zip(good, misplaced, strict=True):
            if rule is not None:
                west, south, east, north = geometries[index].bounds
                told[index] = (
                    f"{told[index]}, longitude {west:.6g} to {east:.6g}, latitude {south:.6g} to {north:.6g}"
                )
        if self._is_placed:
            # Points keep their coordinates: whether they lie in the country is a rule of their columns.
            if self._spec is not None:
                fault[good] = misplaced
            elsewhere = misplaced == "outside_country"
            self._seen += len(good)
            self._misplaced += int(elsewhere.sum())
            if self._first is None and elsewhere.any():
                self._first = told[good[np.argmax(elsewhere)]]

    def _note_repairs(self, rows: Any, repair: Any) -> None:
        for row, what in zip(rows, repair, strict=True):
            if what is not None:
                self._repaired += 1
                if len(self._examples) < _MOST_EXAMPLES:
                    self._examples.append(f"row {row} ({what})")

    def _write(self, rows: Any, geometries: geometry.Geometries) -> Any:
        """Write the cells; the area of each row's, where the contract asks for it."""
        assert self._spec is not None
        frames: Iterator[pl.DataFrame]
        if self._kind == "line":
            frames = iter([geometry.line_cells(geometries, rows, self._spec.h3_resolution)])
        else:
            frames = geometry.polygon_cells(geometries, rows, self._spec.h3_resolution)
        filled: set[int] = set()
        areas: list[pl.DataFrame] = []
        for frame in frames:
            filled.update(frame["source_row"].unique().to_list())
            if self._measures_cells:
                areas.append(geometry.cells_area_km2(frame))
            if self._writer is not None and frame.height:
                self._writer.write_table(frame.to_arrow().cast(self._schema))
        self._without_cell += len(rows) - len(filled)
        by_row = dict(geometry.summed_by_row(pl.concat(areas)).iter_rows()) if areas else {}
        return [by_row.get(int(row), np.nan) for row in rows]

    def notes(self) -> tuple[str, ...]:
        """What happened to geometries that the sender should know, in words.

        Raises:
            FileRejected: wrong_crs, when not one geometry lies in the country.
        """
        if self._seen and self._misplaced == self._seen:
            raise FileRejected(
                "wrong_crs",
                f"{self._where}: none of {self._seen} geometries lies in the country when read as {self._crs}; "
                f"the first: {self._first}",
            )
        found = []
        if self._repaired:
            more = ", ..." if self._repaired > len(self._examples) else ""
            found.append(
                f"{self._repaired} invalid geometries were repaired: {', '.join(self._examples)}{more}"
            )
        if self._without_cell and self._spec is not None:
            found.append(
                f"{self._without_cell} polygons are so small that no cell of resolution {self._spec.h3_resolution} "
                "has its centre in them; they cover nothing"
            )
        return tuple(found)


_TYPE_NAMES = {
    int(kind): name
    for kind, name in {
        shapely.GeometryType.POINT: "Point",
        shapely.GeometryType.LINESTRING: "LineString",
        shapely.GeometryType.LINEARRING: "LinearRing",
        shapely.GeometryType.POLYGON: "Polygon",
        shapely.GeometryType.MULTIPOINT: "MultiPoint",
        shapely.GeometryType.MULTILINESTRING: "MultiLineString",
        shapely.GeometryType.MULTIPOLYGON: "MultiPolygon",
        shapely.GeometryType.GEOMETRYCOLLECTION: "GeometryCollection",
    }.items()
}


def _summaries(geometries: geometry.Geometries, unreadable: Any) -> list[str | None]:
    """Each geometry in a few words, as reports show it."""
    kinds, vertices = shapely.get_type_id(geometries), shapely.get_num_coordinates(geometries)
    told: list[str | None] = []
    for kind, count, is_broken in zip(kinds, vertices, unreadable, strict=True):
        name = _TYPE_NAMES.get(int(kind))
        told.append("unreadable" if is_broken else name and f"{name} of {count} vertices")
    return told


def _hash(shape: shapely.Geometry) -> str:
    """The same for geometries that are drawn alike, wherever their vertices begin and whichever way they run."""
    return hashlib.sha256(shapely.to_wkb(shapely.normalize(shape))).hexdigest()


def _is_none(values: Any) -> Any:
    return np.array([value is None for value in values], dtype=bool)


def _finish(
    frame: pl.LazyFrame,
    columns: list[str],
    writer: GeometryWriter,
    contract: Contract,
    cells: Path,
    **rest: Any,
) -> RawTable:
    return RawTable(
        frame,
        columns,
        notes=writer.notes(),
        cells=cells if contract.geometry is not None else None,
        **rest,
    )


# --- Files of features --------------------------------------------------------------------------------------------


def read_features(path: Path, layout: Layout, work: Path) -> RawTable:
    """Read a GeoJSON, a GeoPackage or a Shapefile (alone, or in a .zip); rows are features, numbered from 1.

    The geometry is told in a column `geometry`, in a few words. Points become the columns `longitude` and `latitude`,
    in degrees whatever the file's coordinates refer to.

    Raises:
        FileRejected: what the file is instead, or what it lacks.
    """
    contract = layout.contract
    source = _openable(path)
    layer = _layer(path, source, layout)
    kind = geometry_kind(contract)
    target, cells = work / "raw.parquet", work / "cells_of_rows.parquet"
    with _readable(path):
        options = {"layer": layer, "batch_size": _BATCH[kind], "use_pyarrow": True}
        if layout.geometry is not None and layout.geometry.encoding is not None:
            options["encoding"] = layout.geometry.encoding
        expected = int(pyogrio.read_info(source, layer=layer, force_feature_count=True)["features"])
        if expected == 0:
            raise FileRejected("empty_file", f"{path.name} holds no features")
        with pyogrio.open_arrow(source, **options) as (meta, reader):
            fields = list(map(str, meta["fields"]))
            position = ["longitude", "latitude"] if kind == "point" else []
            _verify_positions(layout, fields, position, path.name)
            verify_header(layout, [*fields, *position], path.name)
            crs = _agreed_crs(layout, meta["crs"], path)
            # An attribute may bear the name of what is computed; the two are columns apart.
            columns = unique_names([*fields, *position, "geometry"])
            done = 0
            with (
                GeometryWriter(contract, crs, path.name, cells) as writer,
                _TextWriter(target, columns, [*position, "geometry"]) as rows,
            ):
                for batch in reader:
                    # By place: GDAL's own column of geometry comes last, and an attribute may be called like it.
                    facts = writer.add(*_decoded(batch.column(len(fields)), done))
                    done += batch.num_rows
                    rows.add(facts, _as_text(batch, columns[: len(fields)]))
    if done < expected:
        raise FileRejected(
            "unreadable_features", f"{path.name} says that it holds {expected} features, {done} can be read"
        )
    frame = pl.scan_parquet(target).with_columns(pl.lit(None, pl.String).alias(SHEET))
    return _finish(frame, columns, writer, contract, cells, rows=done)


def _verify_positions(layout: Layout, fields: list[str], position: list[str], where: str) -> None:
    """Refuse attributes that bear the name of a coordinate that the layout reads: nobody can say which it means."""
    twice = [name for name in position if name in fields and name in layout.source_columns]
    if twice:
        told = ", ".join(map(repr, twice))
        raise FileRejected(
            "duplicate_header", f"{where}: attribute {told} stands beside the geometry, which tells it too"
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What GDAL, Arrow and PROJ say of a broken file becomes an outcome of it."""
    try:
        yield
    # The last is how pyogrio ends on a projection that GDAL has but cannot write down.
    except (RuntimeError, OSError, pa.ArrowException, ProjError, UnboundLocalError) as error:
        told = str(error)
        if "too complex/large" in told:
            told = told.split("; ")[0]
            raise FileRejected("geometry_too_large", f"{path.name}: {told.split('. You may')[0]}") from error
        raise FileRejected("unreadable_features", f"{path.name}: {told[:500]}") from error


class _TextWriter:
    """Attributes as text beside the facts of geometry, batch by batch into one Parquet file.

    The last of the columns are `computed`: facts that are told as columns of the file, under unique names.
    """

    def __init__(self, target: Path, columns: list[str], computed: list[str]) -> None:
        self._told = dict(zip(computed, columns[-len(computed) :], strict=True))
        facts = {name: dtype for name, dtype in _FACTS.items() if name.startswith("__") or name == ROW}
        self._schema = pl.DataFrame(schema=facts | dict.fromkeys(columns, pl.String())).to_arrow().schema
        self._writer = pq.ParquetWriter(target, self._schema, compression="zstd")

    def __enter__(self) -> _TextWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, facts: pl.DataFrame, values: pl.DataFrame) -> None:
        told = facts.select(pl.col(fact).cast(pl.String).alias(name) for fact, name in self._told.items())
        hidden = facts.select(name for name in facts.columns if name.startswith("__") or name == ROW)
        frame = pl.concat([hidden, values, told], how="horizontal").select(self._schema.names)
        self._writer.write_table(frame.to_arrow().cast(self._schema))


def _decoded(column: pa.Array, done: int) -> tuple[Any, geometry.Geometries, Any]:
    """Row numbers, geometries, and which of them could not be read."""
    rows = np.arange(done + 1, done + len(column) + 1, dtype=np.int64)
    wkb = np.array(column.to_pylist(), dtype=object)
    geometries = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    return rows, geometries, _is_none(geometries) & ~_is_none(wkb)


def _as_text(batch: pa.RecordBatch, names: list[str]) -> pl.DataFrame:
    """Attributes, the first columns, as text: numbers as they are written, dates in ISO form, lists as JSON."""
    found = []
    for place, name in enumerate(names):
        column = batch.column(place)
        # An attribute that is an object, or now this and now that, comes as text that Arrow marks as JSON.
        series = pl.Series(name, column.storage if isinstance(column, pa.ExtensionArray) else column)
        if series.dtype == pl.Datetime:
            series = series.dt.strftime("%Y-%m-%d %H:%M:%S")
        elif isinstance(series.dtype, pl.List | pl.Struct | pl.Binary):
            values = [
                None if v is None else json.dumps(v, ensure_ascii=False, default=str)
                for v in series.to_list()
            ]
            series = pl.Series(name, values, dtype=pl.String)
        found.append(series.cast(pl.String))
    return pl.DataFrame(found)


def _openable(path: Path) -> str:
    """The file as GDAL is to open it, told by its content, so that no other format slips in under a known suffix."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise FileRejected("empty_file", f"{path.name} has no bytes")
    if head.startswith(_ZIP_MAGIC):
        verify_archive(path)
        return f"/vsizip/{{{path}}}/{_member(path)}"
    if head.startswith(_SHAPEFILE_MAGIC):
        there = {other.suffix.lower() for other in path.parent.glob(f"{path.stem}.*")}
        _verify_shapefile(path.name, head, path.stat().st_size, there)
        return str(path)
    if head.startswith(_SQLITE_MAGIC) or head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return str(path)
    raise FileRejected("unreadable_features", f"{path.name} begins with {head[:16]!r}")


def _member(path: Path) -> str:
    """The one Shapefile inside a .zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
            shapes = [name for name in inside if name.lower().endswith(".shp")]
            for name in shapes[:1]:
                size = archive.getinfo(name).file_size
                with archive.open(name) as stream:
                    head = stream.read(_HEAD)
    except BROKEN_ARCHIVE as error:
        raise FileRejected("unreadable_features", f"{path.name}: {error}") from error
    if len(shapes) != 1:
        told = ", ".join(shapes or inside[:5])
        raise FileRejected("unreadable_features", f"{path.name} must hold one .shp, it holds: {told}")
    stem = str(PurePosixPath(shapes[0]).with_suffix(""))
    _verify_shapefile(
        shapes[0], head, size, {PurePosixPath(n).suffix.lower() for n in inside if n.startswith(f"{stem}.")}
    )
    return shapes[0]


def _verify_shapefile(name: str, head: bytes, size: int, suffixes: set[str]) -> None:
    """Refuse a Shapefile that lacks a part, or is not as long as it says: GDAL would read it without its geometry."""
    missing = [suffix for suffix in (".shx", ".dbf") if suffix not in suffixes]
    if missing:
        raise FileRejected("incomplete_shapefile", f"{name} has no {' and no '.join(missing)} beside it")
    # The length stands in the header in words of two bytes.
    stated = 2 * int.from_bytes(head[24:28], "big")
    if not head.startswith(_SHAPEFILE_MAGIC) or size < stated:
        raise FileRejected("unreadable_features", f"{name} has {size} bytes where it says {stated}")


def _layer(path: Path, source: str, layout: Layout) -> str:
    """The layer to read: the one the layout names, or the only one."""
    with _readable(path):
        layers = [str(name) for name, kind in pyogrio.list_layers(source) if kind is not None]
    wanted = layout.geometry.layer if layout.geometry else None
    if wanted is not None and wanted not in layers:
        raise FileRejected("missing_layer", f"{path.name}: no layer {wanted!r}; it has {', '.join(layers)}")
    if wanted is None and len(layers) != 1:
        raise FileRejected("missing_layer", f"{path.name} has {len(layers)} layers: {', '.join(layers)}")
    return wanted or layers[0]


def _agreed_crs(layout: Layout, told: str | None, path: Path) -> str:
    """What coordinates refer to, by the file, the layout, or both, which must then agree."""
    stated = layout.geometry.crs if layout.geometry else None
    if told is None and stated is None:
        raise FileRejected(
            "crs_missing", f"{path.name} says nothing of it, nor does layout {layout.layout_id}"
        )
    try:
        if told is not None and stated is not None and not geometry.same_crs(told, stated):
            raise FileRejected(
                "crs_mismatch", f"{path.name} says {told[:200]}, layout {layout.layout_id} {stated}"
            )
    except CRSError as error:
        raise FileRejected("crs_missing", f"{path.name}: {error}") from error
    return str(told or stated)


# --- Text with geometry in a column -------------------------------------------------------------------------------


def with_wkt(raw: RawTable, layout: Layout, work: Path) -> RawTable:
    """A table of text whose geometry stands in one column as WKT, with facts and cells of it."""
    assert layout.geometry is not None
    assert layout.geometry.wkt is not None
    assert layout.geometry.crs is not None
    contract = layout.contract
    texts, facts, cells = work / "wkt.parquet", work / "facts.parquet", work / "cells_of_rows.parquet"
    columns = unique_names([*raw.columns, "geometry"])
    marks = sorted({*layout.null_marks, ""})
    raw.frame.select(ROW, pl.col(layout.geometry.wkt).str.strip_chars().alias("wkt")).select(
        ROW, pl.when(~pl.col("wkt").is_in(marks)).then("wkt").alias("wkt")
    ).sink_parquet(texts)
    kept = {n: t for n, t in _FACTS.items() if n not in ("longitude", "latitude")}
    schema = pl.DataFrame(schema=kept).to_arrow().schema
    with (
        GeometryWriter(contract, layout.geometry.crs, layout.layout_id, cells) as writer,
        pq.ParquetWriter(facts, schema, compression="zstd") as target,
        pq.ParquetFile(texts) as source,
    ):
        for batch in source.iter_batches(_TEXT_BATCH):
            wkt = np.array(batch.column("wkt").to_pylist(), dtype=object)
            geometries = np.asarray(shapely.from_wkt(wkt, on_invalid="ignore"), dtype=object)
            broken = _is_none(geometries) & ~_is_none(wkt)
            found = writer.add(batch.column(ROW).to_numpy().astype(np.int64), geometries, broken)
            target.write_table(found.select(list(kept)).to_arrow().cast(schema))
    known = pl.scan_parquet(facts).rename({"geometry": columns[-1]})
    frame = raw.frame.join(known, on=ROW, how="left", maintain_order="left")
    return _finish(
        frame, columns, writer, contract, cells,
        aside=raw.aside, skipped=raw.skipped, rows=raw.rows,
        may_hold_nul=raw.may_hold_nul, may_hold_formula_error=raw.may_hold_formula_error,
    )  # fmt: skip


# --- Cells of accepted rows ---------------------------------------------------------------------------------------


def cells_of_accepted(
    raw: RawTable, accepted: list[Path], contract: Contract, extract_id: str, target: Path
) -> Path | None:
    """The cells of accepted rows with the rows' key, as the lake keeps them; None when there are none."""
    schema = contract.cells_schema
    if schema is None or not accepted:
        return None
    rows = pl.scan_parquet(accepted).select(
        ROW, *contract.key, *(["h3_cell"] if contract.neighbourhood else [])
    )
    if contract.neighbourhood is not None:
        about = contract.neighbourhood
        found = geometry.neighbourhood(rows.drop_nulls("h3_cell"), about.rings, about.h3_resolution)
    elif raw.cells is not None:
        found = pl.scan_parquet(raw.cells).join(rows, on=ROW, how="inner", maintain_order="left")
        found = found.with_columns(pl.lit(None, pl.Float64).alias("share"))
    else:
        return None
    found = found.with_columns(pl.lit(extract_id).alias("extract_id")).select(list(schema))
    found.sink_parquet(target, row_group_size=1_000_000)
    return target
