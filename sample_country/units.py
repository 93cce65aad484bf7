"""The invented classifier: codes, their names, and how they changed between editions.

Belongs here: regions, districts, rural districts and places as codes and names. Does not belong here: people
and positions (`country`), or the bureau's files (`bureau`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from sample_country import names
from sample_country.periods import CENSUS_DATES, SPLIT_DATE, TRANSFER_DATE
from sample_country.population import divide, region_population, regions

PROGRAMME_VILLAGES = 6_179
CITIES = 90
SITES = 480
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
        code,
        level,
        "1",
        f"г.{bare}",
        f"{name_kk} қ.",
        kind="city",
        bare_ru=bare,
        district_kato=district,
        weight=weight,
    )


def _villages(district: str, count: int, draw: _Names, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rural districts of one district with their villages; the first village is the district's centre."""
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
                    code,
                    "settlement",
                    "2",
                    f"с.{bare}",
                    f"{name} а.",
                    kind="village",
                    bare_ru=bare,
                    is_programme=True,
                    is_centre=is_centre,
                    district_kato=district,
                    weight=min(float(rng.lognormal(0.0, 1.05)), 6.0) * scale,
                )
            )
        first = inside[0]
        rows.append(
            _unit(
                f"{district[:4]}{sub:02d}000",
                "sub_district",
                "2",
                names.rural_district_name_ru(first["bare_ru"]),
                first["name_kk"].removesuffix(" а.") + " а.о.",
                district_kato=district,
            )
        )
        rows += inside
        sub += 1
    return rows


def _oblast(
    region: dict[str, Any], towns: int, villages: int, draw: _Names, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """All units of one oblast: city administrations, districts, towns, rural districts and villages."""
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
            _unit(
                code,
                "district",
                type_code,
                f"{names.to_russian(name)} Г.А.",
                f"{name} Қ.Ә.",
                bare_ru=names.to_russian(name),
            )
        )
        rows.append(
            _city(
                f"{code[:4]}10000",
                "sub_district",
                code,
                name,
                10.0 if index == 0 else float(rng.uniform(1.5, 3.5)),
            )
        )
        rows[-1]["is_centre"] = index == 0
        rows += _villages(code, under_akimats[index], draw, rng)
    town_in = rng.permutation(districts)[: max(towns - akimats, 0)]
    for index in range(districts):
        code = f"{prefix}{30 + 2 * index}00000"
        name = draw.unique()
        bare = names.to_russian(name)
        has_town = index in town_in
        rows.append(
            _unit(
                code,
                "district",
                "4" if has_town else "2",
                names.district_name_ru(bare),
                f"{name} ауданы",
                bare_ru=bare,
            )
        )
        if has_town:
            town = draw.unique()
            rows.append(
                _unit(
                    f"{code[:4]}20000",
                    "sub_district",
                    "1",
                    f"{names.to_russian(town)} г.а.",
                    f"{town} қ.ә.",
                    district_kato=code,
                )
            )
            rows.append(_city(f"{code[:4]}20100", "settlement", code, town, float(rng.uniform(0.4, 1.3))))
        rows += _villages(code, int(shares[index]), draw, rng)
    return rows


def _city_districts(prefix: str) -> list[dict[str, Any]]:
    """Districts of a republican city: they stand where oblasts have sub-districts, and hold no people."""
    stock = ["Сарыарқа", "Есіл", "Нұра", "Тұран", "Медеу", "Алатау", "Қаратау", "Наурыз"]
    return [
        _unit(
            f"{prefix}{11 + 2 * i}10000",
            "sub_district",
            "1",
            f"район {names.to_russian(n)}",
            f"{n} ауданы",
            district_kato=f"{prefix}0000000",
        )
        for i, n in enumerate(stock[: 4 + int(prefix) % 4])
    ]


