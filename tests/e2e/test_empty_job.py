"""The main job when nothing that came can be used."""

from __future__ import annotations

import pytest

from tests.main_job_kit import Run

pytestmark = pytest.mark.slow


def test_with_nothing_to_publish_the_previous_release_stands(empty_run: Run) -> None:
    assert empty_run.code == 4, empty_run.told
    assert not empty_run.home.current.exists()
