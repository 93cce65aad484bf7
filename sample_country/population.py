"""Official populations of nation and regions, and their exact division over places.

Belongs here: reading the official figures, filling what was not published so that every sum holds, and the
largest remainder method. Does not belong here: where places are (`country`), or how the bureau writes its
tables.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from sample_country.periods import CENSUS_DATES

HERE = Path(__file__).parent
NATION = "000000000"
REPUBLICAN_CITIES = ("710000000", "750000000", "790000000")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def divide(total: int, weights: Floats) -> Ints:
    """Divide a whole number in proportion to weights, in whole parts that sum to it (largest remainder).

    Ties go to the earlier position. Raises ValueError when there is something to divide and no weight.
    """
    if total == 0:
        return np.zeros(len(weights), dtype=np.int64)
    if weights.sum() <= 0:
        raise ValueError(f"{total} cannot be divided over weights that sum to {weights.sum()}")
    exact = total * (weights / weights.sum())
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


def regions() -> pl.DataFrame:
    """The 20 regions: codes, names, the weight of villages, and a rough middle point with a spread in degrees.

    `village_weight` counts the rural settlement codes ending in 00 of the KATO edition of 17 July 2026;
    `region_kato_2021` is the region that held the place before the split of 2022.
    """
    return pl.read_csv(
        HERE / "regions.csv",
        schema_overrides={
            "region_kato": pl.String,
            "region_kato_2021": pl.String,
            "village_weight": pl.Float64,
        },
    )


def official() -> pl.DataFrame:
    """Published figures as they are: region_kato, as_of_date, area_type, population, source."""
    return pl.read_csv(
        HERE / "official_population.csv", schema_overrides={"region_kato": pl.String}, try_parse_dates=True
    )


def region_population() -> pl.DataFrame:
    """Population of each region at each census date: region_kato, as_of_date, urban, rural.

    Published figures stand. What was not published is filled: a missing year lies between its neighbours,
    missing regions share what the nation leaves in proportion to the year before, and urban shares follow
    2023. Regions always sum to the nation, also by kind of area where the nation's division was published.
    """
    figures = {(r, d, a): p for r, d, a, p in official().select(pl.exclude("source")).iter_rows()}
    codes = regions()["region_kato"].to_list()
    totals: dict[int, Ints] = {}
    for day in CENSUS_DATES:
        known = np.array([figures.get((code, day, "all"), -1) for code in codes], dtype=np.int64)
        if (known >= 0).all():
            totals[day.year] = known
        elif (NATION, day, "all") in figures:
            missing = known < 0
            rest = figures[NATION, day, "all"] - int(known[~missing].sum())
            known[missing] = divide(rest, totals[day.year - 1][missing].astype(np.float64))
            totals[day.year] = known
    for day in CENSUS_DATES:
        if day.year not in totals:
            totals[day.year] = (totals[day.year - 1] + totals[day.year + 1]) // 2
    reference = next(day for day in CENSUS_DATES if (codes[0], day, "urban") in figures)
    share = np.array([figures[code, reference, "urban"] / figures[code, reference, "all"] for code in codes])
    rows = []
    for day in CENSUS_DATES:
        total = totals[day.year]
        if (codes[0], day, "urban") in figures:
            urban = np.array([figures[code, day, "urban"] for code in codes], dtype=np.int64)
        elif (NATION, day, "urban") in figures:
            cities = np.array([code in REPUBLICAN_CITIES for code in codes])
            urban = total.copy()
            left = figures[NATION, day, "urban"] - int(total[cities].sum())
            urban[~cities] = divide(left, (total * share)[~cities])
        else:
            urban = np.floor(total * share).astype(np.int64)
        rows += [(c, day, int(u), int(t - u)) for c, u, t in zip(codes, urban, total, strict=True)]
    schema = {"region_kato": pl.String, "as_of_date": pl.Date, "urban": pl.Int64, "rural": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
