"""Geometry -> H3 cells, lengths and areas: the arithmetic, in degrees of WGS 84 and on its ellipsoid.

Belongs here: what is done to geometries whatever file they come from: where the country lies, transforming, repairing,
measuring, and filling with cells. Does not belong here: reading files (`readers.features`) or judging other columns.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import shapely
from polars_h3 import (
    cell_area,
    cell_to_lat,
    cell_to_lng,
    cell_to_parent,
    grid_ring,
    int_to_str,
    latlng_to_cell,
    polygon_to_cells,
)
from pyproj import CRS, Geod, Transformer

Geometries = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.float64]

WGS84 = "EPSG:4326"
# West, south, east, north of Kazakhstan in degrees. Its boundary by OCHA (COD-AB, 2024) runs from 46.49 to 87.31 east
# and from 40.59 to 55.43 north; a tenth of a degree is left around it.
COUNTRY = (46.4, 40.5, 87.4, 55.5)
# Types of shapely's geometries that an extract of each kind may hold.
TYPES = {
    "point": (shapely.GeometryType.POINT,),
    "line": (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING),
    "polygon": (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
}
# Filling a polygon costs vertices times cells at its edge, so it is cut into pieces of few vertices; and the cells of
# one piece are held in memory.
_MOST_VERTICES = 500
_MOST_CELLS = 200_000
_MOST_CUTS = 60
_PIECES_PER_JOB = 32
_THREADS = 2
_KM_PER_DEGREE = 111.32
# Mean area in square kilometres and mean edge in kilometres of a cell of resolution 0; each resolution has 7 times as
# many cells (h3geo.org, "Tables of cell statistics").
_CELL_KM2 = 4_357_449.4
_CELL_EDGE_KM = 1_281.256
# A line is followed in steps of this part of a cell's edge: 21 metres at resolution 8.
_STEPS_PER_EDGE = 25
_STEPS_AT_ONCE = 1_000_000
_MOST_GEODESICS = 200_000
# An edge that is straight in a projection is a curve in degrees, followed by vertices this far apart; no geometry is
# given more vertices for it than it has, or than this many.
_EDGE_METRES = 1_000
_MOST_ADDED = 100_000
_ELLIPSOID = Geod(ellps="WGS84")
# 0.01 degrees are 1.1 km of latitude and 0.7 of longitude in the middle of the country.
_OUTLINE_TOLERANCE_DEGREES = {"polygon": 0.01, "line": 0.002}
_OUTLINE_DECIMALS = 4

CELL_SCHEMA: dict[str, pl.DataType] = {
    "source_row": pl.Int64(),
    "h3_cell": pl.String(),
    "length_km": pl.Float64(),
    "start_km": pl.Float64(),
    "latitude": pl.Float64(),
    "longitude": pl.Float64(),
}


def same_crs(one: str, other: str) -> bool:
    """Whether two texts name one coordinate reference system, the order of axes aside."""
    first, second = CRS.from_user_input(one), CRS.from_user_input(other)
    if first.equals(second, ignore_axis_order=True):
        return True
    codes = first.to_epsg(min_confidence=25), second.to_epsg(min_confidence=25)
    return codes[0] is not None and codes[0] == codes[1]


@cache
def _transformer(crs: str) -> Transformer | None:
    return None if same_crs(crs, WGS84) else Transformer.from_crs(crs, WGS84, always_xy=True)


def to_wgs84(geometries: Geometries, crs: str) -> Geometries:
    """Geometries in degrees, two-dimensional; coordinates that have no place in degrees become infinite."""
    flat: Geometries = shapely.force_2d(geometries)
    transformer = _transformer(crs)
    if transformer is None:
        return flat
    edge = _longest_edge(crs)
    if edge is not None:
        flat = _followed(flat, edge)
    moved: Geometries = shapely.transform(flat, transformer.transform, interleaved=False)
    return moved


def points_to_wgs84(x: Numbers, y: Numbers, crs: str) -> tuple[Numbers, Numbers]:
    """Longitudes and latitudes in degrees of points east and north; infinite where a point has no place in degrees."""
    transformer = _transformer(crs)
    if transformer is None:
        return x, y
    moved: tuple[Numbers, Numbers] = transformer.transform(x, y)
    return moved


@cache
def _longest_edge(crs: str) -> float | None:
    """How long an edge may be that is moved by its ends alone, in units of a projection; None where there is none."""
    reference = CRS.from_user_input(crs)
    if not reference.is_projected:
        return None
    axes = reference.axis_info
    return _EDGE_METRES / (axes[0].unit_conversion_factor if axes else 1.0)


def _followed(geometries: Geometries, edge: float) -> Geometries:
    """Geometries with vertices along their edges; points and what is absurdly or infinitely long as they are."""
    added = shapely.length(geometries) / edge
    most = np.maximum(_MOST_ADDED, shapely.get_num_coordinates(geometries))
    followed = geometries.copy()
    for index in np.flatnonzero((added > 0) & (added <= most)):
        followed[index] = _segmentized(geometries[index], edge)
    return followed


def _segmentized(geometry: shapely.Geometry, edge: float) -> shapely.Geometry:
    # A polygon ring by ring: of a whole one that crosses itself GEOS drops parts without a word.
    if geometry.geom_type == "MultiPolygon":
        return shapely.MultiPolygon([_segmentized(polygon, edge) for polygon in _polygons(geometry)])
    if geometry.geom_type == "Polygon":
        holes = [shapely.segmentize(ring, edge) for ring in geometry.interiors]
        return shapely.Polygon(shapely.segmentize(geometry.exterior, edge), holes)
    return shapely.segmentize(geometry, edge)


def _within(bounds: Numbers, box: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    west, south, east, north = box
    found: npt.NDArray[np.bool_] = (
        (bounds[:, 0] >= west) & (bounds[:, 1] >= south) & (bounds[:, 2] <= east) & (bounds[:, 3] <= north)
    )
    return found


def misplaced(geometries: Geometries) -> npt.NDArray[np.object_]:
    """For each geometry in degrees the rule it breaks by where it lies: outside_country, coordinates_swapped or None.

    Where latitudes and longitudes of the country overlap (46 to 55), swapped ones cannot be told.
    """
    bounds = shapely.bounds(geometries)
    west, south, east, north = COUNTRY
    told = np.full(len(geometries), None, dtype=object)
    outside = ~_within(bounds, COUNTRY)
    told[outside] = "outside_country"
    told[outside & _within(bounds, (south, west, north, east))] = "coordinates_swapped"
    return told


def repaired(geometries: Geometries, kind: str) -> tuple[Geometries, npt.NDArray[np.object_]]:
    """Valid geometries of the kind, and what was wrong with each that was not valid, else None.

    Polygons that cross or touch themselves keep every area that they enclose; parts of a line that are a point go.
    A geometry of which nothing is left is empty.
    """
    told = np.full(len(geometries), None, dtype=object)
    invalid = np.flatnonzero(~shapely.is_valid(geometries))
    if not len(invalid):
        return geometries, told
    mended = geometries.copy()
    told[invalid] = shapely.is_valid_reason(geometries[invalid])
    for index in invalid:
        if kind == "polygon":
            valid = shapely.make_valid(geometries[index], method="structure", keep_collapsed=False)
            mended[index] = shapely.MultiPolygon(_polygons(valid))
        else:
            parts = shapely.get_parts(geometries[index])
            mended[index] = shapely.MultiLineString(list(parts[shapely.length(parts) > 0]))
    return mended, told


def _polygons(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    """The polygons that a geometry is made of, at any depth of collections."""
    if geometry.geom_type == "Polygon":
        return [] if geometry.is_empty else [geometry]
    if hasattr(geometry, "geoms"):
        return [polygon for part in geometry.geoms for polygon in _polygons(part)]
    return []


def area_km2(geometries: Geometries) -> Numbers:
    """Areas on the ellipsoid, holes taken out.

    Edges are geodesics. Of a polygon of very many vertices, whose edges are so short that it makes no difference,
    the area is that on an equal-area projection of the ellipsoid, twenty times as quick.
    """
    oriented = shapely.orient_polygons(geometries)
    is_huge = shapely.get_num_coordinates(geometries) > _MOST_GEODESICS
    return (
        np.array(
            [
                shapely.area(shapely.transform(one, _equal_area(), interleaved=False))
                if huge
                else abs(_ELLIPSOID.geometry_area_perimeter(one)[0])
                for one, huge in zip(oriented, is_huge, strict=True)
            ],
            dtype=np.float64,
        )
        / 1e6
    )


@cache
def _equal_area() -> Callable[..., Any]:
    """Degrees to metres of the cylindrical equal-area projection of WGS 84 (EASE-Grid 2.0)."""
    return Transformer.from_crs(WGS84, "EPSG:6933", always_xy=True).transform


# --- Polygons -----------------------------------------------------------------------------------------------------


def polygon_cells(
    geometries: Iterable[shapely.Geometry], rows: Iterable[int], resolution: int
) -> Iterator[pl.DataFrame]:
    """Cells whose centre lies inside each polygon, as frames of CELL_SCHEMA, in the order of the polygons.

    Edges are straight in degrees, as in the H3 library. No more than a few pieces are worked on at a time, so memory
    does not grow with the number of cells.
    """

    def pieces() -> Iterator[tuple[int, shapely.Geometry]]:
        for geometry, row in zip(geometries, rows, strict=True):
            for piece in _pieces(geometry, resolution):
                yield row, piece

    def fill(job: list[tuple[int, shapely.Geometry]]) -> pl.DataFrame:
        wkb = pl.Series("wkb", [shapely.to_wkb(piece) for _, piece in job], dtype=pl.Binary)
        frame = pl.DataFrame({"source_row": pl.Series([row for row, _ in job], dtype=pl.Int64), "wkb": wkb})
        return (
            frame.select("source_row", polygon_to_cells("wkb", resolution).alias("h3_cell"))
            .explode("h3_cell")
            .drop_nulls("h3_cell")
            .select(
                "source_row",
                int_to_str("h3_cell"),
                pl.lit(None, pl.Float64).alias("length_km"),
                *(pl.lit(None, pl.Float64).alias(name) for name in list(CELL_SCHEMA)[3:]),
            )
        )

    yield from _in_threads(fill, _jobs(pieces()))


def _jobs(pieces: Iterable[tuple[int, shapely.Geometry]]) -> Iterator[list[tuple[int, shapely.Geometry]]]:
    job: list[tuple[int, shapely.Geometry]] = []
    for piece in pieces:
        job.append(piece)
        if len(job) == _PIECES_PER_JOB:
            yield job
            job = []
    if job:
        yield job


def _in_threads(work: Callable[[Any], pl.DataFrame], jobs: Iterable[Any]) -> Iterator[pl.DataFrame]:
    """Results in the order of the jobs, with few jobs begun before the first result is taken."""
    with ThreadPoolExecutor(_THREADS) as pool:
        begun: deque[Future[pl.DataFrame]] = deque()
        for job in jobs:
            begun.append(pool.submit(work, job))
            if len(begun) > 2 * _THREADS:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def _pieces(geometry: shapely.Geometry, resolution: int, cuts: int = 0) -> Iterator[shapely.Geometry]:
    """The polygon cut along straight lines until each piece has few vertices and few cells.

    A cell belongs to the one piece that holds its centre: a centre does not lie on a cut but by an accident of the
    last bit.
    """
    west, south, east, north = geometry.bounds
    width = (east - west) * math.cos(math.radians((south + north) / 2))
    cells = width * (north - south) * _KM_PER_DEGREE**2 / (_CELL_KM2 / 7**resolution)
    is_small = shapely.get_num_coordinates(geometry) <= _MOST_VERTICES and cells <= _MOST_CELLS
    if is_small or cuts == _MOST_CUTS:
        yield geometry
        return
    if width > north - south:
        middle = (west + east) / 2
        halves = ((west - 1, south - 1, middle, north + 1), (middle, south - 1, east + 1, north + 1))
    else:
        middle = (south + north) / 2
        halves = ((west - 1, south - 1, east + 1, middle), (west - 1, middle, east + 1, north + 1))
    for half in halves:
        polygons = _polygons(_clipped(geometry, half))
        if polygons:
            yield from _pieces(shapely.MultiPolygon(polygons), resolution, cuts + 1)


def _clipped(geometry: shapely.Geometry, bounds: tuple[float, float, float, float]) -> shapely.Geometry:
    """What of a geometry lies within bounds; quick clipping fails where it would leave a sliver of three points."""
    try:
        clipped: shapely.Geometry = shapely.clip_by_rect(geometry, *bounds)
    except shapely.GEOSException:
        clipped = shapely.intersection(geometry, shapely.box(*bounds))
    return clipped


# --- Outlines for maps --------------------------------------------------------------------------------------------


def outlines_wkt(geometries: Geometries, kind: str) -> npt.NDArray[np.object_]:
    """Drawings as WKT, light enough for a map of the country: degrees of WGS 84, four decimals.

    Nothing is measured on them: a corner may lie a kilometre from where it was filed, of a line two hundred metres.
    Neighbours are simplified one by one, so that slivers of that width may lie between them.
    """
    # What is drawn alike, from whichever end, has one outline.
    simple = shapely.simplify(shapely.normalize(geometries), _OUTLINE_TOLERANCE_DEGREES[kind])
    # Rounding alone may make a polygon cross itself.
    rounded = shapely.set_precision(simple, 10.0**-_OUTLINE_DECIMALS)
    return shapely.to_wkt(rounded, rounding_precision=_OUTLINE_DECIMALS, trim=True)


# --- Lines --------------------------------------------------------------------------------------------------------


def line_lengths_km(geometries: Geometries) -> Numbers:
    """Lengths on the ellipsoid, parts added up."""
    segments = _segments(geometries)
    return np.bincount(segments["line"], segments["metres"], minlength=len(geometries)) / 1000


def _segments(geometries: Geometries) -> dict[str, npt.NDArray[Any]]:
    """Straight pieces of lines, in order: number of the line, both ends in degrees, length in metres."""
    parts, line_of_part = shapely.get_parts(geometries, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    starts = np.flatnonzero(part[1:] == part[:-1])
    begin, end = xy[starts], xy[starts + 1]
    return {"line": line_of_part[part[starts]], "begin": begin, "end": end, "metres": _metres(begin, end)}


def _metres(begin: Numbers, end: Numbers) -> Numbers:
    return np.asarray(_ELLIPSOID.inv(begin[:, 0], begin[:, 1], end[:, 0], end[:, 1])[2])


def in_order(line: shapely.Geometry) -> shapely.Geometry:
    """The line as it is, or if its parts are filed out of order, joined where they touch and put in order.

    A line is out of order when parts touch that do not follow one another. Its order is then that of the distance
    from one of its ends, the one that leaves its longest stretch its direction.
    """
    if line.geom_type != "MultiLineString" or line.is_empty:
        return line
    ends = _ends(line)
    runs = 1 + int((ends[:-1, 1] != ends[1:, 0]).any(axis=1).sum())
    merged = shapely.line_merge(line)
    stretches = shapely.get_parts(merged)
    if len(stretches) >= runs:
        return line
    ends = _ends(merged)
    tips = ends.reshape(-1, 2)
    middle = np.broadcast_to(tips.mean(axis=0), tips.shape)
    origin = np.broadcast_to(tips[np.argmax(_metres(middle, tips))], tips.shape)
    distance = _metres(origin, tips).reshape(-1, 2)
    is_backward = distance[:, 0] > distance[:, 1]
    order = np.lexsort((distance.max(axis=1), distance.min(axis=1)))
    if is_backward[np.argmax(shapely.length(stretches))]:
        order, is_backward = order[::-1], ~is_backward
    turned = np.where(is_backward, shapely.reverse(stretches), stretches)
    return shapely.MultiLineString(list(turned[order]))


def _ends(line: shapely.Geometry) -> Numbers:
    """First and last position of each part: an array of parts, 2 and 2."""
    parts = shapely.get_parts(line)
    return np.stack(
        [
            shapely.get_coordinates(shapely.get_point(parts, 0)),
            shapely.get_coordinates(shapely.get_point(parts, -1)),
        ],
        axis=1,
    )


def line_cells(geometries: Geometries, rows: npt.NDArray[np.int64], resolution: int) -> pl.DataFrame:
    """Length of each line inside each cell it runs through, as a frame of CELL_SCHEMA.

    Each straight piece is followed in short steps; a step belongs to the cell that holds its middle, with its length
    on the ellipsoid, scaled so that the steps of a piece add up to the piece. `start_km` is where the line first
    enters the cell, along the line from its beginning (`in_order`). Cells stand in that order. `latitude` and
    `longitude` are of the centre of the cell.
    """
    geometries = np.array([in_order(one) for one in geometries], dtype=object)
    segments = _segments(geometries)
    metres = segments["metres"]
    step = _CELL_EDGE_KM / math.sqrt(7) ** resolution / _STEPS_PER_EDGE * 1000
    steps = np.maximum(1, np.ceil(metres / step)).astype(np.int64)
    before = np.concatenate([[0.0], np.cumsum(metres)])
    first = np.searchsorted(segments["line"], np.arange(len(geometries)))
    along = before[:-1] - before[first[segments["line"]]]
    chunk = np.cumsum(steps) // _STEPS_AT_ONCE
    found = [
        _steps(segments, steps, along, np.flatnonzero(chunk == number), resolution)
        for number in np.unique(chunk)
    ]
    empty = pl.DataFrame(
        schema={"line": pl.Int64, "h3_cell": pl.UInt64, "length": pl.Float64, "start": pl.Float64}
    )
    total = _by_cell(pl.concat([empty, *found])).sort("line", "start", "h3_cell")
    return total.select(
        pl.Series("source_row", rows, dtype=pl.Int64).gather(total["line"]),
        int_to_str("h3_cell").alias("h3_cell"),
        (pl.col("length") / 1000).alias("length_km"),
        (pl.col("start") / 1000).alias("start_km"),
        cell_to_lat("h3_cell").alias("latitude"),
        cell_to_lng("h3_cell").alias("longitude"),
    )


def _by_cell(steps: pl.DataFrame) -> pl.DataFrame:
    """Lengths added up by line and cell in the order of the steps: threads that add would differ in the last digits."""
    if steps.is_empty():
        return steps
    ordered = steps.sort("line", "h3_cell", maintain_order=True)
    line, cell = ordered["line"].to_numpy(), ordered["h3_cell"].to_numpy()
    first = np.flatnonzero(np.concatenate([[True], (line[1:] != line[:-1]) | (cell[1:] != cell[:-1])]))
    return (
        ordered[first]
        .select("line", "h3_cell")
        .with_columns(
            length=np.add.reduceat(ordered["length"].to_numpy(), first),
            start=np.minimum.reduceat(ordered["start"].to_numpy(), first),
        )
    )


def _steps(
    segments: dict[str, npt.NDArray[Any]],
    steps: npt.NDArray[np.int64],
    along: Numbers,
    which: npt.NDArray[np.int64],
    resolution: int,
) -> pl.DataFrame:
    """Some segments cut into steps, added up by line and cell."""
    segment = np.repeat(which, steps[which])
    count = steps[segment]
    ordinal = np.arange(len(segment)) - np.repeat(np.cumsum(steps[which]) - steps[which], steps[which])
    begin, run = segments["begin"][segment], (segments["end"] - segments["begin"])[segment]
    at = [begin + run * ((ordinal + part) / count)[:, None] for part in (0.0, 0.5, 1.0)]
    _, _, lengths = _ELLIPSOID.inv(at[0][:, 0], at[0][:, 1], at[2][:, 0], at[2][:, 1])
    measured = np.bincount(segment, lengths, minlength=len(steps))
    scale = np.divide(segments["metres"], measured, out=np.ones(len(steps)), where=measured > 0)
    frame = pl.DataFrame(
        {
            "line": segments["line"][segment].astype(np.int64),
            "latitude": at[1][:, 1],
            "longitude": at[1][:, 0],
            "length": lengths * scale[segment],
            "start": along[segment] + segments["metres"][segment] * ordinal / count,
        }
    )
    cells = frame.with_columns(
        latlng_to_cell("latitude", "longitude", resolution, return_dtype=pl.UInt64).alias("h3_cell")
    )
    return _by_cell(cells.select("line", "h3_cell", "length", "start"))


def cells_area_km2(cells: pl.DataFrame) -> pl.DataFrame:
    """Area of the cells of each `source_row` in square kilometres, on the sphere that H3 measures on: `cells_km2`."""
    return summed_by_row(cells.select("source_row", cell_area("h3_cell", "km^2").alias("cells_km2")))


def summed_by_row(numbers: pl.DataFrame) -> pl.DataFrame:
    """A column of numbers added up by `source_row`, in their order: threads would add in another every time."""
    name = next(name for name in numbers.columns if name != "source_row")
    rows, place = np.unique(numbers["source_row"].to_numpy(), return_inverse=True)
    return pl.DataFrame({"source_row": rows, name: np.bincount(place, numbers[name].to_numpy(), len(rows))})


def neighbourhood(positions: pl.LazyFrame, rings: int, resolution: int) -> pl.LazyFrame:
    """Rows with the finer `h3_cell` of a position -> a row for each cell of `resolution` about it, with its `ring`.

    Ring 0 is the cell that holds the position, ring n the 6n cells that lie n steps away.
    """
    centres = positions.with_columns(cell_to_parent("h3_cell", resolution).alias("h3_cell"))
    return pl.concat(
        centres.with_columns(
            grid_ring("h3_cell", ring).alias("h3_cell"), pl.lit(ring).cast(pl.Int64).alias("ring")
        )
        .explode("h3_cell")
        .drop_nulls("h3_cell")
        for ring in range(rings + 1)
    )
