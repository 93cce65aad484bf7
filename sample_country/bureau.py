"""The statistics bureau: KATO editions and changes, population, households, positions.

Belongs here: the bureau's files and slips. Does not belong here: which places there are and who lives in them
(`country`). All counts are stated on the map of the latest edition, as the bureau restates its series; lists
of settlements keep the codes of their day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import polars as pl

from sample_country.country import Country
from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing, unknown_code
from sample_country.inbox import Inbox
from sample_country.periods import CENSUS_DATES, TRANSFER_DATE
from sample_country.population import NATION, REPUBLICAN_CITIES
from sample_country.units import changes
from sample_country.writers import Sheet, text_bytes, xlsx_bytes

SENDER = "sample_bureau"
EDITIONS = {"kato_2021": dt.date(2021, 12, 1), "kato_2022": dt.date(2022, 10, 17)}
_PLACE_TYPES = {"city": "city", "village": "village", "site": "locality"}
LATEST_EDITION = dt.date(2026, 7, 17)


def old_edition(units: pl.DataFrame, code: str) -> pl.DataFrame:
    """An edition in the shape of 2022: id, parent_id, code, name; a row's parent is named by its id."""
    rows = (
        units.filter(pl.col(code).is_not_null())
        .select(code=pl.col(code), name="name_ru_2022")
        .sort("code")
        .with_columns(id=pl.int_range(1, pl.len() + 1))
    )
    ids = dict(rows.select("code", "id").iter_rows())
    parents = [next((ids[p] for p in _ancestors(c) if p in ids), 0) for c in rows["code"]]
    return rows.select(
        pl.col("id").cast(pl.String), pl.Series("parent_id", parents).cast(pl.String), "code", "name"
    )


def _ancestors(code: str) -> Iterator[str]:
    """Codes above a code, nearest first."""
    for kept in (6, 4, 2):
        above = code[:kept].ljust(9, "0")
        if above != code:
            yield above


def _write_classifier(inbox: Inbox, country: Country) -> None:
    kind = "kato_classifier"
    for code, day in EDITIONS.items():
        table = old_edition(country.units, code)
        content = text_bytes(table, encoding="utf-8-sig", delimiter=";")
        inbox.add(
            f"{SENDER}/kato/sample_KATO_{day:%d.%m.%Y}_ru.csv",
            content,
            sender=SENDER,
            extract_kind=kind,
            rows_accepted=len(table),
        )
    latest = country.units.filter("is_current").select(
        "kato", pl.lit("NK RK 11-2025").alias("kato_version"), "level", "type_code", "name_ru", "name_kk"
    )
    inbox.add(
        f"{SENDER}/kato/sample_kato_{LATEST_EDITION}.csv",
        text_bytes(latest, encoding="utf-8"),
        sender=SENDER,
        extract_kind=kind,
        rows_accepted=len(latest),
    )
    what = changes(country.units).select(
        "retired_kato",
        "current_kato",
        pl.col("effective_from").dt.to_string("%Y-%m-%d"),
        "change_type",
        kato_version_from=pl.lit("NK RK 11-2021"),
        kato_version_to=pl.lit("NK RK 11-2025"),
        source_url=pl.lit("https://example.org/sample/kato-changes"),
        note=pl.lit("sample"),
    )
    inbox.add(
        f"{SENDER}/kato/sample_kato_changes.csv",
        text_bytes(what, encoding="utf-8"),
        sender=SENDER,
        extract_kind="kato_changes",
        rows_accepted=len(what),
    )


def by_area(places: pl.DataFrame, value: str, by: str | None) -> pl.DataFrame:
    """A count summed by kind of area: kato, all, urban, rural; over the nation when `by` is None."""
    key = pl.lit(NATION).alias("kato") if by is None else pl.col(by).alias("kato")
    return (
        places.group_by(key, maintain_order=True)
        .agg(
            all=pl.col(value).sum(),
            urban=pl.col(value).filter("is_urban").sum(),
            rural=pl.col(value).filter(~pl.col("is_urban")).sum(),
        )
        .select("kato", "all", "urban", "rural")
    )


