"""The real extracts, where they lie beside the project: what ingestion makes of them, to the row."""

from __future__ import annotations

import polars as pl
import pytest
from polars_h3 import cell_area
from pyproj import Geod

from ingestion.pipeline import read_gazetteer
from ingestion.places import bare_name, clean_name, level_of, name_keys, place_kind
from tests.main_job_kit import Run
from warehouse.lake import Outcome, partition, read_outcomes
from warehouse.paths import Home

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def home(real_run: Run) -> Home:
    assert real_run.code == 3, real_run.told
    return real_run.home


@pytest.fixture(scope="module")
def outcomes(home: Home) -> dict[str, Outcome]:
    return {o.layout_id or o.file_name: o for o in read_outcomes(home)}


def accepted(home: Home, outcome: Outcome) -> pl.DataFrame:
    """Accepted rows of an extract."""
    folder = partition(home, "accepted", str(outcome.extract_kind), outcome.extract_id)
    return pl.read_parquet(sorted(folder.glob("part-*.parquet")), hive_partitioning=False)


def test_both_kato_editions_arrive_whole(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["bureau/kato_classifier_2026"].rows_accepted == 15_594
    assert outcomes["bureau/kato_classifier_2022"].rows_accepted == 16_264


def test_codes_of_2022_are_current_or_mapped_or_known_to_be_abolished(
    home: Home, outcomes: dict[str, Outcome]
) -> None:
    codes = read_gazetteer(home, outcomes.values()).codes
    editions = {
        year: set(accepted(home, outcomes[f"bureau/kato_classifier_{year}"])["kato"].to_list())
        for year in (2022, 2026)
    }
    assert len(editions[2022] - editions[2026]) == 1_252
    assert len(editions[2026] - editions[2022]) == 582
    retired = codes.filter(pl.col("filed_code").is_in(list(editions[2022] - editions[2026])))
    assert dict(retired["code_status"].value_counts().rows()) == {"mapped": 544, "retired": 708}
    assert set(retired["kato"].drop_nulls()) <= editions[2026]
    assert codes.filter("is_settlement").filter(pl.col("code_status") == "current").height == 12_986 + 39 + 3


def test_places_renamed_between_the_editions_are_found_by_either_name(
    home: Home, outcomes: dict[str, Outcome]
) -> None:
    before, after = (
        accepted(home, outcomes[f"bureau/kato_classifier_{year}"]).select("kato", "name_ru")
        for year in (2022, 2026)
    )
    renamed = before.join(after, on="kato", suffix="_now").filter(pl.col("name_ru") != pl.col("name_ru_now"))
    assert renamed.height == 157
    villages = renamed.filter(level_of(pl.col("kato")) == "settlement")
    either = pl.concat([villages["kato", "name_ru"], villages.select("kato", name_ru="name_ru_now")])
    cleaned = clean_name(pl.col("name_ru"))
    keys = name_keys(place_kind(cleaned), bare_name(cleaned))
    either = either.select(
        "kato",
        parent=pl.col("kato").str.slice(0, 4) + "00000",
        # A winter camp or a section is called so.
        key=pl.coalesce(keys["bare"], keys["exact"]),
    )
    known = read_gazetteer(home, outcomes.values()).names.filter(pl.col("level") == "settlement")
    found = either.join(known, on=["parent", "key"], how="left", suffix="_found")
    missed = found.filter(
        pl.col("kato").ne_missing(pl.col("kato_found")) & ~pl.col("is_ambiguous").fill_null(value=False)
    )
    assert missed.is_empty()
    # In the district of Zhualy two names went on to other villages: 313631100 was Косак and is Кокбастау.
    assert set(found.filter(pl.col("parent") == "313600000").filter("is_ambiguous")["key"]) == {
        "|косак",
        "|кокбастау",
    }


def test_population_of_2023_sums_exactly_over_regions(home: Home, outcomes: dict[str, Outcome]) -> None:
    bulletin = accepted(home, outcomes["bureau/population_bulletin_2023"]).filter(
        pl.col("area_type") == "all"
    )
    regions = bulletin.filter(pl.col("kato").str.ends_with("0000000") & (pl.col("kato") != "000000000"))
    assert regions.height == 20
    assert regions["population"].sum() == 19_765_004
    assert bulletin.filter(pl.col("kato") == "000000000")["population"].item() == 19_765_004


def test_the_total_row_beside_regions_is_the_nation_not_a_region(
    home: Home, outcomes: dict[str, Outcome]
) -> None:
    egov = accepted(home, outcomes["bureau/population_egov"])
    regions = egov.filter(pl.col("kato") != "000000000")
    assert (
        regions["population"].sum()
        == egov.filter(pl.col("kato") == "000000000")["population"].item()
        == 18_631_779
    )


def test_itu_series_of_kazakhstan(home: Home, outcomes: dict[str, Outcome]) -> None:
    itu = accepted(home, outcomes["itu/itu_indicators"])
    assert itu.height == 9_609
    lte = itu.filter(
        (pl.col("entity_iso") == "KAZ") & (pl.col("series_code") == "i271GA") & (pl.col("year") == 2024)
    )
    assert lte["value"].item() == 91.6


def test_places_without_a_name_are_quarantined_and_no_name_alone_becomes_a_code(
    home: Home, outcomes: dict[str, Outcome]
) -> None:
    osm = outcomes["osm/settlement_positions"]
    assert (osm.rows_read, osm.rows_accepted, osm.rows_quarantined) == (9_899, 8_559, 1_340)
    assert accepted(home, osm)["settlement_kato"].null_count() == 8_559


def cells(home: Home, outcome: Outcome) -> pl.DataFrame:
    """Cells of an extract."""
    folder = partition(home, "cells", str(outcome.extract_kind), outcome.extract_id)
    return pl.read_parquet(sorted(folder.glob("part-*.parquet")), hive_partitioning=False)


def test_republican_roads_have_their_official_length_and_cells_of_their_geometry(
    home: Home, outcomes: dict[str, Outcome]
) -> None:
    outcome = outcomes["roads_map/highways"]
    roads = accepted(home, outcome)
    assert roads.height == 23
    assert roads["official_length_km"].sum() == pytest.approx(16_554.09)
    assert roads["length_km"].sum() == pytest.approx(17_798.5, abs=0.1)
    assert roads["geometry_repair"].is_not_null().sum() == 8
    assert set(roads.filter(pl.col("vertices") < 10)["road_id"]) == {"KAZ03", "KAZ05"}
    lengths = cells(home, outcome).group_by("road_id").agg(pl.col("length_km").sum().alias("in_cells"))
    both = roads.join(lengths, on="road_id")
    assert both.height == 23
    assert (both["in_cells"] / both["length_km"] - 1).abs().max() < 1e-12


def test_republican_roads_filed_in_parts_out_of_order_are_put_in_order(
    home: Home, outcomes: dict[str, Outcome]
) -> None:
    ways = cells(home, outcomes["roads_map/highways"]).sort("road_id", "start_km")
    here, ahead = (pl.col("longitude", "latitude"), pl.col("longitude", "latitude").shift(-1).over("road_id"))
    steps = ways.select("road_id", here, ahead.name.prefix("next_")).drop_nulls()
    _, _, metres = Geod(ellps="WGS84").inv(*steps.drop("road_id").get_columns())
    breaks = steps.filter(pl.Series(metres) > 2500).group_by("road_id").len()
    assert breaks["len"].sum() < 100
    assert not {"KAZ20", "KAZ22"} & set(breaks["road_id"]), "39 and 21 parts, all of which touch another"


@pytest.mark.parametrize(
    ("level", "year", "rows"), [(1, 2018, 17), (1, 2024, 20), (2, 2018, 216), (2, 2024, 224)]
)
@pytest.mark.usefixtures("outcomes")
def test_boundaries_fill_the_country_once(home: Home, level: int, year: int, rows: int) -> None:
    (outcome,) = (
        o for o in read_outcomes(home) if o.file_name.endswith(f"kaz_admbnda_adm{level}_{year}.shp")
    )
    areas = accepted(home, outcome)
    assert areas.height == rows == areas["kato"].n_unique()
    assert areas["area_km2"].sum() == pytest.approx(2_728_300, abs=200)
    found = cells(home, outcome)
    assert found.height == pytest.approx(3_149_771, abs=20)
    assert found["h3_cell"].n_unique() >= found.height - 20
    # Cells are measured on a sphere: the country is 0.29 per cent smaller there.
    covered = found.group_by("kato").agg(cell_area("h3_cell", "km^2").sum().alias("covered"))
    error = (
        areas.join(covered, on="kato").select((pl.col("covered") / pl.col("area_km2") - 1).abs()).to_series()
    )
    assert error.max() < (0.006 if level == 1 else 0.08)


def test_measured_speeds_of_every_quarter(home: Home, outcomes: dict[str, Outcome]) -> None:
    series = accepted(home, outcomes["ookla/national_speed_series"])
    assert series.height == 54
    assert str(series["as_of_date"].min()) == "2019-03-31"
    assert str(series["as_of_date"].max()) == "2025-09-30"


def test_every_file_has_an_outcome_and_every_row_an_end(outcomes: dict[str, Outcome]) -> None:
    for outcome in outcomes.values():
        assert outcome.rows_read == outcome.rows_accepted + outcome.rows_quarantined + outcome.rows_duplicate
        if not outcome.is_accepted:
            assert all([outcome.rule, outcome.message]), outcome.file_name
