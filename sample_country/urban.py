"""Cities as areas, and where in them two operators say that 5G works outdoors.

Belongs here: invented outlines of the invented country's cities, the ministry's list of them, and areas of 5G in the
cities that the operators' claims name. Does not belong here: which cities have 5G (`rollout`). Over a real geography
the outlines are still invented, about the cities whose position is known.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import polars as pl
import shapely
from pyproj import Geod

from sample_country.filing import Filing
from sample_country.inbox import Injected
from sample_country.periods import quarter_of, tag
from sample_country.street import settlement_areas

MINISTRY, SAYRAN = "sample_ministry", "sample_sayran"
FIRST = dt.date(2024, 12, 31)
"""First quarter that areas are filed for."""

_PEOPLE_PER_KM2 = 3_500
_CORNERS = 40
_ELLIPSOID = Geod(ellps="WGS84")
# Share of a city's area with 5G in the first quarter, more in each following one, and how far off its middle it lies,
# in radii of the city.
_REACH = {"arman_mobile": (0.30, 0.03, 0.1), "sayran_cell": (0.15, 0.02, -0.35)}
_PEOPLE = "population_2026"


def _cities(filing: Filing) -> pl.DataFrame:
    """Cities where any operator ever has 5G, in the order of their codes."""
    with_5g = filing.claims.filter(pl.col("technology") == "5g", pl.col("connection_level") >= 2)["place"]
    return filing.country.places.filter(
        pl.col("place").is_in(with_5g.unique().implode()),
        pl.col("kind") == "city",
        pl.col("latitude").is_not_null(),
    ).sort("kato")


def _outline(filing: Filing, city: dict[str, Any]) -> shapely.Polygon:
    """An uneven ring about the city's position, as large as its people need."""
    rng = filing.rng(51, int(city["place"]))
    radius = (city[_PEOPLE] / _PEOPLE_PER_KM2 / np.pi) ** 0.5
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    waves = sum(rng.uniform(0, 0.12) * np.sin(n * angles + rng.uniform(0, 6.3)) for n in (2, 3, 5))
    north = radius * (1 + waves) * np.sin(angles) / 111.2
    east = radius * (1 + waves) * np.cos(angles) / (111.2 * np.cos(np.radians(city["latitude"])))
    ring = np.column_stack([city["longitude"] + east, city["latitude"] + north])
    return shapely.Polygon(ring.round(6))


def _radius(outline: shapely.Polygon) -> float:
    return float((outline.area / np.pi) ** 0.5)


def city_areas(filing: Filing, operator_id: str, day: dt.date) -> list[tuple[str, shapely.Geometry]]:
    """Where an operator files 5G outdoors: a part of each city that its claims of the day name."""
    if day < FIRST:
        return []
    claimed = filing.claims.filter(
        pl.col("as_of_date") == day,
        pl.col("operator_id") == operator_id,
        pl.col("technology") == "5g",
        pl.col("connection_level") >= 2,
    )["place"]
    share, more, off = _REACH[operator_id]
    quarters = (day.year - FIRST.year) * 4 + quarter_of(day) - quarter_of(FIRST)
    areas = []
    for city in _cities(filing).filter(pl.col("place").is_in(claimed.implode())).to_dicts():
        outline = _outline(filing, city)
        scale = (share + more * quarters) ** 0.5
        middle, shift = outline.centroid, off * _radius(outline)
        ring = shapely.transform(
            outline,
            lambda at, middle=middle, scale=scale, shift=shift: (
                (at - [middle.x, middle.y]) * scale + [middle.x + shift, middle.y + shift / 2]
            ),
        )
        areas.append((f"5g-street-{city['kato']}", shapely.transform(ring, lambda at: at.round(6))))
    return areas


def sites_with_5g(operator_id: str, sites: pl.Expr, number: pl.Expr) -> pl.Expr:
    """Day on which 5G goes on air on site `number` (from 0) of the `sites` that an operator has in a city.

    The share of the sites is that of the area which the operator files.
    """
    share, more, _ = _REACH[operator_id]
    quarters = ((number / sites - share) / more).ceil().clip(0).cast(pl.Int64)
    return pl.lit(FIRST) + pl.duration(days=quarters * 91 - 45)


def _collection(name: str, features: list[tuple[dict[str, Any], shapely.Geometry | None]]) -> bytes:
    document = {
        "type": "FeatureCollection",
        "name": name,
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
            }
            for properties, shape in features
        ],
    }
    return (json.dumps(document, ensure_ascii=False) + "\n").encode()


def _write_cities(filing: Filing, day: dt.date) -> None:
    features: list[tuple[dict[str, Any], shapely.Geometry | None]] = []
    for number, city in enumerate(_cities(filing).to_dicts()):
        outline = _outline(filing, city)
        measured = abs(_ELLIPSOID.geometry_area_perimeter(outline)[0]) / 1e6
        official = round(measured * (0.97 + 0.01 * (number % 7)), 1)
        features.append(({"kato": city["kato"], "is_5g": True, "official_area_km2": official}, outline))
    taken = len(features)
    faults: list[Injected] = []
    if filing.with_faults and day == dt.date(2025, 9, 30):
        features.append(
            ({**features[0][0], "kato": filing.country.places.filter("is_spare")["kato"][0]}, None)
        )
        faults = [Injected("geometry_missing", "quarantined", 1, "geometry")]
    filing.inbox.add(
        f"{MINISTRY}/urban_areas_{tag(day)}.geojson",
        _collection("urban_areas", features),
        sender=MINISTRY,
        extract_kind="urban_areas",
        rows_accepted=taken,
        faults=faults,
    )


def _write_sayran(filing: Filing, day: dt.date) -> None:
    drawn = [
        *(("5g", 50.0, *area) for area in city_areas(filing, "sayran_cell", day)),
        *(("4g", 5.0, *area) for area in settlement_areas(filing, "sayran_cell", day)),
    ]
    if not drawn:
        return
    named = [
        (
            {"area": name, "technology": technology, "environment": "outdoor", "min_download_mbps": speed},
            shape,
        )
        for technology, speed, name, shape in drawn
    ]
    filing.inbox.add(
        f"{SAYRAN}/sayran_areas_{tag(day)}.geojson",
        _collection("areas", named),
        sender=SAYRAN,
        extract_kind="operator_coverage_areas",
        rows_accepted=len(named),
    )


def write(filing: Filing) -> None:
    """Write the cities and one operator's areas of every quarter from FIRST on."""
    for day in filing.periods:
        if day >= FIRST:
            _write_cities(filing, day)
            _write_sayran(filing, day)
