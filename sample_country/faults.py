"""Faulty rows and how they are mixed into a sender's table.

Belongs here: the shape of a fault and its place among good rows. Which faults a sender makes stands with the
sender, because each is a slip in that sender's own format. Faulty rows name spare sites, for which nobody
files: whatever becomes of them, no calibrated figure moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_country.inbox import Injected

QUARANTINED = "quarantined"
DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Fault:
    """Rows, in the sender's own columns, that break one rule on purpose.

    column: the contract column at fault, None when the row is no data at all.
    """

    rule: str
    rows: pl.DataFrame
    column: str | None = None
    outcome: str = QUARANTINED

    @property
    def injected(self) -> Injected:
        """The record of the fault."""
        return Injected(self.rule, self.outcome, len(self.rows), self.column)


def overwritten(rows: pl.DataFrame, cells: dict[str, str | None]) -> pl.DataFrame:
    """Rows with some cells overwritten."""
    return rows.with_columns(pl.lit(value, pl.String).alias(name) for name, value in cells.items())


def duplicates(frame: pl.DataFrame, count: int, rng: np.random.Generator) -> Fault:
    """Some rows of the table a second time, cell by cell the same."""
    chosen = np.sort(rng.choice(len(frame), size=count, replace=False))
    return Fault("duplicate", frame[chosen], outcome=DUPLICATE)


def header_again(frame: pl.DataFrame) -> Fault:
    """The header among the rows, as when pages of a printout are pasted together."""
    return Fault("header_repeated", pl.DataFrame([{name: name for name in frame.columns}]))


def mixed_in(
    frame: pl.DataFrame, faults: Sequence[Fault], rng: np.random.Generator
) -> tuple[pl.DataFrame, list[Injected]]:
    """The table with faulty rows at random places among the good ones, and the record of what was put in."""
    wanted = [fault for fault in faults if len(fault.rows)]
    parts = [frame.with_columns(__at=pl.int_range(pl.len()).cast(pl.Float64))]
    for fault in wanted:
        at = pl.Series("__at", rng.integers(1, max(2, len(frame)), len(fault.rows)) + 0.5)
        parts.append(fault.rows.select(frame.columns).with_columns(at))
    mixed = pl.concat(parts).sort("__at", maintain_order=True).drop("__at")
    return mixed, [fault.injected for fault in wanted]
