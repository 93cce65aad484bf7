"""Geometry becomes cells and measures: the same as the H3 library and the ellipsoid say."""

from __future__ import annotations

import re
from typing import Any

import h3
import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from ingestion import geometry

STAR = 900


def star(vertices: int, *, longitude: float = 68.0, latitude: float = 48.0, width: float = 1.5) -> Any:
    """A polygon of many corners with a hole in it."""
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    reach = width * (1 + 0.3 * np.sin(7 * turn) + 0.05 * np.sin(91 * turn))
    shell = np.column_stack([longitude + reach * np.cos(turn), latitude + reach * np.sin(turn) / 2])
    hole = np.column_stack([longitude + width / 5 * np.cos(turn), latitude + width / 5 * np.sin(turn)])
    return shapely.polygons(shapely.linearrings(shell), [shapely.linearrings(hole)])


def filled(polygons: list[Any], resolution: int) -> pl.DataFrame:
    """All cells of some polygons."""
    return pl.concat(list(geometry.polygon_cells(polygons, range(len(polygons)), resolution)))


@pytest.mark.parametrize("resolution", [7, 8])
def test_cells_of_a_polygon_are_those_of_the_h3_library(resolution: int) -> None:
    shapes = [star(STAR), star(40, longitude=60, width=0.3)]
    found = filled(shapes, resolution)
    for row, shape in enumerate(shapes):
        cells = found.filter(pl.col("source_row") == row)["h3_cell"]
        assert cells.n_unique() == cells.len(), "a cell is in one piece of the polygon only"
        assert set(cells) == set(h3.geo_to_cells(shape, resolution))


@settings(max_examples=25, deadline=None)
@given(
    corners=st.lists(
        st.tuples(st.floats(60, 61, allow_nan=False), st.floats(50, 51, allow_nan=False)),
        min_size=3, max_size=8, unique=True,
    )
)  # fmt: skip
def test_whatever_was_drawn_is_repaired_into_an_area_and_filled_as_h3_would(corners: Any) -> None:
    drawn = np.array([shapely.polygons([*corners, corners[0]])], dtype=object)
    (mended,), (told,) = geometry.repaired(drawn, "polygon")
    assert shapely.is_valid(mended)
    assert (told is None) == shapely.is_valid(drawn[0])
    if mended.area < 1e-6:
        return
    found = set(filled([mended], 7)["h3_cell"])
    parts = mended.geoms if mended.geom_type == "MultiPolygon" else [mended]
    assert found == {cell for part in parts for cell in h3.geo_to_cells(part, 7)}


def test_cutting_a_polygon_changes_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = set(filled([star(STAR)], 8)["h3_cell"])
    monkeypatch.setattr(geometry, "_MOST_VERTICES", 20)
    monkeypatch.setattr(geometry, "_MOST_CELLS", 300)
    cut = filled([star(STAR)], 8)["h3_cell"]
    assert cut.len() == cut.n_unique()
    assert set(cut) == whole


def test_area_is_that_of_the_ellipsoid_without_holes() -> None:
    shell, hole = shapely.box(70, 50, 71, 51), shapely.box(70.2, 50.2, 70.4, 50.4)
    donut = shell.difference(hole)
    geod = Geod(ellps="WGS84")
    alone = [abs(geod.geometry_area_perimeter(one)[0]) / 1e6 for one in (shell, hole)]
    both = geometry.area_km2(np.array([donut, shapely.reverse(donut)], dtype=object))
    assert both == pytest.approx([alone[0] - alone[1]] * 2)


def test_area_of_very_many_vertices_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = np.array([star(20_000)], dtype=object)
    exact = geometry.area_km2(shapes)
    monkeypatch.setattr(geometry, "_MOST_GEODESICS", 1000)
    assert geometry.area_km2(shapes) == pytest.approx(exact, rel=1e-6)


def test_the_length_in_cells_adds_up_to_the_length_of_the_line() -> None:
    line = shapely.LineString([(71.4, 51.1), (71.9, 50.6), (72.5, 50.4), (73.0, 49.8)])
    broken = shapely.MultiLineString([[(60, 50), (60.3, 50.2)], [(60.4, 50.2), (60.9, 50.2)]])
    lines = np.array([line, broken], dtype=object)
    whole = geometry.line_lengths_km(lines)
    geod = Geod(ellps="WGS84")
    assert whole == pytest.approx([geod.geometry_length(one) / 1000 for one in lines])
    cells = geometry.line_cells(lines, np.array([4, 9]), 8)
    by_row = cells.group_by("source_row").agg(pl.col("length_km").sum()).sort("source_row")
    assert by_row["source_row"].to_list() == [4, 9]
    assert by_row["length_km"].to_list() == pytest.approx(whole.tolist(), rel=1e-12)
    assert cells.select("source_row", "h3_cell").is_duplicated().sum() == 0
    assert cells.filter(pl.col("source_row") == 4)["start_km"].is_sorted()
    assert cells["start_km"].min() == 0


