"""A comparison of two releases as people read it in a terminal.

Belongs here: counting, choosing what to show, layout. Does not belong here: comparing (`revision`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from warehouse.revision import COMPONENTS

if TYPE_CHECKING:
    from rich.console import Console


#: Components smaller than this would show as nought.
_SHOWN = 0.0005


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How many numbers changed, by kind of change, cause and metric."""
    counts = Counter((row["change"], row["cause"], row["metric_id"]) for row in rows)
    return [
        {"change": change, "cause": cause, "metric_id": metric, "numbers": numbers}
        for (change, cause, metric), numbers in sorted(counts.items())
    ]


def print_revisions(
    previous: str, current: str, rows: Sequence[Mapping[str, Any]], console: Console, top: int
) -> None:
    """Print what changed: counts, then the numbers of the nation with what each change is made of."""
    from rich import box
    from rich.table import Table

    console.print(f"{previous} -> {current}: {len(rows):,} published numbers are new or other than they were")
    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Change", "Cause", "Metric", "Numbers"):
        table.add_column(name, justify="right" if name == "Numbers" else "left", overflow="fold")
    for line in summary(rows):
        table.add_row(line["change"], line["cause"], line["metric_id"], f"{line['numbers']:,}")
    console.print(table)
    nation = [row for row in rows if row["geography_level"] == "national" and row["difference"]]
    # Shares first: amounts of money would hide them.
    nation.sort(
        key=lambda row: (row["change"] != "revised", row["unit"] != "percent", -abs(row["difference"]))
    )
    table = Table(title="Of the nation", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Figure", "Was", "Is", "Difference", *COMPONENTS):
        table.add_column(
            name.replace("_", " "), justify="left" if name == "Figure" else "right", overflow="fold"
        )
    for row in nation[:top]:
        dates = str(row["as_of_date"])
        if row["previous_as_of_date"] != row["as_of_date"]:
            dates = f"{row['previous_as_of_date']} to {dates}"
        words = (row["metric_id"], row["area_type"], row["technology"] or "", dates, row["cause"])
        table.add_row(
            ", ".join(word for word in words if word),
            *(f"{row[name]:,.3f}" for name in ("old_value", "new_value", "difference")),
            *(f"{row[name]:,.3f}" if abs(row[name]) >= _SHOWN else "" for name in COMPONENTS),
        )
    console.print(table)
    if len(nation) > top:
        console.print(
            f"the first {top} of {len(nation):,}; --top or --json for more, and fct_revision in the release"
        )
