"""The lake: Parquet of accepted, quarantined and duplicate rows, cells of geometries, one outcome record a file.

Belongs here: where each part lies, how it gets there in one step, and the consolidated records dbt reads.
Does not belong here: how rows were judged.

Partitions of one extract are replaced before its outcome is written, and readers take only extracts whose outcome
is consolidated; so a run that dies half-way leaves nothing that anybody reads.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from pydantic import TypeAdapter

from warehouse.parts import SCHEMA_FILE, changes, seal
from warehouse.paths import Home

PARTS = ("accepted", "quarantined", "duplicate", "cells")
# Parts that models read, so that their files are sealed.
READ_PARTS = ("accepted", "cells")

EXTRACT_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "sender": pl.String(),
    "extract_kind": pl.String(),
    "layout_id": pl.String(),
    "file_name": pl.String(),
    "sha256": pl.String(),
    "size_bytes": pl.Int64(),
    "as_of_date": pl.Date(),
    "received_order": pl.Int64(),
    "revision": pl.Int64(),
    "outcome": pl.String(),
    "is_current": pl.Boolean(),
    "superseded_by": pl.String(),
    "rule": pl.String(),
    "message": pl.String(),
    "is_sample": pl.Boolean(),
    "data_maturity": pl.String(),
    "source_rank": pl.Int64(),
    "source_title": pl.String(),
    "content_fingerprint": pl.String(),
}
ACCOUNT_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "rows_read": pl.Int64(),
    "rows_accepted": pl.Int64(),
    "rows_quarantined": pl.Int64(),
    "rows_duplicate": pl.Int64(),
    "rows_skipped": pl.Int64(),
}
REASON_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "rule": pl.String(),
    "column_name": pl.String(),
    "row_count": pl.Int64(),
}
PART_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "extract_kind": pl.String(),
    "path": pl.String(),
    "sha256": pl.String(),
}
SUSPICION_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "compared_with": pl.String(),
    "as_of_date": pl.Date(),
    "rule": pl.String(),
    "region_kato": pl.String(),
    "category": pl.String(),
    "measure": pl.String(),
    "kept_pct": pl.Float64(),
    "is_accepted": pl.Boolean(),
}
STAND_IN_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "as_of_date": pl.Date(),
    "content_fingerprint": pl.String(),
}
DECISION_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "decision": pl.String(),
    "subject": pl.String(),
    "reason": pl.String(),
    "author": pl.String(),
    "decided_on": pl.Date(),
}
PERIOD_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    "extract_kind": pl.String(),
    "as_of_date": pl.String(),
}


class ProfileCell(NamedTuple):
    """What was counted of a delivery's accepted rows of one region and category.

    None where the kind is not counted by it. `covered_count`: rows that cover something; `sums`: of the columns that
    the contract names, in its order.
    """

    region_kato: str | None
    category: str | None
    row_count: int
    covered_count: int
    sums: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one delivered file. Dates are ISO text; `series` groups deliveries that replace one another.

    `accepted_parts`: path inside the lake and SHA-256 of each file of accepted rows and of their cells, as `commit`
    put it there; `other_parts`: the same of quarantined and duplicate rows. `periods`: every date that accepted rows
    speak of. `held_for`: why it does not count though its rows were accepted, and what ends that; like `is_current` it
    follows from all deliveries together.
    """

    extract_id: str
    sender: str | None
    extract_kind: str | None
    layout_id: str | None
    file_name: str
    sha256: str
    size_bytes: int
    received_order: int
    outcome: str
    series: str
    as_of_date: str | None = None
    revision: int = 0
    is_current: bool = False
    superseded_by: str | None = None
    rule: str | None = None
    message: str | None = None
    is_sample: bool = False
    data_maturity: str = "final"
    source_rank: int = 1
    source_title: str | None = None
    content_fingerprint: str = ""
    rows_read: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_skipped: int = 0
    quarantine_reasons: tuple[tuple[str, str | None, int], ...] = ()
    accepted_parts: tuple[tuple[str, str], ...] = ()
    other_parts: tuple[tuple[str, str], ...] = ()
    periods: tuple[str, ...] = ()
    profile: tuple[ProfileCell, ...] = ()
    held_for: str | None = None

    @cached_property
    def covered_by_region(self) -> Counter[str | None]:
        """Rows that cover something, by region."""
        return _summed((cell.region_kato, cell.covered_count) for cell in self.profile)

    @cached_property
    def covered_by_category(self) -> Counter[str | None]:
        """Rows that cover something, by category."""
        return _summed((cell.category, cell.covered_count) for cell in self.profile)

    @property
    def is_accepted(self) -> bool:
        """True when at least one row went into the lake's accepted part."""
        return self.outcome in ("accepted", "accepted_with_quarantine")

    @property
    def summary(self) -> str | None:
        """What happened, by rule, column and count: published, so that it holds nothing a sender wrote in a cell.

        `message` shows cells, which may be a figure that is internal or withheld; it is for the sender alone.
        """
        return "; ".join(text for text in (self.held_for, self._of_rows) if text) or None

    @property
    def _of_rows(self) -> str | None:
        if not self.quarantine_reasons:
            return None if self.rule is None else f"{self.outcome}: {self.rule}"
        reasons = ", ".join(
            f"{rule}{'' if column is None else f' in {column}'} ({count})"
            for rule, column, count in self.quarantine_reasons
        )
        whole = "" if self.rule is None else f"{self.outcome}: {self.rule}; "
        return f"{whole}{self.rows_quarantined} of {self.rows_read} rows quarantined: {reasons}"

    @property
    def line(self) -> str:
        """The sender's extract over all its periods; a series is one period of it."""
        return self.series.rsplit("/", 1)[0]


