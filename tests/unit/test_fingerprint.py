"""Fingerprints: equal content, equal fingerprint; anything else, another."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.unit.audit_kit import Country, Table, home_in, small_country, write_extracts
from warehouse.candidate import parse_manifest
from warehouse.fingerprint import ABSENT, fingerprint_candidate, table_fingerprint, view_fingerprint

ROWS = (
    "select * from (values (1, 'a', null::double), (2, 'b', 1.5), (2, 'b', 1.5)) as t (number, name, share)"
)


def fingerprint(sql: str) -> str:
    with duckdb.connect() as connection:
        connection.execute(f"create table subject as {sql}")
        return table_fingerprint(connection, "subject")


def test_the_order_of_rows_does_not_matter() -> None:
    assert fingerprint(ROWS) == fingerprint(f"{ROWS} order by number desc")


@pytest.mark.parametrize(
    "changed",
    [
        "select * replace (coalesce(share, 0.0) as share) from ({rows})",
        "select distinct * from ({rows})",
        "select * replace (name || ' ' as name) from ({rows})",
        "select number as numbers, name, share from ({rows})",
        "select number::smallint as number, name, share from ({rows})",
        "select name, number, share from ({rows})",
        "select * from ({rows}) where number = 1",
    ],
    ids=[
        "unknown_turned_zero",
        "one_duplicate_less",
        "a_blank",
        "column_name",
        "type",
        "column_order",
        "rows",
    ],
)
def test_every_change_of_content_shows(changed: str) -> None:
    assert fingerprint(changed.format(rows=ROWS)) != fingerprint(ROWS)


def test_a_row_that_moves_its_value_to_another_row_shows() -> None:
    assert fingerprint("select 1 as a, 10 as b union all select 2, 20") != fingerprint(
        "select 1 as a, 20 as b union all select 2, 10"
    )


def test_a_view_does_not_depend_on_where_the_lake_lies() -> None:
    one = view_fingerprint("select 1 from read_parquet('/a/lake/x')", {"p": "1"}, Path("/a/lake"))
    other = view_fingerprint("select 1 from  read_parquet('/b/lake/x')", {"p": "1"}, Path("/b/lake"))
    assert one == other
    assert one != view_fingerprint("select 2 from read_parquet('/a/lake/x')", {"p": "1"}, Path("/a/lake"))
    assert one != view_fingerprint("select 1 from read_parquet('/a/lake/x')", {"p": "2"}, Path("/a/lake"))


def of(country: Country, folder: Path) -> dict[str, str]:
    home = country.write(home_in(folder))
    manifest = parse_manifest(json.loads((home.dbt_target / "manifest.json").read_text()))
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        found = fingerprint_candidate(home, manifest, connection)
    return {**found.nodes, "candidate": found.candidate}


def test_the_same_content_in_another_place_has_the_same_fingerprints(tmp_path: Path) -> None:
    assert of(small_country(), tmp_path / "a") == of(small_country(), tmp_path / "b")


def test_a_new_delivery_shows_only_where_it_is_read(tmp_path: Path) -> None:
    before = of(small_country(), tmp_path)
    country = small_country()
    country.extracts[1]["content_fingerprint"] = "c3"
    after = of(country, tmp_path)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"source.qamtu.lake.itu_indicators", "model.qamtu.stg_itu", "candidate"}


def test_a_superseded_delivery_does_not_count(tmp_path: Path) -> None:
    before = of(small_country(), tmp_path)
    country = small_country()
    country.extracts.append({"extract_id": "e3", "is_current": False, "content_fingerprint": "c9"})
    assert of(country, tmp_path) == before


def test_a_table_that_is_not_there_is_absent_and_so_is_what_stands_on_it(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    with duckdb.connect(str(home.build_file)) as connection:
        connection.execute("drop table marts.fct_coverage")
    manifest = parse_manifest(json.loads((home.dbt_target / "manifest.json").read_text()))
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        found = fingerprint_candidate(home, manifest, connection)
    assert found.nodes["model.qamtu.fct_coverage"] == ABSENT
    assert found.of(["model.qamtu.fct_coverage", "model.qamtu.fct_metric"]) == ABSENT
    assert found.of(["model.qamtu.fct_metric"]) != ABSENT


def test_a_build_file_that_was_written_again_is_hashed_again(tmp_path: Path) -> None:
    country = small_country()
    before = of(country, tmp_path)
    country.tables["fct_benchmark"] = Table(
        country.tables["fct_benchmark"].sql.replace("91.6", "91.7"), ["stg_itu"]
    )
    after = of(country, tmp_path)
    assert before["model.qamtu.fct_benchmark"] != after["model.qamtu.fct_benchmark"]


def test_the_accounts_of_deliveries_are_hashed_by_content(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    country = small_country()
    country.tables["meta_extract"] = Table("select 1 as one", ["lake.extract"])
    before = of(country, tmp_path)
    country.extracts[0]["outcome"] = "accepted_with_quarantine"
    write_extracts(home, country.extracts)
    assert of(country, tmp_path)["source.qamtu.lake.extract"] != before["source.qamtu.lake.extract"]
