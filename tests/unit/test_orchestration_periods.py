"""Which periods are due when something changes: those it reaches, and no others."""

from __future__ import annotations

from dataclasses import replace

from orchestration.periods import Due, due, period_keys
from orchestration.reuse import Keys, due_periods
from tests.unit.audit_kit import small_country
from warehouse.candidate import Manifest, parse_manifest

Q1, Q2, Q3, Q4 = "2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31"
FILINGS = {Q1: "a", Q2: "b", Q3: "c", Q4: "d"}


def same(filings: dict[str, str] | None, rest: str = "code") -> dict[str, str] | None:
    return period_keys(rest, {"filings": filings}, {})


def looking_back(filings: dict[str, str]) -> dict[str, str] | None:
    return period_keys("code", {}, {"filings": filings})


def test_a_new_period_is_due_and_no_other() -> None:
    before = {date: key for date, key in FILINGS.items() if date != Q4}
    assert due(same(FILINGS), same(before), looks_back=False) == Due(dates=(Q4,))
    assert due(looking_back(FILINGS), looking_back(before), looks_back=True) == Due(since="2025-10-01")


def test_a_period_filed_again_is_due_and_what_looks_back_on_it() -> None:
    again = FILINGS | {Q2: "b2"}
    assert due(same(again), same(FILINGS), looks_back=False) == Due(dates=(Q2,))
    assert due(looking_back(again), looking_back(FILINGS), looks_back=True) == Due(since="2025-04-01")


def test_a_late_older_period_is_due_and_what_looks_back_on_it() -> None:
    before = {date: key for date, key in FILINGS.items() if date != Q2}
    assert due(same(FILINGS), same(before), looks_back=False) == Due(dates=(Q2,))
    assert due(looking_back(FILINGS), looking_back(before), looks_back=True) == Due(since="2025-04-01")


def test_a_period_that_is_gone_is_due() -> None:
    left = {date: key for date, key in FILINGS.items() if date != Q3}
    assert due(same(left), same(FILINGS), looks_back=False) == Due(dates=(Q3,))


def test_nothing_is_due_when_nothing_changed() -> None:
    assert due(same(FILINGS), same(dict(FILINGS)), looks_back=False) == Due()


def test_a_look_back_reaches_to_the_end_of_the_quarter() -> None:
    inside = {"2025-11-15": "a", Q4: "b"}
    before, after = looking_back(inside), looking_back(inside | {Q4: "c"})
    assert before is not None
    assert after is not None
    assert before["2025-11-15"] != after["2025-11-15"]
    more = {**inside, Q1: "x", Q2: "y"}
    assert due(looking_back(more | {Q4: "c"}), looking_back(more), looks_back=True) == Due(since="2025-10-01")


def test_everything_is_due_when_all_periods_changed_or_are_not_known() -> None:
    others = dict.fromkeys(FILINGS, "z")
    assert due(same(others), same(FILINGS), looks_back=False) is None
    assert due(same(None), same(FILINGS), looks_back=False) is None
    assert due(same(FILINGS), None, looks_back=False) is None
    assert same(None) is None


def manifest(materialized: str = "by_period") -> Manifest:
    """A country one of whose tables is kept by period."""
    parsed = parse_manifest(small_country().manifest())
    unique_id = next(uid for uid, node in parsed.relations.items() if node.name == "fct_coverage")
    kept = replace(parsed.nodes[unique_id], materialized=materialized)
    return Manifest(nodes={**parsed.nodes, unique_id: kept})


def test_a_table_is_kept_by_period_only_where_all_else_is_as_it_was() -> None:
    project = manifest()
    (unique_id,) = (uid for uid, node in project.relations.items() if node.materialized == "by_period")
    before = Keys("m1", "code", "rest", same({Q1: "a", Q2: "b"}))
    now = replace(before, made_of="m2", periods=same({Q1: "a", Q2: "c"}))

    def told(kept: Keys, project: Manifest = project) -> dict[str, Due]:
        return due_periods(project, {unique_id: now}, {unique_id: kept}, [unique_id])

    name = project.relations[unique_id].name
    assert told(before) == {name: Due(dates=(Q2,))}
    assert told(replace(before, code="other")) == {}
    assert told(replace(before, rest="other edition of the census")) == {}
    assert told(replace(before, periods=None)) == {}
    assert due_periods(project, {unique_id: now}, {}, [unique_id]) == {}
    assert told(before, manifest("table")) == {}