_OUTCOME = TypeAdapter(Outcome)
_RECORD = TypeAdapter(dict[str, Any])
_OWN_HASH = "record_sha256"


def _summed(parts: Iterable[tuple[str | None, int]]) -> Counter[str | None]:
    sums: Counter[str | None] = Counter()
    for part, count in parts:
        sums[part] += count
    return sums


def partition(home: Home, part: str, kind: str, extract_id: str) -> Path:
    """Folder of one extract in one part of the lake."""
    return home.lake / part / kind / f"extract_id={extract_id}"


def write_schemas(home: Home, schemas: Mapping[str, Mapping[str, Any]], part: str = "accepted") -> None:
    """Put an empty Parquet file beside each kind's partitions, so that a glob finds columns even before any filing."""
    for kind, schema in schemas.items():
        path = home.lake / part / kind / SCHEMA_FILE
        if _schema_of(path) != pl.Schema(schema):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_parquet(pl.DataFrame(schema=dict(schema)), path)


def _schema_of(path: Path) -> pl.Schema | None:
    """Columns of a Parquet file; None when there is none that can be read."""
    try:
        return pl.Schema(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError):
        return None


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    frame.write_parquet(temporary)
    temporary.replace(path)


def record(home: Home, outcome: Outcome) -> None:
    """Write one outcome; its rows stay as they are."""
    path = home.lake / "outcomes" / f"{outcome.extract_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    values = asdict(outcome)
    values[_OWN_HASH] = _hash_of(values)
    text = json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True)
    temporary.write_text(f"{text}\n", encoding="utf-8")
    temporary.replace(path)


