"""The real country as the ground of invented filings: KATO's places, and people as far as they are counted.

Belongs here: reading the real extracts into the same table of places that `country` invents. Does not belong
here: ingesting them; what is read here only weighs which villages the invented operators connect first.
"""

from __future__ import annotations

import json
from pathlib import Path

import fastexcel
import numpy as np
import numpy.typing as npt
import polars as pl
import pyogrio
import shapely

from sample_country.country import SPARE_SITES, Country, Road, normalised, with_unique_names
from sample_country.periods import CENSUS_DATES
from sample_country.population import REPUBLICAN_CITIES
from sample_country.units import PROGRAMME_VILLAGES, UNIT_SCHEMA

EDITION = "kato_2026/kato.csv"
OLDER_EDITION = "kato_2022/KATO_17.10.2022_ru.csv"
ROADS = "kz_highways/republic_roads.geojson"
PLACES = "osm_places/hotosm_kaz_populated_places_points_geojson.geojson"
DISTRICTS = "boundaries_geokz/kaz_admbnda_adm2_2024.shp"
BULLETIN = "kz_population/statgov_population_2023-01-01_oblasts_cities_districts.xlsx"

_KIND_RU = r"^[а-яё]{1,4}\.\s*"
_KIND_KK = r"\s+[а-яәғқңөұүһі]{1,4}\.$"
# Of the real names only plain ones are filed by name: one word after the kind of place.
_PLAIN_NAME = r"^(?:с|г|п)\.\s?[А-ЯЁа-яё-]+$"
_URBAN_HOUSEHOLD, _RURAL_HOUSEHOLD = 3.3, 4.5


def _edition(folder: Path) -> pl.DataFrame:
    path = folder / EDITION
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; a geography is a folder with {EDITION}")
    return (
        pl.read_csv(path, infer_schema=False).select("kato", "type_code", "name_ru", "name_kk").sort("kato")
    )


def _older_names(folder: Path) -> pl.DataFrame:
    path = folder / OLDER_EDITION
    if not path.is_file():
        return pl.DataFrame(schema={"kato": pl.String, "name_before": pl.String})
    older = pl.read_csv(path, separator=";", infer_schema=False)
    return older.select(kato="code", name_before="name").unique("kato", keep="first", maintain_order=True)


def _names_gone(folder: Path, edition: pl.DataFrame) -> pl.DataFrame:
    """Names of codes that the latest edition no longer has: a name may still be looked up among them."""
    gone = _older_names(folder).join(edition, on="kato", how="anti")
    bare = pl.col("name_before").str.replace(_KIND_RU, "")
    district = pl.col("kato").str.slice(0, 4) + pl.lit("00000")
    return gone.select(
        district_kato=district,
        district_kato_2022=district,
        bare_ru=bare,
        bare_ru_2022=bare,
        bare_kk=pl.lit(None, pl.String),
    )


def _is_place() -> pl.Expr:
    """Rows where people live: settlements, cities listed above them, and republican cities."""
    kato = pl.col("kato")
    city_above = (
        (kato.str.slice(6) == "000")
        & (kato.str.slice(4, 2) != "00")
        & pl.col("name_ru").str.starts_with("г.")
    )
    return (kato.str.slice(6) != "000") | city_above | kato.is_in(REPUBLICAN_CITIES)


