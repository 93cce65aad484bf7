"""Where two operators say that 4G works outdoors: a ring about each settlement that their claims name.

Belongs here: the areas that population coverage by exact cell is measured on. Does not belong here: areas along roads
(`roads`) and of 5G in cities (`urban`). Places without a position have no area.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import shapely

from sample_country.filing import Filing

FIRST = dt.date(2024, 12, 31)
"""First quarter that areas are filed for."""

# Least and greatest radius of an area, in radii of the settlement; one operator builds nearer to its edge.
_REACH = {"arman_mobile": (0.8, 1.7), "sayran_cell": (0.6, 1.4)}
_PEOPLE_PER_KM2 = {"city": 3_500, "village": 1_000, "site": 1_000}
_LEAST_RADIUS_KM = 1.0
_CORNERS = 12
_PEOPLE = "population_2026"


def settlement_areas(filing: Filing, operator_id: str, day: dt.date) -> list[tuple[str, shapely.Geometry]]:
    """What an operator files outdoors with 4G: by region, about the settlements that its claims of the day name."""
    if day < FIRST:
        return []
    claimed = filing.claims.filter(
        pl.col("as_of_date") == day,
        pl.col("operator_id") == operator_id,
        pl.col("technology") == "4g",
        pl.col("connection_level") >= 2,
    )["place"]
    places = filing.country.places.sort("kato").drop_nulls("latitude")
    # Drawn for all places, so that an area does not move when another settlement joins.
    drawn = filing.rng(61, sorted(_REACH).index(operator_id)).uniform(*_REACH[operator_id], len(places))
    density = pl.col("kind").replace_strict(_PEOPLE_PER_KM2, return_dtype=pl.Float64)
    radius = ((pl.col(_PEOPLE) / density / np.pi).sqrt() + 0.3).clip(lower_bound=_LEAST_RADIUS_KM)
    chosen = places.with_columns(radius=radius * pl.Series(drawn)).filter(
        pl.col("place").is_in(claimed.implode())
    )
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    latitude, longitude, reach = (
        chosen[name].to_numpy()[:, None] for name in ("latitude", "longitude", "radius")
    )
    north = latitude + reach * np.sin(angles) / 111.2
    east = longitude + reach * np.cos(angles) / (111.2 * np.cos(np.radians(latitude)))
    rings = shapely.polygons(np.stack([east, north], axis=-1).round(5))
    regions = chosen["region_kato"].to_numpy()
    return [
        (f"4g-street-{region[:2]}", shapely.union_all(rings[regions == region]))
        for region in sorted(set(regions.tolist()))
    ]
