"""Evidence in the sample: what stands behind the claims, and where what is listed and measured lies."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
import shapely

from sample_country import PERIODS, country, disputes, evidence, generate, rollout, sites, urban
from sample_country.filing import Filing
from sample_country.inbox import Inbox

LAST = PERIODS[-1]
KM = 111.2


@pytest.fixture(scope="module")
def filing(tmp_path_factory: pytest.TempPathFactory) -> Filing:
    land = country.build(2026)
    claims = rollout.build(land, 2026, PERIODS[-2:])
    return Filing(land, claims, PERIODS[-2:], 2026, False, Inbox(tmp_path_factory.mktemp("inbox")))


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("sample"), periods=PERIODS[-2:]).root


def at_place(sites: pl.DataFrame) -> pl.DataFrame:
    return sites.with_columns(place=pl.col("site_id").str.split("-").list.get(1).cast(pl.Int64))


@pytest.mark.parametrize("operator", evidence.OPERATORS)
def test_stations_stand_behind_true_claims_alone(filing: Filing, operator: str) -> None:
    claims = evidence.mobile_claims(filing, LAST).filter(pl.col("operator_id") == operator)
    rows = at_place(sites.stations(filing, operator, LAST))
    found = set(rows.select("place", "technology").rows())
    untrue = claims.filter(~pl.col("is_true"))
    assert 10 < len(untrue) < 0.1 * claims.filter(pl.col("technology") == "4g").height
    assert set(untrue["technology"]) == {"4g"}
    assert found.isdisjoint(untrue.select("place", "technology").rows())
    assert found <= set(claims.select("place", "technology").rows())
    built = set(claims.filter("is_true", "is_listed").select("place", "technology").rows())
    assert found == built


@pytest.mark.parametrize("operator", evidence.OPERATORS)
def test_stations_are_on_air_after_their_licence_and_stay_where_they_were(
    filing: Filing, operator: str
) -> None:
    now, before = sites.stations(filing, operator, LAST), sites.stations(filing, operator, PERIODS[-2])
    assert (now["licensed_date"] < now["on_air_date"]).drop_nulls().all()
    assert now["on_air_date"].drop_nulls().max() <= LAST
    both = now.join(before, on=["site_id", "technology"], suffix="_before").drop_nulls(
        ["on_air_date", "on_air_date_before"]
    )
    assert len(both) > 0.9 * len(before)
    for name in ("latitude", "longitude", "on_air_date"):
        assert both[name].equals(both[f"{name}_before"].alias(name))


def test_5g_stands_in_every_city_that_is_claimed_and_grows(filing: Filing) -> None:
    cities = filing.country.places.filter(pl.col("kind") == "city")
    counted = []
    for day in PERIODS[-2:]:
        rows = at_place(sites.stations(filing, "arman_mobile", day)).filter(pl.col("technology") == "5g")
        claimed = filing.claims.filter(
            pl.col("as_of_date") == day,
            pl.col("operator_id") == "arman_mobile",
            pl.col("technology") == "5g",
        )
        assert set(rows["place"]) == set(claimed["place"]) <= set(cities["place"])
        counted.append(len(rows))
    assert counted[0] < counted[1]
    # Most stations of the largest city stand inside its outline.
    largest = cities.sort("population_2026").row(-1, named=True)
    outline = urban._outline(filing, largest)
    inside = rows.filter(pl.col("place") == largest["place"]).select("longitude", "latitude").to_numpy()
    assert shapely.contains_xy(outline, inside).mean() > 0.8


def test_field_tests_fail_where_4g_is_not_there(filing: Filing, inbox: Path) -> None:
    tests = pl.read_csv(
        inbox / "sample_ministry/drive_tests_2025q4.csv", separator=";", decimal_comma=True
    ).filter(pl.col("technology") == "4g", ~pl.col("test_id").str.starts_with("spare"))
    untrue = evidence.mobile_claims(filing, LAST).filter(~pl.col("is_true"))
    near = tests.join(untrue.select("operator_id", "latitude", "longitude"), how="cross", suffix="_there").filter(
        pl.col("operator") == pl.col("operator_id"),
        ((pl.col("latitude") - pl.col("latitude_there")) * KM).abs() < 0.5,
        ((pl.col("longitude") - pl.col("longitude_there")) * KM * 0.65).abs() < 0.5,
    )  # fmt: skip
    assert len(near) > 20
    failed = near.filter(pl.col("success") == "нет")
    assert len(failed) > 0.7 * len(near)
    assert failed["download_mbps"].is_null().all()
    assert tests.filter(pl.col("success") == "да").height > 0.7 * len(tests)


def test_a_quarter_is_the_same_whichever_others_are_filed(inbox: Path, tmp_path: Path) -> None:
    alone = generate(tmp_path, periods=[LAST]).root
    kinds = ("stations_2025-Q4.xlsx", "sites_2025q4.geojson", "sites-2025-q4.csv", "drive_tests_2025q4.csv")
    others = ("performance_mobile_tiles.zip", "performance_fixed_tiles.zip", "cells_2025-12-31.csv")
    found = [path.relative_to(alone) for path in alone.rglob("*") if path.name.endswith((*kinds, *others))]
    assert len(found) == 7
    for path in found:
        assert (alone / path).read_bytes() == (inbox / path).read_bytes(), path


def test_no_slip_is_made_without_faults(filing: Filing) -> None:
    sites.write(filing)
    written = json.loads((filing.inbox.root / "sample_sayran/sayran_sites_2025q4.geojson").read_text())
    positions = [feature["geometry"]["coordinates"] for feature in written["features"]]
    assert all(46 < longitude < 88 and 40 < latitude < 56 for longitude, latitude in positions)
    assert filing.inbox.summary(pl.DataFrame()).files
    assert not any(file.faults for file in filing.inbox.summary(pl.DataFrame()).files)


def test_nothing_is_listed_before_its_first_quarter(tmp_path: Path) -> None:
    summary = generate(tmp_path, periods=[dt.date(2024, 12, 31)])
    kinds = {file.extract_kind for file in summary.files}
    assert kinds.isdisjoint({"operator_sites", "drive_tests", "speed_test_tiles", "cell_positions"})


def test_disputes_are_decided_as_their_claims_are_true(filing: Filing) -> None:
    before, now = (disputes.register(filing, day) for day in PERIODS[-2:])
    assert set(now["status"]) == {"filed", "answered", "upheld", "rejected"}
    decided = now.filter(pl.col("status").is_in(["upheld", "rejected"])).join(
        evidence.mobile_claims(filing, LAST).filter(pl.col("technology") == "4g"), on=["place", "operator_id"]
    )
    assert decided.filter(pl.col("is_true") == (pl.col("status") == "upheld")).is_empty()
    assert set(before["dispute"]) < set(now["dispute"]), "a register lists all that stand"
    overdue = now.filter(pl.col("status") == "filed", pl.col("answer_due_at") < LAST)
    assert overdue["operator_id"].n_unique() == 2


def test_a_register_holds_nothing_of_the_days_after_it(filing: Filing) -> None:
    register = disputes.register(filing, PERIODS[-2])
    for name in ("filed_at", "answered_at", "decided_at"):
        assert register[name].drop_nulls().max() <= PERIODS[-2]
