"""Whoever waits for a file is told how far it has come, and the rows are the same as when nobody does."""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path

import pytest
import yaml

from ingestion.check import check_files
from ingestion.progress import Stage, counter, told_to
from tests.unit.ingestion_kit import FILING, HEADER, ROW, Warehouse, layout


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A filing of two thousand rows, every tenth of them with a technology that is none."""
    warehouse = Warehouse(tmp_path)
    warehouse.layouts = {"test/availability": layout(FILING)}
    monkeypatch.setattr("ingestion.check.load_layouts", lambda: warehouse.layouts)
    rows = [
        ROW.replace("103230100", f"{103230100 + number}").replace("ВОЛС", "ВОЛС" if number % 10 else "WiMAX")
        for number in range(2_000)
    ]
    return warehouse.put("dala_2025q4.csv", "\n".join([HEADER, *rows]).encode("cp1251"))


def test_reading_and_judging_are_told_up_to_their_end(file: Path) -> None:
    told: list[tuple[Stage, float]] = []
    with told_to(lambda stage, share: told.append((stage, share))):
        (answer,) = check_files([file])
    assert answer.outcome.rows_quarantined == 200
    assert [stage for stage, share in told if share == 1.0] == [Stage.READING, Stage.JUDGING]
    assert told == sorted(told, key=lambda one: (list(Stage).index(one[0]), one[1]))


def test_the_answer_is_the_same_whether_somebody_waits_or_not(file: Path) -> None:
    with told_to(lambda stage, share: None):
        (waited,) = check_files([file])
    (alone,) = check_files([file])
    assert counter(Stage.READING, 1) is None, "nobody waits any more"
    assert waited == alone


def test_a_terminal_shows_a_bar_and_a_pipe_none(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QAMTU_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("TERM", "xterm")
    shown = b""

    def look(terminal: int) -> bytes:
        nonlocal shown
        piece = os.read(terminal, 1 << 16)
        shown += piece
        return piece

    by = file.with_name("dala.yaml")
    by.write_text(yaml.safe_dump(FILING, allow_unicode=True), encoding="utf-8")
    status = pty.spawn(
        [sys.executable, "-m", "orchestration.cli", "check", "--no-report", "--layout", str(by), str(file)],
        look,
    )
    assert os.waitstatus_to_exitcode(status) == 3
    assert re.search(rb"\d+%", shown)
