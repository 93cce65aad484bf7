"""The settings of Dagster's instance: in the home, or in a team's Postgres; and waiting for a pool."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from orchestration import pool_wait
from orchestration.environment import POSTGRES_VARIABLE
from orchestration.instance import StorageError, settings, write_settings
from warehouse.paths import Home

URL = "postgresql+psycopg2://qamtu:planted-in-the-url-77aa@db:5432/qamtu"


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra as `make setup-team` leaves it, for the settings only name what is installed; and the URL."""
    find = importlib.util.find_spec
    as_if = {"dagster_postgres": "dagster"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: find(as_if.get(name, name)))
    monkeypatch.setenv(POSTGRES_VARIABLE, URL)


def written(home: Home) -> dict[str, Any]:
    return dict(yaml.safe_load((home.dagster / "dagster.yaml").read_text()))


def test_a_home_of_its_own_keeps_runs_in_itself(home: Home) -> None:
    write_settings(home)
    assert str(home.dagster) in written(home)["event_log_storage"]["config"]["base_dir"]
    assert "run_storage" not in written(home)


def test_a_team_differs_in_its_storage_alone(home: Home, monkeypatch: pytest.MonkeyPatch, team: None) -> None:
    together = settings(home, command_line=False)
    monkeypatch.delenv(POSTGRES_VARIABLE)
    alone = settings(home, command_line=False)
    storages = {"run_storage", "event_log_storage", "schedule_storage"}
    assert {name for name in alone | together if alone.get(name) != together.get(name)} == storages


def test_the_url_stands_in_no_file(home: Home, team: None) -> None:
    write_settings(home)
    text = "".join(path.read_text() for path in home.dagster.iterdir())
    assert POSTGRES_VARIABLE in text
    assert "planted" not in text


def test_a_teams_home_refuses_whoever_was_not_told(
    home: Home, monkeypatch: pytest.MonkeyPatch, team: None
) -> None:
    write_settings(home)
    before = written(home)
    monkeypatch.delenv(POSTGRES_VARIABLE)
    with pytest.raises(StorageError, match=f"kept in Postgres: set {POSTGRES_VARIABLE}"):
        write_settings(home)
    assert written(home) == before


def test_a_url_without_its_driver_is_refused_in_words(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_VARIABLE, URL.replace("+psycopg2", ""))
    with pytest.raises(StorageError, match=r"must begin with postgresql\+psycopg2://") as error:
        write_settings(home)
    assert "planted" not in str(error.value)


def test_the_extra_that_is_missing_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_VARIABLE, URL)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StorageError, match="make setup-team"):
        write_settings(home)


@pytest.mark.parametrize(("ready_at", "seconds"), [([103.5, 101.5], 1.5), ([99.0], 0.0), ([], 0.0)])
def test_a_run_that_waits_for_a_pool_sleeps_until_it_may_ask_again(
    ready_at: list[float], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 100.0)
    waiting: Any = SimpleNamespace(_pending_timeouts=dict(enumerate(ready_at)))
    assert pool_wait._seconds_to_next_claim(waiting) == seconds