def _bulletin_rows(country: Country, year: int) -> pl.DataFrame:
    """Rows of the bulletin in print order: label, all, urban, rural; region, its districts, their towns."""
    value = f"population_{year}"
    places = country.places
    regions = by_area(places, value, "region_kato").join(
        places.select(kato="region_kato", label="bulletin_kk").unique(), on="kato", how="left"
    )
    districts = by_area(
        places.filter(~pl.col("region_kato").is_in(REPUBLICAN_CITIES)), value, "district_kato"
    ).join(
        places.select(
            kato="district_kato", label=pl.col("district_kk").str.replace("Қ.Ә.", "қ.ә.", literal=True)
        ).unique(),
        on="kato",
        how="left",
    )
    towns = places.filter(pl.col("census") == "bulletin", ~pl.col("kato").is_in(REPUBLICAN_CITIES))
    towns = by_area(towns, value, "kato").join(
        places.select("kato", "district_kato", label=pl.col("name_kk").str.replace(r" қ\.$", " қаласы")),
        on="kato",
        how="left",
    )
    in_order = pl.concat(
        [
            regions.with_columns(district=pl.lit(""), rank=0),
            districts.with_columns(district=pl.col("kato"), rank=1),
            towns.with_columns(district=pl.col("district_kato"), rank=2).drop("district_kato"),
        ]
    ).with_columns(region=pl.col("kato").str.slice(0, 2))
    # Republican cities stand last in the bureau's tables.
    in_order = in_order.sort(
        pl.col("region").is_in([c[:2] for c in REPUBLICAN_CITIES]), "region", "district", "rank", "kato"
    )
    nation = by_area(places, value, None).with_columns(label=pl.lit("Қазақстан Республикасы"))
    return pl.concat([nation, in_order.select(nation.columns)])


def _write_bulletin(inbox: Inbox, country: Country, day: dt.date) -> None:
    rows = _bulletin_rows(country, day.year)
    cells = rows.select(
        "label",
        *(
            pl.when(pl.col(a) > 0).then(pl.col(a).cast(pl.String)).otherwise(pl.lit("-")).alias(a)
            for a in ("all", "urban", "rural")
        ),
    )
    titles = [
        f"{day.year} жылғы 1 қаңтарға Қазақстан Республикасы халқының саны (үлгі)",
        f"Численность населения Республики Казахстан на 1 января {day.year} года (образец)",
    ]
    cover = Sheet("Обложка", [[], [None, titles[0]], [None, titles[1]]], pl.DataFrame())
    legend = Sheet(
        "Усл.обозначения",
        [["Шартты белгілер:", "Условные обозначения:"], ["«-» құбылыс жоқ", "«-» явление отсутствует"]],
        pl.DataFrame(),
    )
    table = Sheet(
        "03",
        [
            ["\n".join(titles)],
            ["адам" + " " * 40, None, None, "человек"],
            [None, "Барлық халық\nВсе население", "соның ішінде:\nв том числе:", None],
            [None, None, "қала халқы\nгородское население", "ауыл халқы\nсельское население"],
        ],
        cells,
        [
            [],
            [f"№ 8-15/{day.year}"],
            [f"{day.year} жылғы 13 ақпан"],
            ["Жауапты шығарушы:", None, "Үлгі орындаушы"],
        ],
        frozenset({"all", "urban", "rural"}),
        ["A1:D1", "A3:A4", "B3:B4", "C3:D3"],
        (34, 16, 16, 16),
    )
    filled = int(sum(rows.select((pl.col(a) > 0).sum()).item() for a in ("all", "urban", "rural")))
    inbox.add(
        f"{SENDER}/population/sample_population_{day:%Y-%m-%d}.xlsx",
        xlsx_bytes([cover, legend, table]),
        sender=SENDER,
        extract_kind="population",
        rows_accepted=filled,
    )


def _listed(country: Country, day: dt.date, value: str) -> pl.DataFrame:
    code = "kato_2022" if day < TRANSFER_DATE else "kato"
    return country.places.filter(pl.col("census") == "list").select(
        pl.col(code).alias("Код КАТО"),
        pl.col("region_ru").alias("Область"),
        pl.col("district_ru").alias("Район"),
        pl.col("name_ru").alias("Населённый пункт"),
        pl.col(f"{value}_{day.year}").cast(pl.String).alias("Всего, человек"),
    )