def _hash_of(values: Mapping[str, Any]) -> str:
    """SHA-256 of a record, by which it is known when somebody changed it."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def commit(home: Home, outcome: Outcome, files: Mapping[str, Sequence[Path]]) -> Outcome:
    """Put one extract's Parquet files and its outcome in place; files are moved, parts without a file are emptied.

    Args:
        files: part name -> Parquet files on the same file system as the home.

    Returns:
        The outcome as recorded, with the SHA-256 of each file.
    """
    (home.lake / "outcomes" / f"{outcome.extract_id}.json").unlink(missing_ok=True)
    for part in PARTS:
        if outcome.extract_kind is None:
            break
        folder = partition(home, part, outcome.extract_kind, outcome.extract_id)
        shutil.rmtree(folder, ignore_errors=True)
        for number, source in enumerate(files.get(part, ())):
            folder.mkdir(parents=True, exist_ok=True)
            source.replace(folder / f"part-{number}.parquet")
    if outcome.extract_kind is not None:
        sealed = {
            part: seal(home.lake, partition(home, part, outcome.extract_kind, outcome.extract_id))
            for part in PARTS
        }
        accepted = tuple(entry for part in READ_PARTS for entry in sealed.pop(part))
        others = tuple(entry for entries in sealed.values() for entry in entries)
        outcome = replace(outcome, accepted_parts=accepted, other_parts=others)
    record(home, outcome)
    return outcome


def withdraw(home: Home, outcome: Outcome) -> None:
    """Remove an outcome and its rows: another of the same delivery has taken its place. The landed file stays."""
    (home.lake / "outcomes" / f"{outcome.extract_id}.json").unlink(missing_ok=True)
    for part in PARTS:
        if outcome.extract_kind is not None:
            shutil.rmtree(partition(home, part, outcome.extract_kind, outcome.extract_id), ignore_errors=True)
    shutil.rmtree(home.answers / outcome.extract_id, ignore_errors=True)


def is_whole(home: Home, outcome: Outcome) -> bool:
    """Whether the lake still holds the rows as they were committed; if not, the file is to be read anew."""
    return not changes(home.lake, (*outcome.accepted_parts, *outcome.other_parts))


def read_outcomes(home: Home) -> list[Outcome]:
    """All outcomes, in the order the files were received; a file whose record is damaged is one not yet read."""
    found = []
    for path in (home.lake / "outcomes").glob("[!.]*.json"):
        status = path.stat()
        with suppress(ValueError, OSError):
            found.append(_read_outcome(path, status.st_ino, status.st_mtime_ns))
    return sorted(found, key=lambda o: (o.received_order, o.extract_id))


@cache
def _read_outcome(path: Path, _inode: int, _mtime_ns: int) -> Outcome:
    """One record, parsed once: every sender asks for all of them, and a record is replaced, never edited."""
    content = path.read_bytes()
    values = _RECORD.validate_json(content)
    if path.stem != values.get("extract_id") or values.pop(_OWN_HASH, None) != _hash_of(values):
        raise ValueError(f"{path} is not as it was written")
    return _OUTCOME.validate_json(content)


def with_currency(outcomes: Iterable[Outcome], held: Mapping[str, str] | None = None) -> list[Outcome]:
    """Mark in each series the one delivery that counts: the highest revision, then the one received last.

    Only accepted deliveries compete, so a rejected resubmission leaves the earlier filing in force; and of these none
    that is held, by id and the reason, which it keeps until a later one takes its place.
    """
    outcomes, held = list(outcomes), held or {}
    best = _best(outcome for outcome in outcomes if outcome.extract_id not in held)
    marked = []
    for outcome in outcomes:
        winner = best.get(outcome.series) if outcome.is_accepted else None
        is_held = outcome.extract_id in held and (winner is None or _rank(winner) < _rank(outcome))
        is_superseded = winner is not None and winner is not outcome and not is_held
        marked.append(
            replace(
                outcome,
                is_current=winner is outcome,
                superseded_by=winner.extract_id if winner is not None and is_superseded else None,
                held_for=held[outcome.extract_id] if is_held else None,
            )
        )
    return marked


def _best(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """By series the accepted delivery that counts."""
    best: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.is_accepted:
            rival = best.get(outcome.series)
            if rival is None or _rank(outcome) > _rank(rival):
                best[outcome.series] = outcome
    return best


def _rank(outcome: Outcome) -> tuple[int, int]:
    return outcome.revision, outcome.received_order


def predecessor(outcome: Outcome, line: Iterable[Outcome]) -> Outcome | None:
    """The filing that one follows: in force, of its own period or the last one before.

    Args:
        line: the outcomes of the same line, with why they are held as last told; others may stand among them.
    """
    best = _best(other for other in line if other.line == outcome.line and not other.held_for)
    rivals = [
        other
        for other in best.values()
        if other.extract_id != outcome.extract_id and (other.as_of_date or "") <= (outcome.as_of_date or "")
    ]
    return max(rivals, key=lambda other: (other.as_of_date or "", other.received_order), default=None)


def consolidate(
    home: Home,
    outcomes: Iterable[Outcome],
    suspicions: Sequence[Sequence[Any]] = (),
    stand_ins: Sequence[Sequence[Any]] = (),
    decisions: Sequence[Sequence[Any]] = (),
) -> None:
    """Write the records of all deliveries as Parquet: extract, row_account, quarantine_reason, suspicion, stand_in,
    decision; and, which no model reads, accepted_part and accepted_period.

    Args:
        suspicions: rows of SUSPICION_SCHEMA.
        stand_ins: rows of STAND_IN_SCHEMA.
        decisions: rows of DECISION_SCHEMA.
    """
    outcomes = sorted(outcomes, key=lambda o: o.extract_id)
    meta = home.lake / "meta"
    meta.mkdir(parents=True, exist_ok=True)
    told = (outcomes, suspicions, stand_ins, decisions)
    # Every sender of a run consolidates, and most have brought nothing.
    if _consolidated.get(meta) == (told, _marks(meta)):
        return
    extract = pl.DataFrame(
        {name: [getattr(o, name) for o in outcomes] for name in EXTRACT_SCHEMA}
        | {
            "message": [o.summary for o in outcomes],
            "outcome": ["held" if o.held_for else o.outcome for o in outcomes],
            "rule": ["suspicious" if o.held_for else o.rule for o in outcomes],
        },
        schema=EXTRACT_SCHEMA | {"as_of_date": pl.String()},
    ).with_columns(pl.col("as_of_date").str.to_date("%Y-%m-%d"))
    account = pl.DataFrame(
        {name: [getattr(o, name) for o in outcomes] for name in ACCOUNT_SCHEMA}, schema=ACCOUNT_SCHEMA
    )
    reasons = pl.DataFrame(
        [(o.extract_id, *reason) for o in outcomes for reason in o.quarantine_reasons],
        schema=REASON_SCHEMA,
        orient="row",
    )
    parts = pl.DataFrame(
        [(o.extract_id, o.extract_kind, *part) for o in outcomes for part in o.accepted_parts],
        schema=PART_SCHEMA,
        orient="row",
    )
    periods = pl.DataFrame(
        [(o.extract_id, o.extract_kind, period) for o in outcomes for period in o.periods],
        schema=PERIOD_SCHEMA,
        orient="row",
    )
    _write_parquet(parts, meta / "accepted_part.parquet")
    _write_parquet(periods, meta / "accepted_period.parquet")
    _write_parquet(extract, meta / "extract.parquet")
    _write_parquet(account, meta / "row_account.parquet")
    _write_parquet(reasons, meta / "quarantine_reason.parquet")
    for name, rows, schema in (
        ("suspicion", suspicions, SUSPICION_SCHEMA),
        ("stand_in", stand_ins, STAND_IN_SCHEMA),
        ("decision", decisions, DECISION_SCHEMA),
    ):
        _write_parquet(
            pl.DataFrame(sorted(rows, key=str), schema=schema, orient="row"), meta / f"{name}.parquet"
        )
    _consolidated[meta] = (told, _marks(meta))


#: What this process wrote last for a lake, and the marks of the files that it left.
_consolidated: dict[Path, tuple[object, object]] = {}


def _marks(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.parquet")}


def read_accepted(home: Home, kind: str, extract_ids: Iterable[str]) -> pl.LazyFrame:
    """Accepted rows of the named extracts of one kind."""
    files = [
        file
        for extract_id in extract_ids
        for file in sorted(partition(home, "accepted", kind, extract_id).glob("part-*.parquet"))
    ]
    schema = home.lake / "accepted" / kind / SCHEMA_FILE
    return pl.scan_parquet([schema, *files], missing_columns="insert", hive_partitioning=False)


def lock(home: Home) -> AbstractContextManager[None]:
    """Hold the lake for writing; a second ingestion waits instead of colliding."""
    return _locked(home, LOCK_EX)


def held(home: Home) -> AbstractContextManager[None]:
    """Keep the lake as it is while many may read it; ingestion waits."""
    return _locked(home, LOCK_SH)


@contextmanager
def _locked(home: Home, how: int) -> Iterator[None]:
    home.lake.mkdir(parents=True, exist_ok=True)
    with (home.lake / ".lock").open("a") as handle:
        flock(handle, how)
        try:
            yield
        finally:
            flock(handle, LOCK_UN)
