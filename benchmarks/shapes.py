"""The input of the measurements of geometry: coverage areas, polygons and roads, drawn or real.

Belongs here: which shapes are made, and where they lie in the work folder. Does not belong here: timing, or what is
computed from them.

Roads and boundaries are the published ones where a geography (the folder that `qamtu sample --geography` takes) is
given; else the sample country's roads, and its cities instead of boundaries.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyogrio
import shapely

import sample_country
from benchmarks import filings
from ingestion.geometry import repaired, to_wgs84

LAYERS = 6
"""How often the national areas lie on each other: six make 26.7 million cells of resolution 8."""

# West, south, east, north of a national area: most of the country, so that part of its people live outside.
_NATIONAL = (46.6, 40.7, 78.0, 55.3)
_DISCS, _DISC_CORNERS, _DISC_KM = 20_000, 64, 5.0
_BOUNDARIES = "boundaries_geokz/kaz_admbnda_adm1_2024.shp"
_ROADS = "kz_highways/republic_roads.geojson"
_AREAS = {
    "arman": ("sample_arman/coverage_2025q4.gpkg", ""),
    "tulpar": ("sample_tulpar/tulpar-areas-2025-q4.zip", "/vsizip/"),
    "sayran": ("sample_sayran/sayran_areas_2025q4.geojson", ""),
}


@dataclass(frozen=True)
class Roads:
    """Roads, and areas of three operators: Parquet of `name` and `wkb` in degrees; what they are, in words."""

    roads: Path
    areas: Path
    label: str


def country_of_areas(work: Path, layers: int) -> Path:
    """The sample country's inbox of one period; one operator alone files areas, the country `layers` times."""
    inbox = work / "inbox_of_areas"
    shutil.rmtree(inbox, ignore_errors=True)
    shutil.copytree(filings.template(work), inbox)
    for name, _ in _AREAS.values():
        (inbox / name).unlink()
    target = inbox / _AREAS["arman"][0]
    fields: dict[str, list[Any]] = {
        "area_id": [f"layer-{number}" for number in range(layers)],
        "technology": ["LTE"] * layers,
        "environment": ["outdoor"] * layers,
        "min_down_mbps": [10] * layers,
    }
    columns = [pl.Series(values).to_numpy() for values in fields.values()]
    box = shapely.to_wkb(shapely.MultiPolygon([shapely.box(*_NATIONAL)]))
    pyogrio.raw.write(
        target, np.array([box] * layers, dtype=object), columns,
        fields=np.array(list(fields)), geometry_type="MultiPolygon", crs="EPSG:4326",
    )  # fmt: skip
    return inbox


def boundaries(work: Path, geography: Path | None) -> tuple[Path, str]:
    """Polygons of many vertices, and what they are: regions of the country, else outlines of the sample's cities."""
    if geography is not None:
        source, label = geography / _BOUNDARIES, "regions of 2024"
    else:
        source = filings.template(work) / "sample_ministry/urban_areas_2025q4.geojson"
        label = "cities of the sample"
    shapes = _read(str(source))
    return _written(work / "boundaries.parquet", shapes), f"{len(shapes)} {label}"


def discs(work: Path) -> tuple[Path, str]:
    """Many small polygons: a disc about each of many stations, as operators draw them."""
    rng = np.random.default_rng(2026)
    west, south, east, north = _NATIONAL
    middles = np.column_stack([rng.uniform(west, east, _DISCS), rng.uniform(south, north, _DISCS)])
    angles = np.linspace(0, 2 * np.pi, _DISC_CORNERS, endpoint=False)
    radius = _DISC_KM / 111.2
    east_of = radius * np.cos(angles) / np.cos(np.radians(middles[:, 1]))[:, None]
    north_of = np.broadcast_to(radius * np.sin(angles), east_of.shape)
    rings = np.stack([middles[:, :1] + east_of, middles[:, 1:] + north_of], axis=2)
    shapes = shapely.polygons(rings)
    return _written(work / "discs.parquet", shapes), f"{_DISCS:,} discs of {_DISC_KM:g} km"


def roads(work: Path, geography: Path | None) -> Roads:
    """Republican roads, or the sample's, and what three operators of the sample say that they cover along them."""
    inbox = work / ("areas_along_real_roads" if geography else "areas_along_roads")
    shutil.rmtree(inbox, ignore_errors=True)
    sample_country.generate(inbox, geography=geography, periods=[filings.PERIOD], faults=False)
    source = geography / _ROADS if geography else inbox / "sample_ministry/highways_2025q4.geojson"
    lines = _read(str(source))
    areas = {operator: _read(f"{prefix}{inbox / name}") for operator, (name, prefix) in _AREAS.items()}
    names = [operator for operator, shapes in areas.items() for _ in shapes]
    count = sum(len(shapes) for shapes in areas.values())
    return Roads(
        _written(work / "roads.parquet", lines, [f"road-{number}" for number in range(len(lines))]),
        _written(work / "areas.parquet", np.concatenate(list(areas.values())), names),
        f"{len(lines)} roads against {count} areas of {len(areas)} operators",
    )


def _read(source: str) -> np.ndarray:
    """Geometries of a file in degrees, repaired."""
    meta, _, geometry, _ = pyogrio.raw.read(source, columns=[])
    shapes = to_wgs84(np.asarray(shapely.from_wkb(geometry), dtype=object), meta["crs"] or "EPSG:4326")
    is_line = shapely.get_dimensions(shapes).max() == 1
    return repaired(shapes, "line" if is_line else "polygon")[0]


def _written(path: Path, shapes: np.ndarray, names: list[str] | None = None) -> Path:
    named = names or [f"polygon-{number}" for number in range(len(shapes))]
    wkb = pl.Series("wkb", shapely.to_wkb(shapes).tolist(), dtype=pl.Binary)
    pl.DataFrame({"name": named, "wkb": wkb}).write_parquet(path)
    return path