def _district_people(folder: Path, edition: pl.DataFrame) -> pl.DataFrame:
    """Urban and rural population by district, where the bulletin's label is a district's name in KATO."""
    schema = {"district_kato": pl.String, "urban": pl.Float64, "rural": pl.Float64}
    path = folder / BULLETIN
    if not path.is_file():
        return pl.DataFrame(schema=schema)
    cells = fastexcel.read_excel(path).load_sheet("02", header_row=None, dtypes="string").to_polars()
    label = normalised(pl.col(cells.columns[0]).str.replace_all(r"\s+", " "))
    number = [pl.col(cells.columns[i]).cast(pl.Float64, strict=False).fill_null(0.0) for i in (4, 7)]
    counted = cells.select(label=label, urban=number[0], rural=number[1]).drop_nulls("label")
    districts = edition.filter(pl.col("kato").str.slice(4) == "00000").select(
        district_kato="kato", label=normalised(pl.col("name_kk"))
    )
    # A label that several regions share would need the row order to tell; the mean of the rest will do here.
    alone = counted.filter(pl.len().over("label") == 1)
    found = districts.filter(pl.len().over("label") == 1).join(alone, on="label").select(list(schema))
    cities = counted.filter(pl.col("label").is_in(["астана қаласы", "алматы қаласы", "шымкент қаласы"]))
    names = {"астана қаласы": "710000000", "алматы қаласы": "750000000", "шымкент қаласы": "790000000"}
    cities = cities.unique("label", keep="first", maintain_order=True).select(
        pl.col("label").replace_strict(names).alias("district_kato"), "urban", "rural"
    )
    return pl.concat([found, cities])


