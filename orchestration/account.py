"""What became of deliveries, as tables and a small chart for Dagster's asset pages.

Belongs here: pure functions from outcomes to Markdown and numbers. Does not belong here: reading the lake.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.lake import Outcome

_BAR_LETTERS = 20
_MAX_MESSAGE = 160


@dataclass(frozen=True)
class RowAccount:
    """Rows of one or several files by what became of them."""

    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    skipped: int = 0

    def __add__(self, other: RowAccount) -> RowAccount:
        """Both accounts together."""
        return RowAccount(
            self.read + other.read,
            self.accepted + other.accepted,
            self.quarantined + other.quarantined,
            self.duplicate + other.duplicate,
            self.skipped + other.skipped,
        )

    @property
    def accepted_pct(self) -> float | None:
        """Share of the rows read that was accepted, 0-100; None when none was read."""
        return round(100 * self.accepted / self.read, 2) if self.read else None


def account_of(outcome: Outcome) -> RowAccount:
    """The row account of one file."""
    return RowAccount(
        read=outcome.rows_read,
        accepted=outcome.rows_accepted,
        quarantined=outcome.rows_quarantined,
        duplicate=outcome.rows_duplicate,
        skipped=outcome.rows_skipped,
    )


def total(accounts: Iterable[RowAccount]) -> RowAccount:
    """The sum of accounts."""
    return sum(accounts, RowAccount())


def number(value: int) -> str:
    """An integer with thin groups of three, as people read it."""
    return f"{value:,}".replace(",", "\u202f")


def files_table(outcomes: Sequence[Outcome]) -> str:
    """Markdown table of files, latest date last: rows accepted of those read, and what is to be said of them."""
    if not outcomes:
        return "No file received."
    lines = ["| Date | File | Accepted | of | Remark |", "|---|---|--:|--:|---|"]
    for outcome in sorted(outcomes, key=lambda o: (str(o.as_of_date or ""), o.file_name, o.extract_id)):
        rows = account_of(outcome)
        lines.append(
            f"| {outcome.as_of_date or ''} | `{cell(outcome.file_name)}` | {number(rows.accepted)} "
            f"| {number(rows.read)} | {_remark(outcome)} |"
        )
    return "\n".join(lines)


def trouble_table(outcomes: Sequence[Outcome]) -> str:
    """Markdown table of files that were not taken, and why."""
    if not outcomes:
        return "None."
    lines = ["| File | Outcome | Why |", "|---|---|---|"]
    for outcome in sorted(outcomes, key=lambda o: (o.outcome, o.file_name, o.extract_id)):
        lines.append(f"| `{cell(outcome.file_name)}` | {outcome.outcome} | {_remark(outcome)} |")
    return "\n".join(lines)


def _remark(outcome: Outcome) -> str:
    if outcome.superseded_by:
        return f"superseded by {cell(outcome.superseded_by)}"
    if outcome.held_for:
        return cell(outcome.held_for)
    text = cell(f"{'' if outcome.is_accepted else 'not taken: '}{outcome.message or ''}")
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1].rstrip() + "…"


def cell(text: str) -> str:
    """Text as a cell of a Markdown table: no bar ends it, no markup of a delivery is taken for ours."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(plain.split())


def rows_chart(accounts: Sequence[tuple[str, RowAccount]]) -> str:
    """Markdown bar chart: one bar a label, its rows accepted, then those quarantined or duplicate.

    Drawn with letters and kept short, because Dagster shows a long text only on request, and no image at all.
    """
    if not accounts:
        return "No row received."
    widest = max(rows.accepted + rows.quarantined + rows.duplicate for _, rows in accounts) or 1
    lines = ["| | accepted █ refused ▒ | accepted | quarantined | duplicate |", "|---|:--|--:|--:|--:|"]
    for label, rows in accounts:
        accepted = _bar(rows.accepted, widest, "█")
        refused = _bar(rows.quarantined + rows.duplicate, widest, "▒")
        counts = " | ".join(number(count) for count in (rows.accepted, rows.quarantined, rows.duplicate))
        lines.append(f"| {cell(label)} | {accepted}{refused} | {counts} |")
    return "\n".join(lines)


def _bar(count: int, widest: int, letter: str) -> str:
    """A bar in letters; a few rows among millions still deserve a visible mark."""
    return letter * max(round(_BAR_LETTERS * count / widest), 1) if count else ""
