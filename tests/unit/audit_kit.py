"""A small warehouse for tests of the audit, the gate and releases: a build file, dbt's files, the lake's
accounts.

Nothing of the real project is in it, so that a test says what it needs. `Country` holds the tables as SQL.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from expectations.suite import Suite
from warehouse.build_file import see_lake
from warehouse.candidate import read_manifest
from warehouse.fingerprint import fingerprint_candidate
from warehouse.lake import PART_SCHEMA, partition
from warehouse.parts import seal
from warehouse.paths import Home

# The list of deliveries that stand in for held ones, where none does; as SQL that can follow FROM.
NO_STAND_INS = "(select null::varchar as extract_id, null::date as as_of_date where false)"

PROJECT = "qamtu"


@dataclass
class Table:
    """A table or view of the build: `sql` makes it, `parents` are names of other tables or `lake.<kind>`."""

    sql: str
    parents: Sequence[str] = ()
    schema: str = "marts"
    view: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    description: str = "A table of the test."


@dataclass
class DbtTest:
    """A data test on `table`: a generic one names `test`; `status` is what dbt's last run said of it."""

    table: str
    test: str = "not_null"
    columns: Sequence[str] = ("kato",)
    severity: str = "error"
    status: str = "pass"
    failures: int = 0
    sql: str = "select 1 as found where false"

    @property
    def unique_id(self) -> str:
        return f"test.{PROJECT}.{self.test}_{self.table}_{'_'.join(self.columns)}"


@dataclass
class Country:
    """What a test warehouse holds."""

    tables: dict[str, Table]
    tests: list[DbtTest] = field(default_factory=list)
    extracts: list[dict[str, Any]] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)

    def write(self, home: Home) -> Home:
        """Write build file, manifest, run results and the lake's accounts, as dbt and ingestion leave them."""
        write_extracts(home, self.extracts)
        home.build.mkdir(parents=True, exist_ok=True)
        home.build_file.unlink(missing_ok=True)
        with duckdb.connect(str(home.build_file)) as connection:
            see_lake(connection, home)
            for name, table in self.tables.items():
                connection.execute(f"create schema if not exists {table.schema}")
                kind = "view" if table.view else "table"
                connection.execute(f"create {kind} {table.schema}.{name} as {table.sql}")
        home.dbt_target.mkdir(parents=True, exist_ok=True)
        (home.dbt_target / "manifest.json").write_text(json.dumps(self.manifest()))
        with duckdb.connect(str(home.build_file), read_only=True) as connection:
            manifest = read_manifest(home.dbt_target / "manifest.json")
            candidate = fingerprint_candidate(home, manifest, connection).candidate
        results = self.run_results() | {"candidate": candidate}
        (home.dbt_target / "run_results.json").write_text(json.dumps(results))
        return home

    def manifest(self) -> dict[str, Any]:
        """dbt's manifest.json, as far as anything here reads it."""
        nodes = {self.id_of(name): self._model(name, table) for name, table in self.tables.items()}
        nodes |= {test.unique_id: self._test(test) for test in self.tests}
        kinds = {
            p.removeprefix("lake.") for t in self.tables.values() for p in t.parents if p.startswith("lake.")
        }
        sources = {
            f"source.{PROJECT}.lake.{kind}": {
                "resource_type": "source",
                "name": kind,
                "schema": "lake",
                "identifier": kind,
            }
            for kind in kinds
        }
        return {
            "nodes": nodes,
            "sources": sources,
            "macros": {},
        }

    def run_results(self) -> dict[str, Any]:
        """dbt's run_results.json: every model built unless `statuses` says else, every test as it says."""
        results = [
            {
                "unique_id": self.id_of(name),
                "status": self.statuses.get(name, "success"),
                "message": "",
                "failures": None,
            }
            for name in self.tables
        ]
        results += [
            {
                "unique_id": test.unique_id,
                "status": test.status,
                "failures": test.failures,
                "message": "",
                "compiled_code": test.sql,
            }
            for test in self.tests
        ]
        return {"results": results}

    def id_of(self, name: str) -> str:
        if name.startswith("lake."):
            return f"source.{PROJECT}.{name}"
        return f"model.{PROJECT}.{name}"

    def _model(self, name: str, table: Table) -> dict[str, Any]:
        return {
            "resource_type": "model",
            "name": name,
            "schema": table.schema,
            "alias": name,
            "description": table.description,
            "raw_code": table.sql,
            "config": {"materialized": "view" if table.view else "table", "meta": dict(table.meta)},
            "depends_on": {"nodes": [self.id_of(parent) for parent in table.parents], "macros": []},
            "columns": {
                column: {"name": column, "description": text, "data_type": "varchar"}
                for column, text in table.columns.items()
            },
        }

    def _test(self, test: DbtTest) -> dict[str, Any]:
        key = "columns" if test.test == "unique_combination" else "column_name"
        value: Any = list(test.columns) if key == "columns" else test.columns[0]
        return {
            "resource_type": "test",
            "name": test.unique_id.rsplit(".", 1)[-1],
            "schema": "",
            "raw_code": "{{ test() }}",
            "config": {"severity": test.severity},
            "depends_on": {"nodes": [self.id_of(test.table)], "macros": []},
            "attached_node": self.id_of(test.table),
            "test_metadata": {"name": test.test, "kwargs": {key: value}},
        }


