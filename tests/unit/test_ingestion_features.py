"""Files of features, and text with geometry: every format the same rows and cells, every fault its own outcome."""

from __future__ import annotations

import importlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyogrio
import pytest
import shapely
from polars_h3 import cell_area

from ingestion.contract import load_contracts
from ingestion.faults import FILE_RULES, ROW_RULES
from ingestion.geometry import COUNTRY
from ingestion.limits import GEOJSON_FEATURE_MB
from ingestion.pipeline import arrivals, land
from tests.unit.ingestion_kit import Warehouse, layout
from warehouse import lake
from warehouse.lake import Outcome

UTM = "EPSG:32642"
AREAS: dict[str, Any] = {
    "layout": "test/areas",
    "sender": "test_dala",
    "sender_title": "Test operator",
    "extract": "operator_coverage_areas",
    "description": "Coverage areas.",
    "file_pattern": r"areas_(?P<year>\d{4})q(?P<quarter>\d)\.(?:geojson|gpkg|shp|zip)",
    "format": "features",
    "columns": {
        "as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}},
        "operator_id": {"value": "dala_telecom"},
        "area_id": {"from": "area"},
        "technology": {"from": "tech"},
        "environment": {"value": "outdoor"},
        "min_download_mbps": {"from": "mbps"},
    },
}
STATED = AREAS | {
    "layout": "test/stated",
    "file_pattern": r"stated_(?P<year>\d{4})q(?P<quarter>\d)\.(?:geojson|gpkg|shp|zip)",
    "geometry": {"crs": "EPSG:4326"},
}
WKT = AREAS | {
    "layout": "test/wkt",
    "file_pattern": r"areas_(?P<year>\d{4})q(?P<quarter>\d)\.csv",
    "format": "text",
    "text": {"delimiter": ";"},
    "geometry": {"wkt": "shape", "crs": UTM},
}
ROADS: dict[str, Any] = {
    "layout": "test/roads",
    "sender": "test_ministry",
    "sender_title": "Test ministry",
    "extract": "highways",
    "description": "Roads.",
    "file_pattern": r"roads\.geojson",
    "format": "features",
    "columns": {
        "as_of_date": {"value": "2025-01-01"},
        "road_id": {"from": "ref"},
        "road_name": {"from": "name"},
        "road_class": {"value": "republican"},
        "official_length_km": {"from": "km"},
    },
    "absent": ["is_dual_carriageway"],
}
SITES: dict[str, Any] = {
    "layout": "test/sites",
    "sender": "test_dala",
    "sender_title": "Test operator",
    "extract": "operator_sites",
    "description": "Stations.",
    "file_pattern": r"sites_(?P<year>\d{4})q(?P<quarter>\d)\.gpkg",
    "format": "features",
    "columns": {
        "as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}},
        "operator_id": {"value": "dala_telecom"},
        "site_id": {"from": "site"},
        "technology": {"value": "4g"},
        "latitude": {"from": "latitude"},
        "longitude": {"from": "longitude"},
    },
    "absent": ["band_mhz", "licensed_date", "on_air_date", "environment"],
}
TESTS: dict[str, Any] = {
    "layout": "test/tests",
    "sender": "test_ministry",
    "sender_title": "Test ministry",
    "extract": "drive_tests",
    "description": "Field tests.",
    "file_pattern": r"tests_(?P<year>\d{4})q(?P<quarter>\d)\.csv",
    "format": "text",
    "text": {},
    "columns": {
        "as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}},
        "operator_id": {"value": "dala_telecom"},
        "test_id": {"from": "id"},
        "tested_at": {"from": "day"},
        "technology": {"from": "tech"},
        "latitude": {"from": "lat"},
        "longitude": {"from": "lon"},
        "download_mbps": {"from": "down"},
        "upload_mbps": {"from": "up"},
        "latency_ms": {"from": "ms"},
        "is_successful": {"from": "ok"},
    },
    "absent": ["signal_dbm"],
}
STATIONS = SITES | {
    "layout": "test/stations",
    "file_pattern": r"stations_(?P<year>\d{4})q(?P<quarter>\d)\.csv",
    "format": "text",
    "text": {},
    "columns": SITES["columns"] | {"licensed_date": {"from": "licensed"}, "on_air_date": {"from": "on_air"}},
    "absent": ["band_mhz", "environment"],
}
TILES: dict[str, Any] = {
    "layout": "test/tiles",
    "sender": "test_ookla",
    "sender_title": "Test tiles",
    "extract": "speed_test_tiles",
    "description": "Tiles.",
    "file_pattern": r"tiles_(?P<year>\d{4})q(?P<quarter>\d)\.geojson",
    "format": "features",
    "columns": {
        "as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}},
        "network_type": {"value": "mobile"},
        **{n: {"from": n} for n in ("quadkey", "avg_d_kbps", "avg_u_kbps", "avg_lat_ms", "tests", "devices")},
    },
}
POSITIONS: dict[str, Any] = {
    "layout": "test/positions",
    "sender": "test_bureau",
    "sender_title": "Test bureau",
    "extract": "settlement_positions",
    "description": "Positions.",
    "file_pattern": r"positions\.csv",
    "format": "text",
    "text": {},
    "columns": {
        "place_id": {"from": "id"},
        "place_name": {"from": "name"},
        "latitude": {"from": "lat"},
        "longitude": {"from": "lon"},
    },
    "absent": ["settlement_kato", "place_type", "population", "filed_region", "filed_district"],
}
BOUNDARIES: dict[str, Any] = {
    "layout": "test/boundaries",
    "sender": "test_bureau",
    "sender_title": "Test bureau",
    "extract": "administrative_boundaries",
    "description": "Boundaries.",
    "file_pattern": r"boundaries\.gpkg",
    "format": "features",
    "columns": {
        "as_of_date": {"value": "2024-01-01"},
        "kato": {"from": "kato"},
        "level": {"value": "district"},
    },
    "absent": ["name_en", "official_area_km2"],
}
METRES: dict[str, Any] = SITES | {
    "layout": "test/metres",
    "file_pattern": r"metres_(?P<year>\d{4})q(?P<quarter>\d)\.csv",
    "format": "text",
    "text": {"delimiter": ";", "decimal": ","},
    "geometry": {"crs": UTM, "x": "East, m", "y": "North, m"},
}
LAYOUTS = (AREAS, STATED, WKT, ROADS, SITES, TESTS, STATIONS, METRES, TILES, POSITIONS, BOUNDARIES)

