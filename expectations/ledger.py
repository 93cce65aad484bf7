"""The evidence ledger: what every check found, on exactly which content.

Belongs here: evidence, and the Parquet files that keep it. Does not belong here: running checks, judging. A
row is proof for one key: check, version of the check, fingerprint of the tables it read. The ledger only
grows. Its files are numbered, so that "latest" needs no clock, and named by content, so that a damaged one is
noticed and left out: what is left out counts as missing.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.files import file_lock, replace_file

PASS, FAIL, WARN, ERROR = "pass", "fail", "warn", "error"
_COMPACT_ABOVE = 64
_FILE_NAME = re.compile(r"(\d{8})-([0-9a-f]{16})\.parquet")

_SCHEMA = pa.schema(
    [
        ("check_id", pa.string()),
        ("kind", pa.string()),
        ("suite_version", pa.string()),
        ("tables", pa.list_(pa.string())),
        ("fingerprint", pa.string()),
        ("status", pa.string()),
        ("blocking", pa.bool_()),
        ("observed", pa.string()),
        ("failing_count", pa.int64()),
        ("offending_rows", pa.string()),
    ]
)


@dataclass(frozen=True)
class Evidence:
    """What one check found on one content.

    `fingerprint` covers all tables the check read. `status`: `pass`; `fail` a blocking check that found
    something; `warn` the same of a check that only warns; `error` it could not be carried out.
    `offending_rows` is a JSON list of up to 20 rows; values stand there, and in the message of an error, and are not
    published. `kind`: `dbt`, `gx` or `build` (the model was built from exactly
    these inputs).
    """

    check_id: str
    kind: str
    suite_version: str
    tables: tuple[str, ...]
    fingerprint: str
    status: str
    blocking: bool
    observed: str = ""
    failing_count: int = 0
    offending_rows: str = "[]"

    @property
    def key(self) -> tuple[str, str, str]:
        """What the evidence is proof for."""
        return (self.check_id, self.suite_version, self.fingerprint)


@dataclass(frozen=True)
class Ledger:
    """The ledger as read: evidence in the order it was recorded, and files that could not be read."""

    rows: tuple[Evidence, ...]
    damaged: tuple[str, ...] = ()

    def latest(self) -> dict[tuple[str, str, str], Evidence]:
        """The last evidence recorded for each key."""
        return {row.key: row for row in self.rows}


def read_ledger(folder: Path) -> Ledger:
    """Read every file of the ledger.

    One whose bytes do not match its name is named in `damaged`, not read.
    """
    rows: list[Evidence] = []
    damaged: list[str] = []
    for path in _files(folder):
        content = path.read_bytes()
        if not path.stem.endswith(_digest(content)):
            damaged.append(path.name)
            continue
        rows.extend(_from_table(pq.read_table(io.BytesIO(content))))
    return Ledger(tuple(rows), tuple(damaged))


def append(folder: Path, rows: Sequence[Evidence]) -> Path | None:
    """Add evidence as one more file, whole or not at all. None when there is nothing to add."""
    if not rows:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / ".lock"):
        _compact(folder)
        return _write(folder, rows)


def _compact(folder: Path) -> None:
    """Put many small files together into one; no row is lost, and the order stays."""
    paths = _files(folder)
    if len(paths) < _COMPACT_ABOVE:
        return
    ledger = read_ledger(folder)
    if ledger.rows:
        _write(folder, ledger.rows)
    for path in paths:
        if path.name not in ledger.damaged:
            path.unlink()


def _write(folder: Path, rows: Sequence[Evidence]) -> Path:
    sink = io.BytesIO()
    pq.write_table(_to_table(rows), sink, compression="zstd")
    content = sink.getvalue()
    last = max((int(path.name[:8]) for path in _files(folder)), default=0)
    path = folder / f"{last + 1:08d}-{_digest(content)}.parquet"
    replace_file(path, content)
    return path


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.parquet") if _FILE_NAME.fullmatch(path.name))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _to_table(rows: Iterable[Evidence]) -> pa.Table:
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=_SCHEMA)


def _from_table(table: pa.Table) -> list[Evidence]:
    records: list[dict[str, Any]] = table.to_pylist()
    return [Evidence(**{**record, "tables": tuple(record["tables"])}) for record in records]
