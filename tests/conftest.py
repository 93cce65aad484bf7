"""What every test stands on: a home of its own, never the developer's; runs of the main job that many tests look at.

Tests outside `tests/unit` are spread over processes in groups (`--dist=loadscope`), so that each of these runs, and
each parse of the dbt project, is made once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.main_job_kit import REAL_EXTRACTS, Run, qamtu
from warehouse.paths import Home

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TIERS = ("integration", "e2e", "faults", "browser", "spark", "team")
# Files whose tests share a run of the main job or a parse of the dbt project, in the order in which they are run: the
# groups that take longest come first.
GROUPS = {
    # The audit's tests publish on the home and go back; the last of the group files something else.
    "test_sample_job": "sample", "test_sample_lake": "sample", "test_audit_project": "sample",
    "test_semantics": "sample", "test_sample_filed_again": "sample",
    "test_dagster_graph": "dagster", "test_dagster_runs": "dagster", "test_dagster_ui": "dagster",
    "test_dagster_filings": "dagster",
    "test_real_extracts": "real", "test_real_job": "real",
    "test_dbt_project": "empty", "test_empty_job": "empty", "test_store": "empty",
    "test_dagster_dbt": "small dbt project",
}  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Point the environment at a folder of this process, before any module of the project is imported."""
    folder = tempfile.mkdtemp(prefix="qamtu-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    for name in [name for name in os.environ if name.startswith(("QAMTU_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["QAMTU_HOME"] = folder
    # A terminal narrower or wider than the tests expect would fold the output differently.
    os.environ["COLUMNS"] = "120"


def _group(path: str) -> str:
    return GROUPS.get(Path(path).stem, Path(path).stem)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with the tier of its folder, so that `-m` works; put the groups that take longest first."""
    for item in items:
        folders = item.path.relative_to(config.rootpath).parts[:-1]
        for tier in TIERS:
            if tier in folders:
                item.add_marker(tier)
    order = list(GROUPS)
    items.sort(key=lambda item: order.index(item.path.stem) if item.path.stem in GROUPS else len(order))


class _ByGroup(LoadScopeScheduling):
    """Tests of files that share a run go to one process, in order. (xdist's own groups do nothing under pytest 9.)"""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid.split("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByGroup | None:
    """Spread tests by group where `--dist=loadscope` asks for it."""
    return _ByGroup(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample country, published by `qamtu run --sample`; only the last file of its group may change the home."""
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