# 20 and 40 kilometres wide, in degrees.
SQUARE = shapely.box(71.0, 51.0, 71.3, 51.2)
OTHER = shapely.box(72.0, 50.0, 72.6, 50.3)
BOW_TIE = shapely.from_wkt("POLYGON ((71 51, 71.3 51.2, 71.3 51, 71 51.2, 71 51))")


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    for name in ("kato.csv", "changes.csv"):
        (made.inbox / name).unlink()
    made.layouts = {one.layout_id: one for one in map(layout, LAYOUTS)}
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    return made


def feature(shape: Any, **properties: Any) -> dict[str, Any]:
    """One GeoJSON feature."""
    written = None if shape is None else json.loads(shapely.to_geojson(shape))
    return {"type": "Feature", "properties": properties, "geometry": written}


def collection(*features: dict[str, Any], **more: Any) -> str:
    return json.dumps({"type": "FeatureCollection", **more, "features": list(features)})


def area(shape: Any, name: str = "a", **changes: Any) -> dict[str, Any]:
    return feature(shape, **({"area": name, "tech": "4g", "mbps": 5} | changes))


def write(
    path: Path, shapes: list[Any], crs: str | None = "EPSG:4326", kind: str = "Polygon", **columns: Any
) -> None:
    """A file of features in the format of its suffix."""
    fields = columns or {
        "area": [f"a{n}" for n in range(len(shapes))],
        "tech": ["4g"] * len(shapes),
        "mbps": [5.0] * len(shapes),
    }
    pyogrio.raw.write(
        path,
        np.array([None if one is None else shapely.to_wkb(one) for one in shapes], dtype=object),
        [
            np.array(values, dtype=object if isinstance(values[0], str) else None)
            for values in fields.values()
        ],
        fields=np.array(list(fields)),
        geometry_type=kind,
        crs=crs,
    )


def projected(shape: Any) -> Any:
    from pyproj import Transformer

    move = Transformer.from_crs("EPSG:4326", UTM, always_xy=True).transform
    return shapely.transform(shape, move, interleaved=False)


def zipped(folder: Path, target: Path, without: tuple[str, ...] = ()) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.iterdir()):
            if file.suffix not in (*without, ".zip"):
                archive.write(file, f"inside/{file.name}")


def cells_by_row(warehouse: Warehouse, outcome: Outcome) -> dict[int, set[str]]:
    cells = warehouse.part("cells", outcome)
    return {row: set(part["h3_cell"]) for (row,), part in cells.group_by("source_row")}


def rules(warehouse: Warehouse, outcome: Outcome) -> list[tuple[int, str]]:
    return [(row, rule) for row, rule, _, _ in warehouse.reasons(outcome)]


# --- Formats ------------------------------------------------------------------------------------------------------


