"""The dates of the sample: quarter ends that are filed, census dates, and the days on which codes changed.

Belongs here: dates and what follows from them alone. Does not belong here: what happens on a date.
"""

from __future__ import annotations

import datetime as dt

PERIODS: tuple[dt.date, ...] = (
    dt.date(2021, 12, 31),
    dt.date(2022, 12, 31),
    dt.date(2023, 12, 31),
    *(
        dt.date(year, month, day)
        for year in (2024, 2025)
        for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))
    ),
)
"""Dates that operators file for: year ends first, quarter ends from 2024 on."""

CENSUS_DATES: tuple[dt.date, ...] = tuple(dt.date(year, 1, 1) for year in range(2022, 2027))
"""Dates of the population and household counts."""

SPLIT_DATE = dt.date(2022, 6, 8)
"""Abai, Jetisu and Ulytau were formed; every code in them changed."""

TRANSFER_DATE = dt.date(2024, 3, 20)
"""Day on which the sample's later changes of code take effect."""

GEOGRAPHY_START = dt.date(2023, 12, 31)
"""First period filed over a real geography, whose edition knows no older codes."""

REAL_CENSUS_DATE = dt.date(2023, 1, 1)
"""Date of the latest population bulletin of the real geography; invented households are counted on it too."""


def quarter_of(day: dt.date) -> int:
    """Quarter of the year, 1 to 4."""
    return (day.month - 1) // 3 + 1


def census_for(as_of: dt.date) -> dt.date:
    """The census date a quarter end is counted against: the latest one not after the following day."""
    limit = as_of + dt.timedelta(days=1)
    return max((day for day in CENSUS_DATES if day <= limit), default=CENSUS_DATES[0])


def tag(day: dt.date) -> str:
    """Tag of a quarter in file names, as in 2024q3."""
    return f"{day.year}q{quarter_of(day)}"
