"""What the sample must come to: totals of the accepted rows, and the faults that must be found.

Belongs here: figures computed from what was generated and injected, for tests to compare with. Does not belong
here: generating or injecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from sample_country.country import Country
from sample_country.periods import census_for
from sample_country.rollout import FIXED

if TYPE_CHECKING:
    from sample_country.writers import Summary

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

    One row per as_of_date: the measures of PUBLISHED, and the share of the population whose settlement has 2G, 3G,
    4G or 5G, each or better (population_2g_pct and so on, by the sample's own population of every settlement).
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
            cities_5g=place.filter((pl.col("kind") == "city") & (pl.col("technology") == "5g") & (level >= 2)).n_unique(),
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
                pl.col("as_of_date") == day, pl.col("technology").is_in(ladder[rank:]), pl.col("connection_level") >= 2
            )["place"].unique()
            share = places.select(people.filter(place.is_in(covered.implode())).sum() / people.sum() * 100).item()
            row[f"population_{technology}_pct"] = round(share, 4)
        shares.append(row)
    villages = pl.lit(int(places["is_programme"].sum()), pl.Int64).alias("programme_villages")
    return pl.concat([counts, pl.DataFrame(shares)], how="horizontal").select("as_of_date", villages, pl.exclude("as_of_date"))
