"""The invented country: the places of its classifier, with position and people.

Belongs here: the table of places that everything else is drawn from. Does not belong here: codes and names
(`units`), who connects places (`rollout`), or how anybody writes a file about them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
import shapely

from sample_country.periods import CENSUS_DATES
from sample_country.population import divide, region_population, regions
from sample_country.units import build_units

SPARE_SITES = 80


@dataclass(frozen=True)
class Road:
    """A highway: class republican or oblast; the geometry in degrees, both carriageways where it is dual."""

    road_id: str
    name: str
    road_class: str
    official_length_km: float
    is_dual_carriageway: bool
    geometry: shapely.Geometry


@dataclass(frozen=True)
class Country:
    """Places and their codes.

    units: the invented classifier as `units.build_units` gives it; empty over a real geography.
    places: one row per place where people live, numbered by `place`: cities, villages of the programme and
        sites (stations, winter camps), with codes of each edition, names, position, and population_<year> and
        households_<year> at 1 January.
    retired: codes that were abolished without a successor.
    is_real: codes and names are those of the real classifier.
    roads: highways, invented or real; empty where the real geography holds none.
    """

    units: pl.DataFrame
    places: pl.DataFrame
    retired: list[str]
    is_real: bool
    roads: list[Road] = field(default_factory=list)


def normalised(name: pl.Expr) -> pl.Expr:
    """A bare name as two spellings of it agree: lower case, е for ё."""
    return name.str.to_lowercase().str.replace_all("ё", "е").str.strip_chars()


def with_unique_names(places: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Add name_is_unique: no other place of any edition bears one of its names in one of its districts.

    Args:
        places: place, district_kato, district_kato_2022, bare_ru, bare_ru_2022, bare_kk.
        others: the same columns for places that no longer are, without `place`.
    """
    both = pl.concat([places, others.with_columns(place=-1 - pl.int_range(pl.len()))], how="diagonal_relaxed")
    pairs = pl.concat(
        [
            both.select("place", district=pl.col(d), name=normalised(pl.col(n)))
            for d in ("district_kato", "district_kato_2022")
            for n in ("bare_ru", "bare_ru_2022", "bare_kk")
        ]
    ).unique()
    shared = pairs.filter(pl.col("place").n_unique().over("district", "name") > 1)["place"].unique()
    return places.with_columns(name_is_unique=~pl.col("place").is_in(shared.implode()))


