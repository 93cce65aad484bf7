"""Known faults of sources, corrected by dated entries that expire when the source is mended.

Belongs here: the form of an entry, applying it to judged rows, and refusing a file it no longer fits.
Does not belong here: finding faults; an entry is a person's decision, with reason, author and date.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from ingestion.faults import FileRejected
from ingestion.layout import Layout
from ingestion.rules import Judged, target, typed
from warehouse.yaml_file import read_yaml

CORRECTIONS_DIR = Path(__file__).parent / "corrections"


class Correction(BaseModel):
    """One value of one row that is known to be wrong: which row, what it says, what it should say, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: str
    where: dict[str, str] = Field(min_length=1)
    column: str
    expect: str
    value: str
    reason: str
    author: str
    date: dt.date

    @property
    def subject(self) -> str:
        """Which value it changes, from what to what."""
        row = ", ".join(f"{name} {value}" for name, value in self.where.items())
        return f"{self.column} of {row} corrected from {self.expect} to {self.value}"

    def __str__(self) -> str:
        return f"{self.subject} ({self.date}): {self.reason.strip()}"


@cache
def load_corrections(folder: Path = CORRECTIONS_DIR) -> tuple[Correction, ...]:
    """All corrections, in order of file and entry; raises pydantic's ValidationError for a malformed one."""
    found: list[Correction] = []
    for path in sorted(folder.glob("*.yaml")):
        found += [Correction.model_validate(entry) for entry in read_yaml(path)]
    return tuple(found)


def corrections_of(layout: Layout) -> tuple[Correction, ...]:
    """The corrections that belong to a layout."""
    return tuple(c for c in load_corrections() if c.layout == layout.layout_id)


def correct(layout: Layout, judged: Judged) -> Judged:
    """Apply the layout's corrections to the judged values.

    Raises:
        FileRejected: correction_expired, when a row that an entry names no longer holds the value it expects.
    """
    frame = judged.frame
    for entry in corrections_of(layout):
        column = layout.contract.column(entry.column)
        name = target(entry.column)
        row = pl.all_horizontal(
            [pl.col(target(k)) == pl.lit(typed(v, layout.contract.column(k))) for k, v in entry.where.items()]
        )
        held = frame.filter(row).select(name).collect(engine="streaming").to_series().to_list()
        expected = typed(entry.expect, column)
        if held != [expected]:
            raise FileRejected(
                "correction_expired",
                f"{layout.layout_id}: the row with {entry.where} holds {held} in {entry.column!r}, "
                f"where the correction of {entry.date} expects {entry.expect}",
            )
        frame = frame.with_columns(
            pl.when(row).then(pl.lit(typed(entry.value, column))).otherwise(pl.col(name)).alias(name)
        )
    corrected = {entry.column for entry in corrections_of(layout)}
    return Judged(frame, judged.flags, judged.constants - corrected)
