"""Boundaries of the invented country's districts and regions, as the bureau would publish them.

Belongs here: polygons about the places of each district, and the bureau's file of them. Does not belong here: which
places there are (`country`). Over a real geography there is no such file: the real inbox has the real boundaries.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import shapely
from pyproj import Geod

from sample_country.filing import Filing

SENDER = "sample_bureau"
YEAR = 2026
_REACH_DEGREES = 0.4
# A measured grid cell has its middle a little off the places in it.
_MARGIN_DEGREES = 0.02
_ELLIPSOID = Geod(ellps="WGS84")


def district_polygons(places: pl.DataFrame) -> pl.DataFrame:
    """A row for each district with its polygon: what lies nearest to its middle, and as far as any place there does.

    places: places with region_kato, district_kato, longitude and latitude, none missing.
    Returns region_kato, district_kato, longitude and latitude of the middle, and shape, by district. No two polygons
    overlap, and each place lies in one, not always in that of its own district.
    """
    middles = (
        places.group_by("region_kato", "district_kato")
        .agg(pl.col("longitude", "latitude").mean().round(5))
        .sort("district_kato")
    )
    where = middles.select("longitude", "latitude").to_numpy()
    settled = places.select("longitude", "latitude").to_numpy()
    points = shapely.points(where)
    tree = shapely.STRtree(points)
    of_place, of_middle = tree.query_nearest(shapely.points(settled), all_matches=False)
    reach = np.full(len(points), _REACH_DEGREES)
    np.maximum.at(
        reach, of_middle, np.abs(settled[of_place] - where[of_middle]).max(axis=1) + _MARGIN_DEGREES
    )
    squares = shapely.buffer(points, reach, cap_style="square")
    nearest = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=shapely.union_all(squares))
    )
    of_point, of_polygon = shapely.STRtree(nearest).query(points, predicate="within")
    shapes = np.empty(len(points), dtype=object)
    shapes[of_point] = shapely.set_precision(
        shapely.intersection(nearest[of_polygon], squares[of_point]), 1e-5
    )
    return middles.with_columns(pl.Series("shape", shapes.tolist(), dtype=pl.Object))


def _feature(level: str, kato: str, name: str, number: int, shape: shapely.Geometry) -> dict[str, Any]:
    measured = abs(_ELLIPSOID.geometry_area_perimeter(shape)[0]) / 1e6
    official = round(measured * (0.98 + 0.005 * (number % 9)), 1)
    named = {"level": level, "kato": kato, "name_en": name, "official_area_km2": official}
    return {"type": "Feature", "properties": named, "geometry": json.loads(shapely.to_geojson(shape))}


def write(filing: Filing) -> None:
    """Write the boundaries of one edition, regions and districts in one file."""
    districts = district_polygons(filing.country.places.drop_nulls("latitude"))
    regions: dict[str, list[shapely.Geometry]] = {}
    for row in districts.iter_rows(named=True):
        regions.setdefault(row["region_kato"], []).append(row["shape"])
    features = [
        _feature("region", kato, f"Sample region {kato[:2]}", number, shapely.union_all(shapes))
        for number, (kato, shapes) in enumerate(sorted(regions.items()))
    ]
    # A republican city is its own district, and stands once.
    features += [
        _feature(
            "district",
            row["district_kato"],
            f"Sample district {row['district_kato'][:4]}",
            number,
            row["shape"],
        )
        for number, row in enumerate(districts.iter_rows(named=True))
        if row["district_kato"] != row["region_kato"]
    ]
    document = {"type": "FeatureCollection", "name": "boundaries", "features": features}
    filing.inbox.add(
        f"{SENDER}/boundaries_{YEAR}.geojson",
        (json.dumps(document, ensure_ascii=False) + "\n").encode(),
        sender=SENDER,
        extract_kind="administrative_boundaries",
        rows_accepted=len(features),
    )
