"""Builds on Apache Spark, of a small project: what is made, what stands, and Spark going away."""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from expectations.audit import run_audit
from orchestration.dbt_engine import EngineGoneError, ensure_manifest
from orchestration.environment import SPARK_HOST_VARIABLE
from orchestration.spark_engine import build
from tests.spark.thrift_kit import ThriftServer
from warehouse.paths import Home

#: Counting so many numbers takes hours, so few no time. In one task, which leaves a core to the other tables.
COUNTED = "select count(*) as numbers from range(0, {{ env_var('NUMBERS', '3') }}, 1, 1)"
HOURS = "100000000000000"


def rows(home: Home, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        return connection.execute(f"select * from {table} order by all").fetchall()


def java_of(pid: int) -> int:
    """The Java machine under a process."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "java":
                return int(child)
            if found := java_of(int(child)):
                return found
    return 0


def test_tables_made_by_spark_stand_in_the_build_file(home: Home, small_project: Path) -> None:
    ensure_manifest(home)
    outcome = build(home)
    assert outcome.not_built == []
    assert [test.status for test in outcome.tests] == ["pass"]
    seeded = [(1, "Ма'лимет", dt.date(2025, 12, 31)), (2, None, None), (3, "a\\b", dt.date(2026, 3, 31))]
    assert rows(home, "seeds.codes") == seeded
    assert rows(home, "marts.first") == seeded
    assert rows(home, "marts.seen") == [(1,), (2,), (3,)]
    assert rows(home, "marts.second") == [(1, 2.5), (2, 5.0), (3, 7.5)]
    assert [path.name for path in (home.spark / "spill").iterdir()] == [], "what was spilled is gone"
    assert not list(home.root.rglob("metastore_db")) + list(home.root.rglob("derby.log"))

    run_audit(home, suites=())
    lines: list[str] = []
    assert build(home, on_line=lines.append).models == []
    (small_project / "models" / "second.sql").write_text(
        "select cast(code as string) as code from {{ ref('seen') }}"
    )
    ensure_manifest(home)
    outcome = build(home, on_line=lines.append)
    assert [result.unique_id for result in outcome.models] == ["model.small.second"]
    assert not any("first" in line for line in lines), "what Spark had made stands"
    assert rows(home, "marts.second") == [("1",), ("2",), ("3",)]


def test_a_model_that_fails_on_spark_does_not_stand_nor_what_needs_it(
    home: Home, small_project: Path
) -> None:
    ensure_manifest(home)
    build(home)
    (small_project / "models" / "seen.sql").write_text(
        "{{ config(materialized='view') }} select code, only_duckdb(code) as x from {{ ref('first') }}"
    )
    ensure_manifest(home)
    outcome = build(home)
    told = {result.unique_id.split(".")[-1]: result for result in outcome.not_built}
    assert {name: result.status for name, result in told.items()} == {"seen": "error", "second": "skipped"}
    assert "only_duckdb" in told["seen"].message
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        standing = connection.execute(
            "select table_name from information_schema.tables order by 1"
        ).fetchall()
    assert standing == [("codes",), ("first",)]


def broken_off(home: Home, project: Path, monkeypatch: pytest.MonkeyPatch, stop: Callable[[], None]) -> str:
    """What is said of a build in which Spark went away as soon as it had made the table `first`."""
    (project / "models" / "counted.sql").write_text(COUNTED)
    (project / "models" / "after.sql").write_text(
        "select numbers, code from {{ ref('counted') }}, {{ ref('first') }}"
    )
    ensure_manifest(home)

    def watch(line: str) -> None:
        if "OK" in line and "marts.first" in line:
            stop()

    with monkeypatch.context() as busy:
        busy.setenv("NUMBERS", HOURS)
        with pytest.raises(EngineGoneError) as gone:
            build(home, on_line=watch)
    return str(gone.value)


def resumed(home: Home) -> str:
    """What the next build says on its way."""
    lines: list[str] = []
    outcome = build(home, on_line=lines.append)
    assert outcome.not_built == []
    assert len(outcome.models) == 6
    assert rows(home, "marts.after") == [(3, 1), (3, 2), (3, 3)]
    return "\n".join(lines)


def test_a_session_that_dies_leaves_what_it_made_and_the_next_build_goes_on(
    home: Home, small_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = broken_off(home, small_project, monkeypatch, lambda: os.kill(java_of(os.getpid()), signal.SIGKILL))
    assert told.startswith("Spark does not answer")
    assert "run again" in told
    assert not home.build_file.exists(), "nothing was changed that a release is made from"
    lines = resumed(home)
    assert "marts.after" in lines
    assert "marts.first" not in lines


def test_a_server_that_goes_away_is_named_and_the_next_build_goes_on(
    home: Home, small_project: Path, monkeypatch: pytest.MonkeyPatch, thrift_server: ThriftServer
) -> None:
    monkeypatch.setenv(SPARK_HOST_VARIABLE, thrift_server.host)
    monkeypatch.setenv("QAMTU_SPARK_PORT", str(thrift_server.port))
    told = broken_off(home, small_project, monkeypatch, thrift_server.kill)
    assert told.startswith("Spark at 127.0.0.1 does not answer")
    with pytest.raises(EngineGoneError, match=r"does not answer.* tables are made and kept"):
        build(home)
    thrift_server.start()
    lines = resumed(home)
    assert "marts.after" in lines
    assert "marts.first" not in lines
