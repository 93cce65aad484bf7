"""The invented country: every code of every KATO edition, and the places that people live in.

Belongs here: which places exist, their codes, names, positions and people. Does not belong here: who connects
them (`rollout`), or how anybody writes a file about them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from sample_country import names
from sample_country.periods import CENSUS_DATES, SPLIT_DATE, TRANSFER_DATE
from sample_country.population import divide, region_population, regions

PROGRAMME_VILLAGES = 6_179
CITIES = 90
SITES = 480
SPARE_SITES = 80
MERGED = 14
ABOLISHED = 10
RENAMED = 60
RENAMED_AND_RECODED = 6

UNIT_SCHEMA: dict[str, Any] = {
    "kato": pl.String,
    "kato_2022": pl.String,
    "kato_2021": pl.String,
    "level": pl.String,
    "type_code": pl.String,
    "name_ru": pl.String,
    "name_kk": pl.String,
    "name_ru_2022": pl.String,
    "bare_ru": pl.String,
    "bare_ru_2022": pl.String,
    "bare_kk": pl.String,
    "kind": pl.String,
    "is_programme": pl.Boolean,
    "is_centre": pl.Boolean,
    "district_kato": pl.String,
    "district_kato_2022": pl.String,
    "change_type": pl.String,
    "weight": pl.Float64,
}


@dataclass(frozen=True)
class Country:
    """Places and their codes.

    units: one row per code of any edition, in the order of the current codes, retired ones last (`kato` null).
        Invented countries only; empty over a real geography.
    places: one row per place where people live, numbered by `place`: cities, villages of the programme and sites
        (stations, winter camps), with codes of each edition, names, position, and population_<year> and
        households_<year> at 1 January.
    retired: codes that were abolished without a successor.
    is_real: codes and names are those of the real classifier.
    """

    units: pl.DataFrame
    places: pl.DataFrame
    retired: list[str]
    is_real: bool


class _Names:
    """Draws names from the stock; villages share the common ones, towns and districts get one each."""

    def __init__(self, rng: np.random.Generator) -> None:
        pool = [*names.COMMON_KK, *names.RUSSIAN, *names.COMPOUND_KK]
        rank = np.arange(1, len(pool) + 1)
        weight = 1 / rank**0.55
        self._pool = pool
        self._villages: Iterator[int] = iter(rng.choice(len(pool), size=12_000, p=weight / weight.sum()))
        self._single: Iterator[int] = iter(rng.permutation(len(names.COMPOUND_KK)))

    def village(self) -> str:
        return self._pool[next(self._villages)]

    def unique(self) -> str:
        return names.COMPOUND_KK[next(self._single)]


def _unit(code: str, level: str, type_code: str, name_ru: str, name_kk: str, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = dict.fromkeys(UNIT_SCHEMA)
    base |= {"kato": code, "kato_2022": code, "level": level, "type_code": type_code}
    base["bare_kk"] = name_kk.removesuffix(" а.").removesuffix(" қ.")
    base |= {"name_ru": name_ru, "name_kk": name_kk, "is_programme": False, "is_centre": False, "weight": 0.0}
    return base | more


def _city(code: str, level: str, district: str, name_kk: str, weight: float) -> dict[str, Any]:
    bare = names.to_russian(name_kk)
    return _unit(
        code, level, "1", f"г.{bare}", f"{name_kk} қ.", kind="city", bare_ru=bare, district_kato=district, weight=weight
    )


def _villages(district: str, count: int, draw: _Names, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rural districts of one district with their villages; the first village of all is the district's centre."""
    rows: list[dict[str, Any]] = []
    left, sub = count, 30
    while left:
        size = min(left, int(rng.choice([1, 2, 2, 3, 3, 4, 5])))
        left -= size
        taken: set[str] = set()
        inside: list[dict[str, Any]] = []
        for position in range(1, size + 1):
            name = draw.village()
            while name in taken:
                name = draw.village()
            taken.add(name)
            # A few counted villages do not end in 00, so a rule on digits alone miscounts the programme.
            odd = position > 1 and rng.random() < 0.07
            code = f"{district[:4]}{sub:02d}{position}{'05' if odd else '00'}"
            bare = names.to_russian(name)
            is_centre = not rows and position == 1
            scale = 3.0 if is_centre else 1.5 if position == 1 else 1.0
            inside.append(
                _unit(
                    code, "settlement", "2", f"с.{bare}", f"{name} а.", kind="village", bare_ru=bare,
                    is_programme=True, is_centre=is_centre, district_kato=district,
                    weight=min(float(rng.lognormal(0.0, 1.05)), 6.0) * scale,
                )
            )  # fmt: skip
        first = inside[0]
        rows.append(
            _unit(
                f"{district[:4]}{sub:02d}000", "sub_district", "2",
                names.rural_district_name_ru(first["bare_ru"]), first["name_kk"].removesuffix(" а.") + " а.о.",
                district_kato=district,
            )
        )  # fmt: skip
        rows += inside
        sub += 1
    return rows


