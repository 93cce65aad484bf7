"""Workbooks, layers for maps and the catalogue of a release: typed, harmless, withheld where due, equal for equals."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import shapely

from tests.unit.report_kit import HOSTILE, REASON, WITHHELD_COVERAGE, release_in
from warehouse.catalogue import write_catalogue
from warehouse.files import sha256_of
from warehouse.geography import write_layers
from warehouse.workbooks import THEMES, write_workbooks

FORMULAS = ("=2+3", "+7", "-1", "@SUM(A1)", '=HYPERLINK("http://a")')
CHANGES = (
    "update marts.dim_settlement set longitude = 70.123456789, latitude = 50.5, status = 'published'",
    "update marts.fct_urban_5g set city_name_ru = '=2+3' where city_kato <> 'all'",
    *(
        f"insert into marts.meta_extract by name select 'f{place}' as extract_id, '{name}' as file_name"
        for place, name in enumerate(FORMULAS)
    ),
    "update marts.dim_metric set source_table = 'fct_coverage_by_technology,fct_metric' "
    "where metric_id = 'population_covered_pct'",
)


def exported(folder: Path, *changes: str) -> Path:
    release = release_in(folder / "release", *CHANGES, *changes)
    write_workbooks(release)
    write_layers(release)
    write_catalogue(release)
    return release


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("exports"))


@cache
def workbook(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path)


def sheet(release: Path, theme: str, title: str) -> openpyxl.worksheet.worksheet.Worksheet:
    return workbook(release / "xlsx" / f"{theme}.xlsx")[title]


def rows(release: Path, theme: str, title: str) -> list[dict[str, object]]:
    values = sheet(release, theme, title).iter_rows(min_row=2, values_only=True)
    names = [str(name) for name in next(values)]
    return [dict(zip(names, row, strict=True)) for row in values]


def test_a_workbook_a_theme_with_notes_first(release: Path) -> None:
    assert {path.stem for path in (release / "xlsx").iterdir()} == set(THEMES)
    for theme, sheets in THEMES.items():
        book = workbook(release / "xlsx" / f"{theme}.xlsx")
        assert book.sheetnames == ["Notes", *(each.title for each in sheets)]


def test_figures_and_dates_are_typed_and_headers_stay_in_sight(release: Path) -> None:
    page = sheet(release, "coverage", "By technology")
    assert page.freeze_panes == "A3"
    assert page["A1"].value == "SAMPLE. By technology, pub-000000000001"
    dates = {row["as_of_date"] for row in rows(release, "coverage", "By technology")}
    assert dates == {dt.datetime(2024, 12, 31), dt.datetime(2025, 12, 31)}, "ends of years and the latest"
    row = rows(release, "coverage", "By technology")[0]
    assert row["as_of_date"] == dt.datetime(2024, 12, 31)
    assert isinstance(row["population"], int)
    assert isinstance(row["population_covered_pct"], int | float)
    assert row["kato"] == "000000000", "a code is text"


def test_text_is_no_formula(release: Path) -> None:
    for theme, title, column in (
        ("evidence_and_quality", "Deliveries", "file_name"), ("cities_and_highways", "5G by city", "city_name_ru"),
    ):  # fmt: skip
        page = sheet(release, theme, title)
        (place,) = [cell.column for cell in page[2] if cell.value == column]
        cells = [page.cell(line, place) for line in range(3, page.max_row + 1)]
        assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
        assert {cell.value for cell in cells} & set(FORMULAS)
    assert {row["file_name"] for row in rows(release, "evidence_and_quality", "Deliveries")} == {
        HOSTILE,
        *FORMULAS,
    }


def test_notes_tell_what_is_withheld_and_what_columns_mean(tmp_path: Path) -> None:
    release = exported(tmp_path, WITHHELD_COVERAGE)
    lines = [
        [cell for cell in row if cell]
        for row in sheet(release, "coverage", "Notes").iter_rows(values_only=True)
    ]
    assert lines[0][0].startswith("SAMPLE")
    assert ["population_covered_pct", REASON] in lines
    assert any(line[:1] == ["population_covered_pct"] and "a / b" in line[-1] for line in lines), "its method"
    found = rows(release, "coverage", "By technology")
    assert {row["population_covered_pct"] for row in found} == {None}
    assert {row["withheld_reason"] for row in found} == {REASON}
    settled = json.loads((release / "geo" / "settlements.geojson").read_bytes())["features"]
    filed = {one["properties"]["settlement_kato"]: one["properties"] for one in settled}
    assert (filed["101010300"]["best_mobile"], filed["101010300"]["status"]) == (None, "withheld")
    assert filed["101010300"]["withheld_reason"] == REASON


def test_settlements_are_points_in_both_forms(release: Path) -> None:
    document = json.loads((release / "geo" / "settlements.geojson").read_bytes())
    features = {one["properties"]["settlement_kato"]: one for one in document["features"]}
    assert features["101010300"]["geometry"] == {"type": "Point", "coordinates": [70.123457, 50.5]}
    assert features["101010300"]["properties"]["best_mobile"] == "4g"
    assert features["101010100"]["properties"]["best_mobile"] is None
    assert features["101010100"]["properties"]["name_ru"] == HOSTILE
    assert {one["properties"]["label"] for one in document["features"]} == {"SAMPLE"}
    table = pq.read_table(release / "geo" / "settlements.parquet")
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["columns"]["geometry"]["geometry_types"] == ["Point"]
    assert geo["columns"]["geometry"]["bbox"] == [70.123457, 50.5, 70.123457, 50.5]
    assert shapely.from_wkb(table["geometry"][0].as_py()).equals(shapely.Point(70.123456789, 50.5))


def test_gaps_are_lines_that_gis_software_reads(release: Path) -> None:
    meta, _, shapes, _ = pyogrio.raw.read(release / "geo" / "highway_gaps.geojson")
    assert meta["geometry_type"] == "LineString"
    assert meta["crs"] in ("EPSG:4326", "OGC:CRS84")
    assert shapely.get_coordinates(shapely.from_wkb(shapes[0])).tolist() == [[70.0, 50.0], [70.1, 50.1]]


def test_regions_are_areas_of_the_map_in_force_with_their_shares(release: Path) -> None:
    features = features_of(release, "regions")
    assert set(features) == {"100000000", "710000000", "999000000"}, "not that of another map"
    abai = features["100000000"]
    assert abai["geometry"]["type"] == "MultiPolygon"
    assert abai["properties"]["name_en"] == "Abai"
    assert abai["properties"]["covered_4g_pct"] is not None
    assert (abai["properties"]["boundary_as_of"], abai["properties"]["as_of_date"]) == (
        "2024-01-01",
        "2025-12-31",
    )
    assert abai["properties"]["label"] == "SAMPLE"
    (district,) = features_of(release, "districts").values()
    assert (district["properties"]["kato"], district["properties"]["parent_kato"]) == (
        "101000000",
        "100000000",
    )
    table = pq.read_table(release / "geo" / "regions.parquet")
    assert "outline_wkt" not in table.column_names
    assert {each.geom_type for each in shapely.from_wkb(table["geometry"].to_pylist())} == {"MultiPolygon"}


def test_roads_are_lines_of_all_their_parts(release: Path) -> None:
    (road,) = features_of(release, "highways", "road_id").values()
    assert road["geometry"]["type"] == "MultiLineString"
    assert road["geometry"]["coordinates"][1] == [[73.0, 50.0], [75.0, 49.0]]
    assert road["properties"]["covered_4g_pct"] is not None


def test_withheld_shares_of_a_region_are_empty_with_the_reason(tmp_path: Path) -> None:
    abai = features_of(exported(tmp_path, WITHHELD_COVERAGE), "regions")["100000000"]["properties"]
    assert (abai["covered_4g_pct"], abai["status"], abai["withheld_reason"]) == (None, "withheld", REASON)


def features_of(release: Path, layer: str, key: str = "kato") -> dict[str, Any]:
    document = json.loads((release / "geo" / f"{layer}.geojson").read_bytes())
    return {one["properties"][key]: one for one in document["features"]}


def test_a_release_without_positions_has_no_layer(tmp_path: Path) -> None:
    release = release_in(tmp_path / "release", without=("fct_highway_gap", "dim_boundary", "dim_highway"))
    write_layers(release)
    assert list((release / "geo").iterdir()) == []


def test_a_mart_that_could_not_be_built_has_no_sheet(tmp_path: Path) -> None:
    release = release_in(tmp_path / "release", without=("fct_highway_gap", "fct_milestone"))
    write_workbooks(release)
    book = openpyxl.load_workbook(release / "xlsx" / "cities_and_highways.xlsx", read_only=True)
    assert book.sheetnames == ["Notes", "5G by city", "Highways"]


def test_the_catalogue_names_every_data_file_with_its_hash(release: Path) -> None:
    document = json.loads((release / "dcat.jsonld").read_bytes())
    assert document["@type"] == "dcat:Dataset"
    assert {title["@language"] for title in document["dct:title"]} == {"kk", "ru", "en"}
    assert all(title["@value"].startswith("SAMPLE: ") for title in document["dct:title"])
    assert document["dct:temporal"]["dcat:endDate"]["@value"] == "2025-12-31"
    told = {
        one["dcat:downloadURL"]["@id"]: one["spdx:checksum"]["spdx:checksumValue"]
        for one in document["dcat:distribution"]
    }
    assert told == {name: sha256_of(release / name) for name in told}
    assert {"coverage.duckdb", "csv/fct_metric.csv", "xlsx/coverage.xlsx", "geo/settlements.geojson"} <= set(
        told
    )


def test_equal_releases_have_equal_files(release: Path, tmp_path: Path) -> None:
    again = exported(tmp_path)
    for folder in ("xlsx", "geo"):
        for path in sorted((release / folder).iterdir()):
            assert path.read_bytes() == (again / folder / path.name).read_bytes(), path.name
