"""The sample against the project's own ingestion: each file has one layout, and ends exactly as injected."""

from __future__ import annotations

import polars as pl
import pytest

from ingestion.layout import load_layouts, matching
from sample_country import PERIODS, Summary, country, expected, generate, rollout
from tests.main_job_kit import Run
from warehouse.files import sha256_of
from warehouse.paths import Home

KEY = ["as_of_date", "operator_id", "settlement_kato", "technology"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """The sample generated once more, with the record of what was put into it."""
    return generate(tmp_path_factory.mktemp("inbox"))


@pytest.fixture(scope="module")
def home(sample_run: Run) -> Home:
    assert sample_run.code == 0, sample_run.told
    return sample_run.home


def accepted(home: Home, kind: str) -> pl.DataFrame:
    current = pl.read_parquet(home.lake / "meta/extract.parquet").filter("is_current")["extract_id"]
    frame = pl.read_parquet(home.lake / "accepted" / kind / "**/*.parquet", hive_partitioning=False)
    return frame.filter(pl.col("extract_id").is_in(current.implode()))


def test_the_run_had_exactly_these_files(home: Home, sample: Summary) -> None:
    received = home.root / "sample_inbox"
    paths = [path for path in received.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert {path.relative_to(received).as_posix(): sha256_of(path) for path in paths} == {
        file.path: sha256_of(sample.root / file.path) for file in sample.files
    }


def test_each_file_has_the_one_layout_of_its_sender(sample: Summary) -> None:
    for file in sample.files:
        found = [layout for layout, _ in matching(file.path, load_layouts().values())]
        if file.outcome == "unmatched":
            assert found == []
        else:
            (layout,) = found
            assert (layout.sender, layout.extract_kind) == (file.sender, file.extract_kind)
            assert layout.is_sample


def test_faults_of_every_kind_are_put_in(sample: Summary) -> None:
    rules = set(expected.injected_faults(sample)["rule"])
    assert rules >= {
        "above_maximum", "below_minimum", "duplicate", "future_period", "header_repeated", "kato_region_mismatch",
        "kato_retired", "kato_unknown", "kato_wrong_level", "key_conflict", "not_a_date", "not_a_number",
        "not_an_integer", "place_ambiguous", "place_context_missing", "place_not_found", "required_missing",
        "total_row", "value_not_mapped", "wrong_field_count",
    }  # fmt: skip
    outcomes = dict(expected.row_accounts(sample).group_by("outcome").len().rows())
    assert outcomes["rejected"] == 1
    assert outcomes["unmatched"] == 1
    assert outcomes["same_delivery"] == 1
    superseded = expected.row_accounts(sample).filter(~pl.col("is_current"), pl.col("outcome") == "accepted")
    assert superseded["path"].to_list() == ["sample_dala/availability_2025q2.csv"]
    last = sample.totals.row(-1, named=True)
    assert {name: last[name] for name in expected.PUBLISHED} == expected.PUBLISHED


def test_no_sample_layout_takes_a_real_file() -> None:
    real = [
        "kato_2026/kato.csv", "kato_2022/KATO_17.10.2022_ru.csv", "kato_2026/kato_migrations.csv",
        "itu_datahub/population_coverage_mobile_network.csv",
    ]  # fmt: skip
    layouts = [layout for layout in load_layouts().values() if layout.is_sample]
    assert not [name for name in real if matching(name, layouts)]


def test_every_file_ends_as_it_must(home: Home, sample: Summary) -> None:
    wanted = expected.row_accounts(sample).filter(pl.col("outcome") != "same_delivery")
    columns = ["outcome", "is_current", "rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate"]
    accounts = pl.read_parquet(home.lake / "meta/row_account.parquet")
    found = pl.read_parquet(home.lake / "meta/extract.parquet").join(accounts, on="extract_id")
    assert (
        found.sort("file_name").select("file_name", *columns).rows() == wanted.select("path", *columns).rows()
    )


def test_every_injected_fault_is_found_under_its_rule(home: Home, sample: Summary) -> None:
    put_in = expected.injected_faults(sample).filter(pl.col("outcome") == "quarantined")
    quarantined = pl.read_parquet(
        home.lake / "quarantined/*/*/*.parquet", columns=["extract_id", "source_row", "reasons"]
    )
    rules = quarantined.with_row_index("row").explode("reasons").unnest("reasons").unique(["row", "rule"])
    counted = rules.group_by("extract_id", "rule").agg(found=pl.len())
    names = pl.read_parquet(home.lake / "meta/extract.parquet").select("extract_id", path="file_name")
    joined = (
        put_in.group_by("path", "rule")
        .agg(pl.sum("rows"))
        .join(names, on="path")
        .join(counted, on=["extract_id", "rule"], how="left")
    )
    assert joined.filter(pl.col("found").fill_null(0) < pl.col("rows")).rows() == []


def test_accepted_rows_are_the_true_claims_and_nothing_else(home: Home) -> None:
    land = country.build(2026)
    truth = rollout.build(land, 2026, PERIODS).join(
        land.places.select("place", settlement_kato="kato"), on="place"
    )
    by_address = (
        accepted(home, "operator_address_availability")
        .group_by(KEY)
        .agg(
            pl.max("connection_level"),
            households_passed=(pl.col("connection_level") >= 2).sum().cast(pl.Int64),
        )
    )
    filed = pl.concat([accepted(home, "operator_availability").select(by_address.columns), by_address])
    columns = [*KEY, "connection_level", "households_passed"]
    assert filed.select(columns).sort(KEY).rows() == truth.select(columns).sort(KEY).rows()


def test_counts_of_people_reach_the_lake_exactly(home: Home) -> None:
    people = accepted(home, "population")
    nation = people.filter(pl.col("kato") == "000000000", pl.col("as_of_date") == pl.date(2026, 1, 1))
    assert dict(nation.select("area_type", "population").rows()) == {
        "all": 20_495_975, "urban": 13_029_803, "rural": 7_466_172,
    }  # fmt: skip
    # The three republican cities are region and district at once.
    city = pl.col("kato").is_in(["710000000", "750000000", "790000000"])
    region = pl.col("kato").str.ends_with("0000000") & (pl.col("kato") != "000000000")
    district = (pl.col("kato").str.ends_with("00000") & ~pl.col("kato").str.ends_with("0000000")) | city
    for level in (region, district):
        sums = people.filter(level).group_by("as_of_date", "area_type").agg(pl.sum("population"))
        wanted = people.filter(pl.col("kato") == "000000000").select("as_of_date", "area_type", "population")
        assert sorted(sums.rows()) == sorted(wanted.rows())


def test_counted_settlements_leave_room_for_the_others_in_their_district(home: Home) -> None:
    land = country.build(2026).places
    people = accepted(home, "population").filter(pl.col("as_of_date") == pl.date(2026, 1, 1))
    counted = people.filter(pl.col("area_type") == "all").join(
        land.select("kato", "district_kato", "is_urban"), on="kato"
    )
    counted = (
        counted.filter(~pl.col("kato").str.ends_with("0000000"))
        .group_by("district_kato", "is_urban")
        .agg(pl.sum("population"))
    )
    totals = people.filter(pl.col("area_type") != "all").select(
        district_kato="kato", is_urban=pl.col("area_type") == "urban", total="population"
    )
    joined = counted.join(totals, on=["district_kato", "is_urban"], how="left")
    assert joined.filter(pl.col("total").is_null() | (pl.col("population") > pl.col("total"))).rows() == []