def test_every_format_and_projection_gives_the_same_rows_and_cells(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    shapes = [SQUARE, OTHER]
    warehouse.put("areas_2025q1.geojson", collection(area(SQUARE, "a0"), area(OTHER, "a1")))
    write(warehouse.inbox / "areas_2025q2.gpkg", [projected(s) for s in shapes], UTM)
    write(warehouse.inbox / "areas_2025q3.shp", shapes)
    folder = tmp_path / "shapefile"
    folder.mkdir()
    write(folder / "anything.shp", [projected(s) for s in shapes], UTM)
    zipped(folder, warehouse.inbox / "areas_2025q4.zip")
    lines = [f"a{n};4g;5.0;{projected(s).wkt}" for n, s in enumerate(shapes)]
    warehouse.put("areas_2024q4.csv", "\n".join(["area;tech;mbps;shape", *lines]) + "\n")
    outcomes = warehouse.run()
    assert {o.outcome for o in outcomes.values()} == {"accepted"}, [o.message for o in outcomes.values()]
    assert len(outcomes) == 5
    told = {}
    for name, outcome in outcomes.items():
        rows = warehouse.part("accepted", outcome).sort("area_id")
        assert rows["min_download_mbps"].to_list() == [5.0, 5.0]
        assert rows["geometry_type"].unique().to_list() == ["Polygon"]
        assert rows["geometry_repair"].to_list() == [None, None]
        # Degrees read from a projection are straight elsewhere, by less than a metre over such a polygon.
        assert rows["area_km2"].to_list() == pytest.approx([467.6, 1428.0], rel=0.01)
        cells = warehouse.part("cells", outcome)
        assert list(cells.columns) == [
            "extract_id", "source_row", "as_of_date", "operator_id", "area_id", "h3_cell", "share",
        ]  # fmt: skip
        assert cells["share"].null_count() == cells.height
        assert cells.select("source_row", "h3_cell").is_duplicated().sum() == 0
        told[name] = {area_id: set(part["h3_cell"]) for (area_id,), part in cells.group_by("area_id")}
    first = told.pop("areas_2025q1.geojson")
    assert len(first["a0"]) > 400
    for other in told.values():
        for area_id, cells_of_area in first.items():
            assert len(cells_of_area ^ other[area_id]) <= len(cells_of_area) * 0.01


def test_a_shapefile_is_one_delivery_with_its_siblings_whatever_their_time(warehouse: Warehouse) -> None:
    path = warehouse.inbox / "areas_2025q3.shp"
    write(path, [SQUARE])
    assert [a.file_name for a in arrivals(warehouse.inbox)] == ["areas_2025q3.shp"]
    first = warehouse.run()["areas_2025q3.shp"]
    for file in warehouse.inbox.iterdir():
        file.touch()
    again = warehouse.run()["areas_2025q3.shp"]
    assert again.sha256 == first.sha256
    write(path, [SQUARE, OTHER])
    assert warehouse.run()["areas_2025q3.shp"].sha256 != first.sha256


def test_a_shapefile_that_is_landed_first_is_the_same_delivery(warehouse: Warehouse) -> None:
    write(warehouse.inbox / "areas_2025q3.shp", [SQUARE])
    assert land(warehouse.home, [warehouse.inbox])
    outcomes = warehouse.run()
    assert {name: one.outcome for name, one in outcomes.items()}["areas_2025q3.shp"] == "accepted"
    receipts = [path.read_text() for path in (warehouse.home.landing / "receipts").glob("*.json")]
    assert sum("areas_2025q3.shp" in receipt for receipt in receipts) == 1
    assert not land(warehouse.home, [warehouse.inbox])


def test_a_sibling_without_its_shapefile_is_a_file_like_any_other(warehouse: Warehouse) -> None:
    warehouse.put("areas_2025q3.dbf", "x")
    assert warehouse.run()["areas_2025q3.dbf"].outcome == "unmatched"


def test_an_attribute_that_is_an_object_in_one_feature_breaks_that_row_alone(warehouse: Warehouse) -> None:
    odd = area(OTHER, "odd", mbps={"down": 5})
    warehouse.put("areas_2025q4.geojson", collection(area(SQUARE, "a0"), odd))
    outcome = warehouse.run()["areas_2025q4.geojson"]
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (1, 1), outcome.message
    ((row, rule, column, value),) = warehouse.reasons(outcome)
    assert (row, rule, column) == (2, "not_a_number", "mbps")
    assert json.loads(str(value)) == {"down": 5}


def test_a_line_becomes_cells_that_add_up_to_its_length(warehouse: Warehouse) -> None:
    line = shapely.LineString([(71.4, 51.1), (71.9, 50.6), (72.5, 50.4)])
    point_in_it = shapely.MultiLineString([[(60, 50), (60.4, 50.2)], [(60.4, 50.2), (60.4, 50.2)]])
    warehouse.put(
        "roads.geojson",
        collection(
            feature(line, ref="K1", name="Первая", km=110.5), feature(point_in_it, ref="K2", name="В", km=36)
        ),
    )
    outcome = warehouse.run()["roads.geojson"]
    assert outcome.outcome == "accepted", outcome.message
    assert "1 invalid geometries were repaired: row 2 (Too few points" in str(outcome.message)
    rows = warehouse.part("accepted", outcome)
    sums = warehouse.part("cells", outcome).group_by("road_id").agg(pl.col("length_km").sum()).sort("road_id")
    assert sums["length_km"].to_list() == pytest.approx(rows["length_km"].to_list(), rel=1e-12)
    assert rows["vertices"].to_list() == [3, 4]
    assert rows["official_length_km"].to_list() == [110.5, 36.0]


def test_points_of_any_projection_become_positions_and_cells(warehouse: Warehouse) -> None:
    points = [projected(shapely.Point(71.4, 51.1)), projected(shapely.Point(69.6, 42.3))]
    write(warehouse.inbox / "sites_2025q4.gpkg", points, UTM, "Point", site=["s1", "s2"])
    outcome = warehouse.run()["sites_2025q4.gpkg"]
    assert outcome.outcome == "accepted", outcome.message
    rows = warehouse.part("accepted", outcome)
    assert rows["latitude"].to_list() == pytest.approx([51.1, 42.3])
    assert rows["longitude"].to_list() == pytest.approx([71.4, 69.6])
    assert rows["h3_cell"].str.starts_with("89").all()
    assert warehouse.part("cells", outcome).is_empty()


def test_a_position_keeps_the_cells_about_it_and_a_refused_one_none(warehouse: Warehouse) -> None:
    warehouse.put("positions.csv", "id,name,lat,lon\na,Аул,51.1,71.4\nb,Перепутано,71.4,51.1\n")
    outcome = warehouse.run()["positions.csv"]
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (1, 1)
    cells = warehouse.part("cells", outcome)
    assert cells.columns == list(load_contracts()["settlement_positions"].cells_schema or {})
    assert set(cells["place_id"]) == {"a"}
    assert (
        cells["source_row"].unique().to_list() == warehouse.part("accepted", outcome)["source_row"].to_list()
    )
    assert dict(cells.group_by("ring").len().rows()) == {0: 1, 1: 6, 2: 12, 3: 18, 4: 24, 5: 30}
    assert cells["h3_cell"].n_unique() == 91
    assert cells["h3_cell"].str.starts_with("88").all()


def test_a_boundary_says_what_its_cells_measure(warehouse: Warehouse) -> None:
    shapes = [SQUARE, shapely.box(70.0, 45.0, 70.0001, 45.0001)]
    write(warehouse.inbox / "boundaries.gpkg", shapes, kato=["113200000", "113400000"])
    outcome = warehouse.run()["boundaries.gpkg"]
    assert outcome.rows_accepted == 2, outcome.message
    rows = warehouse.part("accepted", outcome)
    covered = warehouse.part("cells", outcome).select(cell_area("h3_cell", "km^2")).to_series().sum()
    assert rows["cell_area_km2"][0] == pytest.approx(covered, rel=1e-12)
    assert rows["cell_area_km2"][0] == pytest.approx(rows["area_km2"][0], rel=0.02)
    assert rows["cell_area_km2"][1] is None, "no cell has its centre in it"


# --- Rows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "rule", "told"),
    [
        (None, "geometry_missing", None),
        (shapely.Polygon(), "geometry_empty", "Polygon of 0 vertices"),
        (shapely.Polygon([(71, 51), (71.1, 51.1), (71, 51)]), "geometry_empty", "Polygon of 4 vertices"),
        (shapely.Point(71, 51), "geometry_wrong_type", "Point of 1 vertices"),
        (shapely.box(51.0, 71.0, 51.2, 71.3), "coordinates_swapped", "latitude 71 to 71.3"),
        (shapely.box(2, 48, 3, 49), "outside_country", "longitude 2 to 3"),
        (shapely.box(86, 50, 90, 51), "outside_country", "longitude 86 to 90"),
    ],
)
def test_a_bad_geometry_takes_its_row_out_and_no_other(
    warehouse: Warehouse, shape: Any, rule: str, told: str | None
) -> None:
    warehouse.put("areas_2025q4.geojson", collection(area(SQUARE, "good"), area(shape, "bad")))
    outcome = warehouse.run()["areas_2025q4.geojson"]
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (2, 1, 1)
    ((row, found, column, value),) = warehouse.reasons(outcome)
    assert (row, found, column) == (2, rule, "geometry")
    assert (value is None) if told is None else (told in str(value))
    assert f"{rule}, first in row 2, column 'geometry'" in str(outcome.message)
    assert ROW_RULES[rule] in str(outcome.message)
    assert set(cells_by_row(warehouse, outcome)) == {1}


