"""Who has filed, who is late, who was rejected: what senders owe by period, against what became of their files.

Belongs here: periods, due dates and the status of each. Does not belong here: entries (`sender`), or showing it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingestion.contract import load_contracts
from ingestion.layout import Layout
from ingestion.rules import quarter_end
from ingestion.sender import Expected, Sender
from warehouse.lake import Outcome

FILED, HELD, REJECTED, LATE, DUE = "filed", "held", "rejected", "late", "due"
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Filing:
    """What one sender owes of one extract for one period.

    `period_end` is the last day of the quarter or year. `status`: filed, when a filing of the period is in force;
    held, when what came is suspicious and nobody accepted it; rejected, when all that came was not taken; late, when
    nothing came by `due_on`; due, while there is time.
    `outcomes` are those of the files that the status rests on.
    """

    sender: str
    extract: str
    period_end: dt.date
    due_on: dt.date
    status: str
    outcomes: tuple[Outcome, ...] = ()


def filings(
    entry: Sender, outcomes: Iterable[Outcome], layouts: Mapping[str, Layout], on: dt.date
) -> list[Filing]:
    """Every filing that a sender owes for the periods that ended before `on`, in order.

    Args:
        entry: the sender's entry.
        outcomes: outcomes of deliveries, with their currency; those of other senders are passed over.
        layouts: all layouts by id; they tell the period of a file that was rejected from its name.
        on: the day on which it is asked.
    """
    own = [outcome for outcome in outcomes if outcome.sender == entry.sender]
    found = []
    for expected in entry.expected:
        cadence = load_contracts()[expected.extract].cadence
        by_period = _by_period(own, expected, cadence, layouts)
        for end in _period_ends(cadence, expected.since, on):
            found.append(_filing(entry, expected, end, by_period.get(end, []), on))
    return sorted(found, key=lambda one: (one.period_end, one.extract))


def period_end(day: dt.date, cadence: str) -> dt.date:
    """The last day of the period that figures of a day are filed for.

    A quarter's figures are as of its last day. A year's may be as of its last day or of the first of the next, as those
    of a census are.
    """
    if cadence == "yearly":
        return dt.date((day - _DAY).year, 12, 31)
    return quarter_end(day.year, (day.month + 2) // 3)


def _filing(entry: Sender, expected: Expected, end: dt.date, came: Sequence[Outcome], on: dt.date) -> Filing:
    due_on = end + dt.timedelta(days=expected.due_days)
    taken = [outcome for outcome in came if outcome.is_current]
    told = tuple(sorted(taken or came, key=lambda outcome: outcome.received_order))
    return Filing(entry.sender, expected.extract, end, due_on, _status(taken, came, on > due_on), told)


def _status(taken: Sequence[Outcome], came: Sequence[Outcome], is_overdue: bool) -> str:
    if taken:
        return FILED
    if came:
        return HELD if any(outcome.held_for for outcome in came) else REJECTED
    return LATE if is_overdue else DUE


def _period_ends(cadence: str, since: dt.date, on: dt.date) -> Iterator[dt.date]:
    # The day after the first of January lies in the year itself, whatever a census of that day is filed for.
    end = period_end(since + _DAY, cadence)
    while end < on:
        yield end
        end = period_end(end + 2 * _DAY, cadence)


def _by_period(
    outcomes: Iterable[Outcome], expected: Expected, cadence: str, layouts: Mapping[str, Layout]
) -> dict[dt.date, list[Outcome]]:
    found: dict[dt.date, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.extract_kind == expected.extract:
            for end in {period_end(day, cadence) for day in _days(outcome, layouts)}:
                found.setdefault(end, []).append(outcome)
    return found


def _days(outcome: Outcome, layouts: Mapping[str, Layout]) -> list[dt.date]:
    """Days that a file speaks of: those of its rows, else the end of the quarter in its name."""
    told = outcome.periods or ((outcome.as_of_date,) if outcome.as_of_date else ())
    if told:
        return [dt.date.fromisoformat(day) for day in told]
    layout = layouts.get(outcome.layout_id or "")
    groups = layout.match(outcome.file_name) if layout is not None and layout.is_quarterly else None
    return [quarter_end(int(groups["year"]), int(groups["quarter"]))] if groups else []