def _write_settlement_list(filing: Filing, day: dt.date) -> None:
    table = _listed(filing.country, day, "population")
    faults: list[Fault] = []
    rng = filing.rng(20, day.toordinal())
    if filing.with_faults:
        # Faulty rows are about places whose district alone is counted, so nothing true is lost with them.
        unlisted = filing.country.places.filter(pl.col("census") == "none").sort("kato").head(4)
        extra = _listed(
            Country(filing.country.units, unlisted.with_columns(census=pl.lit("list")), [], is_real=False),
            day,
            "population",
        )
        total = pl.DataFrame([dict.fromkeys(table.columns)], schema=table.schema)
        number = "Всего, человек"
        faults = (
            [
                Fault(
                    "total_row",
                    overwritten(
                        total, {"Область": "Всего по списку", number: str(table[number].cast(pl.Int64).sum())}
                    ),
                ),
                Fault("below_minimum", overwritten(extra[:1], {number: "-12"}), "population"),
                Fault("not_a_number", overwritten(extra[1:2], {number: "около 300"}), "population"),
                Fault("kato_unknown", overwritten(extra[2:3], {"Код КАТО": unknown_code(3)}), "kato"),
            ]
            if day == CENSUS_DATES[-1]
            else [duplicates(table, 4, rng)]
        )
    mixed, injected = mixed_in(table, faults, rng)
    inbox = filing.inbox
    inbox.add(
        f"{SENDER}/population/sample_population_settlements_{day:%Y-%m-%d}.csv",
        text_bytes(mixed, encoding="utf-8", delimiter=";"),
        sender=SENDER,
        extract_kind="population",
        rows_accepted=len(table),
        faults=injected,
    )


def write_households(filing: Filing, day: dt.date) -> None:
    """Write one date's households: nation, regions and districts, and of an invented country its counted places."""
    country = filing.country
    value = f"households_{day.year}"
    wide = pl.concat(
        [by_area(country.places, value, by) for by in (None, "region_kato", "district_kato")]
    ).unique("kato", keep="first", maintain_order=True)
    long = wide.unpivot(index="kato", variable_name="area", value_name="households").filter(
        pl.col("households") > 0
    )
    if not country.is_real:
        known = country.places.filter(pl.col("census") != "none", ~pl.col("kato").is_in(REPUBLICAN_CITIES))
        long = pl.concat([long, known.select("kato", area=pl.lit("all"), households=value)])
    rows = long.sort("kato", "area").filter(pl.col("households") > 0)
    listed = country.places if country.is_real else country.units.filter("is_current")
    names = pl.concat(
        [
            listed.select("kato", "name_ru"),
            pl.DataFrame({"kato": [NATION], "name_ru": ["Республика Казахстан"]}),
        ]
    )
    table = rows.join(names, on="kato", how="left", maintain_order="left").select(
        pl.col("kato").alias("Код"),
        pl.col("name_ru").alias("Наименование"),
        pl.col("area")
        .replace_strict({"all": "всё население", "urban": "городская", "rural": "сельская"})
        .alias("Местность"),
        pl.col("households").cast(pl.String).alias("Домохозяйства"),
    )
    rng = filing.rng(21, day.toordinal())
    faults = [duplicates(table, 3, rng)] if filing.with_faults and day == dt.date(2024, 1, 1) else []
    if filing.with_faults and day == dt.date(2025, 1, 1):
        silent = country.places.filter(pl.col("census") == "none").sort("kato")["kato"][0]
        bad = overwritten(table[:1], {"Код": silent, "Местность": "прочая"})
        faults = [Fault("value_not_mapped", bad, "area_type")]
    mixed, injected = mixed_in(table, faults, rng)
    filing.inbox.add(
        f"{SENDER}/households/sample_households_{day:%Y-%m-%d}.csv",
        text_bytes(mixed, encoding="utf-8-sig", delimiter=";"),
        sender=SENDER,
        extract_kind="households",
        rows_accepted=len(table),
        faults=injected,
    )


