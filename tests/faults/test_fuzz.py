"""Damaged files of every format: always an outcome, never a traceback. `make faults` tries thousands of each."""

from __future__ import annotations

import pytest

from tests.faults.fuzz import FORMATS, Corpus, damaged, fuzz, outcomes


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("name", FORMATS)
def test_the_file_is_taken_before_it_is_damaged(corpus: Corpus, name: str) -> None:
    (found,) = outcomes(corpus, name, {0: corpus.clean[name]})
    assert found.is_accepted
    assert found.rows_accepted == found.rows_read > 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_an_outcome(corpus: Corpus, name: str) -> None:
    tally = fuzz(corpus, name, range(20))
    assert tally.problems == []
    assert tally.files == 20
    assert len(tally.outcomes) > 1, "damage is seen"


#: What fuzzing found, mended since: each of these files ended a run, or the machine.
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("csv, utf-8", 33),
        ("xls", 47),
        ("xlsx", 4104),
        ("xlsx", 9607),
        ("xlsx", 17061),
        ("Shapefile in .zip", 1827),
        ("Shapefile in .zip", 5086),
        ("JSON in .zip", 7),
    ],
)
def test_what_was_found_stays_mended(corpus: Corpus, name: str, number: int) -> None:
    assert damaged(name, corpus.clean[name], number) != corpus.clean[name]
    assert fuzz(corpus, name, range(number, number + 1)).problems == []
