"""Which periods of a table are due: rows of a date are made of inputs of that date, so that the others may stand.

Belongs here: keys by period, and what follows from comparing them. Does not belong here: running dbt (`dbt_engine`), or
the keys of whole tables (`reuse`).

A model says in its `meta` of which inputs it reads, for its rows of a date, only rows of the same date
(`same_period`), and of which those up to the end of its quarter (`up_to_period`: a look back). Every other input counts
as a whole: when one of them changes, all rows are due. What a model says of itself is held against a full build by a
test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.fingerprint import ABSENT, combine

#: Key of the rows of each date (ISO text); None when the dates of an input are not known.
PeriodKeys = Mapping[str, str] | None


@dataclass(frozen=True)
class Due:
    """Rows to be built again: those of `dates`, and with `since` all from that date on. Empty when none is."""

    dates: tuple[str, ...] = ()
    since: str | None = None

    def __str__(self) -> str:
        if self.since:
            return f"from {self.since} on"
        return f"of {', '.join(self.dates)} alone" if self.dates else "of no period"

    def as_variable(self) -> dict[str, Any]:
        """As the materialization `by_period` reads it."""
        return {"dates": list(self.dates), "since": self.since}


def period_keys(
    rest: str, same: Mapping[str, PeriodKeys], up_to: Mapping[str, PeriodKeys]
) -> dict[str, str] | None:
    """Key of a model's rows for each date that one of its inputs by period has.

    `rest` stands for its code and all other inputs; `same` and `up_to` are the keys of the inputs by name.
    """
    known = {name: keys for name, keys in {**same, **up_to}.items() if keys is not None}
    if len(known) < len({**same, **up_to}):
        return None
    dates = sorted({date for keys in known.values() for date in keys})
    return {
        date: combine(
            {"rest": rest}
            | {f"same {name}": known[name].get(date, ABSENT) for name in same}
            | {f"up to {name}": combine(_until(known[name], date)) for name in up_to}
        )
        for date in dates
    }


def due(now: PeriodKeys, kept: PeriodKeys, looks_back: bool) -> Due | None:
    """What of a table is due whose code and other inputs are as they were; None when that is all of it.

    Dates are built one by one, so that more than half of them are not worth it. A model that looks back is due from the
    first quarter on that changed, at once: it may have rows of dates that no input by period has.
    """
    if now is None or kept is None:
        return None
    changed = sorted(date for date in {*now, *kept} if now.get(date) != kept.get(date))
    if not changed:
        return Due()
    if len(changed) >= len(now) or (not looks_back and len(changed) * 2 > len(now)):
        return None
    return Due(since=f"{_quarter(changed[0])}-01") if looks_back else Due(dates=tuple(changed))


def in_words(parts: Mapping[str, Due]) -> str:
    """How many tables were built in part, and which: `26 of 2025-12-31 alone, 3 from 2025-10-01 on`."""
    counted = Counter(str(part) for part in parts.values())
    return ", ".join(f"{count} {part}" for part, count in sorted(counted.items()))


def _until(keys: Mapping[str, str], date: str) -> dict[str, str]:
    return {one: key for one, key in keys.items() if _quarter(one) <= _quarter(date)}


def _quarter(date: str) -> str:
    """Year and first month of the quarter that an ISO date lies in: `2025-10`."""
    year, month = date.split("-")[:2]
    return f"{year}-{(int(month) - 1) // 3 * 3 + 1:02d}"