def _positions(filing: Filing) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The positions file: places with codes, and places that only a name and a district tell."""
    rng = filing.rng(22)
    places = filing.country.places.sort("kato")
    districts = places["district_kato"].unique(maintain_order=True)
    tagged = set(districts.filter(pl.Series(rng.random(len(districts)) < 0.85)))
    drawn = rng.random(len(places))
    noise = rng.uniform(0.85, 1.15, len(places))
    has_code = pl.Series(
        (drawn < 0.94) | ~places["name_is_unique"].to_numpy() | (places["kind"] != "village").to_numpy()
    )
    weight = (places[f"population_{CENSUS_DATES[-1].year}"].to_numpy() * noise).round().astype(np.int64)
    table = places.select(
        place_id=pl.lit("p") + (100_000 + pl.col("place")).cast(pl.String),
        kato=pl.when(has_code).then("kato"),
        region="region_ru",
        district="district_ru",
        name="name_ru",
        type=pl.col("kind").replace_strict(_PLACE_TYPES),
        lat=pl.col("latitude").cast(pl.String),
        lon=pl.col("longitude").cast(pl.String),
        population=pl.when(pl.col("district_kato").is_in(list(tagged))).then(
            pl.Series(weight).cast(pl.String)
        ),
    ).filter(pl.Series((drawn < 0.98) | (places["kind"] == "city").to_numpy()))
    return table, places


def write_drawn_positions(filing: Filing) -> None:
    """Positions, by code alone, of the places of a real geography as far as they are known or were drawn.

    The map that is published names no codes, so without this list no real place would have a position.
    """
    table = (
        filing.country.places.drop_nulls("latitude")
        .sort("kato")
        .select(
            pl.format("p{}", "place").alias("place_id"),
            "kato",
            pl.lit(None, pl.String).alias("region"),
            pl.lit(None, pl.String).alias("district"),
            pl.col("name_ru").alias("name"),
            pl.col("kind").replace_strict(_PLACE_TYPES).alias("type"),
            pl.col("latitude").cast(pl.String).alias("lat"),
            pl.col("longitude").cast(pl.String).alias("lon"),
            pl.lit(None, pl.String).alias("population"),
        )
    )
    if len(table):
        filing.inbox.add(
            f"{SENDER}/sample_settlement_positions.csv",
            text_bytes(table, encoding="utf-8"),
            sender=SENDER,
            extract_kind="settlement_positions",
            rows_accepted=len(table),
        )


def _write_positions(filing: Filing) -> None:
    table, places = _positions(filing)
    rng = filing.rng(23)
    # Hamlets of the map that name neither code nor district: kept, and left without a code.
    spare = (
        places.filter("is_spare")
        .head(15)
        .select(
            place_id=pl.lit("h") + pl.col("place").cast(pl.String),
            kato=pl.lit(None, pl.String),
            region=pl.lit(None, pl.String),
            district=pl.lit(None, pl.String),
            name=pl.lit("Безымянный хутор"),
            type=pl.lit("hamlet"),
            lat=pl.col("latitude").cast(pl.String),
            lon=pl.col("longitude").cast(pl.String),
            population=pl.lit(None, pl.String),
        )
    )
    good = pl.concat([table, spare])
    faults: list[Fault] = []
    if filing.with_faults:
        swapped = spare[:2].with_columns(place_id=pl.lit("s") + pl.col("place_id"), lat="lon", lon="lat")
        sexagesimal = overwritten(spare[2:3], {"place_id": "d1", "lat": "51°12′"})
        faults = [
            Fault("above_maximum", swapped, "latitude"),
            Fault("not_a_number", sexagesimal, "latitude"),
            duplicates(table, 3, rng),
        ]
    mixed, injected = mixed_in(good, faults, rng)
    filing.inbox.add(
        f"{SENDER}/sample_settlement_positions.csv",
        text_bytes(mixed, encoding="utf-8"),
        sender=SENDER,
        extract_kind="settlement_positions",
        rows_accepted=len(good),
        faults=injected,
    )


def write(filing: Filing) -> None:
    """Write everything the bureau sends about the invented country."""
    _write_classifier(filing.inbox, filing.country)
    for day in CENSUS_DATES:
        _write_bulletin(filing.inbox, filing.country, day)
        _write_settlement_list(filing, day)
        write_households(filing, day)
    _write_positions(filing)