def test_a_self_crossing_polygon_is_repaired_and_reported_with_its_row(warehouse: Warehouse) -> None:
    warehouse.put("areas_2025q4.geojson", collection(area(SQUARE, "good"), area(BOW_TIE, "tie")))
    outcome = warehouse.run()["areas_2025q4.geojson"]
    assert outcome.outcome == "accepted"
    assert "1 invalid geometries were repaired: row 2 (Self-intersection[71.15 51.1])" in str(outcome.message)
    rows = warehouse.part("accepted", outcome)
    assert rows["geometry_repair"].to_list() == [None, "Self-intersection[71.15 51.1]"]
    assert rows["area_km2"][1] == pytest.approx(rows["area_km2"][0] / 2, rel=0.01)
    cells = cells_by_row(warehouse, outcome)
    assert cells[2] < cells[1]
    assert len(cells[2]) == pytest.approx(len(cells[1]) / 2, rel=0.05)


def test_wkt_that_cannot_be_read_is_told_with_its_row(warehouse: Warehouse) -> None:
    good = f"a;4g;5;{projected(SQUARE).wkt}"
    warehouse.put(
        "areas_2024q4.csv", f"area;tech;mbps;shape\n{good}\nb;4g;5;POLYGON ((1 2, nonsense))\nc;4g;5;\n"
    )
    outcome = warehouse.run()["areas_2024q4.csv"]
    assert rules(warehouse, outcome) == [(3, "geometry_unreadable"), (4, "geometry_missing")]


def test_cells_belong_to_accepted_rows_only(warehouse: Warehouse) -> None:
    warehouse.put(
        "areas_2025q4.geojson",
        collection(area(SQUARE, "a"), area(SQUARE, "b", tech="6g"), area(OTHER, "c"), area(SQUARE, "c")),
    )
    outcome = warehouse.run()["areas_2025q4.geojson"]
    assert rules(warehouse, outcome) == [(2, "not_allowed"), (3, "key_conflict"), (4, "key_conflict")]
    assert set(cells_by_row(warehouse, outcome)) == {1}


