"""What every operator's filing starts from: its claims with codes and names as they stood on the day.

Belongs here: the join of claims and places, and rows about spare sites. Does not belong here: any sender's
format.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_country.country import Country
from sample_country.inbox import Inbox
from sample_country.periods import SPLIT_DATE, TRANSFER_DATE, tag


@dataclass(frozen=True)
class Filing:
    """Everything a sender needs to write its files."""

    country: Country
    claims: pl.DataFrame
    periods: Sequence[dt.date]
    seed: int
    with_faults: bool
    inbox: Inbox

    def rng(self, *stream: int) -> np.random.Generator:
        """A generator of its own for each sender and file: a change in one leaves the others alone."""
        return np.random.default_rng([self.seed, *stream])


def named(places: pl.DataFrame, day: dt.date, *, is_real: bool) -> pl.DataFrame:
    """Places with code and names as of a day: place, kato, region, district, settlement, settlement_before.

    `settlement` bears its type prefix; `settlement_before` is the name before the last renaming.
    """
    if is_real or day >= TRANSFER_DATE:
        code, district, name, region = "kato", "district_ru", "name_ru", "region_ru"
    else:
        old_map = day < SPLIT_DATE
        code = "kato_2021" if old_map else "kato_2022"
        region = "region_ru_2021" if old_map else "region_ru"
        district, name = "district_ru_2022", "name_ru_2022"
    return places.select(
        "place",
        "kind",
        kato=code,
        region=region,
        district=district,
        settlement=name,
        settlement_before="name_ru_2022",
    )


def book(filing: Filing, operator_id: str, day: dt.date) -> pl.DataFrame:
    """An operator's claims of a period with codes and names of the day, in the order of the codes."""
    claims = filing.claims.filter(pl.col("as_of_date") == day, pl.col("operator_id") == operator_id)
    places = named(filing.country.places, day, is_real=filing.country.is_real)
    return claims.join(places, on="place", how="left", maintain_order="left").sort("kato", "technology")


def plain_rows(filing: Filing, places: pl.DataFrame, day: dt.date, technology: str) -> pl.DataFrame:
    """Rows as `book` gives them, valid in themselves, about any places: an access network nobody has yet."""
    return named(places, day, is_real=filing.country.is_real).with_columns(
        as_of_date=pl.lit(day),
        operator_id=pl.lit("spare"),
        technology=pl.lit(technology),
        connection_level=pl.lit(2, pl.Int64),
        max_download_mbps=pl.lit(10.0),
        max_upload_mbps=pl.lit(2.0),
        households_passed=pl.lit(3, pl.Int64),
        households_connected=pl.lit(0, pl.Int64),
    )


def spare_rows(filing: Filing, day: dt.date, technology: str, count: int, start: int) -> pl.DataFrame:
    """Plain rows about spare sites number `start` and following."""
    places = filing.country.places.filter("is_spare").slice(start, count)
    if len(places) < count:
        raise ValueError(
            f"{count} spare sites from number {start} on were asked for, there are {len(places)}"
        )
    return plain_rows(filing, places, day, technology)


def unknown_code(number: int) -> str:
    """A code of the right form that stands in no edition."""
    return f"11999{number % 10}900"


def rounded(column: str) -> pl.Expr:
    """A speed as text without needless decimals."""
    value = pl.col(column)
    whole = value.cast(pl.Int64).cast(pl.String)
    return pl.when(value == value.floor()).then(whole).otherwise(value.round(1).cast(pl.String))


def whole(column: str) -> pl.Expr:
    """A whole number as text."""
    return pl.col(column).cast(pl.String)


def grouped(column: str, separator: str = "\u00a0") -> pl.Expr:
    """A whole number as text with its thousands apart, by default by a non-breaking space."""
    value = pl.col(column).cast(pl.Int64)
    thousands, units = value // 1000, (value % 1000).cast(pl.String).str.zfill(3)
    small = pl.when(value < 1000).then(value.cast(pl.String))
    middle = small.when(value < 1_000_000).then(
        pl.concat_str(thousands.cast(pl.String), pl.lit(separator), units)
    )
    return middle.otherwise(
        pl.concat_str(
            (thousands // 1000).cast(pl.String),
            pl.lit(separator),
            (thousands % 1000).cast(pl.String).str.zfill(3),
            pl.lit(separator),
            units,
        )
    )


def stamped(stem: str, day: dt.date, suffix: str) -> str:
    """A file name with the quarter in it."""
    return f"{stem}_{tag(day)}{suffix}"
