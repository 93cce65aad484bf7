"""Who has filed, who is late, who was rejected."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.filing import DUE, FILED, HELD, LATE, REJECTED, filings, period_end
from ingestion.layout import load_layouts
from ingestion.sender import Sender, load_senders
from tests.unit.ingestion_kit import FILING, layout
from warehouse.lake import Outcome

LAYOUT = layout(FILING)
LAYOUTS = {LAYOUT.layout_id: LAYOUT}
ENTRY = Sender.model_validate(
    {
        "sender": "test_dala",
        "title": "Test operator",
        "contact": {"name": "Desk", "email": "desk@dala.example"},
        "expected": [{"extract": "operator_availability", "since": "2025-07-01", "due_days": 45}],
    }
)
ACCEPTED = Outcome(
    extract_id="a", sender="test_dala", extract_kind="operator_availability", layout_id=LAYOUT.layout_id,
    file_name="dala_2025q4.csv", sha256="0", size_bytes=1, received_order=1, outcome="accepted", series="s",
    as_of_date="2025-12-31", periods=("2025-12-31",), is_current=True,
)  # fmt: skip
NOT_TAKEN = replace(
    ACCEPTED,
    extract_id="b",
    outcome="rejected",
    as_of_date=None,
    periods=(),
    is_current=False,
    received_order=2,
)


def statuses(*outcomes: Outcome, on: str) -> dict[str, str]:
    found = filings(ENTRY, outcomes, LAYOUTS, dt.date.fromisoformat(on))
    return {str(one.period_end): one.status for one in found}


def test_a_period_is_owed_from_the_day_after_its_end() -> None:
    assert statuses(on="2025-09-30") == {}
    assert statuses(on="2025-10-01") == {"2025-09-30": DUE}
    assert list(statuses(on="2026-06-30")) == ["2025-09-30", "2025-12-31", "2026-03-31"]


def test_nothing_by_the_due_day_is_late_the_day_after() -> None:
    assert statuses(on="2025-11-14")["2025-09-30"] == DUE
    assert statuses(on="2025-11-15")["2025-09-30"] == LATE


def test_a_filing_counts_for_its_own_period_alone() -> None:
    assert statuses(ACCEPTED, on="2026-03-01") == {"2025-09-30": LATE, "2025-12-31": FILED}


def test_what_was_not_taken_is_rejected_by_the_quarter_in_its_name() -> None:
    assert statuses(NOT_TAKEN, on="2026-03-01") == {"2025-09-30": LATE, "2025-12-31": REJECTED}


def test_what_is_suspicious_is_held_until_it_counts() -> None:
    held = replace(ACCEPTED, is_current=False, held_for="half of the rows")
    assert statuses(held, NOT_TAKEN, on="2026-03-01")["2025-12-31"] == HELD
    assert statuses(held, ACCEPTED, on="2026-03-01")["2025-12-31"] == FILED


def test_a_rejected_correction_leaves_the_filing_in_force() -> None:
    assert statuses(ACCEPTED, NOT_TAKEN, on="2026-03-01")["2025-12-31"] == FILED


def test_files_of_others_and_of_other_extracts_count_for_nothing() -> None:
    others = replace(ACCEPTED, sender="test_arman"), replace(ACCEPTED, extract_kind="operator_sites")
    assert statuses(*others, on="2026-03-01")["2025-12-31"] == LATE


@pytest.mark.parametrize(
    ("day", "cadence", "end"),
    [
        ("2025-12-31", "quarterly", "2025-12-31"),
        ("2026-01-01", "quarterly", "2026-03-31"),
        ("2026-01-01", "yearly", "2025-12-31"),
        ("2025-12-31", "yearly", "2025-12-31"),
        ("2025-06-30", "yearly", "2025-12-31"),
    ],
)
def test_a_day_belongs_to_one_period(day: str, cadence: str, end: str) -> None:
    assert period_end(dt.date.fromisoformat(day), cadence) == dt.date.fromisoformat(end)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)), st.integers(0, 3000), st.booleans())
def test_periods_follow_one_another_without_a_gap(since: dt.date, days: int, is_yearly: bool) -> None:
    kind = "population" if is_yearly else "operator_availability"
    values = ENTRY.model_dump() | {
        "sample": False,
        "expected": [{"extract": kind, "since": since, "due_days": 10}],
    }
    values.pop("is_sample")
    found = filings(Sender.model_validate(values), [], LAYOUTS, since + dt.timedelta(days))
    ends = [one.period_end for one in found]
    months = [12 * end.year + end.month for end in ends]
    step = 12 if is_yearly else 3
    assert months == list(range(months[0], months[0] + step * len(ends), step)) if ends else True
    assert all(since <= end < since + dt.timedelta(days) for end in ends)
    assert not ends or ends[0] - since < dt.timedelta(step * 31)


def test_shipped_entries_expect_what_a_layout_of_theirs_reads() -> None:
    read = {(known.sender, known.extract_kind) for known in load_layouts().values()}
    owed = {(entry.sender, one.extract) for entry in load_senders().values() for one in entry.expected}
    assert owed
    assert owed <= read