def test_the_length_in_each_cell_is_that_of_the_exact_cut() -> None:
    line = shapely.LineString([(71.4, 51.1), (71.9, 50.6), (72.5, 50.4)])
    geod = Geod(ellps="WGS84")
    cells = geometry.line_cells(np.array([line], dtype=object), np.array([1]), 8)
    for cell, length in cells.select("h3_cell", "length_km").iter_rows():
        border = shapely.Polygon([(lng, lat) for lat, lng in h3.cell_to_boundary(cell)])
        assert length == pytest.approx(geod.geometry_length(border.intersection(line)) / 1000, abs=0.03)


def test_a_line_longer_than_one_portion_of_steps_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    line = np.array([shapely.LineString([(60, 50), (61, 50.2), (62, 50), (63, 51)])], dtype=object)
    whole = geometry.line_cells(line, np.array([1]), 8)
    monkeypatch.setattr(geometry, "_STEPS_AT_ONCE", 500)
    portions = geometry.line_cells(line, np.array([1]), 8)
    assert portions.select("h3_cell").equals(whole.select("h3_cell"))
    assert portions["length_km"].to_list() == pytest.approx(whole["length_km"].to_list())


def _lines(*parts: list[tuple[float, float]]) -> shapely.MultiLineString:
    return shapely.MultiLineString(parts)


def test_parts_filed_out_of_order_become_one_line_where_they_touch() -> None:
    west, middle = [(60, 50), (61, 50)], [(61, 50), (62, 50), (63, 50)]
    far, beyond = [(70, 50), (71, 50)], [(66, 50), (65, 50)]
    ordered = geometry.in_order(_lines(middle, far, west, beyond))
    assert [list(part.coords) for part in ordered.geoms] == [
        [(60, 50), (61, 50), (62, 50), (63, 50)],
        beyond[::-1],
        far,
    ]
    (backward,) = geometry.in_order(_lines([(62, 50), (61, 50)], [(62, 50), (65, 50)])).geoms
    assert list(backward.coords) == [(61, 50), (62, 50), (65, 50)]
    turned = geometry.in_order(_lines([(61, 50), (60, 50)], [(75, 50), (74, 50)], [(70, 50), (61, 50)]))
    assert [list(part.coords) for part in turned.geoms] == [
        [(75, 50), (74, 50)],
        [(70, 50), (61, 50), (60, 50)],
    ]


@pytest.mark.parametrize(
    "line",
    [
        shapely.LineString([(60, 50), (61, 50)]),
        _lines([(60, 50), (61, 50)], [(61, 50), (62, 50)]),
        _lines(
            [(60, 50), (61, 50)],
            [(62, 50), (63, 50)],
            [(63, 50.001), (62, 50.001)],
            [(61, 50.001), (60, 50.001)],
        ),
    ],
    ids=["one part", "parts that follow", "two broken carriageways"],
)
def test_a_line_in_order_stays_as_it_was_filed(line: Any) -> None:
    assert geometry.in_order(line) is line


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (shapely.Point(71, 51), None),
        (shapely.Point(51.1, 71.4), "coordinates_swapped"),
        (shapely.Point(2.3, 48.9), "outside_country"),
        (shapely.Point(float("inf"), float("inf")), "outside_country"),
        (shapely.LineString([(71, 51), (100, 51)]), "outside_country"),
    ],
)
def test_where_a_geometry_lies(shape: Any, told: str | None) -> None:
    assert geometry.misplaced(np.array([shape], dtype=object)).tolist() == [told]


def test_any_projection_comes_back_to_degrees() -> None:
    there = np.array([shapely.Point(500_000, 5_650_000)], dtype=object)
    (point,) = geometry.to_wgs84(there, "EPSG:32642")
    assert (point.x, point.y) == pytest.approx((69.0, 51.0016), abs=0.001)


@pytest.mark.parametrize(("crs", "unit"), [("EPSG:32642", 1.0), ("+proj=utm +zone=42 +units=km", 1000.0)])
def test_an_edge_straight_in_a_projection_is_followed_where_it_runs(crs: str, unit: float) -> None:
    ends = np.array([(300_000, 5_600_000), (700_000, 5_600_000)]) / unit
    there = np.array([shapely.LineString(ends), shapely.Point(ends.mean(axis=0))], dtype=object)
    line, middle = geometry.to_wgs84(there, crs)
    assert shapely.get_num_coordinates(line) == 401
    assert line.distance(middle) < 1e-5
    assert shapely.LineString([line.coords[0], line.coords[-1]]).distance(middle) > 0.01


