"""Quarters, as Dagster partitions.

Belongs here: the partition set and the way from a date to its partition. Partitions say which quarters have been
received; what is read is decided by the files in the inbox.
"""

import datetime as dt

import dagster as dg

FIRST_QUARTER = "2021-10-01"
KEY_FORMAT = "%Y-%m-%d"

#: One partition a quarter, named by its first day; the current quarter is included, filings may come early.
QUARTERS = dg.TimeWindowPartitionsDefinition(
    start=FIRST_QUARTER, fmt=KEY_FORMAT, cron_schedule="0 0 1 */3 *", end_offset=1
)


def quarter_key(as_of_date: dt.date) -> str | None:
    """Partition of the quarter a date lies in; None before the first one."""
    first_day = dt.date(as_of_date.year, 3 * ((as_of_date.month - 1) // 3) + 1, 1)
    key = first_day.strftime(KEY_FORMAT)
    return key if key >= FIRST_QUARTER else None


def quarter_name(key: str) -> str:
    """How people write a partition: `2025Q4`."""
    day = dt.date.fromisoformat(key)
    return f"{day.year}Q{(day.month + 2) // 3}"
