"""The invented country and its networks: counts, codes, editions, and the totals the ministry published."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import shapely

from sample_country import boundaries, bureau, country, expected, rollout
from sample_country.country import Country
from sample_country.periods import PERIODS, SPLIT_DATE, TRANSFER_DATE
from sample_country.units import build_units, changes


@pytest.fixture(scope="module")
def land() -> Country:
    return country.build(2026)


@pytest.fixture(scope="module")
def claims(land: Country) -> pl.DataFrame:
    return rollout.build(land, 2026)


def test_there_are_as_many_places_as_the_real_country_has(land: Country) -> None:
    kinds = dict(land.places.group_by("kind").len().rows())
    assert kinds["village"] == 6_179
    assert kinds["city"] == 90
    assert land.places["is_programme"].sum() == 6_179
    assert land.places.filter(pl.col("kato").str.ends_with("0000000"))["name_ru"].to_list() == [
        "г.Астана",
        "г.Алматы",
        "г.Шымкент",
    ]
    assert not land.places.filter("is_spare")["is_programme"].any()


@pytest.mark.parametrize("seed", [1, 22, 29, 31])
def test_the_boundaries_hold_every_place(seed: int) -> None:
    places = country.build(seed).places.drop_nulls("latitude")
    shapes = boundaries.district_polygons(places)["shape"].to_list()
    # Corners are rounded to a metre, so that a place on an edge may stand in the crack.
    inside, _ = shapely.STRtree(shapes).query(
        shapely.points(places.select("longitude", "latitude").to_numpy()), predicate="dwithin", distance=1e-5
    )
    assert len(set(inside.tolist())) == places.height
    whole = sum(shapely.area(shape) for shape in shapes)
    assert shapely.union_all(shapes).area == pytest.approx(whole, rel=1e-6)


def test_digits_alone_do_not_tell_the_villages(land: Country) -> None:
    village = land.places.filter("is_programme")
    assert 0 < village.filter(~pl.col("kato").str.ends_with("00")).height < 500


def test_codes_are_unique_in_every_edition_and_lie_under_their_district(land: Country) -> None:
    current = land.units.filter("is_current")
    for frame, code in ((current, "kato"), (land.units, "kato_2022"), (land.units, "kato_2021")):
        assert not frame[code].drop_nulls().is_duplicated().any()
        assert frame[code].drop_nulls().str.contains(r"^\d{9}$").all()
    inside = land.places.filter(~pl.col("kato").str.ends_with("0000000"))
    assert (inside["kato"].str.slice(0, 4) == inside["district_kato"].str.slice(0, 4)).all()


@pytest.mark.parametrize("seed", [10, 49, 50])
def test_two_villages_that_one_rural_district_lost_had_codes_of_their_own(seed: int) -> None:
    units = build_units(np.random.default_rng([seed, 1]))
    for edition in ("kato_2021", "kato_2022"):
        assert units[edition].drop_nulls().is_unique().all()


def test_names_repeat_also_within_a_district(land: Country) -> None:
    villages = land.places.filter("is_programme")
    assert villages["name_ru"].value_counts()["count"].max() > 30
    assert country.duplicated_names(villages).height > 20
    assert not country.duplicated_names(villages)["name_is_unique"].any()


def test_the_edition_of_2021_shows_the_old_map(land: Country) -> None:
    old = bureau.old_edition(land.units, "kato_2021")
    regions = set(old.filter(pl.col("code").str.ends_with("0000000"))["code"].str.slice(0, 2))
    assert len(regions) == 17
    assert regions.isdisjoint({"10", "33", "62"})
    rows = {row["id"]: row for row in old.iter_rows(named=True)}
    child = next(
        row for row in rows.values() if row["code"].startswith("63") and not row["code"].endswith("000")
    )
    assert rows[child["parent_id"]]["code"][:4] == child["code"][:4]


def test_every_code_that_left_an_edition_has_its_change(land: Country) -> None:
    what = changes(land.units)
    old, new = set(land.units["kato_2021"].drop_nulls()), set(land.units["kato_2022"])
    latest = set(land.units.filter("is_current")["kato"])
    declared = {day: set(rows["retired_kato"]) for (day,), rows in what.group_by("effective_from")}
    assert declared[SPLIT_DATE] == old - new
    assert declared[TRANSFER_DATE] == new - latest
    assert set(what["change_type"]) == {"recoded", "renamed", "merged", "abolished"}
    assert set(what.filter(pl.col("change_type") == "abolished")["retired_kato"]) == set(land.retired)
    assert what.filter(pl.col("change_type") == "abolished")["current_kato"].is_null().all()


def test_the_last_period_comes_to_the_published_totals(land: Country, claims: pl.DataFrame) -> None:
    last = expected.totals(land, claims).row(-1, named=True)
    assert last["as_of_date"] == dt.date(2025, 12, 31)
    assert {name: last[name] for name in expected.PUBLISHED} == expected.PUBLISHED


@pytest.mark.parametrize("seed", [1, 99])
def test_any_seed_comes_to_the_published_totals(seed: int) -> None:
    land = country.build(seed)
    last = expected.totals(land, rollout.build(land, seed, PERIODS[-1:])).row(0, named=True)
    assert {name: last[name] for name in expected.PUBLISHED} == expected.PUBLISHED


def test_population_coverage_is_plausible_and_falls_with_the_technology(
    land: Country, claims: pl.DataFrame
) -> None:
    last = expected.totals(land, claims).row(-1, named=True)
    shares = [last[f"population_{t}_pct"] for t in ("2g", "3g", "4g", "5g")]
    assert shares == sorted(shares, reverse=True)
    assert 90 < last["population_4g_pct"] < 95


def test_coverage_grows_but_also_falls_in_places(claims: pl.DataFrame) -> None:
    lte = claims.filter(pl.col("technology") == "4g", pl.col("connection_level") >= 2)
    covered = [set(lte.filter(pl.col("as_of_date") == day)["place"]) for day in PERIODS]
    assert len(covered[0]) < len(covered[-1])
    assert any(before - after for before, after in pairwise(covered))


def test_the_union_of_operators_is_neither_their_sum_nor_their_largest(claims: pl.DataFrame) -> None:
    lte = claims.filter(
        pl.col("technology") == "4g", pl.col("connection_level") >= 2, pl.col("as_of_date") == PERIODS[-1]
    )
    one_by_one = lte.group_by("operator_id").len()["len"]
    assert one_by_one.max() < lte["place"].n_unique() < one_by_one.sum()


def test_spare_sites_and_places_a_name_cannot_tell_stay_out_of_the_claims(
    land: Country, claims: pl.DataFrame
) -> None:
    joined = claims.join(land.places.select("place", "is_spare", "name_is_unique"), on="place")
    assert not joined["is_spare"].any()
    assert joined.filter(pl.col("operator_id") == "sayran_cell")["name_is_unique"].all()


def test_a_period_is_the_same_whichever_others_are_asked_for(land: Country, claims: pl.DataFrame) -> None:
    alone = rollout.build(land, 2026, [PERIODS[4]])
    assert alone.equals(claims.filter(pl.col("as_of_date") == PERIODS[4]))


def test_homes_passed_never_exceed_the_homes_there_are(land: Country, claims: pl.DataFrame) -> None:
    last = claims.filter(pl.col("as_of_date") == PERIODS[-1]).join(
        land.places.select("place", "households_2026"), on="place"
    )
    assert (
        last["households_passed"].drop_nulls() <= last.drop_nulls("households_passed")["households_2026"]
    ).all()
    assert (last["households_connected"].fill_null(0) <= last["households_passed"].fill_null(0)).all()
    idle = last.filter(pl.col("connection_level") < 2)
    assert idle["households_passed"].fill_null(0).sum() == 0
