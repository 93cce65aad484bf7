"""The sample's people: official figures are kept, gaps are filled, and every sum is exact."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_country import bureau, country
from sample_country.periods import CENSUS_DATES, census_for
from sample_country.population import NATION, divide, official, region_population


@given(st.integers(0, 10_000_000), st.lists(st.floats(0.001, 1e6), min_size=1, max_size=40))
def test_division_keeps_the_total_and_stays_within_one_of_the_share(total: int, weights: list[float]) -> None:
    parts = divide(total, np.array(weights))
    assert parts.sum() == total
    exact = total * np.array(weights) / sum(weights)
    assert (np.abs(parts - exact) < 1 + 1e-6 * total).all()


def test_division_without_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be divided"):
        divide(3, np.zeros(4))


def test_regions_sum_to_the_published_nation_by_kind_of_area() -> None:
    sums = {
        row[0]: row[1:]
        for row in region_population().group_by("as_of_date").agg(pl.sum("urban", "rural")).rows()
    }
    assert sums[dt.date(2026, 1, 1)] == (13_029_803, 7_466_172)
    assert sums[dt.date(2025, 1, 1)] == (12_773_115, 7_510_284)
    assert sums[dt.date(2023, 1, 1)] == (12_208_259, 7_556_745)
    assert sum(sums[dt.date(2022, 1, 1)]) == 19_503_159


def test_published_regions_stand_as_published() -> None:
    published = official().filter(pl.col("area_type") == "all", pl.col("region_kato") != NATION)
    ours = region_population().with_columns(total=pl.col("urban") + pl.col("rural"))
    joined = published.join(ours, on=["region_kato", "as_of_date"], how="left")
    assert joined["population"].to_list() == joined["total"].to_list()


@pytest.mark.parametrize("day", CENSUS_DATES, ids=str)
def test_places_sum_to_regions_and_districts_and_the_nation(day: dt.date) -> None:
    places = country.build(7).places
    value = f"population_{day.year}"
    by_region = bureau.by_area(places, value, "region_kato").sort("kato")
    figures = region_population().filter(pl.col("as_of_date") == day).sort("region_kato")
    assert by_region.select("urban", "rural").rows() == figures.select("urban", "rural").rows()
    assert by_region["all"].to_list() == (figures["urban"] + figures["rural"]).to_list()
    districts = (
        bureau.by_area(places, value, "district_kato")
        .group_by(pl.col("kato").str.slice(0, 2))
        .agg(pl.sum("all"))
    )
    assert districts.sort("kato")["all"].to_list() == by_region["all"].to_list()
    assert places[value].min() >= 0


def test_a_quarter_is_counted_against_the_census_of_the_next_day() -> None:
    assert census_for(dt.date(2025, 12, 31)) == dt.date(2026, 1, 1)
    assert census_for(dt.date(2025, 9, 30)) == dt.date(2025, 1, 1)
    assert census_for(dt.date(2021, 12, 31)) == dt.date(2022, 1, 1)