def _add_sites(rows: list[dict[str, Any]], draw: _Names, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Stations and winter camps: codes beside the villages that the programme does not count."""
    okrugs = [row["kato"] for row in rows if row["level"] == "sub_district" and row["type_code"] == "2"]
    chosen = rng.choice(len(okrugs), size=SITES, replace=False)
    kinds = [
        ("ст.{}", "{} ст."),
        ("зимовка {}", "{} қыстауы"),
        ("уч.{}", "{} уч."),
        ("точка {}", "{} мекені"),
    ]
    sites = []
    for number, okrug in enumerate(sorted(int(i) for i in chosen)):
        name = draw.unique() if number < 200 else draw.village()
        ru, kk = kinds[number % len(kinds)]
        bare = names.to_russian(name)
        sites.append(
            _unit(
                f"{okrugs[okrug][:6]}131",
                "settlement",
                "2",
                ru.format(bare),
                kk.format(name),
                kind="site",
                bare_ru=bare,
                district_kato=f"{okrugs[okrug][:4]}00000",
                weight=float(rng.uniform(0.002, 0.03)),
            )
        )
    return sites


def _history(rows: list[dict[str, Any]], draw: _Names, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Write into the units what changed between the editions; returns the units that exist no more."""
    villages = [row for row in rows if row["kind"] == "village" and not row["is_centre"]]
    picked = [
        villages[i] for i in rng.choice(len(villages), size=RENAMED + RENAMED_AND_RECODED, replace=False)
    ]
    taken: set[str] = set()
    for number, row in enumerate(picked):
        old = names.OLD_RUSSIAN[number % len(names.OLD_RUSSIAN)]
        row["name_ru_2022"], row["bare_ru_2022"] = f"с.{old}", old
        if number >= RENAMED:
            row["kato_2022"], row["change_type"] = _free_code(row["kato"][:6], 171, taken), "renamed"
    for prefix in ("10", "39"):
        _transfer_rural_district(rows, prefix)
    hosts = [villages[i] for i in rng.choice(len(villages), size=MERGED + ABOLISHED, replace=False)]
    gone = []
    for number, host in enumerate(hosts):
        name = draw.unique()
        bare = names.to_russian(name)
        district = host["district_kato_2022"] or host["district_kato"]
        code = _free_code((host["kato_2022"] or host["kato"])[:6], 161, taken)
        retired = _unit(
            code,
            "settlement",
            "2",
            f"с.{bare}",
            f"{name} а.",
            kind="village",
            bare_ru=bare,
            district_kato=district,
        )
        retired["kato"] = host["kato"] if number < MERGED else None
        retired["change_type"] = "merged" if number < MERGED else "abolished"
        gone.append(retired)
    return gone


def _free_code(rural_district: str, first: int, taken: set[str]) -> str:
    """The first code of a rural district from a number on that no unit had, which then is taken."""
    code = next(
        f"{rural_district}{n}" for n in range(first, first + 10) if f"{rural_district}{n}" not in taken
    )
    taken.add(code)
    return code


def _transfer_rural_district(rows: list[dict[str, Any]], prefix: str) -> None:
    """Move one rural district with its villages to the next district of its oblast."""
    districts = [
        r["kato"]
        for r in rows
        if r["level"] == "district" and r["kato"][:2] == prefix and r["type_code"] in "24"
    ]
    source, target = districts[0], districts[1]
    okrug = [
        r["kato"]
        for r in rows
        if r["level"] == "sub_district" and r["kato"].startswith(source[:4]) and r["type_code"] == "2"
    ][-1]
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


def build_units(rng: np.random.Generator) -> pl.DataFrame:
    """Every code of every edition: a row per code of the latest edition in its order, then the retired ones.

    Columns as UNIT_SCHEMA, and is_current. `kato` of a retired code is its successor, null when it has none.
    """
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
                _unit(
                    code,
                    "oblast",
                    "1",
                    region["name_ru"],
                    region["name_kk"],
                    kind="city",
                    bare_ru=bare,
                    district_kato=code,
                    weight=1.0,
                    is_centre=True,
                )
            )
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


def changes(units: pl.DataFrame) -> pl.DataFrame:
    """What replaced what: retired_kato, current_kato (null when abolished), effective_from, change_type."""
    split = units.filter(
        pl.col("kato_2021").is_not_null(), pl.col("kato_2021") != pl.col("kato_2022")
    ).select(
        retired_kato="kato_2021",
        current_kato="kato_2022",
        effective_from=pl.lit(SPLIT_DATE),
        change_type=pl.lit("recoded"),
    )
    later = units.filter(pl.col("change_type").is_not_null()).select(
        retired_kato="kato_2022",
        current_kato="kato",
        effective_from=pl.lit(TRANSFER_DATE),
        change_type="change_type",
    )
    return pl.concat([split, later]).sort("effective_from", "retired_kato")