EXTRACT = {
    "extract_id": "e1",
    "sender": "sample_dala",
    "extract_kind": "operator_availability",
    "file_name": "dala/availability_2025q4.csv",
    "sha256": "ab" * 32,
    "size_bytes": 100,
    "outcome": "accepted",
    "is_current": True,
    "is_sample": True,
    "content_fingerprint": "c1",
    "rule": None,
}


def write_extracts(home: Home, extracts: Sequence[Mapping[str, Any]]) -> None:
    """Write the lake's list of deliveries, with a row for each; a delivery is `EXTRACT` with its own values."""
    folder = home.lake / "meta"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(home.lake / "accepted", ignore_errors=True)
    parts = []
    for extract in ({**EXTRACT, **extract} for extract in extracts):
        if extract["outcome"].startswith("accepted"):
            place = partition(home, "accepted", extract["extract_kind"], extract["extract_id"])
            place.mkdir(parents=True)
            pl.DataFrame({"extract_id": [extract["extract_id"]]}).write_parquet(place / "part-0.parquet")
            sealed = seal(home.lake, place)
            parts += [(extract["extract_id"], extract["extract_kind"], *part) for part in sealed]
    pl.DataFrame(parts, PART_SCHEMA, orient="row").write_parquet(folder / "accepted_part.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            "create table extract (extract_id varchar, sender varchar, extract_kind varchar, file_name varchar, "
            "sha256 varchar, size_bytes bigint, outcome varchar, is_current boolean, is_sample boolean, "
            "content_fingerprint varchar, rule varchar)"
        )
        for extract in extracts:
            row = {**EXTRACT, **extract}
            connection.execute(
                f"insert into extract values ({', '.join('?' * len(EXTRACT))})", [row[key] for key in EXTRACT]
            )
        connection.execute(f"copy extract to '{folder / 'extract.parquet'}' (format parquet)")
        connection.execute(f"copy {NO_STAND_INS} to '{folder / 'stand_in.parquet'}' (format parquet)")


def standing_of(release: Path, *numbers: int) -> list[str]:
    """Where any of the numbers stands in a release: columns of its tables, in every form, and its other files."""
    alone = rf"(?m)(^|[^0-9A-Za-z.])({'|'.join(map(str, numbers))})([^0-9A-Za-z]|$)"
    found = []
    with duckdb.connect(str(release / "coverage.duckdb"), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
        places = [f"marts.{name}" for name in tables]
        places += [f"'{release}/parquet/{name}.parquet'" for name in tables]
        for place in places:
            for name, *_ in connection.execute(f"describe from {place}").fetchall():
                words = f'select distinct "{name}"::varchar as word from {place}'
                query = f"select count(*) from ({words}) where regexp_matches(word, $1)"
                if connection.execute(query, [alone]).fetchall()[0][0]:
                    found.append(f"{place}.{name}")
        for path in sorted(release.rglob("*")):
            if path.suffix in (".csv", ".json", ".txt"):
                query = "select regexp_matches(content, $1) from read_text($2)"
                if connection.execute(query, [alone, str(path)]).fetchall()[0][0]:
                    found.append(path.relative_to(release).as_posix())
    return found


def home_in(folder: Path) -> Home:
    """A home in a test's own folder."""
    return Home(folder / "home")


DIM_METRIC = """
select * from (values
    ('population_covered_pct', 'fct_coverage', 'operator_availability'),
    ('itu_population_covered_pct', 'fct_benchmark', 'itu_indicators')
) as listed (metric_id, source_table, required_extracts)
"""


def small_country(**changes: Any) -> Country:
    """Two metrics with a source each, one shared list of metrics, everything passing."""
    tables = {
        "stg_availability": Table(
            "select '{x}' as kato, 1 as level from read_parquet('~/meta/extract.parquet')".replace(
                "{x}", "1" * 9
            ),
            ["lake.operator_availability"],
            schema="staging",
            view=True,
        ),
        "stg_itu": Table(
            "select 91.6 as value from read_parquet('~/meta/extract.parquet')",
            ["lake.itu_indicators"],
            schema="staging",
            view=True,
        ),
        "fct_coverage": Table(
            """ select * from (values (date '2025-12-31', '000000000', '4g', 100::bigint, 90::bigint,
            90.0::double, 'published', null::varchar), (date '2025-12-31', '100000000', '4g', 40::bigint,
            30::bigint, 75.0::double, 'published', null) ) as rows (as_of_date, kato, technology, population,
            population_covered, population_covered_pct, status, withheld_reason) """,
            ["stg_availability"],
            meta={"figures": {"population_covered_pct": ["population_covered", "population_covered_pct"]}},
            columns={"kato": "Place.", "population_covered_pct": "Share of people covered."},
            description="One row per date, place and technology.",
        ),
        "fct_benchmark": Table(
            "select date '2024-12-31' as as_of_date, '000000000' as kato, 91.6::double as value, "
            "'published' as status, null::varchar as withheld_reason",
            ["stg_itu"],
            meta={"figures": {"itu_population_covered_pct": ["value"]}},
        ),
        "dim_metric": Table(DIM_METRIC),
        "fct_metric": Table(
            """
            select * from (values
                ('population_covered_pct', '000000000', 90.0::double, 'published', null::varchar),
                ('itu_population_covered_pct', '000000000', 91.6::double, 'published', null)
            ) as rows (metric_id, kato, value, status, withheld_reason)
            """,
            ["fct_coverage", "fct_benchmark", "dim_metric"],
            meta={"figures_by_row": {"metric_column": "metric_id", "columns": ["value"]}},
        ),
    }
    tests = [DbtTest("fct_coverage"), DbtTest("fct_benchmark"), DbtTest("fct_metric", columns=("metric_id",))]
    extracts = [{}, {"extract_id": "e2", "extract_kind": "itu_indicators", "content_fingerprint": "c2"}]
    return Country(**{"tables": tables, "tests": tests, "extracts": extracts, **changes})


def share_suite(*, max_value: float = 100, **changes: Any) -> Suite:
    """A suite of one expectation about the shares of `fct_coverage`, with some of its fields replaced."""
    expectation = {
        "id": "share_is_a_share",
        "description": "A share of people lies between nought and a hundred.",
        "severity": "blocking",
        "tables": ["marts.fct_coverage"],
        "query": "select as_of_date, kato, population_covered_pct from marts.fct_coverage order by kato",
        "expect": "expect_column_values_to_be_between",
        "kwargs": {"column": "population_covered_pct", "min_value": 0, "max_value": max_value},
        "remedy": "Look at the operator's filing for this place.",
        **changes,
    }
    return Suite.model_validate(
        {"suite": "shares", "description": "Shares of people are shares.", "expectations": [expectation]}
    )
