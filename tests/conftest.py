"""What every test stands on: a home of its own, never the developer's; runs of the main job that many tests look at.

Tests outside `tests/unit` are spread over processes in groups (`--dist=loadgroup`), so that each of these runs, and
each parse of the dbt project, is made once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.main_job_kit import REAL_EXTRACTS, Run, qamtu
from warehouse.paths import Home

TIERS = ("integration", "e2e", "browser")
RUNS = {"sample_run": "sample", "real_run": "real", "empty_run": "empty"}


def pytest_configure(config: pytest.Config) -> None:
    """Point the environment at a folder of this process, before any module of the project is imported."""
    folder = tempfile.mkdtemp(prefix="qamtu-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    for name in [name for name in os.environ if name.startswith(("QAMTU_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["QAMTU_HOME"] = folder
    # A terminal narrower or wider than the tests expect would fold the output differently.
    os.environ["COLUMNS"] = "120"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test with the tier of its folder, so that `-m` works, and with the group of what it shares."""
    folders = item.path.relative_to(item.config.rootpath).parts[:-1]
    for tier in TIERS:
        if tier in folders:
            item.add_marker(tier)
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    shared = [group for fixture, group in RUNS.items() if fixture in getattr(item, "fixturenames", ())]
    if shared:
        return shared[0]
    return (
        "dagster"
        if item.path.stem.startswith(("test_dagster_graph", "test_dagster_runs", "test_dagster_ui"))
        else item.path.stem
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first; tests of one group stay in their order."""
    first = ["sample", "dagster", "real", "empty", "test_dagster_dbt"]

    def place(item: pytest.Item) -> int:
        mark = item.get_closest_marker("xdist_group")
        return first.index(mark.args[0]) if mark and mark.args[0] in first else len(first)

    items.sort(key=place)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample country, published by `qamtu run --sample`; only the last test of its group may change the home."""
    return qamtu(tmp_path_factory.mktemp("sample") / "home", "run", "--sample")


@pytest.fixture(scope="session")
def empty_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that received nothing but a letter."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "inbox").mkdir()
    (folder / "inbox" / "letter.txt").write_text("Good day", encoding="utf-8")
    return qamtu(folder / "home", "run", "--inbox", str(folder / "inbox"))


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The real extracts, published; only the last test of its group may change the home."""
    if not REAL_EXTRACTS.is_dir():
        pytest.skip("the real extracts are not beside the project")
    return qamtu(tmp_path_factory.mktemp("real") / "home", "run", "--inbox", str(REAL_EXTRACTS))
