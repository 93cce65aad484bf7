"""Exports: the same content gives the same bytes, and a stranger can read them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from frictionless import Package

from tests.unit.audit_kit import DbtTest, Table, home_in, small_country
from tests.unit.release_kit import export
from tests.unit.test_releases import released
from warehouse.exports import ReleasedTable, TableColumn, datapackage, file_entries

COLUMNS = (
    TableColumn("kato", "VARCHAR", "Place."),
    TableColumn("as_of_date", "DATE", "Date."),
    TableColumn("share", "DOUBLE", "Share of people, 0-100."),
    TableColumn("villages", "BIGINT", "Villages."),
    TableColumn("is_rural", "BOOLEAN", "Whether it is rural."),
    TableColumn("note", "VARCHAR", ""),
)
ROWS = """
select * from (values
    ('110000000', date '2025-12-31', 12.5::double, 3::bigint, true, 'plain'),
    ('100000000', date '2025-12-31', null, 4, false, 'says "yes", twice'),
    ('100000000', date '2024-12-31', 33.333333333333336, null, null, ''),
    ('150000000', date '2024-12-31', 0.0, 0, true, null),
    ('190000000', date '2024-12-31', 0.1, 0, true, E'two\\nlines'),
    ('230000000', date '2024-12-31', 100.0, 0, true, 'Қызылорда; Қостанай')
) as t (kato, as_of_date, share, villages, is_rural, note)
"""


def a_table(query: str = ROWS, **changes: Any) -> ReleasedTable:
    values = {
        "name": "fct_shares",
        "description": "One row per place and date.",
        "columns": COLUMNS,
        "query": query,
        "key": ("kato", "as_of_date"),
        "required": frozenset({"kato", "as_of_date"}),
        **changes,
    }
    return ReleasedTable(**values)


def exported(folder: Path, table: ReleasedTable, label: str = "") -> Path:
    folder.mkdir()
    export(folder, [table], label)
    return folder


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_order_of_rows_in_the_build_does_not_show(tmp_path: Path, form: str) -> None:
    names = ["one", "other"]
    for name, order in zip(names, ("kato, note", "note desc, kato desc"), strict=True):
        exported(tmp_path / name, a_table(f"select * from ({ROWS}) order by {order}"))
    one, other = ((tmp_path / name / form / f"fct_shares.{form}").read_bytes() for name in names)
    assert one == other


def test_rows_without_a_key_are_ordered_by_all_their_columns(tmp_path: Path) -> None:
    for name, order in (("one", "note"), ("other", "share desc")):
        exported(tmp_path / name, a_table(f"select * from ({ROWS}) order by {order}", key=()))
    one, other = ((tmp_path / name / "csv" / "fct_shares.csv").read_bytes() for name in ("one", "other"))
    assert one == other


def test_the_number_of_threads_does_not_show(tmp_path: Path) -> None:
    query = "select (range * 7919 % 400009)::varchar as kato, range / 7 as share from range(400000)"
    columns = (TableColumn("kato", "VARCHAR", "Place."), TableColumn("share", "DOUBLE", "Share."))
    found = []
    for threads in (1, 4):
        folder = tmp_path / str(threads)
        folder.mkdir()
        export(folder, [a_table(query, columns=columns, key=("kato",))], threads=threads)
        found.append([(folder / form / f"fct_shares.{form}").read_bytes() for form in ("csv", "parquet")])
    assert found[0] == found[1]


def test_csv_is_what_the_standard_says(tmp_path: Path) -> None:
    folder = exported(tmp_path / "out", a_table())
    content = (folder / "csv" / "fct_shares.csv").read_bytes()
    assert not content.startswith(b"\xef\xbb\xbf")
    assert content.startswith(b"kato,as_of_date,share,villages,is_rural,note\r\n")
    assert content.endswith(b"\r\n")
    with (folder / "csv" / "fct_shares.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["kato"] for row in rows] == sorted(row["kato"] for row in rows)
    by_key = {(row["kato"], row["as_of_date"]): row for row in rows}
    assert by_key[("100000000", "2025-12-31")]["note"] == 'says "yes", twice'
    assert by_key[("190000000", "2024-12-31")]["note"] == "two\nlines"
    assert by_key[("230000000", "2024-12-31")]["note"] == "Қызылорда; Қостанай"


def test_unknown_is_empty_and_zero_is_zero(tmp_path: Path) -> None:
    text = (exported(tmp_path / "out", a_table()) / "csv" / "fct_shares.csv").read_text(encoding="utf-8")
    assert '100000000,2025-12-31,,4,false,"says ""yes"", twice"' in text
    assert "150000000,2024-12-31,0.0,0,true," in text
    assert '100000000,2024-12-31,33.333333333333336,,,""' in text


def test_parquet_keeps_types_and_names(tmp_path: Path) -> None:
    folder = exported(tmp_path / "out", a_table())
    schema = pq.read_schema(folder / "parquet" / "fct_shares.parquet")
    assert [str(kind) for kind in schema.types] == [
        "string",
        "date32[day]",
        "double",
        "int64",
        "bool",
        "string",
    ]
    assert (
        pq.read_metadata(folder / "parquet" / "fct_shares.parquet").row_group(0).column(0).compression
        == "ZSTD"
    )


def test_duckdb_explains_every_table_and_column(tmp_path: Path) -> None:
    folder = exported(tmp_path / "out", a_table())
    with duckdb.connect(str(folder / "coverage.duckdb"), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name, comment from duckdb_tables()").fetchall()
        columns = dict(connection.execute("select column_name, comment from duckdb_columns()").fetchall())
    assert tables == [("marts", "fct_shares", "One row per place and date.")]
    assert columns["share"] == "Share of people, 0-100."


def test_a_sample_says_so_wherever_a_person_looks(tmp_path: Path) -> None:
    folder = exported(tmp_path / "out", a_table(), "SAMPLE")
    for place in (folder, folder / "csv", folder / "parquet"):
        assert (place / "SAMPLE.txt").read_text().startswith("SAMPLE: every figure in this folder")
    with duckdb.connect(str(folder / "coverage.duckdb"), read_only=True) as connection:
        assert connection.execute("select comment from duckdb_tables()").fetchall() == [
            ("SAMPLE. One row per place and date.",)
        ]
    assert pq.read_schema(folder / "parquet" / "fct_shares.parquet").metadata[b"label"] == b"SAMPLE"
    package = datapackage(file_entries(folder), [a_table()], "SAMPLE", "pub-1")
    assert package["title"].startswith("SAMPLE: ")
    assert all(resource["description"].startswith("SAMPLE. ") for resource in package["resources"])


def test_the_descriptor_is_valid_and_so_is_the_data(tmp_path: Path) -> None:
    country = small_country()
    country.tables["dim_place"] = Table(
        "select '100000000' as kato, date '2025-01-01' as since, null::date as until, true as is_current, "
        "1.5::double as share, 'says \"so\", twice' as note"
    )
    country.tests += [DbtTest("dim_place"), DbtTest("dim_place", "unique")]
    release = released(country, home_in(tmp_path))
    assert release.path is not None
    report = Package(str(release.path / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "message"])
    assert len(report.tasks) == 10
    report = Package(str(release.path / "open" / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "message"])


def test_the_descriptor_notices_a_changed_byte(tmp_path: Path) -> None:
    release = released(small_country(), home_in(tmp_path))
    assert release.path is not None
    victim = release.path / "csv" / "fct_metric.csv"
    victim.chmod(0o644)
    victim.write_bytes(victim.read_bytes().replace(b"91.6", b"91.7"))
    report = Package(str(release.path / "datapackage.json")).validate()
    assert not report.valid


def test_the_descriptor_has_the_hash_of_every_file(tmp_path: Path) -> None:
    release = released(small_country(), home_in(tmp_path))
    assert release.path is not None
    package = json.loads((release.path / "datapackage.json").read_bytes())
    listed = {entry["path"] for entry in [*package["resources"], *package["files"]]}
    standing = {
        path.relative_to(release.path).as_posix() for path in release.path.rglob("*") if path.is_file()
    }
    # The open tier has a descriptor of its own.
    standing = {path for path in standing if not path.startswith("open/")}
    assert listed == standing - {"datapackage.json", "publication.json"}
    assert all(entry["hash"].startswith("sha256:") for entry in [*package["resources"], *package["files"]])


def test_a_key_with_unknown_values_is_not_called_a_key(tmp_path: Path) -> None:
    folder = exported(tmp_path / "out", a_table(required=frozenset({"kato"})))
    (resource,) = datapackage(file_entries(folder), [a_table(required=frozenset({"kato"}))], "", "pub-1")[
        "resources"
    ]
    assert "primaryKey" not in resource["schema"]
    (resource,) = datapackage(file_entries(folder), [a_table()], "", "pub-1")["resources"]
    assert resource["schema"]["primaryKey"] == ["kato", "as_of_date"]


def test_types_of_the_descriptor_follow_the_columns(tmp_path: Path) -> None:
    folder = exported(tmp_path / "out", a_table())
    (resource,) = datapackage(file_entries(folder), [a_table()], "", "pub-1")["resources"]
    fields = {field["name"]: field for field in resource["schema"]["fields"]}
    kinds = {name: field["type"] for name, field in fields.items()}
    assert kinds == {
        "kato": "string", "as_of_date": "date", "share": "number", "villages": "integer", "is_rural": "boolean",
        "note": "string",
    }  # fmt: skip
    assert fields["kato"]["constraints"] == {"required": True}
    assert "constraints" not in fields["share"]


def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(tmp_path: Path) -> None:
    """In CSV alone; a sign by itself and a number are left as they are."""
    notes = ["=2+3", "+7 701", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "=", "-", "a=b"]
    listed = ", ".join(f"('11000000{place}', -1.5, {quote_sql(note)})" for place, note in enumerate(notes))
    query = (
        "select kato, date '2025-12-31' as as_of_date, share::double as share, null::bigint as villages, "
        f"null::boolean as is_rural, note from (values {listed}) as t (kato, share, note)"
    )
    folder = exported(tmp_path / "out", a_table(query))
    with (folder / "csv" / "fct_shares.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["note"] for row in rows] == [*(f"'{note}" for note in notes[:5]), "=", "-", "a=b"]
    assert {row["share"] for row in rows} == {"-1.5"}
    with duckdb.connect(str(folder / "coverage.duckdb"), read_only=True) as connection:
        assert [
            row[0] for row in connection.execute("select note from marts.fct_shares order by kato").fetchall()
        ] == notes


def quote_sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