def _oblast(region: dict[str, Any], towns: int, villages: int, draw: _Names, rng: np.random.Generator) -> list[dict[str, Any]]:
    """All units of one oblast: city administrations, districts with their towns, rural districts and villages."""
    prefix = region["region_kato"][:2]
    rows = [_unit(region["region_kato"], "oblast", "0", region["name_ru"], region["name_kk"])]
    akimats = 1 + (towns > 3) + (towns > 5)
    districts = max(6, min(10, round(villages / 45)))
    under_akimats = [int(rng.integers(2, 6)) if index == 0 or towns > 4 else 0 for index in range(akimats)]
    shares = divide(villages - sum(under_akimats), rng.uniform(0.6, 1.4, districts))
    for index in range(akimats):
        code = f"{prefix}{10 + 2 * index}00000"
        name = draw.unique()
        type_code = "3" if under_akimats[index] else "1"
        rows.append(
            _unit(code, "district", type_code, f"{names.to_russian(name)} Г.А.", f"{name} Қ.Ә.", bare_ru=names.to_russian(name))
        )
        rows.append(_city(f"{code[:4]}10000", "sub_district", code, name, 10.0 if index == 0 else float(rng.uniform(1.5, 3.5))))
        rows[-1]["is_centre"] = index == 0
        rows += _villages(code, under_akimats[index], draw, rng)
    town_in = rng.permutation(districts)[: towns - akimats] if towns > akimats else []
    for index in range(districts):
        code = f"{prefix}{30 + 2 * index}00000"
        name = draw.unique()
        bare = names.to_russian(name)
        has_town = index in town_in
        rows.append(
            _unit(code, "district", "4" if has_town else "2", names.district_name_ru(bare), f"{name} ауданы", bare_ru=bare)
        )
        if has_town:
            town = draw.unique()
            rows.append(
                _unit(f"{code[:4]}20000", "sub_district", "1", f"{names.to_russian(town)} г.а.", f"{town} қ.ә.", district_kato=code)
            )
            rows.append(_city(f"{code[:4]}20100", "settlement", code, town, float(rng.uniform(0.4, 1.3))))
        rows += _villages(code, int(shares[index]), draw, rng)
    return rows


def _city_districts(prefix: str) -> list[dict[str, Any]]:
    """Districts of a republican city, which stand where oblasts have sub-districts and hold no people of their own."""
    stock = ["Сарыарқа", "Есіл", "Нұра", "Тұран", "Медеу", "Алатау", "Қаратау", "Наурыз"]
    return [
        _unit(f"{prefix}{11 + 2 * i}10000", "sub_district", "1", f"район {names.to_russian(n)}", f"{n} ауданы",
              district_kato=f"{prefix}0000000")
        for i, n in enumerate(stock[: 4 + int(prefix) % 4])
    ]  # fmt: skip