def _positions(places: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Latitude and longitude: districts spread about the region's middle, places about the district's."""
    middles = places.select("district_kato", "region_kato").unique(maintain_order=True)
    frame = regions().select("region_kato", "latitude", "longitude", "spread_degrees")
    middles = middles.join(frame, on="region_kato", how="left")
    spread = middles["spread_degrees"].to_numpy()
    middles = middles.select(
        "district_kato",
        latitude_0=pl.col("latitude") + pl.Series(rng.uniform(-0.7, 0.7, len(middles)) * spread),
        longitude_0=pl.col("longitude") + pl.Series(rng.uniform(-1.2, 1.2, len(middles)) * spread),
        room=pl.col("spread_degrees").clip(0, 0.3),
    )
    joined = places.join(middles, on="district_kato", how="left", maintain_order="left")
    room = joined["room"].to_numpy()
    return joined.with_columns(
        latitude=(pl.col("latitude_0") + pl.Series(rng.uniform(-1, 1, len(joined)) * room))
        .clip(40.6, 55.4)
        .round(5),
        longitude=(pl.col("longitude_0") + pl.Series(rng.uniform(-1, 1, len(joined)) * room))
        .clip(46.5, 87.3)
        .round(5),
    ).drop("latitude_0", "longitude_0", "room")


def _people(places: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Population and households of every place at every census date; places sum to the official figures."""
    official = region_population()
    drift = rng.normal(0.0, 0.015, len(places))
    size = np.where(places["is_urban"].to_numpy(), 3.3, 4.5) * rng.uniform(0.9, 1.1, len(places))
    base = places["weight"].to_numpy()
    region, urban = places["region_kato"].to_numpy(), places["is_urban"].to_numpy()
    columns: list[pl.Series] = []
    for day in CENSUS_DATES:
        weight = base * (1 + drift * (day.year - CENSUS_DATES[-1].year))
        people = np.zeros(len(places), dtype=np.int64)
        for code, _, in_cities, in_villages in official.filter(pl.col("as_of_date") == day).iter_rows():
            for mask, total in (
                ((region == code) & urban, in_cities),
                ((region == code) & ~urban, in_villages),
            ):
                people[mask] = divide(total, weight[mask])
        columns.append(pl.Series(f"population_{day.year}", people))
        columns.append(pl.Series(f"households_{day.year}", np.ceil(people / size).astype(np.int64)))
    return places.with_columns(columns)


def _census(places: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Where the bureau counts the settlement itself: `bulletin`, `list`, or `none` (only its district)."""
    districts = places["district_kato"].unique(maintain_order=True)
    practice = dict(
        zip(districts, rng.choice([1.0, 0.6, 0.0], size=len(districts), p=[0.35, 0.45, 0.2]), strict=True)
    )
    share = places["district_kato"].replace_strict(practice, return_dtype=pl.Float64).to_numpy()
    listed = pl.Series(rng.random(len(places)) < share)
    return places.with_columns(
        census=pl.when((pl.col("kind") == "city") | (pl.col("is_centre") & pl.col("name_is_unique")))
        .then(pl.lit("bulletin"))
        .when(listed)
        .then(pl.lit("list"))
        .otherwise(pl.lit("none"))
    )


def _spare(places: pl.DataFrame) -> pl.DataFrame:
    """Mark sites that no operator files for: faulty rows can name them without touching any figure."""
    sites = places.filter((pl.col("kind") == "site") & pl.col("name_is_unique"))["place"]
    return places.with_columns(
        is_spare=pl.col("place").is_in(sites[:: max(1, len(sites) // SPARE_SITES)][:SPARE_SITES].implode())
    )


def build(seed: int) -> Country:
    """The invented country of a seed."""
    rng = np.random.default_rng([seed, 1])
    units = build_units(rng)
    names_of = regions().select(
        "region_kato",
        "region_kato_2021",
        region_ru=pl.col("name_ru"),
        bulletin_kk="bulletin_kk",
    )
    old_names = regions().select(region_kato_2021="region_kato", region_ru_2021="name_ru")
    districts = units.filter(
        pl.col("is_current"),
        (pl.col("level") == "district") | (pl.col("kind") == "city") & (pl.col("level") == "oblast"),
    )
    places = (
        units.filter(pl.col("is_current"), pl.col("kind").is_not_null())
        .with_row_index("place")
        .with_columns(
            pl.col("place").cast(pl.Int64),
            region_kato=pl.col("kato").str.slice(0, 2) + pl.lit("0000000"),
            is_urban=pl.col("kind") == "city",
        )
        .join(names_of, on="region_kato", how="left", maintain_order="left")
        .join(old_names, on="region_kato_2021", how="left", maintain_order="left")
        .join(
            districts.select(district_kato="kato", district_ru="name_ru", district_kk="name_kk"),
            on="district_kato",
            how="left",
            maintain_order="left",
        )
        .join(
            districts.select(district_kato_2022="kato", district_ru_2022="name_ru"),
            on="district_kato_2022",
            how="left",
            maintain_order="left",
        )
    )
    gone = units.filter(~pl.col("is_current")).select(
        "district_kato", "district_kato_2022", "bare_ru", "bare_ru_2022", "bare_kk"
    )
    places = with_unique_names(places, gone)
    places = _spare(_census(_people(_positions(places, rng), rng), rng))
    retired = units.filter(~pl.col("is_current"), pl.col("change_type") == "abolished")["kato_2022"].to_list()
    return Country(units=units, places=places, retired=retired, is_real=False)


def duplicated_names(places: pl.DataFrame) -> pl.DataFrame:
    """Places whose full name stands twice within a district, so that a name cannot tell them apart."""
    return places.filter(pl.len().over("district_kato", normalised(pl.col("name_ru"))) > 1)