def test_the_same_key_with_another_geometry_is_a_conflict_and_with_the_same_a_duplicate(
    warehouse: Warehouse,
) -> None:
    road = shapely.LineString([(70, 50), (70.2, 50.1)])
    elsewhere = shapely.LineString([(72, 50), (72.2, 50.1)])
    shapes = {"KAZ01": (road, elsewhere), "KAZ02": (road, road.reverse())}
    warehouse.put(
        "roads.geojson",
        collection(*(feature(one, ref=ref, name="А", km=18) for ref in shapes for one in shapes[ref])),
    )
    outcome = warehouse.run()["roads.geojson"]
    assert rules(warehouse, outcome) == [(1, "key_conflict"), (2, "key_conflict")]
    assert warehouse.part("duplicate", outcome)["duplicate_of_row"].to_list() == [3]
    assert set(cells_by_row(warehouse, outcome)) == {3}
    columns = {name for part in ("accepted", "duplicate") for name in warehouse.part(part, outcome).columns}
    assert columns == {*load_contracts()["highways"].lake_schema, "duplicate_of_row"}


def test_text_with_the_same_key_and_another_geometry_is_a_conflict(warehouse: Warehouse) -> None:
    warehouse.layouts["test/wkt"] = layout(WKT, geometry={"wkt": "shape", "crs": "EPSG:4326"})
    lines = [f"a;4g;5;{shapely.box(west, 50, west + 0.25, 50.25).wkt}" for west in (70, 72)]
    warehouse.put("areas_2024q4.csv", "\n".join(["area;tech;mbps;shape", *lines]) + "\n")
    outcome = warehouse.run()["areas_2024q4.csv"]
    assert rules(warehouse, outcome) == [(2, "key_conflict"), (3, "key_conflict")]


def test_a_polygon_without_a_centre_in_it_is_noted(warehouse: Warehouse) -> None:
    tiny = shapely.box(71.0, 51.0, 71.0001, 51.0001)
    warehouse.put("areas_2025q4.geojson", collection(area(SQUARE, "a"), area(tiny, "b")))
    outcome = warehouse.run()["areas_2025q4.geojson"]
    assert outcome.rows_accepted == 2
    assert "1 polygons are so small that no cell of resolution 8" in str(outcome.message)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("t,2025-11-02,4g,71.4,51.1,20,5,40,1", "coordinates_swapped"),
        ("t,2025-11-02,4g,48.9,2.3,20,5,40,1", "outside_country"),
        ("t,2025-11-02,4g,51.1,71.4,20000,5,40,1", "impossible_speed"),
        ("t,2025-11-02,2g,51.1,71.4,40,5,40,1", "impossible_speed"),
        ("t,2025-11-02,3g,51.1,71.4,4,500,40,1", "impossible_upload"),
        ("t,2025-11-02,4g,51.1,71.4,20,5,0.04,1", "impossible_latency"),
        ("t,2025-11-02,4g,51.1,71.4,-1,5,40,1", "below_minimum"),
        ("t,2026-01-02,4g,51.1,71.4,20,5,40,1", "tested_in_future"),
        ("t,2025-09-30,4g,51.1,71.4,20,5,40,1", "tested_before_quarter"),
        ("t,2024-12-31,4g,51.1,71.4,20,5,40,1", "tested_before_quarter"),
        ("t,2025-11-02,4g,51.1,71.4,,,,1", "success_without_speed"),
    ],
)
def test_a_field_test_that_cannot_be(warehouse: Warehouse, row: str, rule: str) -> None:
    good = "g,2025-11-02,4g,51.1,71.4,20,5,40,1\nf,2025-11-02,4g,51.1,71.4,,,,0"
    warehouse.put("tests_2025q4.csv", f"id,day,tech,lat,lon,down,up,ms,ok\n{good}\n{row}\n")
    outcome = warehouse.run()["tests_2025q4.csv"]
    assert outcome.rows_accepted == 2, outcome.message
    assert (4, rule) in rules(warehouse, outcome)
    (remedy,) = (
        (r.remedy for r in load_contracts()["drive_tests"].row_rules if r.name == rule)
        if rule not in ROW_RULES
        else (ROW_RULES[rule],)
    )
    assert remedy in str(outcome.message)


def test_a_station_on_air_before_it_was_licensed_is_set_aside(warehouse: Warehouse) -> None:
    warehouse.put(
        "stations_2025q4.csv",
        "site,latitude,longitude,licensed,on_air\n"
        "s1,51.1,71.4,2024-01-10,2024-02-01\ns2,51.1,71.5,2024-03-10,2024-02-01\ns3,71.5,51.1,2024-01-10,2024-02-01\n"
        "s4,51.2,71.4,,2024-02-01\ns5,55.75,37.62,2024-01-10,2024-02-01\n",
    )
    outcome = warehouse.run()["stations_2025q4.csv"]
    assert warehouse.reasons(outcome) == [
        (3, "on_air_before_licensed", "on_air", "2024-02-01"),
        (4, "coordinates_swapped", "latitude", "71.5"),
        (6, "outside_country", "latitude", "55.75"),
    ]
    for remedy in (
        "no station goes on air before it is licensed",
        "latitude and longitude stand in each other's place",
        "lies outside the country",
    ):
        assert remedy in str(outcome.message)


