"""Tests that need Apache Spark: the extra `spark`, and Java for a session or a server on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration import dbt_engine
from orchestration.spark_engine import what_is_missing
from tests.spark.thrift_kit import ThriftServer
from warehouse.paths import PROJECT_DIR

SMALL_PROJECT = {
    "dbt_project.yml": "name: small\nversion: '1.0'\nprofile: qamtu\n"
    "models: {+schema: marts, +materialized: table}\nseeds: {+schema: seeds}\n",
    "macros/schema.sql": "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}",
    "seeds/codes.csv": "code,word,since\n1,Ма'лимет,2025-12-31\n2,,\n3,a\\b,2026-03-31\n",
    "seeds/s.yml": "seeds:\n- name: codes\n  config: {column_types: {code: bigint, word: varchar, since: date}}\n",
    "models/first.sql": "select code, word, since from {{ ref('codes') }}",
    "models/seen.sql": "{{ config(materialized='view') }} select code from {{ ref('first') }}",
    "models/second.sql": "select code, code * 2.5e0 as more from {{ ref('seen') }}",
    "models/m.yml": "models:\n- {name: first, columns: [{name: code, data_tests: [unique]}]}\n",
}


@pytest.fixture(scope="session", autouse=True)
def _spark_is_there() -> Iterator[None]:
    if missing := what_is_missing():
        pytest.skip(missing)
    with pytest.MonkeyPatch.context() as environment:
        # Small queries end before what the second compiler makes of them is used.
        environment.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


@pytest.fixture
def small_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dbt project of a seed, a view and two tables, with the profile and the Spark macros of the real one."""
    project = tmp_path / "small"
    for name, text in SMALL_PROJECT.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("profiles.yml", "macros/spark.sql"):
        shutil.copy(PROJECT_DIR / "dbt_project" / name, project / name)
    monkeypatch.setattr(dbt_engine, "PROJECT", project)
    return project


@pytest.fixture
def thrift_server(tmp_path: Path) -> Iterator[ThriftServer]:
    """A running server."""
    server = ThriftServer(tmp_path / "server")
    server.start()
    yield server
    server.kill()