def _add_sites(rows: list[dict[str, Any]], draw: _Names, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Stations and winter camps: the classifier lists them beside villages, the programme does not count them."""
    okrugs = [row["kato"] for row in rows if row["level"] == "sub_district" and row["type_code"] == "2"]
    chosen = rng.choice(len(okrugs), size=SITES, replace=False)
    kinds = [("ст.{}", "{} ст."), ("зимовка {}", "{} қыстауы"), ("уч.{}", "{} уч."), ("точка {}", "{} мекені")]
    sites = []
    for number, okrug in enumerate(sorted(int(i) for i in chosen)):
        name = draw.unique() if number < 200 else draw.village()
        ru, kk = kinds[number % len(kinds)]
        bare = names.to_russian(name)
        sites.append(
            _unit(
                f"{okrugs[okrug][:6]}131", "settlement", "2", ru.format(bare), kk.format(name), kind="site",
                bare_ru=bare, district_kato=f"{okrugs[okrug][:4]}00000", weight=float(rng.uniform(0.002, 0.03)),
            )
        )  # fmt: skip
    return sites


def _history(rows: list[dict[str, Any]], draw: _Names, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Write into the units what changed between the editions; returns the units that exist no more."""
    villages = [row for row in rows if row["kind"] == "village" and not row["is_centre"]]
    picked = [villages[i] for i in rng.choice(len(villages), size=RENAMED + RENAMED_AND_RECODED, replace=False)]
    for number, row in enumerate(picked):
        old = names.OLD_RUSSIAN[number % len(names.OLD_RUSSIAN)]
        row["name_ru_2022"], row["bare_ru_2022"] = f"с.{old}", old
        if number >= RENAMED:
            row["kato_2022"], row["change_type"] = f"{row['kato'][:6]}171", "renamed"
    for prefix in ("10", "39"):
        _transfer_rural_district(rows, prefix)
    hosts = [villages[i] for i in rng.choice(len(villages), size=MERGED + ABOLISHED, replace=False)]
    gone = []
    for number, host in enumerate(hosts):
        name = draw.unique()
        bare = names.to_russian(name)
        district = host["district_kato_2022"] or host["district_kato"]
        code = f"{(host['kato_2022'] or host['kato'])[:6]}161"
        retired = _unit(code, "settlement", "2", f"с.{bare}", f"{name} а.", kind="village", bare_ru=bare, district_kato=district)
        retired["kato"] = host["kato"] if number < MERGED else None
        retired["change_type"] = "merged" if number < MERGED else "abolished"
        gone.append(retired)
    return gone


def _transfer_rural_district(rows: list[dict[str, Any]], prefix: str) -> None:
    """Move one rural district with its villages to the next district of its oblast."""
    districts = [r["kato"] for r in rows if r["level"] == "district" and r["kato"][:2] == prefix and r["type_code"] in "24"]
    source, target = districts[0], districts[1]
    okrug = [r["kato"] for r in rows if r["level"] == "sub_district" and r["kato"].startswith(source[:4]) and r["type_code"] == "2"][-1]
    for row in rows:
        if row["kato"].startswith(okrug[:6]) and row["change_type"] is None:
            row["kato_2022"] = row["kato"]
            row["kato"] = f"{target[:4]}95{row['kato'][6:]}"
            row["district_kato"], row["district_kato_2022"] = target, source
            row["change_type"] = "recoded"


def _code_2021(code_2022: str, hosts: dict[str, str]) -> str | None:
    """The code before the regions were split; none for the regions formed then, which had no code."""
    region = f"{code_2022[:2]}0000000"
    host = hosts[region]
    if host == region:
        return code_2022
    if code_2022 == region:
        return None
    # Odd district numbers were free in the regions that hosted them.
    return f"{host[:2]}{int(code_2022[2:4]) + 1:02d}{code_2022[4:]}"


def _units(rng: np.random.Generator) -> pl.DataFrame:
    draw = _Names(rng)
    all_regions = regions()
    urban = region_population().filter(pl.col("as_of_date") == CENSUS_DATES[-1])["urban"].to_numpy()
    oblasts = all_regions["village_weight"].to_numpy() > 0
    towns = np.zeros(len(all_regions), dtype=np.int64)
    towns[oblasts] = 2 + divide(CITIES - 3 - 2 * int(oblasts.sum()), urban[oblasts].astype(np.float64))
    villages = divide(PROGRAMME_VILLAGES, all_regions["village_weight"].to_numpy())
    rows: list[dict[str, Any]] = []
    for index, region in enumerate(all_regions.iter_rows(named=True)):
        code = region["region_kato"]
        if oblasts[index]:
            rows += _oblast(region, int(towns[index]), int(villages[index]), draw, rng)
        else:
            bare = region["name_ru"].removeprefix("г.")
            rows.append(
                _unit(code, "oblast", "1", region["name_ru"], region["name_kk"], kind="city", bare_ru=bare,
                      district_kato=code, weight=1.0, is_centre=True)
            )  # fmt: skip
            rows += _city_districts(code[:2])
    rows += _add_sites(rows, draw, rng)
    gone = _history(rows, draw, rng)
    hosts = dict(all_regions.select("region_kato", "region_kato_2021").iter_rows())
    for row in [*rows, *gone]:
        row["kato_2021"] = _code_2021(row["kato_2022"], hosts)
        row["name_ru_2022"] = row["name_ru_2022"] or row["name_ru"]
        row["bare_ru_2022"] = row["bare_ru_2022"] or row["bare_ru"]
        row["district_kato_2022"] = row["district_kato_2022"] or row["district_kato"]
    current = pl.DataFrame(rows, schema=UNIT_SCHEMA).with_columns(is_current=pl.lit(True))
    retired = pl.DataFrame(gone, schema=UNIT_SCHEMA).with_columns(is_current=pl.lit(False))
    return pl.concat([current.sort("kato"), retired.sort("kato_2022")])


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
        latitude=(pl.col("latitude_0") + pl.Series(rng.uniform(-1, 1, len(joined)) * room)).clip(40.6, 55.4).round(5),
        longitude=(pl.col("longitude_0") + pl.Series(rng.uniform(-1, 1, len(joined)) * room)).clip(46.5, 87.3).round(5),
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
            for mask, total in (((region == code) & urban, in_cities), ((region == code) & ~urban, in_villages)):
                people[mask] = divide(total, weight[mask])
        columns.append(pl.Series(f"population_{day.year}", people))
        columns.append(pl.Series(f"households_{day.year}", np.ceil(people / size).astype(np.int64)))
    return places.with_columns(columns)


def _census(places: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Where the bureau counts the settlement itself: `bulletin`, `list`, or `none` (only its district is counted)."""
    districts = places["district_kato"].unique(maintain_order=True)
    practice = dict(zip(districts, rng.choice([1.0, 0.6, 0.0], size=len(districts), p=[0.35, 0.45, 0.2]), strict=True))
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
    """Mark sites that no operator files for, so that faulty rows can name them without touching any figure."""
    sites = places.filter((pl.col("kind") == "site") & pl.col("name_is_unique"))["place"]
    return places.with_columns(is_spare=pl.col("place").is_in(sites[:: max(1, len(sites) // SPARE_SITES)][:SPARE_SITES].implode()))


def build(seed: int) -> Country:
    """The invented country of a seed."""
    rng = np.random.default_rng([seed, 1])
    units = _units(rng)
    names_of = regions().select(
        "region_kato", "region_kato_2021", region_ru=pl.col("name_ru"), region_kk=pl.col("name_kk"), bulletin_kk="bulletin_kk"
    )
    old_names = regions().select(region_kato_2021="region_kato", region_ru_2021="name_ru")
    districts = units.filter(pl.col("is_current"), (pl.col("level") == "district") | (pl.col("kind") == "city") & (pl.col("level") == "oblast"))
    places = (
        units.filter(pl.col("is_current"), pl.col("kind").is_not_null())
        .with_row_index("place")
        .with_columns(
            pl.col("place").cast(pl.Int64),
            region_kato=pl.col("kato").str.slice(0, 2) + pl.lit("0000000"),
            is_urban=pl.col("kind") == "city",
            recoded_on=pl.when(pl.col("kato") != pl.col("kato_2022")).then(pl.lit(TRANSFER_DATE)),
        )
        .join(names_of, on="region_kato", how="left", maintain_order="left")
        .join(old_names, on="region_kato_2021", how="left", maintain_order="left")
        .join(
            districts.select(district_kato="kato", district_ru="name_ru", district_kk="name_kk"),
            on="district_kato", how="left", maintain_order="left",
        )
        .join(
            districts.select(district_kato_2022="kato", district_ru_2022="name_ru"),
            on="district_kato_2022", how="left", maintain_order="left",
        )
    )  # fmt: skip
    gone = units.filter(~pl.col("is_current")).select(
        "district_kato", "district_kato_2022", "bare_ru", "bare_ru_2022", "bare_kk"
    )
    places = with_unique_names(places, gone)
    places = _spare(_census(_people(_positions(places, rng), rng), rng))
    retired = units.filter(~pl.col("is_current"), pl.col("change_type") == "abolished")["kato_2022"].to_list()
    return Country(units=units, places=places, retired=retired, is_real=False)


def changes(units: pl.DataFrame) -> pl.DataFrame:
    """What replaced what: retired_kato, current_kato (null when abolished), effective_from, change_type."""
    split = units.filter(pl.col("kato_2021").is_not_null(), pl.col("kato_2021") != pl.col("kato_2022")).select(
        retired_kato="kato_2021", current_kato="kato_2022", effective_from=pl.lit(SPLIT_DATE), change_type=pl.lit("recoded")
    )
    later = units.filter(pl.col("change_type").is_not_null()).select(
        retired_kato="kato_2022", current_kato="kato", effective_from=pl.lit(TRANSFER_DATE), change_type="change_type"
    )
    return pl.concat([split, later]).sort("effective_from", "retired_kato")


def duplicated_names(places: pl.DataFrame) -> pl.DataFrame:
    """Places whose full name stands twice within a district: what a sender who files names cannot tell apart."""
    return places.filter(pl.len().over("district_kato", normalised(pl.col("name_ru"))) > 1)
