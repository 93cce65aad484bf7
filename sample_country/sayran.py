"""Sayran Cell: 2G to 5G, UTF-16 text with tabs that names places instead of giving codes.

Belongs here: this operator's format, its spellings and slips. Does not belong here: what its network is
(`rollout`).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from sample_country.country import duplicated_names
from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing, book, named, rounded, spare_rows, whole
from sample_country.periods import quarter_of
from sample_country.writers import text_bytes

SENDER = "sample_sayran"
OPERATOR = "sayran_cell"

_TECHNOLOGY = {"2g": "GSM", "3g": "UMTS", "4g": "LTE", "5g": "NR"}
_REGION, _DISTRICT, _NAME = "Область", "Район", "Населенный пункт"
_TECH, _LEVEL, _DOWN, _UP = "Стандарт", "Уровень", "DL, Mbit/s", "UL, Mbit/s"
# Letters that two alphabets share, as a typist on the wrong keyboard leaves them.
_CYRILLIC, _LATIN = list("аеорсх"), list("aeopcx")


def _spelled(name: pl.Expr, before: pl.Expr, way: pl.Expr) -> pl.Expr:
    """A settlement's name as one of the operator's clerks writes it."""
    is_village = name.str.starts_with("с.")
    bare = name.str.strip_prefix("с.")
    return (
        pl.when(is_village & (before != name) & (way % 2 == 0))
        .then(before)
        .when(is_village & (way == 1))
        .then(pl.lit("с.") + bare.str.replace_many(_CYRILLIC, _LATIN))
        .when(is_village & (way == 3))
        .then(bare.str.to_uppercase())
        .when(is_village & (way == 4))
        .then(pl.lit("село ") + bare)
        .when(is_village & (way == 5))
        .then(pl.lit("с.  ") + bare.str.replace_all("ё", "е"))
        .when(name.str.starts_with("г."))
        .then(pl.lit("г. ") + name.str.strip_prefix("г."))
        .otherwise(name)
    )


def _text(rows: pl.DataFrame) -> pl.DataFrame:
    is_own_region = pl.col("kato").str.slice(2) == "0000000"
    way = pl.col("place") % 8
    return rows.select(
        pl.col("region").str.replace(" область", " обл.").str.replace(r"^г\.", "г. ").alias(_REGION),
        # A republican city is its own district; there is nothing to write under it.
        pl.when(~is_own_region).then(pl.col("district").str.replace(" район$", " р-н")).alias(_DISTRICT),
        pl.when(~is_own_region)
        .then(_spelled(pl.col("settlement"), pl.col("settlement_before"), way))
        .alias(_NAME),
        pl.col("technology").replace_strict(_TECHNOLOGY).alias(_TECH),
        whole("connection_level").alias(_LEVEL),
        rounded("max_download_mbps").alias(_DOWN),
        rounded("max_upload_mbps").alias(_UP),
    )


def _ambiguous(filing: Filing, day: dt.date, count: int) -> pl.DataFrame:
    """Rows about villages whose name stands twice in their district."""
    twice = duplicated_names(filing.country.places.filter("is_programme"))
    rows = spare_rows(filing, day, "4g", 1, 0).drop(
        "place", "kind", "kato", "region", "district", "settlement", "settlement_before"
    )
    chosen = named(
        twice.unique("district_kato", keep="first", maintain_order=True).head(count),
        day,
        is_real=filing.country.is_real,
    )
    return _text(chosen.join(rows, how="cross")).with_columns(chosen["settlement"].alias(_NAME))


def _faults(filing: Filing, day: dt.date, table: pl.DataFrame) -> list[Fault]:
    def spare(count: int, start: int) -> pl.DataFrame:
        return _text(spare_rows(filing, day, "4g", count, start))

    match day:
        case dt.date(year=2023):
            return [duplicates(table, 15, filing.rng(12, day.toordinal(), 1))]
        case dt.date(year=2024, month=3):
            return [
                Fault("place_not_found", overwritten(spare(3, 0), {_NAME: "с.Небывалое"}), "filed_settlement")
            ]
        case dt.date(year=2024, month=9):
            return [Fault("place_ambiguous", _ambiguous(filing, day, 4), "filed_settlement")]
        case dt.date(year=2025, month=3):
            return [
                Fault(
                    "place_context_missing", overwritten(spare(3, 0), {_DISTRICT: None}), "filed_settlement"
                )
            ]
        case dt.date(year=2025, month=9):
            return [Fault("not_a_number", overwritten(spare(2, 0), {_DOWN: "15-20"}), "max_download_mbps")]
        case dt.date(year=2025, month=12):
            return [
                Fault(
                    "place_not_found", overwritten(spare(2, 0), {_NAME: "с.Безымянное"}), "filed_settlement"
                ),
                Fault("place_ambiguous", _ambiguous(filing, day, 2), "filed_settlement"),
                Fault("below_minimum", overwritten(spare(1, 2), {_UP: "-4"}), "max_upload_mbps"),
            ]
        case _:
            return []


def write(filing: Filing) -> None:
    """Write the operator's file of every period."""
    for day in filing.periods:
        table = _text(book(filing, OPERATOR, day))
        faults = _faults(filing, day, table) if filing.with_faults else []
        mixed, injected = mixed_in(table, faults, filing.rng(12, day.toordinal(), 2))
        filing.inbox.add(
            f"{SENDER}/sayran_coverage_{day.year}_{quarter_of(day)}.txt",
            b"\xff\xfe" + text_bytes(mixed, encoding="utf-16-le", delimiter="\t"),
            sender=SENDER,
            extract_kind="operator_availability",
            rows_accepted=len(table),
            faults=injected,
        )
