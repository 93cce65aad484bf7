"""Fingerprints: equal content, equal fingerprint; anything else, another."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

import warehouse.parts as parts
from tests.unit.audit_kit import Country, Table, home_in, small_country, write_extracts
from warehouse.candidate import parse_manifest
from warehouse.fingerprint import (
    ABSENT,
    CandidateFingerprint,
    fingerprint_candidate,
    lake_fingerprint,
    table_fingerprint,
    view_fingerprint,
)
from warehouse.paths import Home

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


def test_a_view_is_known_by_its_text_and_by_what_it_reads() -> None:
    one = view_fingerprint("select 1 from read_parquet('~/x')", {"p": "1"})
    assert one == view_fingerprint("select 1 from  read_parquet('~/x')", {"p": "1"})
    assert one != view_fingerprint("select 2 from read_parquet('~/x')", {"p": "1"})
    assert one != view_fingerprint("select 1 from read_parquet('~/x')", {"p": "2"})


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


PART = "accepted/operator_availability/extract_id=e1/part-0.parquet"
SOURCE, VIEW = "source.qamtu.lake.operator_availability", "model.qamtu.stg_availability"


def found_in(home: Home) -> CandidateFingerprint:
    manifest = parse_manifest(json.loads((home.dbt_target / "manifest.json").read_text()))
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        return fingerprint_candidate(home, manifest, connection)


def other_rows(lake: Path) -> None:
    pl.DataFrame({"extract_id": ["e9"]}).write_parquet(lake / PART)


def one_byte(lake: Path) -> None:
    """In place, of the same size, with the time of change put back."""
    status = (lake / PART).stat()
    with (lake / PART).open("r+b") as stream:
        stream.seek(10)
        stream.write(b"~")
    os.utime(lake / PART, ns=(status.st_atime_ns, status.st_mtime_ns))


def no_file(lake: Path) -> None:
    (lake / PART).unlink()


def a_copy_beside(lake: Path) -> None:
    shutil.copytree((lake / PART).parent, (lake / PART).parent.with_name("extract_id=e1 (copy)"))


def a_part_more(lake: Path) -> None:
    shutil.copy(lake / PART, (lake / PART).with_name("part-1.parquet"))


def rows_in_the_schema(lake: Path) -> None:
    shutil.copy(lake / PART, lake / "accepted/operator_availability/_schema.parquet")


def no_record(lake: Path) -> None:
    (lake / "meta/accepted_part.parquet").unlink()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_rows, f"{PART} was changed after it was accepted; run again: its file is read anew"),
        (one_byte, f"{PART} was changed after it was accepted; run again"),
        (no_file, f"{PART} is missing; run again"),
        (a_copy_beside, "(copy)/part-0.parquet is no part of any accepted delivery; remove it and run again"),
        (a_part_more, "part-1.parquet is no part of any accepted delivery; remove it"),
        (rows_in_the_schema, "_schema.parquet is no part of any accepted delivery; remove it"),
        (no_record, "e1: no hash of its accepted rows was kept; run again"),
    ],
)
def test_rows_of_the_lake_that_are_not_those_accepted_are_absent(
    tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    home = small_country().write(home_in(tmp_path))
    before = found_in(home)
    assert before.faults == {}
    change(home.lake)
    after = found_in(home)
    assert (after.nodes[SOURCE], after.nodes[VIEW], after.of([VIEW])) == (ABSENT, ABSENT, ABSENT)
    assert told in after.faults[SOURCE][0]
    assert after.faults[VIEW] == after.faults[SOURCE]
    assert after.candidate != before.candidate
    with duckdb.connect() as connection:
        assert lake_fingerprint(connection, home.lake, "operator_availability") == ABSENT
    if change is not no_record:
        assert (
            after.nodes["source.qamtu.lake.itu_indicators"]
            == before.nodes["source.qamtu.lake.itu_indicators"]
        )
        assert after.nodes["model.qamtu.stg_itu"] == before.nodes["model.qamtu.stg_itu"]


def test_every_file_of_an_extract_is_looked_at(tmp_path: Path) -> None:
    home = small_country().write(home_in(tmp_path))
    second = (home.lake / PART).with_name("part-1.parquet")
    shutil.copy(home.lake / PART, second)
    sealed = parts.seal(home.lake, second.parent)
    assert [Path(name).name for name, _ in sealed] == ["part-0.parquet", "part-1.parquet"]
    assert parts.changes(home.lake, sealed) == []
    other_rows(home.lake)
    second.write_bytes(b"")
    assert [told.split(" ")[0] for told in parts.changes(home.lake, sealed)] == [name for name, _ in sealed]


def test_a_file_is_hashed_again_only_when_it_may_be_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = small_country().write(home_in(tmp_path))
    hashed: list[str] = []

    def counting(path: Path) -> str:
        hashed.append(path.name)
        return real(path)

    real = parts.sha256_of
    monkeypatch.setattr(parts, "sha256_of", counting)
    before = found_in(home)
    assert hashed == [], "hashed when it was committed"
    (home.lake / PART).touch()
    assert (found_in(home), hashed) == (before, ["part-0.parquet"])
    assert (found_in(home), hashed) == (before, ["part-0.parquet"])
    (home.lake / PART).with_name(parts.NOTE).write_text("{")
    assert (found_in(home), len(hashed)) == (before, 2)
