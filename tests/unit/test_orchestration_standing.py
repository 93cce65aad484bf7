"""When a run has nothing to do, and everything that makes it do its work again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from expectations.audit import run_audit
from expectations.gate import judge
from orchestration import standing
from orchestration.progress import Progress
from orchestration.run import PUBLISHED, run_pipeline
from tests.unit.audit_kit import home_in, small_country
from warehouse.paths import Home
from warehouse.releases import current_release, publish

RESULT: dict[str, Any] = {
    "exit_code": PUBLISHED,
    "run_id": "r1",
    "publication": "pub-1",
    "metrics_published": 2,
    "metrics_withheld": 0,
}


@pytest.fixture
def left(tmp_path: Path) -> tuple[Home, Path]:
    """A home with a release, an inbox with a delivery, and the run that left them."""
    home = small_country().write(home_in(tmp_path))
    run_audit(home, suites=())
    publish(home, judge(home, suites=()), "tree-1")
    inbox = tmp_path / "inbox"
    (inbox / "dala").mkdir(parents=True)
    (inbox / "dala" / "a.csv").write_text("a;b\n")
    standing.remember(home, standing.deliveries([inbox]), RESULT)
    return home, inbox


def test_a_run_that_would_change_nothing_ends_at_once(left: tuple[Home, Path], capsys: Any) -> None:
    home, inbox = left
    assert standing.unchanged(home, standing.deliveries([inbox])) == RESULT
    result = run_pipeline(home, [inbox], Progress())
    assert (result.exit_code, result.publication, result.path) == (0, "pub-1", current_release(home))
    assert list(result.seconds) == ["look"], "neither Dagster nor dbt was loaded"


def new_file(home: Home, inbox: Path) -> None:
    (inbox / "dala" / "b.csv").write_text("c\n")


def changed_file(home: Home, inbox: Path) -> None:
    (inbox / "dala" / "a.csv").write_text("a;b\n1;2\n")


def touched_file(home: Home, inbox: Path) -> None:
    os.utime(inbox / "dala" / "a.csv", ns=(1, 1))


def file_gone(home: Home, inbox: Path) -> None:
    (inbox / "dala" / "a.csv").unlink()


def lake_written(home: Home, inbox: Path) -> None:
    (home.lake / "meta" / "extract.parquet").write_bytes(b"other")


def build_gone(home: Home, inbox: Path) -> None:
    home.build_file.unlink()


def evidence_gone(home: Home, inbox: Path) -> None:
    for path in home.ledger.glob("*.parquet"):
        path.unlink()


def release_damaged(home: Home, inbox: Path) -> None:
    release = current_release(home)
    assert release is not None
    path = next(release.rglob("*.csv"))
    path.chmod(0o644)
    path.write_text("other")


def release_gone(home: Home, inbox: Path) -> None:
    home.current.unlink()


def mark_cut_off(home: Home, inbox: Path) -> None:
    path = home.root / "last_run.json"
    path.write_bytes(path.read_bytes()[:40])


def mark_of_another_shape(home: Home, inbox: Path) -> None:
    (home.root / "last_run.json").write_text('{"mark": 5}')


@pytest.mark.parametrize(
    "change",
    [
        new_file,
        changed_file,
        touched_file,
        file_gone,
        lake_written,
        build_gone,
        evidence_gone,
        release_damaged,
        release_gone,
        mark_cut_off,
        mark_of_another_shape,
    ],
)
def test_anything_that_changed_makes_a_run_do_its_work(
    left: tuple[Home, Path], change: Callable[[Home, Path], None]
) -> None:
    home, inbox = left
    change(home, inbox)
    assert standing.unchanged(home, standing.deliveries([inbox])) is None


def test_other_code_makes_a_run_do_its_work(left: tuple[Home, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    home, inbox = left
    monkeypatch.setattr(standing, "code_version", lambda: "tree-other")
    assert standing.unchanged(home, standing.deliveries([inbox])) is None


def test_a_delivery_that_comes_during_a_run_is_the_next_ones(left: tuple[Home, Path]) -> None:
    home, inbox = left
    before = standing.deliveries([inbox])
    new_file(home, inbox)
    standing.remember(home, before, RESULT)
    assert standing.unchanged(home, standing.deliveries([inbox])) is None


@pytest.mark.parametrize("rule", ["unreadable_file", "not_a_file"])
def test_a_run_that_may_end_otherwise_is_not_remembered(tmp_path: Path, rule: str) -> None:
    country = small_country()
    country.extracts[0]["rule"] = rule
    home = country.write(home_in(tmp_path))
    run_audit(home, suites=())
    publish(home, judge(home, suites=()), "tree-1")
    standing.remember(home, [], RESULT)
    assert standing.unchanged(home, []) is None


def test_a_check_that_could_not_be_carried_out_is_tried_again(tmp_path: Path) -> None:
    country = small_country()
    country.tests[0] = replace(country.tests[0], status="error")
    home = country.write(home_in(tmp_path))
    run_audit(home, suites=())
    publish(home, judge(home, suites=()), "tree-1")
    standing.remember(home, [], RESULT)
    assert standing.unchanged(home, []) is None
