"""What every test stands on: a home of its own, never the developer's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from warehouse.paths import Home

TIERS = ("integration", "e2e", "browser")


def pytest_configure(config: pytest.Config) -> None:
    """Point the environment at a folder of this process, before any module of the project is imported."""
    folder = tempfile.mkdtemp(prefix="qamtu-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    for name in [name for name in os.environ if name.startswith(("QAMTU_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["QAMTU_HOME"] = folder
    # A terminal narrower or wider than the tests expect would fold the output differently.
    os.environ["COLUMNS"] = "120"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with the tier of its folder, so that `-m` works without a mark in every file."""
    for item in items:
        folders = item.path.relative_to(config.rootpath).parts[:-1]
        for tier in TIERS:
            if tier in folders:
                item.add_marker(tier)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home")
