"""The same models on the same lake make the same marts, whichever engine: value by value, and the same release."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from ingestion.decisions import accept
from ingestion.pipeline import ingest
from sample_country import PERIODS, generate
from tests.main_job_kit import Run, qamtu
from warehouse import lake
from warehouse.paths import Home


@dataclass(frozen=True)
class Both:
    """A lake built by DuckDB and then by Spark: the build file and the run of each."""

    home: Home
    inbox: Path
    duckdb_file: Path
    duckdb_run: Run
    spark_run: Run

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Both build files, attached as `one` (DuckDB's) and `other` (Spark's)."""
        connection = duckdb.connect()
        connection.execute(f"attach '{self.duckdb_file}' as one (read_only)")
        connection.execute(f"attach '{self.home.build_file}' as other (read_only)")
        return connection


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The sample country over five quarters, so that targets have the observations they ask for; with a filing that
    lost a region and is accepted for all that, so that no mart is empty.
    """
    folder = tmp_path_factory.mktemp("both")
    generate(folder / "inbox", periods=PERIODS[-5:])
    home = Home(folder / "home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("QAMTU_ACCEPTANCES", str(folder / "acceptances"))
        again = file_again_without_a_region(folder / "inbox" / "sample_tulpar" / "tulpar-2025-q4.csv")
        ingest(home, folder / "inbox")
        (held,) = (one for one in lake.read_outcomes(home) if one.file_name.endswith(again.name))
        accept(home, held.extract_id, "The network was sold.", "A. Analyst", dt.date(2026, 1, 20))
        first = qamtu(home.root, "run", "--json", "--inbox", str(folder / "inbox"))
        kept = shutil.copy(home.build_file, folder / "by_duckdb.duckdb")
        second = qamtu(home.root, "run", "--json", "--engine", "spark", "--inbox", str(folder / "inbox"))
        yield Both(home, folder / "inbox", Path(kept), first, second)


def file_again_without_a_region(filed: Path) -> Path:
    """The same filing as a second revision, in which a region is missing."""
    again = filed.with_name(f"{filed.stem}_rev2.csv")
    rows = filed.read_bytes().splitlines(keepends=True)
    again.write_bytes(b"".join(row for row in rows if not re.match(rb'"[^"]*","11', row)))
    return again


def tables(
    connection: duckdb.DuckDBPyConnection, database: str, schema: str
) -> dict[str, list[tuple[str, str]]]:
    """Columns with their types, in order, of each table of a schema."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, data_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? order by table_name, column_index",
        [database, schema],
    ).fetchall():
        found.setdefault(table, []).append((column, data_type))
    return found


def differing_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows that one has and the other lacks, each as often as it does; values compared exactly, floats too."""
    counts = connection.execute(
        f"select (select count(*) from (from one.{table} except all from other.{table})), "
        f"(select count(*) from (from other.{table} except all from one.{table}))"
    ).fetchone()
    assert counts is not None
    return int(sum(counts))


def test_every_mart_is_the_same_value_by_value(both: Both) -> None:
    assert (both.duckdb_run.code, both.spark_run.code) == (0, 0), both.spark_run.told
    with both.connect() as connection:
        marts = tables(connection, "one", "marts")
        assert tables(connection, "other", "marts") == marts
        assert len(marts) >= 35
        rows = {
            t: connection.execute(f'select count(*) from other.marts."{t}"').fetchall()[0][0] for t in marts
        }
        assert [table for table, count in rows.items() if count == 0] == []
        assert {t: n for t in marts if (n := differing_rows(connection, f'marts."{t}"'))} == {}


@pytest.mark.parametrize("schema", ["seeds", "intermediate"])
def test_what_marts_are_made_of_is_the_same_too(both: Both, schema: str) -> None:
    with both.connect() as connection:
        found = tables(connection, "one", schema)
        assert found.keys() == tables(connection, "other", schema).keys()
        assert {t: n for t in found if (n := differing_rows(connection, f'{schema}."{t}"'))} == {}


def test_spark_made_the_tables_of_the_second_build(both: Both) -> None:
    told = [" ".join(run.told.split()) for run in (both.duckdb_run, both.spark_run)]
    built = [
        re.findall(r"(\d+) models and seeds built, 0 of them not, 0 stand as they were", one) for one in told
    ]
    assert built[0] == built[1] != []
    made = {path.parent.name for path in both.home.spark.glob("tables/*/*/*.parquet")}
    with both.connect() as connection:
        standing = {
            t for schema in ("seeds", "intermediate", "marts") for t in tables(connection, "other", schema)
        }
    assert made == standing


def test_the_release_is_the_one_that_duckdb_gave(both: Both) -> None:
    assert both.spark_run.answer["publication"] == both.duckdb_run.answer["publication"]
    assert len(list(both.home.published.glob("pub-*"))) == 1


def test_without_spark_the_release_stands_and_the_error_names_the_server(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = both.home.current.resolve()
    monkeypatch.setenv("QAMTU_SPARK_HOST", "127.0.0.1")
    monkeypatch.setenv("QAMTU_SPARK_PORT", "9")
    (filing,) = both.inbox.rglob("population_coverage_mobile_network_sample.csv")
    filing.write_bytes(filing.read_bytes() + b"\n")
    run = qamtu(both.home.root, "run", "--engine", "spark", "--inbox", str(both.inbox))
    assert run.code == 1
    told = " ".join(run.told.split())
    assert "Spark at 127.0.0.1 does not answer" in told
    assert "tables are made and kept; run again" in told
    assert f"the release {before.name} stands" in told
    assert both.home.current.resolve() == before
    assert len(list(both.home.published.glob("pub-*"))) == 1
