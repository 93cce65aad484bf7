"""Secrets planted in the environment stand nowhere afterwards; what listens, listens to this machine alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from tests.faults.small_pipeline import FAILED, FINISHED, SmallPipeline, write_inbox

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "planted-key-5f1c",
    "QAMTU_SFTP_PASSWORD": "planted-password-77aa",
    "DATABASE_URL": "postgresql://qamtu:planted-dsn-09be@db/qamtu",
    "QAMTU_WEBHOOK": "https://hooks.example.org/planted-hook-31d0",
}


def holding(folder: Path, *words: str) -> list[str]:
    """Files below a folder that hold any of the words."""
    wanted = [word.encode() for word in words]
    return [
        str(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(word in path.read_bytes() for word in wanted)
    ]


def test_secrets_of_the_environment_reach_no_file(tmp_path: Path) -> None:
    planted = re.findall(r"planted-\w+-\w+", " ".join(SECRETS.values()))
    assert len(planted) == len(SECRETS)
    write_inbox(tmp_path / "inbox", 1)
    with SmallPipeline(tmp_path, SECRETS) as pipeline:
        assert pipeline.run() == FINISHED, pipeline.error()
        # An error tells what happened, and that is when secrets slip out; not every effect that fails ends a run.
        ends = []
        for quarters, effect in ((2, 60), (3, 80), (4, 100)):
            write_inbox(tmp_path / "inbox", quarters)
            ends.append(pipeline.run(fail_at=effect))
        assert FAILED in ends
    assert len(list((tmp_path / "home").rglob("*"))) > 50
    assert holding(tmp_path, *planted) == []
    (tmp_path / "home" / "leak.txt").write_text(planted[0])
    assert holding(tmp_path, *planted) == [str(tmp_path / "home" / "leak.txt")]


def test_the_interface_listens_to_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QAMTU_HOME", str(tmp_path))
    asked: list[list[str]] = []

    def started(_: str, arguments: list[str]) -> None:
        asked.append(arguments)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", started)
    monkeypatch.setattr("orchestration.cli._refuse_taken_port", lambda _: None)
    CliRunner().invoke(app, ["ui", "--port", "3999"])
    (arguments,) = asked
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert "0.0.0.0" not in " ".join(arguments)