def test_a_tile_is_where_its_quadkey_says(warehouse: Warehouse) -> None:
    values = {"avg_d_kbps": 31250, "avg_u_kbps": 9100, "avg_lat_ms": 41, "tests": 12, "devices": 5}

    def tile(quadkey: Any, shape: Any = SQUARE) -> dict[str, Any]:
        return feature(shape, quadkey=quadkey, **values)

    # The tile of zoom 16 that holds 51.1605 north, 71.4704 east, by the published formula.
    good = _quadkey(51.1605, 71.4704)
    warehouse.put(
        "tiles_2025q4.geojson",
        collection(
            tile(good),
            tile("12133x"),
            tile(good[:-1] + "9"),
            tile(good[:-1], SQUARE),
            tile("0" * 16),
            tile(_quadkey(43.2, 76.9), None),
            tile(None),
        ),
    )
    outcome = warehouse.run()["tiles_2025q4.geojson"]
    assert rules(warehouse, outcome) == [
        (2, "quadkey_unreadable"),
        (3, "quadkey_unreadable"),
        (4, "quadkey_unreadable"),
        (5, "outside_country"),
        (6, "geometry_missing"),
        (7, "required_missing"),
    ]
    for remedy in (
        "a quadkey of zoom 16 has 16 digits from 0 to 3; keep it as text",
        "the tile lies outside the country; leave it out",
        ROW_RULES["geometry_missing"],
    ):
        assert remedy in str(outcome.message)
    (row,) = warehouse.part("accepted", outcome).rows(named=True)
    assert (row["latitude"], row["longitude"]) == pytest.approx((51.1605, 71.4704), abs=0.006)
    assert row["h3_cell"].startswith("89")


