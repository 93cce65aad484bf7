"""What became of deliveries, as tables and a small chart for Dagster's asset pages.

Belongs here: pure functions from outcomes to Markdown and numbers. Does not belong here: reading the lake.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.lake import Outcome

_COLOURS = {"accepted": "#2e7d5b", "quarantined": "#c4622d", "duplicate": "#8a8f98"}
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
    """Markdown table of files, newest date last: outcome, rows, and what a rejected file was rejected for."""
    lines = [
        "| File | Date | Outcome | Read | Accepted | Quarantined | Duplicate | Remark |",
        "|---|---|---|--:|--:|--:|--:|---|",
    ]
    for outcome in sorted(outcomes, key=lambda o: (str(o.as_of_date or ""), o.file_name, o.extract_id)):
        rows = account_of(outcome)
        remark = _remark(outcome)
        lines.append(
            f"| `{_cell(outcome.file_name)}` | {outcome.as_of_date or ''} | {outcome.outcome} | {number(rows.read)} "
            f"| {number(rows.accepted)} | {number(rows.quarantined)} | {number(rows.duplicate)} | {remark} |"
        )
    return "\n".join(lines) if len(lines) > 2 else "No file received."


def _remark(outcome: Outcome) -> str:
    if outcome.superseded_by:
        return f"superseded by {_cell(outcome.superseded_by)}"
    text = _cell(outcome.message or "")
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1].rstrip() + "…"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def rows_chart(accounts: Sequence[tuple[str, RowAccount]]) -> str:
    """Markdown with a bar chart: one stacked bar a label, its rows accepted, quarantined and duplicate."""
    if not accounts:
        return "No row received."
    image = base64.b64encode(rows_svg(accounts).encode()).decode()
    return f"![rows accepted, quarantined and duplicate](data:image/svg+xml;base64,{image})"


def rows_svg(accounts: Sequence[tuple[str, RowAccount]]) -> str:
    """The chart of `rows_chart` as SVG text."""
    label_width, bar_width, row_height = 110, 340, 20
    widest = max(rows.accepted + rows.quarantined + rows.duplicate for _, rows in accounts) or 1
    height = row_height * len(accounts) + 26
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{label_width + bar_width + 130}" height="{height}" '
        'font-family="sans-serif" font-size="12">'
    ]
    for line, (label, rows) in enumerate(accounts):
        top = line * row_height
        parts.append(f'<text x="0" y="{top + 14}" fill="#6b7280">{_xml(label)}</text>')
        left = float(label_width)
        for name in _COLOURS:
            count = getattr(rows, name)
            width = bar_width * count / widest
            # A few rows among millions still deserve a visible mark.
            width = max(width, 1.5) if count else 0.0
            parts.append(
                f'<rect x="{left:.1f}" y="{top + 3}" width="{width:.1f}" height="14" fill="{_COLOURS[name]}"/>'
            )
            left += width
        amount = number(rows.accepted) + (f" / {number(rows.quarantined)}" if rows.quarantined else "")
        parts.append(f'<text x="{left + 6:.1f}" y="{top + 14}" fill="#6b7280">{amount}</text>')
    legend_top = row_height * len(accounts) + 18
    left = float(label_width)
    for name, colour in _COLOURS.items():
        parts.append(f'<rect x="{left:.0f}" y="{legend_top - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{left + 14:.0f}" y="{legend_top}" fill="#6b7280">{name}</text>')
        left += 100
    return "".join([*parts, "</svg>"])


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
