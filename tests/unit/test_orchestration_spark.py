"""The engine spark without Spark: what is missing is said with its remedy, and macros say what each engine runs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration import dbt_engine, spark_engine
from orchestration.cli import app
from orchestration.dbt_engine import EngineGoneError
from orchestration.environment import ENGINE_VARIABLE, SPARK_HOST_VARIABLE, Engine, chosen_engine
from orchestration.resources import DbtEngine
from orchestration.retries import engine_went, only_passing_failures_retried
from orchestration.spark_engine import shortened, what_is_missing
from warehouse.paths import PROJECT_DIR, Home


def installed(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let exactly these of the packages that Spark needs be found."""
    found = importlib.util.find_spec

    def find_spec(name: str, *more: Any) -> Any:
        if name in ("dbt.adapters.spark", "pyspark", "pyhive"):
            return found("json") if name in packages else None
        return found(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


def test_without_the_extra_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, home: Home
) -> None:
    installed(monkeypatch, "dbt.adapters.spark")
    monkeypatch.setenv("QAMTU_HOME", str(home.root))
    answer = CliRunner().invoke(app, ["run", "--engine", "spark"])
    assert answer.exit_code == 2
    assert "pyspark is not installed" in " ".join(answer.output.replace("│", " ").split())
    assert "make setup-spark" in answer.output
    assert not home.root.exists(), "nothing was begun"


def test_a_session_needs_java_and_a_server_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, "dbt.adapters.spark", "pyspark", "pyhive")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    missing = what_is_missing()
    assert missing is not None
    assert "no `java` was found" in missing
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert what_is_missing() == missing
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch(mode=0o755)
    assert what_is_missing() is None
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv(SPARK_HOST_VARIABLE, "spark.example")
    assert what_is_missing() is None
    installed(monkeypatch, "dbt.adapters.spark", "pyspark")
    assert "pyhive is not installed" in str(what_is_missing())


def test_the_environment_names_the_engine(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    called: list[str] = []
    for engine in (dbt_engine, spark_engine):
        monkeypatch.setattr(engine, "build", lambda *_, name=engine.__name__, **__: called.append(name))
    for name in ("", "duckdb", "spark"):
        monkeypatch.setenv(ENGINE_VARIABLE, name)
        DbtEngine().build(home, None, None, print)
    assert called == ["orchestration.dbt_engine", "orchestration.dbt_engine", "orchestration.spark_engine"]
    assert chosen_engine() is Engine.SPARK
    monkeypatch.setenv(ENGINE_VARIABLE, "postgres")
    with pytest.raises(ValueError, match="postgres"):
        chosen_engine()


def test_a_build_without_its_engine_is_not_tried_again_and_releases_nothing() -> None:
    @dg.op
    def build() -> None:
        with only_passing_failures_retried():
            raise EngineGoneError("Spark does not answer: connection reset")

    @dg.job
    def job() -> None:
        build()

    result = job.execute_in_process(raise_on_error=False)
    (failure,) = result.get_step_failure_events()
    assert engine_went(failure)
    assert failure.step_failure_data.user_failure_data.description.startswith("Spark does not answer")
    assert not [event for event in result.all_events if event.is_step_restarted or event.is_step_up_for_retry]


def test_what_java_says_is_cut_before_its_trail_of_calls() -> None:
    said = "[DIVIDE_BY_ZERO] Division by zero.\n\tat org.apache.spark.A\n\tat org.apache.spark.B"
    assert shortened(said) == "[DIVIDE_BY_ZERO] Division by zero."
    assert len(shortened("a" * 1000)) == 300


def test_every_macro_that_differs_by_engine_is_there_for_both() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in (PROJECT_DIR / "dbt_project" / "macros").glob("*.sql")
    )
    dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)', 'qamtu'\)", text))
    there = {
        engine: set(re.findall(rf"macro {engine}__(\w+)\(", text))
        for engine in ("default", "duckdb", "spark")
    }
    assert len(dispatched) >= 5
    for engine in ("duckdb", "spark"):
        assert dispatched <= there["default"] | there[engine]
