"""Checking a file before it is filed: the same reading and judging as a delivery, and nothing kept.

Belongs here: finding the layout for a loose file, and faults as a sender wants them: place, value, rule, remedy.
Does not belong here: landing, lake, or printing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.faults import FILE_RULES
from ingestion.layout import Layout, load_layouts, matching
from ingestion.pipeline import outcome_of, process, read_gazetteer
from ingestion.places import Gazetteer
from ingestion.rules import remedy
from ingestion.unread import unread
from warehouse.lake import Outcome, read_outcomes
from warehouse.landing import Receipt
from warehouse.paths import Home

MOST_FAULTS = 1000


@dataclass(frozen=True)
class Fault:
    """One broken rule of one row."""

    sheet: str | None
    row: int
    column: str | None
    value: str | None
    rule: str
    remedy: str


@dataclass(frozen=True)
class FileCheck:
    """What a file would become if it were filed. `faults` holds at most MOST_FAULTS; the outcome has the totals."""

    file: Path
    outcome: Outcome
    faults: tuple[Fault, ...]
    places_were_checked: bool

    @property
    def is_clean(self) -> bool:
        """True when every row would be accepted."""
        return self.outcome.outcome == "accepted"


def find_layout(path: Path) -> tuple[str, list[tuple[Layout, dict[str, str]]]]:
    """The name under which a loose file matches layouts: its own, or with as many folders before it as needed."""
    layouts = load_layouts().values()
    parts = path.resolve().parts[1:]
    for depth in range(1, len(parts) + 1):
        name = "/".join(parts[-depth:])
        found = matching(name, layouts)
        if found:
            return name, found
    return path.name, []


def check_files(paths: Sequence[Path], home: Home | None = None) -> list[FileCheck]:
    """Judge files without keeping anything.

    Args:
        paths: files to check; each must exist.
        home: a warehouse whose KATO editions are used to check places; without one, places are not checked.

    Raises:
        FileNotFoundError: a path is no file.
    """
    places: Gazetteer | None = None
    if home is not None and (home.lake / "accepted" / "kato_classifier" / "_schema.parquet").exists():
        places = read_gazetteer(home, read_outcomes(home))
        if places.is_empty:
            places = None
    return [_check(path, places) for path in paths]


def _check(path: Path, places: Gazetteer | None) -> FileCheck:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file")
    name, matches = find_layout(path)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    receipt = Receipt(name, sha256, path.stat().st_size, 1, now)
    if len(matches) != 1:
        told, rule, detail = unread(name, [layout for layout, _ in matches], load_layouts())
        outcome = Outcome(
            f"{told}.{sha256[:12]}", None, None, None, name, sha256, receipt.size_bytes, 1, told, told,
            rule=rule, message=f"{detail}; {FILE_RULES[rule]}",
        )  # fmt: skip
        return FileCheck(path, outcome, (), places is not None)
    layout, groups = matches[0]
    with tempfile.TemporaryDirectory() as folder:
        blank = outcome_of(receipt, layout, groups)
        outcome, files = process(path, receipt, layout, groups, blank, places, Path(folder))
        faults = () if files is None or not files.quarantined else _faults(files.quarantined, layout)
    return FileCheck(path, outcome, faults, places is not None or layout.resolve is None)


def _faults(quarantined: list[Path], layout: Layout) -> tuple[Fault, ...]:
    rows = (
        pl.scan_parquet(quarantined)
        .select("source_sheet", "source_row", "reasons")
        .explode("reasons")
        .unnest("reasons")
        .sort("source_sheet", "source_row", "rule", "column_name", nulls_last=True)
        .head(MOST_FAULTS)
        .collect()
    )
    return tuple(
        Fault(sheet, row, column, value, rule, remedy(layout, rule))
        for sheet, row, rule, column, value in rows.iter_rows()
    )