def _quadkey(latitude: float, longitude: float) -> str:
    """Bing's published arithmetic, digit by digit."""
    sine = np.sin(np.radians(latitude))
    x = int((longitude + 180) / 360 * 2**16)
    y = int((0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * 2**16)
    return "".join(str((x >> n & 1) + 2 * (y >> n & 1)) for n in range(15, -1, -1))


# --- Attributes that bear the name of what the geometry tells -------------------------------------------------


def test_an_attribute_called_latitude_is_refused_where_the_layout_reads_the_geometry(
    warehouse: Warehouse,
) -> None:
    warehouse.layouts["test/sites"] = layout(
        SITES, file_pattern=r"sites_(?P<year>\d{4})q(?P<quarter>\d)\.geojson"
    )
    warehouse.put(
        "sites_2025q4.geojson", collection(feature(shapely.Point(71.4, 51.1), site="s1", latitude=51.2))
    )
    told = refused(warehouse, "sites_2025q4.geojson", "duplicate_header")
    assert "attribute 'latitude' stands beside the geometry" in told


def test_attributes_called_like_what_the_geometry_tells_are_kept_apart(warehouse: Warehouse) -> None:
    odd = {"latitude": "of the mast", "geometry": "of the map", "wkb_geometry": "of GDAL"}
    warehouse.put(
        "areas_2025q4.geojson", collection(area(SQUARE, "a1", **odd), area(OTHER, "a2", tech="6g", **odd))
    )
    warehouse.layouts["test/areas"] = layout(AREAS, ignore=list(odd))
    outcome = warehouse.run()["areas_2025q4.geojson"]
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (1, 1), outcome.message
    kept = json.loads(warehouse.part("quarantined", outcome)["source_text"][0])
    assert {name: kept[name] for name in odd} == odd
    assert [text for name, text in kept.items() if name.endswith(" geometry")] == ["Polygon of 5 vertices"]


# --- Files --------------------------------------------------------------------------------------------------------


def refused(warehouse: Warehouse, name: str, rule: str) -> str:
    """The message of a file that is refused by a rule, and has left nothing in the lake."""
    outcome = warehouse.run()[name]
    assert (outcome.outcome, outcome.rule) == ("rejected", rule), outcome.message
    assert FILE_RULES[rule] in str(outcome.message)
    assert warehouse.part("cells", outcome).is_empty()
    return str(outcome.message)


@pytest.mark.parametrize(
    ("content", "rule", "told"),
    [
        ("", "empty_file", "no bytes"),
        (collection(), "empty_file", "no features"),
        ("nonsense", "unreadable_features", "begins with b'nonsense'"),
        ('{"a": 1}', "unreadable_features", "areas_2025q4.geojson"),
        (collection(area(SQUARE))[:-40], "unreadable_features", "areas_2025q4.geojson"),
        (collection(feature(SQUARE, area="a", tech="4g")), "missing_column", "'mbps'"),
        (collection(area(SQUARE, more=1)), "unmapped_column", "'more'"),
        (collection(area(shapely.box(2, 48, 3, 49))), "wrong_crs", "longitude 2 to 3"),
        ("<OGRVRTDataSource/>", "unreadable_features", "OGRVRT"),
    ],
)
def test_a_file_that_is_no_geojson_of_the_layout(
    warehouse: Warehouse, content: str, rule: str, told: str
) -> None:
    warehouse.put("areas_2025q4.geojson", content)
    assert told in refused(warehouse, "areas_2025q4.geojson", rule)


def test_coordinates_that_do_not_refer_to_what_is_stated_are_found_out(warehouse: Warehouse) -> None:
    write(warehouse.inbox / "stated_2025q1.gpkg", [projected(SQUARE)], UTM)
    write(warehouse.inbox / "areas_2025q1.gpkg", [projected(SQUARE)], "EPSG:4326")
    write(warehouse.inbox / "areas_2025q2.gpkg", [SQUARE], UTM)
    write(warehouse.inbox / "areas_2025q3.shp", [SQUARE])
    (warehouse.inbox / "areas_2025q3.prj").unlink()
    outcomes = warehouse.run()
    assert {name: o.rule for name, o in outcomes.items()} == {
        "stated_2025q1.gpkg": "crs_mismatch",
        "areas_2025q1.gpkg": "wrong_crs",
        "areas_2025q2.gpkg": "wrong_crs",
        "areas_2025q3.shp": "crs_missing",
    }
    assert "EPSG:32642, layout test/stated EPSG:4326" in str(outcomes["stated_2025q1.gpkg"].message)
    assert "when read as EPSG:32642" in str(outcomes["areas_2025q2.gpkg"].message)


@pytest.mark.parametrize(
    ("suffix", "lost"), [("shp", ".dbf"), ("shp", ".shx"), ("zip", ".dbf"), ("zip", ".shx")]
)
def test_a_shapefile_that_lacks_a_part(warehouse: Warehouse, tmp_path: Path, suffix: str, lost: str) -> None:
    folder = tmp_path / "shapefile"
    folder.mkdir()
    write(folder / "areas_2025q4.shp", [SQUARE])
    (folder / "areas_2025q4").with_suffix(lost).unlink()
    if suffix == "zip":
        zipped(folder, warehouse.inbox / "areas_2025q4.zip")
    else:
        for file in folder.iterdir():
            file.rename(warehouse.inbox / file.name)
    assert f"no {lost} beside it" in refused(warehouse, f"areas_2025q4.{suffix}", "incomplete_shapefile")


def test_a_zip_without_one_shapefile(warehouse: Warehouse) -> None:
    with zipfile.ZipFile(warehouse.inbox / "areas_2025q4.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    assert "it holds: readme.txt" in refused(warehouse, "areas_2025q4.zip", "unreadable_features")


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "zip"])
def test_a_file_that_was_cut_off(warehouse: Warehouse, tmp_path: Path, suffix: str) -> None:
    shapes = [shapely.box(60 + n / 100, 50, 60.005 + n / 100, 50.1) for n in range(400)]
    folder = tmp_path / "whole"
    folder.mkdir()
    write(folder / f"areas_2025q4.{'gpkg' if suffix == 'gpkg' else 'shp'}", shapes)
    if suffix == "zip":
        zipped(folder, tmp_path / "areas_2025q4.zip")
        (tmp_path / "areas_2025q4.zip").rename(folder / "areas_2025q4.zip")
    for file in folder.glob("areas_2025q4.*"):
        if suffix == "zip" and file.suffix != ".zip":
            continue
        content = file.read_bytes()
        cut = len(content) // 2 if file.suffix == f".{suffix}" else len(content)
        warehouse.put(file.name, content[:cut])
    outcome = warehouse.run()[f"areas_2025q4.{suffix}"]
    assert outcome.rows_accepted == 0, outcome.message
    assert outcome.rule == "unreadable_features", outcome.message


def test_a_geopackage_of_several_layers_needs_a_layout_that_names_one(warehouse: Warehouse) -> None:
    path = warehouse.inbox / "areas_2025q4.gpkg"
    write(path, [SQUARE])
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(OTHER)], dtype=object), [np.array(["x"], dtype=object)],
        fields=np.array(["note"]), layer="second", geometry_type="Polygon", crs="EPSG:4326", append=True,
    )  # fmt: skip
    assert "2 layers: areas_2025q4, second" in refused(warehouse, "areas_2025q4.gpkg", "missing_layer")
    named = AREAS | {"geometry": {"layer": "areas_2025q4"}}
    warehouse.layouts["test/areas"] = layout(named)
    assert warehouse.run()["areas_2025q4.gpkg"].rows_accepted == 1
    warehouse.layouts["test/areas"] = layout(AREAS | {"geometry": {"layer": "third"}})
    assert "no layer 'third'" in refused(warehouse, "areas_2025q4.gpkg", "missing_layer")


def test_cells_are_sealed_and_read_anew_when_they_changed(warehouse: Warehouse) -> None:
    warehouse.put("areas_2025q4.geojson", collection(area(SQUARE)))
    outcome = warehouse.run()["areas_2025q4.geojson"]
    sealed = [path for path, _ in outcome.accepted_parts]
    assert [path.split("/")[0] for path in sealed] == ["accepted", "cells"]
    schema = warehouse.home.lake / "cells" / "operator_coverage_areas" / "_schema.parquet"
    assert pl.read_parquet_schema(schema) == load_contracts()["operator_coverage_areas"].cells_schema
    before = warehouse.part("cells", outcome)
    (warehouse.home.lake / sealed[1]).unlink()
    assert not lake.is_whole(warehouse.home, outcome)
    again = warehouse.run()["areas_2025q4.geojson"]
    assert warehouse.part("cells", again).equals(before)


