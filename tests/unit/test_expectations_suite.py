"""Reading suites: what is not well formed is refused, and a version follows the content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.suite import Suite, load_suites

EXPECTATION: dict[str, Any] = {
    "id": "shares_are_shares",
    "description": "A share of people lies between nought and a hundred.",
    "severity": "blocking",
    "tables": ["marts.fct_coverage_by_technology"],
    "query": "select 1 as share",
    "expect": "expect_column_values_to_be_between",
    "kwargs": {"column": "share", "min_value": 0},
    "remedy": "Look at the operator's filing for this place.",
}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "suite": "shares",
        "description": "Shares of people are shares.",
        "expectations": [{**EXPECTATION, **changes}],
    }


def test_the_projects_suites_are_well_formed() -> None:
    suites = load_suites()
    ids = [suite.check_id(one) for suite in suites for one in suite.expectations]
    assert len(ids) == len(set(ids))
    assert {suite.suite for suite in suites} >= {
        "change",
        "filings",
        "ladder",
        "population",
        "shares",
        "totals",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"severty": "blocking"}, "Extra inputs are not permitted"),
        ({"severity": "fatal"}, "Input should be 'blocking' or 'warning'"),
        ({"tables": []}, "at least 1 item"),
        ({"tables": ["fct_metric"]}, "String should match pattern"),
        ({"id": "Shares"}, "String should match pattern"),
        ({"expect": "shares are shares"}, "String should match pattern"),
        ({"remedy": "mend it"}, "at least 20 characters"),
        (
            {"explained": [{"match": {}, "reason": "The operator left the market in 2025."}]},
            "at least 1 item",
        ),
        ({"explained": [{"match": {"kato": "1"}}]}, "reason"),
    ],
)
def test_what_is_not_well_formed_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Suite.model_validate(document(**changes))


def test_an_expectation_that_stands_twice_is_refused() -> None:
    twice = document()
    twice["expectations"] *= 2
    with pytest.raises(ValueError, match="stand twice: shares_are_shares"):
        Suite.model_validate(twice)


def test_a_fault_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "shares.yaml").write_text(yaml.safe_dump(document(severity="fatal")))
    with pytest.raises(ValueError, match=r"shares\.yaml: "):
        load_suites(tmp_path)


def test_a_suite_is_called_like_its_file(tmp_path: Path) -> None:
    (tmp_path / "totals.yaml").write_text(yaml.safe_dump(document()))
    with pytest.raises(ValueError, match="the suite calls itself 'shares'"):
        load_suites(tmp_path)


def test_the_version_follows_the_content() -> None:
    version = Suite.model_validate(document()).version
    assert version == Suite.model_validate(document()).version
    assert version != Suite.model_validate(document(kwargs={"column": "share", "min_value": 1})).version
    assert version != Suite.model_validate(document(severity="warning")).version
    explained = [{"match": {"kato": "1"}, "reason": "The operator left the market in 2025."}]
    assert version != Suite.model_validate(document(explained=explained)).version
