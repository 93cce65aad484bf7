"""What the sample must come to: totals of the accepted rows, and the faults that must be found.

Belongs here: figures computed from what was generated and injected, for tests to compare with. Does not
belong
here: generating or injecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from sample_country.country import Country
from sample_country.inbox import Summary
from sample_country.periods import census_for
from sample_country.rollout import FIXED

if TYPE_CHECKING:
    pass

PUBLISHED: dict[str, int] = {
    "programme_villages": 6_179,
    "villages_fixed_level_1": 2_606,
    "villages_fixed_level_2": 663,
    "villages_4g": 3_115,
    "cities_5g": 20,
}
"""Totals the ministry published for the end of 2025; the sample reproduces them exactly."""


def totals(country: Country, claims: pl.DataFrame) -> pl.DataFrame:
    """Totals of each period, from the operators' true claims.

    One row per as_of_date: the measures of PUBLISHED, and the share of the population whose settlement has
    2G, 3G, 4G or 5G, each or better (population_2g_pct and so on, by the sample's own population of every
    settlement).
    """
    places = country.places
    joined = claims.join(places.select("place", "kind", "is_programme"), on="place", how="left")
    level = pl.col("connection_level")
    fixed, mobile = pl.col("technology").is_in(FIXED), pl.col("technology").is_in(["4g", "5g"]) & (level >= 2)
    village, place = pl.col("is_programme"), pl.col("place")
    counts = (
        joined.group_by("as_of_date")
        .agg(
            villages_fixed_level_1=place.filter(village & fixed & (level >= 1)).n_unique(),
            villages_fixed_level_2=place.filter(village & fixed & (level >= 2)).n_unique(),
            villages_4g=place.filter(village & mobile).n_unique(),
            cities_5g=place.filter(
                (pl.col("kind") == "city") & (pl.col("technology") == "5g") & (level >= 2)
            ).n_unique(),
        )
        .sort("as_of_date")
    )
    shares = []
    ladder = ["2g", "3g", "4g", "5g"]
    for day in counts["as_of_date"]:
        people = pl.col(f"population_{census_for(day).year}")
        row = {}
        for rank, technology in enumerate(ladder):
            covered = claims.filter(
                pl.col("as_of_date") == day,
                pl.col("technology").is_in(ladder[rank:]),
                pl.col("connection_level") >= 2,
            )["place"].unique()
            share = places.select(
                people.filter(place.is_in(covered.implode())).sum() / people.sum() * 100
            ).item()
            row[f"population_{technology}_pct"] = round(share, 4)
        shares.append(row)
    villages = pl.lit(int(places["is_programme"].sum()), pl.Int64).alias("programme_villages")
    return pl.concat([counts, pl.DataFrame(shares)], how="horizontal").select(
        "as_of_date", villages, pl.exclude("as_of_date")
    )


def row_accounts(summary: Summary) -> pl.DataFrame:
    """What must become of each file: one row per file, in the order of the paths.

    Columns: path, sender, extract_kind, outcome, rule, is_current, rows_read, rows_accepted,
    rows_quarantined, rows_duplicate. Rows of a table with a column per kind of area are counted as the
    figures they hold. A copy of another file (outcome `same_delivery`) is no delivery of its own and has no
    rows.
    """
    rows = [
        {
            "path": file.path,
            "sender": file.sender,
            "extract_kind": file.extract_kind,
            "outcome": file.outcome,
            "rule": file.rule,
            "is_current": file.is_current,
            "rows_read": file.rows_accepted + file.rows("quarantined") + file.rows("duplicate"),
            "rows_accepted": file.rows_accepted,
            "rows_quarantined": file.rows("quarantined"),
            "rows_duplicate": file.rows("duplicate"),
        }
        for file in summary.files
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def injected_faults(summary: Summary) -> pl.DataFrame:
    """Every fault put in: one row per file, rule and column, with the rows it takes.

    Columns: path, sender, rule, column_name (of the contract, null when the row is no data), outcome, rows. A
    row may break further rules by the same slip (a total has no code either); the rule named here is always
    among them. `duplicate` is no rule but the outcome of a row that was said before.
    """
    rows = [
        {
            "path": file.path,
            "sender": file.sender,
            "rule": fault.rule,
            "column_name": fault.column,
            "outcome": fault.outcome,
            "rows": fault.rows,
        }
        for file in summary.files
        for fault in file.faults
    ]
    schema = {"path": pl.String, "sender": pl.String, "rule": pl.String, "column_name": pl.String}
    return pl.DataFrame(rows, schema=schema | {"outcome": pl.String, "rows": pl.Int64})
