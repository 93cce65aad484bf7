"""Does a run survive? A handful of faults on the run of a tiny country; `make faults` tries hundreds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import survival
from tests.faults.small_pipeline import SmallPipeline
from tests.faults.survival import Undisturbed, undisturbed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPipeline]:
    with SmallPipeline(tmp_path_factory.mktemp("survival")) as running:
        yield running


@pytest.fixture(scope="module")
def wanted(pipeline: SmallPipeline) -> Undisturbed:
    return undisturbed(pipeline)


def test_a_killed_run_is_made_good_by_the_next(pipeline: SmallPipeline, wanted: Undisturbed) -> None:
    # While files land, while tables are built, while the release is written.
    points = [wanted.effects * share // 100 for share in (15, 60, 92)]
    toll = survival.killed_at_effects(pipeline, wanted, points)
    assert (toll.struck, toll.problems) == (3, [])


def test_an_error_of_the_disk_is_made_good_by_the_next(pipeline: SmallPipeline, wanted: Undisturbed) -> None:
    # What is only noted to save time next time may fail and not end the run: of three in a row one does.
    toll = survival.refused_at_effects(pipeline, wanted, [wanted.effects // 2 + more for more in range(3)])
    assert toll.struck > 0
    assert toll.problems == []


def test_damage_by_hand_is_made_good(pipeline: SmallPipeline, wanted: Undisturbed) -> None:
    names = ["a landed file changed by hand", "outcomes of another shape", "the build file emptied"]
    assert survival.damaged(pipeline, wanted, names).problems == []


def test_a_home_copied_elsewhere_builds_nothing_anew(pipeline: SmallPipeline, wanted: Undisturbed) -> None:
    assert survival.copied_elsewhere(pipeline, wanted) == []


def test_readers_of_current_find_a_whole_release_at_every_moment(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    toll = survival.readers(tmp_path_factory.mktemp("readers"), reads=200)
    assert toll.problems == []
    assert toll.struck > 1, "releases were made meanwhile"
