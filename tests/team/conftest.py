"""Tests that need PostgreSQL's programs and the extra `team`."""

from __future__ import annotations

import importlib.util
import os

import pytest

from benchmarks.postgres import programs


@pytest.fixture(scope="session", autouse=True)
def _what_a_team_needs() -> None:
    missing = [
        *([] if programs() else ["PostgreSQL (Debian: postgresql)"]),
        *([] if importlib.util.find_spec("dagster_postgres") else ["the extra `team` (make setup-team)"]),
    ]
    if missing and os.environ.get("CI"):
        pytest.fail(f"tests of a team's deployment need {' and '.join(missing)}")
    if missing:
        pytest.skip(f"missing: {' and '.join(missing)}")
