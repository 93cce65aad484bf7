"""What asset pages show of deliveries."""

from __future__ import annotations

from dataclasses import replace

from orchestration.account import (
    RowAccount,
    account_of,
    files_table,
    number,
    rows_chart,
    total,
    trouble_table,
)
from warehouse.lake import Outcome

ACCEPTED = Outcome(
    extract_id="a", sender="sample_dala", extract_kind="operator_availability",
    layout_id="sample_dala/operator_availability", file_name="dala/availability_2025q4.csv", sha256="0" * 64,
    size_bytes=10, received_order=1, outcome="accepted_with_quarantine", series="s", as_of_date="2025-12-31",
    is_current=True, message="3 of 2752 rows quarantined", rows_read=2752, rows_accepted=2739, rows_quarantined=3,
    rows_duplicate=10, rows_skipped=1,
)  # fmt: skip
REJECTED = replace(
    ACCEPTED, extract_id="b", file_name="dala/availability_2024q3.csv", outcome="rejected", as_of_date=None,
    is_current=False, message="missing_column: no column 'КАТО' | mend the header", rows_read=0, rows_accepted=0,
    rows_quarantined=0, rows_duplicate=0, rows_skipped=0,
)  # fmt: skip


def test_accounts_add_up() -> None:
    together = total([account_of(ACCEPTED), RowAccount(read=8, accepted=8)])
    assert together == RowAccount(read=2760, accepted=2747, quarantined=3, duplicate=10, skipped=1)
    assert together.accepted_pct == 99.53
    assert total([]).accepted_pct is None


def test_a_number_is_grouped_without_breaking() -> None:
    assert number(1234567) == "1\u202f234\u202f567"


def test_files_are_listed_by_date_with_what_is_to_be_said_of_them() -> None:
    lines = files_table([ACCEPTED, REJECTED]).splitlines()
    assert lines[2] == (
        "|  | `dala/availability_2024q3.csv` | 0 | 0 | "
        "not taken: missing_column: no column 'КАТО' \\| mend the header |"
    )
    assert lines[3].startswith("| 2025-12-31 | `dala/availability_2025q4.csv` | 2\u202f739 | 2\u202f752 |")


def test_a_superseded_file_names_its_successor() -> None:
    assert "superseded by dala.2025q4.ffff" in files_table(
        [replace(ACCEPTED, superseded_by="dala.2025q4.ffff")]
    )


def test_a_long_remark_is_cut() -> None:
    row = files_table([replace(ACCEPTED, message="x" * 500)]).splitlines()[2]
    assert row.endswith("x… |")
    assert len(row) < 300


def test_no_file_is_said_in_words() -> None:
    assert files_table([]) == "No file received."
    assert trouble_table([]) == "None."
    assert rows_chart([]) == "No row received."


def test_trouble_names_file_outcome_and_reason() -> None:
    assert "| `dala/availability_2024q3.csv` | rejected | not taken: missing_column" in trouble_table(
        [REJECTED]
    )


def test_bars_are_in_proportion_and_a_few_rows_still_show() -> None:
    chart = rows_chart([("2025Q3", RowAccount(10, 10)), ("2025Q4", RowAccount(1001, 1000, 1))]).splitlines()
    assert chart[2].startswith("| 2025Q3 | █ | 10 |")
    assert f"| 2025Q4 | {'█' * 20}▒ |" in chart[3]
