"""The benchmark of geometry: both ways to a figure give the same, and a difference is never timed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import shapely

from benchmarks import filings, geometry, shapes, ways
from benchmarks.report import Judged, Report, markdown
from benchmarks.scenarios import Mismatch


def _file(path: Path, **named: list[shapely.Geometry]) -> Path:
    rows = [(name, shapely.to_wkb(shape)) for name, drawn in named.items() for shape in drawn]
    pl.DataFrame(rows, schema={"name": pl.String, "wkb": pl.Binary}, orient="row").write_parquet(path)
    return path


def test_both_ways_fill_polygons_with_the_same_cells(tmp_path: Path) -> None:
    holed = shapely.box(71.0, 51.0, 71.4, 51.3).difference(shapely.box(71.1, 51.1, 71.2, 51.2))
    file = _file(
        tmp_path / "polygons.parquet", a=[holed], b=[shapely.MultiPolygon([shapely.box(75, 45, 75.1, 45.1)])]
    )
    own = ways.polygons_qamtu(str(file), "8")
    assert own == ways.polygons_h3(str(file), "8")
    assert own["cells"] > 1000


def test_both_ways_measure_a_road_in_areas(tmp_path: Path) -> None:
    road = shapely.LineString([(71.0, 51.0), (73.0, 51.0)])
    roads = _file(tmp_path / "roads.parquet", m36=[road])
    # Half of the road, said twice by one operator; none of it by the other.
    areas = _file(
        tmp_path / "areas.parquet",
        dala=[shapely.box(70.9, 50.9, 72.0, 51.1), shapely.box(71.5, 50.9, 72.0, 51.1)],
        arman=[shapely.box(75, 45, 75.1, 45.1)],
    )
    own, exact = (way(str(roads), str(areas)) for way in (ways.roads_qamtu, ways.roads_shapely))
    assert own.keys() == exact.keys() == {"m36 dala"}
    assert exact["m36 dala"] == pytest.approx(70.2, abs=0.1)
    (by_cells, exactly) = geometry.kilometres_apart(own, exact)["dala"]
    assert by_cells == pytest.approx(exactly, abs=1)


def test_kilometres_that_cells_do_not_explain_are_a_mismatch() -> None:
    with pytest.raises(Mismatch, match=r"dala: 120\.0 km by cells, exactly 100\.0"):
        geometry.kilometres_apart({"m36 dala": 120.0}, {"m36 dala": 90.0, "a1 dala": 10.0})
    with pytest.raises(Mismatch, match=r"arman: 0\.0 km by cells"):
        geometry.kilometres_apart({}, {"m36 arman": 10.0})


def test_plain_duckdb_counts_people_of_a_cell_once(tmp_path: Path) -> None:
    cells, people = tmp_path / "part-0.parquet", tmp_path / "people.parquet"
    pl.DataFrame({"h3_cell": ["a", "a", "b", "z"]}).write_parquet(cells)
    rows = {
        "h3_cell": ["a", "b", "b", "c"],
        "settlement_kato": ["101", "101", "111", "111"],
        "region_kato": ["10", "10", "11", "11"],
        "people": [1.5, 2.1, 4.2, 8.0],
    }
    pl.DataFrame(rows).write_parquet(people)
    for way in (ways.cells_plain, ways.cells_quickest):
        found = way(str(tmp_path / "part-*.parquet"), str(people))
        assert found == {"000000000": 8, "10": 4, "11": 4}


def test_other_people_are_a_mismatch() -> None:
    geometry.compare_people({"000000000": 1e7}, {"000000000": 1e7 + 1e-3})
    with pytest.raises(Mismatch, match=r"11: 0\.0 people by the models, 3\.0 by plain DuckDB"):
        geometry.compare_people({"10": 1.0}, {"10": 1.5, "11": 3.0})
    with pytest.raises(Mismatch, match="nobody"):
        geometry.compare_people({}, {})


def test_people_of_the_models_are_those_in_cells(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "candidate.duckdb")) as build:
        build.execute(
            f"""
            create schema intermediate;
            create table intermediate.int_cell_coverage as
            select date '{filings.PERIOD}' as as_of_date, * from (values
                ('4g', 'all', 'national', '000000000', 100.0, 10.0), ('4g', 'all', 'district', '101000000', 9.0, 0.0),
                ('4g', 'rural', 'national', '000000000', 50.0, 5.0), ('5g', 'all', 'national', '000000000', 3.0, 0.0)
            ) as rows (
                technology, area_type, geography_level, kato, population_covered_low, population_without_cells
            )
            """
        )
    assert geometry.people_of_models(tmp_path / "candidate.duckdb") == {"000000000": 90.0}


def test_discs_are_round_and_of_their_size(tmp_path: Path) -> None:
    file, label = shapes.discs(tmp_path)
    drawn = shapely.from_wkb(pl.read_parquet(file)["wkb"].to_numpy())
    assert label == f"{len(drawn):,} discs of 5 km"
    width, height = (np.diff(shapely.bounds(drawn)[:, [low, high]]).ravel() for low, high in ((0, 2), (1, 3)))
    assert height == pytest.approx(10 / 111.2)
    assert (width * np.cos(np.radians(shapely.get_y(shapely.centroid(drawn))))) == pytest.approx(
        10 / 111.2, rel=1e-3
    )


def test_a_ratio_without_a_limit_is_told_and_never_missed() -> None:
    report = Report(judged=[Judged("roads", 3.4)])
    assert report.is_within
    assert "| roads | 3.40 x |  |  | told |" in markdown(report, "")
