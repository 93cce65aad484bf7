"""The inbox that is written, and the record of every file in it.

Belongs here: which files there are and what must become of each. Does not belong here: their bytes
(`writers`), or what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class Injected:
    """Rows put into a file on purpose: the rule they break, how they must end, and how many they are.

    `column` is the contract column at fault, None when the row is no data at all.
    """

    rule: str
    outcome: str
    rows: int
    column: str | None = None


@dataclass(frozen=True)
class FileRecord:
    """One file of the inbox and what must become of it.

    outcome: accepted, accepted_with_quarantine, rejected, unmatched, or same_delivery for a copy of another
    file.
    rule: why a file is not taken, None when it is.
    rows_accepted counts rows as read, before wide columns become rows of their own.
    """

    path: str
    sender: str
    extract_kind: str | None
    size_bytes: int
    outcome: str
    is_current: bool
    rows_accepted: int = 0
    faults: tuple[Injected, ...] = ()
    rule: str | None = None

    def rows(self, outcome: str) -> int:
        """Injected rows that must end as `quarantined` or `duplicate`."""
        return sum(fault.rows for fault in self.faults if fault.outcome == outcome)


@dataclass(frozen=True)
class Summary:
    """What `generate` wrote: the files in the order of their paths, and the totals of each period."""

    root: Path
    files: tuple[FileRecord, ...]
    totals: pl.DataFrame


class Inbox:
    """Collects files under a folder. Writing the same inbox twice gives the same bytes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._records: list[FileRecord] = []

    def add(
        self,
        path: str,
        content: bytes,
        *,
        sender: str,
        extract_kind: str | None,
        rows_accepted: int = 0,
        faults: Sequence[Injected] = (),
        outcome: str | None = None,
        is_current: bool = True,
        rule: str | None = None,
    ) -> None:
        """Write one file; the outcome follows from its faults unless it is given."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.record(
            path,
            len(content),
            sender=sender,
            extract_kind=extract_kind,
            rows_accepted=rows_accepted,
            faults=faults,
            outcome=outcome,
            is_current=is_current,
            rule=rule,
        )

    def record(
        self,
        path: str,
        size_bytes: int,
        *,
        sender: str,
        extract_kind: str | None,
        rows_accepted: int = 0,
        faults: Sequence[Injected] = (),
        outcome: str | None = None,
        is_current: bool = True,
        rule: str | None = None,
    ) -> None:
        """Note a file that has been written already."""
        quarantined = any(fault.outcome == "quarantined" for fault in faults)
        self._records.append(
            FileRecord(
                path,
                sender,
                extract_kind,
                size_bytes,
                outcome or ("accepted_with_quarantine" if quarantined else "accepted"),
                is_current,
                rows_accepted,
                tuple(faults),
                rule,
            )
        )

    def copy(self, path: str, of: str) -> None:
        """Leave the bytes of a file a second time under another name."""
        content = (self.root / of).read_bytes()
        original = next(record for record in self._records if record.path == of)
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self._records.append(
            replace(
                original, path=path, outcome="same_delivery", is_current=False, rows_accepted=0, faults=()
            )
        )

    def summary(self, totals: pl.DataFrame) -> Summary:
        """All files written, in the order of their paths."""
        return Summary(self.root, tuple(sorted(self._records, key=lambda record: record.path)), totals)