def test_contracts_state_the_country_as_ingestion_knows_it() -> None:
    west, south, east, north = COUNTRY
    for contract in load_contracts().values():
        for rule in contract.row_rules:
            if rule.name in ("outside_country", "coordinates_swapped"):
                assert f"latitude >= {south} AND latitude <= {north}" in rule.condition, contract.id
                assert f"longitude >= {west} AND longitude <= {east}" in rule.condition, contract.id


def test_a_geojson_feature_too_large_for_memory_is_refused_with_the_way_out(warehouse: Warehouse) -> None:
    turn = np.linspace(0, 2 * np.pi, 50_000, endpoint=False)
    shape = shapely.polygons(np.column_stack([67 + np.cos(turn), 48 + np.sin(turn) / 2]))
    warehouse.put("areas_2025q4.geojson", collection(area(shape)))
    # Which sets its own when it is loaded.
    importlib.import_module("ingestion.readers.features")
    pyogrio.set_gdal_config_options({"OGR_GEOJSON_MAX_OBJ_SIZE": "2"})
    try:
        message = refused(warehouse, "areas_2025q4.geojson", "geometry_too_large")
    finally:
        pyogrio.set_gdal_config_options({"OGR_GEOJSON_MAX_OBJ_SIZE": str(GEOJSON_FEATURE_MB)})
    assert "GeoPackage" in message


# --- Coordinates of a projection in two columns -------------------------------------------------------------------

METRES_HEADER = "site;East, m;North, m\n"


def test_metres_east_and_north_are_the_degrees_that_the_same_points_have_as_features(
    warehouse: Warehouse,
) -> None:
    lines = ["A;669 000,5;5667000,25", "B;500000;5500000"]
    warehouse.put("metres_2025q4.csv", METRES_HEADER + "\n".join(lines))
    points = [shapely.Point(669000.5, 5667000.25), shapely.Point(500000, 5500000)]
    write(warehouse.inbox / "sites_2025q4.gpkg", points, UTM, "Point", site=["A", "B"])
    outcomes = warehouse.run()
    told, drawn = (
        warehouse.part("accepted", outcomes[name]).sort("site_id").select("longitude", "latitude", "h3_cell")
        for name in ("metres_2025q4.csv", "sites_2025q4.gpkg")
    )
    assert told.height == 2, outcomes["metres_2025q4.csv"].message
    for name in ("longitude", "latitude"):
        assert told[name].to_list() == pytest.approx(drawn[name].to_list(), abs=1e-9)
    assert told["h3_cell"].equals(drawn["h3_cell"])
    assert 71 < told["longitude"][0] < 72
    assert 51 < told["latitude"][0] < 52


def test_metres_that_are_no_place_are_shown_as_they_were_filed(warehouse: Warehouse) -> None:
    lines = ["A;669000;5667000", "B;east;5667000", "C;669000;", "D;5667000;669000", "E;1e30;1e30"]
    warehouse.put("metres_2025q4.csv", METRES_HEADER + "\n".join(lines))
    outcome = warehouse.run()["metres_2025q4.csv"]
    assert outcome.rows_accepted == 1
    reasons = warehouse.reasons(outcome)
    assert (3, "not_a_number", "longitude", "east") in reasons
    assert {rule for row, rule, _, _ in reasons if row == 4} == {"required_missing"}
    assert {rule for row, rule, _, _ in reasons if row == 5} == {"outside_country"}
    assert {value for row, _, column, value in reasons if (row, column) == (6, "longitude")} == {"1e30"}


@pytest.mark.parametrize(
    ("header", "rule", "said"),
    [
        ("site;East, m;Nort, m", "missing_column", "no column 'North, m' (the file has 'Nort, m')"),
        ("site;East, m;North, m;latitude", "unmapped_column", "'latitude'"),
    ],
)
def test_a_table_of_metres_with_another_header_is_refused(
    warehouse: Warehouse, header: str, rule: str, said: str
) -> None:
    warehouse.put("metres_2025q4.csv", f"{header}\nA;1;2;3\n")
    assert said in refused(warehouse, "metres_2025q4.csv", rule)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"geometry": {"x": "East, m", "y": "North, m"}}, "add 'crs'"),
        ({"geometry": {"crs": UTM, "x": "East, m"}}, "give both"),
        ({"columns": METRES["columns"] | {"latitude": {"from": "lat"}}}, "'latitude: {from: latitude}'"),
        ({"format": "features", "text": None, "file_pattern": r"m\.gpkg"}, "stand in two columns"),
    ],
)
def test_a_layout_of_metres_that_cannot_be_used_says_why(changes: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in layout(METRES, **changes).problems())


def test_a_degree_beside_metres_is_refused_even_where_it_is_ignored(warehouse: Warehouse) -> None:
    warehouse.layouts["test/metres"] = layout(METRES, ignore=["latitude"])
    warehouse.put("metres_2025q4.csv", "site;East, m;North, m;latitude\nA;669000;5667000;51\n")
    assert "which tell it too" in refused(warehouse, "metres_2025q4.csv", "duplicate_header")