def test_following_edges_mends_nothing_and_keeps_holes_and_parts() -> None:
    bow_tie = shapely.Polygon([(0, 0), (30_000, 20_000), (30_000, 0), (0, 20_000)])
    ring = shapely.box(0, 0, 9_000, 9_000).difference(shapely.box(3_000, 3_000, 6_000, 6_000))
    both = shapely.MultiPolygon([ring, shapely.box(20_000, 0, 22_000, 2_000)])
    endless = shapely.LineString([(0, 0), (float("inf"), 0)])
    absurd = shapely.LineString([(0, 0), (1e15, 0)])
    given = [
        shapely.transform(one, lambda xy: np.add(xy, [500_000, 5_600_000]))
        for one in (bow_tie, both, endless, absurd)
    ]
    found = geometry.to_wgs84(np.array(given, dtype=object), "EPSG:32642")
    assert not found[0].is_valid
    assert [len(part.interiors) for part in found[1].geoms] == [1, 0]
    assert shapely.get_num_coordinates(found).tolist() == [
        1 + 2 * 37 + 2 * 20, 37 + 13 + 9, 2, 2,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("EPSG:4326", "OGC:CRS84", True),
        ("EPSG:4326", "EPSG:4326", True),
        ("EPSG:4326", "EPSG:32642", False),
        ("EPSG:4326", "EPSG:4284", False),
    ],
)
def test_which_references_are_one(one: str, other: str, same: bool) -> None:
    assert geometry.same_crs(one, other) is same


@pytest.mark.parametrize("rings", [0, 1, 5])
def test_cells_about_a_position_are_the_rings_of_the_h3_library(rings: int) -> None:
    at = [h3.latlng_to_cell(51.16, 71.47, 9), h3.latlng_to_cell(43.2, 76.9, 9)]
    rows = pl.LazyFrame({"source_row": [1, 2], "h3_cell": at})
    found = geometry.neighbourhood(rows, rings, 8).collect()
    assert found.height == 2 * (3 * rings * rings + 3 * rings + 1)
    for row, cell in enumerate(at, 1):
        middle = h3.cell_to_parent(cell, 8)
        mine = found.filter(pl.col("source_row") == row)
        assert set(mine["h3_cell"]) == set(h3.grid_disk(middle, rings))
        assert all(h3.grid_distance(middle, c) == ring for c, ring in mine.select("h3_cell", "ring").rows())


def test_area_of_cells_is_the_sum_of_what_the_h3_library_says() -> None:
    cells = filled([star(40, width=0.3), star(40, longitude=60, width=0.2)], 8)
    areas = dict(geometry.cells_area_km2(cells).iter_rows())
    for row in (0, 1):
        mine = cells.filter(pl.col("source_row") == row)["h3_cell"]
        assert areas[row] == pytest.approx(sum(h3.cell_area(c, unit="km^2") for c in mine), rel=1e-9)


def test_lengths_in_cells_are_the_same_to_the_last_digit_every_time() -> None:
    bends = np.random.default_rng(7).uniform(-0.02, 0.02, (3, 4000)).cumsum(axis=1)
    lines = shapely.linestrings([np.column_stack([np.linspace(50, 85, 4000), 48 + bend]) for bend in bends])
    first, *others = [geometry.line_cells(lines, np.arange(3), 8) for _ in range(4)]
    assert all(other.equals(first) for other in others)


def test_areas_of_cells_are_the_same_to_the_last_digit_every_time() -> None:
    cells = pl.concat(geometry.polygon_cells([shapely.box(50, 42, 80, 54)], [3], 6))
    parts = [cells[start : start + 1000] for start in range(0, cells.height, 1000)]
    found = {
        geometry.summed_by_row(pl.concat(geometry.cells_area_km2(part) for part in parts)).row(0)
        for _ in range(5)
    }
    ((row, area),) = found
    assert (row, area) == (3, pytest.approx(cells.height * 36.1, rel=0.2))


def test_an_outline_is_light_and_near_what_was_filed() -> None:
    shore = [(70 + i / 1000, 50 + 0.004 * (i % 2)) for i in range(1000)]
    filed = np.array([shapely.Polygon([*shore, (71, 52), (70, 52)])], dtype=object)
    (told,) = geometry.outlines_wkt(filed, "polygon")
    outline = shapely.from_wkt(told)
    assert shapely.get_num_coordinates(outline) < 10
    assert shapely.hausdorff_distance(outline, filed[0]) <= 0.011
    assert re.fullmatch(r"[A-Z0-9 (),.-]+", told)
    assert max(len(number.partition(".")[2]) for number in re.findall(r"[0-9.]+", told)) <= 4


def test_an_outline_that_rounding_would_cross_stays_valid() -> None:
    neck = [(70.5, 50.0001640613591), (70.49907397295401, 50.00000853469228)]
    sliver = shapely.Polygon([(70, 49.9), neck[0], (71, 49.9), (71, 50.1), neck[1], (70, 50.1)])
    (told,) = geometry.outlines_wkt(np.array([sliver], dtype=object), "polygon")
    assert shapely.is_valid(shapely.from_wkt(told))


def test_a_road_keeps_its_parts_in_its_outline() -> None:
    road = shapely.MultiLineString([[(70, 50), (70.5, 50.0005), (71, 50)], [(72, 50), (73, 50)]])
    (told,) = geometry.outlines_wkt(np.array([road], dtype=object), "line")
    assert told == "MULTILINESTRING ((70 50, 71 50), (72 50, 73 50))"