def _programme(places: pl.DataFrame) -> pl.DataFrame:
    """Mark the villages counted: rural codes ending in 00, then others up to the programme's number."""
    rural = ~pl.col("is_urban") & ~pl.col("kato").is_in(REPUBLICAN_CITIES)
    first = places.filter(rural & pl.col("kato").str.ends_with("00"))["kato"]
    others = places.filter(
        rural & ~pl.col("kato").str.ends_with("00") & pl.col("name_ru").str.contains(r"^[сп]\.")
    )["kato"]
    missing = max(PROGRAMME_VILLAGES - len(first), 0)
    step = max(len(others) // max(missing, 1), 1)
    chosen = [*first[:PROGRAMME_VILLAGES], *others[::step][:missing]]
    return places.with_columns(is_programme=pl.col("kato").is_in(chosen))


def _with_people(places: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Weigh places: a district's people shared evenly over its cities and villages, alike at every date."""
    frame = places.join(people, on="district_kato", how="left", maintain_order="left").with_columns(
        cities=pl.col("is_urban").sum().over("district_kato"),
        villages=pl.col("is_programme").sum().over("district_kato"),
    )
    rural = (pl.col("rural") / pl.col("villages")).fill_null(strategy="zero")
    weight = (
        pl.when("is_urban")
        .then(pl.coalesce(pl.col("urban") / pl.col("cities"), pl.lit(8_000.0)))
        .when("is_programme")
        .then(pl.when(rural > 0).then(rural).otherwise(900.0))
        .otherwise(0.0)
        .round()
        .cast(pl.Int64)
    )
    size = pl.when("is_urban").then(_URBAN_HOUSEHOLD).otherwise(_RURAL_HOUSEHOLD)
    frame = frame.with_columns(weight.alias("people")).with_columns(
        (pl.col("people") / size).floor().cast(pl.Int64).alias("homes")
    )
    columns = [pl.col("people").alias(f"population_{day.year}") for day in CENSUS_DATES]
    columns += [pl.col("homes").alias(f"households_{day.year}") for day in CENSUS_DATES]
    return frame.with_columns(columns).drop("people", "homes", "cities", "villages", "urban", "rural")


def _positions(folder: Path) -> pl.DataFrame:
    """Where cities lie, by Russian name; a name that several places bear tells nothing."""
    schema = {"bare_ru": pl.String, "longitude": pl.Float64, "latitude": pl.Float64}
    path = folder / PLACES
    if not path.is_file():
        return pl.DataFrame(schema=schema)
    found = [
        (
            feature["properties"].get("name:ru") or feature["properties"].get("name"),
            *feature["geometry"]["coordinates"],
        )
        for feature in json.loads(path.read_bytes())["features"]
        if feature["properties"].get("place") == "city"
    ]
    return pl.DataFrame(found, schema, orient="row").unique("bare_ru", keep="none", maintain_order=True)


def _placed(folder: Path, places: pl.DataFrame) -> pl.DataFrame:
    """Places with an invented position inside their district where none is known; none where its outline is not.

    The same in every sample, whatever its seed, since the places are too.
    """
    path = folder / DISTRICTS
    if not path.is_file():
        return places
    rng = np.random.default_rng([7, 1])
    _, _, outlines, fields = pyogrio.raw.read(path, columns=["KATO"])
    outline_of = dict(zip(fields[0], shapely.from_wkb(outlines), strict=True))
    missing = (
        places.filter(pl.col("latitude").is_null())
        .group_by("district_kato")
        .agg("place")
        .sort("district_kato")
    )
    found = []
    for district, inside in missing.filter(pl.col("district_kato").is_in(list(outline_of))).iter_rows():
        at = _scattered(outline_of[district], len(inside), rng)
        found.append(
            pl.DataFrame({"place": sorted(inside), "drawn_longitude": at[:, 0], "drawn_latitude": at[:, 1]})
        )
    drawn = {"place": pl.Int64, "drawn_longitude": pl.Float64, "drawn_latitude": pl.Float64}
    return places.join(
        pl.concat([pl.DataFrame(schema=drawn), *found]), on="place", how="left", maintain_order="left"
    ).select(
        pl.exclude("longitude", "latitude", "drawn_longitude", "drawn_latitude"),
        *(pl.coalesce(name, f"drawn_{name}").round(5).alias(name) for name in ("longitude", "latitude")),
    )


def _scattered(outline: shapely.Geometry, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Longitudes and latitudes of so many points evenly inside an outline."""
    west, south, east, north = outline.bounds
    found = np.empty((0, 2))
    while len(found) < count:
        drawn = np.column_stack([rng.uniform(west, east, 4 * count), rng.uniform(south, north, 4 * count)])
        found = np.vstack([found, drawn[shapely.contains_xy(outline, drawn)]])
    return found[:count]


def _positions_by_district(folder: Path, places: pl.DataFrame) -> pl.DataFrame:
    """Where places lie whose name is alone in the district, in KATO and on the map: kato, x, y."""
    schema = {"kato": pl.String, "x": pl.Float64, "y": pl.Float64}
    if not (folder / PLACES).is_file() or not (folder / DISTRICTS).is_file():
        return pl.DataFrame(schema=schema)
    _, _, shapes, (codes,) = pyogrio.raw.read(folder / DISTRICTS, columns=["KATO"])
    features = json.loads((folder / PLACES).read_bytes())["features"]
    named = [feature for feature in features if feature["properties"]["name"]]
    at = np.array([feature["geometry"]["coordinates"] for feature in named])
    point, polygon = shapely.STRtree(shapely.from_wkb(shapes)).query(shapely.points(at), predicate="within")
    code = pl.Series(codes[polygon], dtype=pl.String)
    in_city = pl.col("kato").str.slice(0, 2).is_in([c[:2] for c in REPUBLICAN_CITIES])
    found = pl.DataFrame(
        {
            "kato": code,
            "name": [named[i]["properties"]["name"] for i in point],
            "x": at[point, 0],
            "y": at[point, 1],
        }
    ).select(
        pl.when(in_city)
        .then(pl.col("kato").str.slice(0, 2) + pl.lit("0000000"))
        .otherwise("kato")
        .alias("district_kato"),
        normalised(pl.col("name")).alias("name"),
        "x",
        "y",
    )
    names = pl.concat(
        places.select("kato", "district_kato", name=normalised(pl.col(name)))
        for name in ("bare_ru", "bare_kk")
    ).unique(["kato", "name"], maintain_order=True)
    return (
        names.unique(["district_kato", "name"], keep="none", maintain_order=True)
        .join(found.unique(["district_kato", "name"], keep="none"), on=["district_kato", "name"])
        .unique("kato", keep="none", maintain_order=True)
        .select(schema.keys())
        .sort("kato")
    )


def _roads(folder: Path) -> list[Road]:
    path = folder / ROADS
    if not path.is_file():
        return []
    features = json.loads(path.read_bytes())["features"]
    return [
        Road(
            feature["properties"]["ref"],
            feature["properties"]["name"],
            "republican",
            float(feature["properties"]["length_km"]),
            False,
            shapely.geometry.shape(feature["geometry"]),
        )
        for feature in features
    ]


def read(folder: Path) -> Country:
    """Places of the real country with the marks that the operators' networks are drawn by.

    Args:
        folder: holds EDITION, and where there OLDER_EDITION, BULLETIN, PLACES, DISTRICTS and ROADS.

    Raises:
        FileNotFoundError: no edition in the folder.
    """
    edition = _edition(folder)
    names = dict(edition.select("kato", "name_ru").iter_rows())
    in_city = pl.col("kato").str.slice(0, 2).is_in([c[:2] for c in REPUBLICAN_CITIES])
    region = pl.col("kato").str.slice(0, 2) + pl.lit("0000000")
    places = (
        edition.filter(_is_place())
        .with_row_index("place")
        .with_columns(
            pl.col("place").cast(pl.Int64),
            region_kato=region,
            district_kato=pl.when(in_city)
            .then(region)
            .otherwise(pl.col("kato").str.slice(0, 4) + pl.lit("00000")),
            is_urban=(pl.col("type_code") == "1") | pl.col("name_ru").str.starts_with("г."),
        )
        .join(_older_names(folder), on="kato", how="left", maintain_order="left")
        .with_columns(
            district_kato_2022="district_kato",
            name_ru_2022="name_ru",
            bare_ru=pl.col("name_ru").str.replace(_KIND_RU, ""),
            bare_kk=pl.col("name_kk").str.replace(_KIND_KK, ""),
            bare_ru_2022=pl.coalesce("name_before", "name_ru").str.replace(_KIND_RU, ""),
        )
    )
    places = _with_people(_programme(places), _district_people(folder, edition))
    places = with_unique_names(places, _names_gone(folder, edition))
    first_city = places.filter("is_urban", pl.col("name_ru").str.starts_with("г.")).unique(
        "region_kato", keep="first", maintain_order=True
    )
    places = places.with_columns(
        pl.col("region_kato").replace_strict(names).alias("region_ru"),
        pl.col("district_kato").replace_strict(names, default=None).alias("district_ru"),
        pl.col("name_is_unique") & pl.col("name_ru").str.contains(_PLAIN_NAME),
        kind=pl.when("is_urban")
        .then(pl.lit("city"))
        .when("is_programme")
        .then(pl.lit("village"))
        .otherwise(pl.lit("site")),
        is_centre=pl.col("kato").is_in(first_city["kato"].implode()),
    )
    is_city = pl.col("name_ru").str.starts_with("г.")
    places = places.join(_positions(folder), on="bare_ru", how="left", maintain_order="left").with_columns(
        pl.when(is_city).then(name).alias(name) for name in ("longitude", "latitude")
    )
    places = (
        places.join(_positions_by_district(folder, places), on="kato", how="left", maintain_order="left")
        .with_columns(longitude=pl.coalesce("longitude", "x"), latitude=pl.coalesce("latitude", "y"))
        .drop("x", "y")
    )
    places = _placed(folder, places)
    sites = places.filter(pl.col("kind") == "site")["place"]
    chosen = sites[np.linspace(0, len(sites) - 1, SPARE_SITES).astype(np.int64).tolist()]
    places = places.with_columns(is_spare=pl.col("place").is_in(chosen.implode()))
    units = pl.DataFrame(schema=UNIT_SCHEMA)
    return Country(units=units, places=places, retired=[], is_real=True, roads=_roads(folder))
