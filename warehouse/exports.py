"""The files of a release: one DuckDB file, Parquet, CSV, and the descriptor that says what is in them.

Belongs here: writing released tables into a folder, always the same bytes for the same content where the
format allows it. Does not belong here: what is withheld, when and where a release appears.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import duckdb

from warehouse.files import link_or_copy, sha256_of
from warehouse.macros import create_macros
from warehouse.sql import literal, quoted

DUCKDB_FILE = "coverage.duckdb"
SCHEMA = "marts"
SAMPLE = "SAMPLE"
SAMPLE_FILE = "SAMPLE.txt"
SAMPLE_NOTE = (
    "SAMPLE: every figure in this folder was computed from an invented sample country.\n"
    "None of it says anything about the real coverage of Kazakhstan. Do not quote it.\n"
)
_FORMULA_NOTE = (
    "Text of CSV files that a spreadsheet would take for a formula (= + - @) begins with an apostrophe."
)
TITLE = "Internet coverage of Kazakhstan by region and technology"

_FIELD_TYPES = {
    "BOOLEAN": "boolean", "TINYINT": "integer", "SMALLINT": "integer", "INTEGER": "integer",
    "BIGINT": "integer", "HUGEINT": "integer", "UTINYINT": "integer", "USMALLINT": "integer", "UINTEGER": "integer",
    "UBIGINT": "integer", "FLOAT": "number", "DOUBLE": "number", "DATE": "date", "TIMESTAMP": "datetime",
}  # fmt: skip


@dataclass(frozen=True)
class TableColumn:
    """A released column: name, DuckDB type, what it means, its unit; an internal one is empty in the open tier."""

    name: str
    data_type: str
    description: str
    unit: str | None = None
    is_internal: bool = False


@dataclass(frozen=True)
class ReleasedTable:
    """A table of a release. Its rows stand in the order of `key`, then of every other column.

    `query` gives the rows; `is_ordered` says that it gives them in this order. `content` is the fingerprint of what the
    query reads; empty when that is not known beforehand.
    """

    name: str
    description: str
    columns: tuple[TableColumn, ...]
    query: str
    key: tuple[str, ...] = ()
    required: frozenset[str] = frozenset()
    content: str = ""
    is_ordered: bool = False

    def made_of(self, label: str) -> str:
        """What decides the bytes of its Parquet and CSV file, as one hash; empty when that is not known."""
        if not self.content:
            return ""
        names = [[column.name, column.data_type] for column in self.columns]
        told = [self.content, self.query, names, self.key, label, duckdb.__version__]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True)
class WrittenTable:
    """What was written of a table, and what it was made of (`ReleasedTable.made_of`)."""

    name: str
    rows: int
    made_of: str


@dataclass(frozen=True)
class EarlierExports:
    """The files of an earlier release of the same code: what each table was made of, the SHA-256 of each file."""

    folder: Path
    made_of: Mapping[str, str]
    sha256: Mapping[str, str]

    def give(self, table: ReleasedTable, label: str, folder: Path) -> bool:
        """Put the table's files into `folder` when they would be written just so; whether they were."""
        paths = [f"parquet/{table.name}.parquet", f"csv/{table.name}.csv"]
        made_of = table.made_of(label)
        if not made_of or self.made_of.get(table.name) != made_of:
            return False
        # What was damaged meanwhile is not handed on.
        if any(not self._is_whole(path) for path in paths):
            return False
        for path in paths:
            link_or_copy(self.folder / path, folder / path)
        return True

    def _is_whole(self, path: str) -> bool:
        return (self.folder / path).is_file() and sha256_of(self.folder / path) == self.sha256.get(path)


class GivesFiles(Protocol):
    """Whoever may have a table's files already."""

    def give(self, table: ReleasedTable, label: str, folder: Path) -> bool:
        """Put the table's files into `folder` when they would be written just so; whether they were."""


def marts_in(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    """Names of the tables in the schema of marts of an attached database."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ?",
        [database, SCHEMA],
    )
    return {name for (name,) in found.fetchall()}


def write_database(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: Sequence[ReleasedTable], label: str
) -> list[WrittenTable]:
    """Write every table into `coverage.duckdb`, with comments and macros, and a note of SAMPLE where due.

    `connection` can run every table's query. `label` is `SAMPLE` or empty.
    """
    if label:
        (folder / SAMPLE_FILE).write_text(SAMPLE_NOTE, encoding="utf-8")
    connection.execute(f"attach {literal(folder / DUCKDB_FILE)} as release")
    # One transaction, or every comment on a column would be flushed to disk by itself.
    connection.execute("begin")
    connection.execute(f"create schema release.{SCHEMA}")
    rows = {table.name: _create(connection, table, label) for table in tables}
    connection.execute("commit")
    connection.execute("checkpoint release")
    connection.execute("detach release")
    # Opened alone: a macro is bound to the tables of the file that is in use.
    with duckdb.connect(str(folder / DUCKDB_FILE)) as release:
        create_macros(release)
    return [WrittenTable(table.name, rows[table.name], table.made_of(label)) for table in tables]


def write_files(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    tables: Sequence[ReleasedTable],
    label: str,
    earlier: GivesFiles | None = None,
) -> None:
    """Write a folder's `parquet/` and `csv/`, with notes of SAMPLE where due.

    `connection` has the folder's `coverage.duckdb` open. What `earlier` has is taken from there.
    """
    for kind in ("parquet", "csv"):
        (folder / kind).mkdir()
        if label:
            (folder / kind / SAMPLE_FILE).write_text(SAMPLE_NOTE, encoding="utf-8")
    for table in tables:
        if earlier is None or not earlier.give(table, label, folder):
            _copy(connection, folder, table, label)


def _create(connection: duckdb.DuckDBPyConnection, table: ReleasedTable, label: str) -> int:
    """Create one table with its rows in a total order and its comments; returns the number of rows."""
    name = _name(table)
    others = [column.name for column in table.columns if column.name not in table.key]
    order = ", ".join(quoted(column) for column in (*table.key, *others))
    ordered = table.query if table.is_ordered else f"select * from ({table.query}) order by {order}"
    connection.execute(f"create table {name} as {ordered}")
    comment = f"{label}. {table.description}" if label else table.description
    connection.execute(f"comment on table {name} is {literal(comment)}")
    for column in table.columns:
        if column.description:
            connection.execute(
                f"comment on column {name}.{quoted(column.name)} is {literal(column.description)}"
            )
    return int(connection.execute(f"select count(*) from {name}").fetchall()[0][0])


def _copy(connection: duckdb.DuckDBPyConnection, folder: Path, table: ReleasedTable, label: str) -> None:
    parquet = folder / "parquet" / f"{table.name}.parquet"
    metadata = f", kv_metadata {{label: {literal(label)}}}" if label else ""
    connection.execute(
        f"copy {SCHEMA}.{quoted(table.name)} to {literal(parquet)} (format parquet, compression zstd{metadata})"
    )
    csv = folder / "csv" / f"{table.name}.csv"
    selected = ", ".join(_harmless(column) for column in table.columns)
    connection.execute(
        f"copy (select {selected} from {SCHEMA}.{quoted(table.name)}) to {literal(csv)} "
        "(format csv, header, new_line '\\r\\n')"
    )


def _harmless(column: TableColumn) -> str:
    """SQL of a column for CSV: text that a spreadsheet would run as a formula begins with an apostrophe."""
    name = quoted(column.name)
    if column.data_type != "VARCHAR":
        return name
    # An IN list would be a join, and joins do not keep the order of rows.
    runs = f"length({name}) > 1 and contains('=+-@' || chr(9) || chr(13), left({name}, 1))"
    return f"case when {runs} then '''' || {name} else {name} end as {name}"


def datapackage(
    files: Mapping[str, Mapping[str, Any]], tables: Sequence[ReleasedTable], label: str, publication_id: str
) -> dict[str, Any]:
    """Frictionless descriptor of a folder's files (`file_entries`): CSV as resources, the others by hash."""
    resources = [
        {
            "profile": "tabular-data-resource",
            "name": table.name,
            "path": f"csv/{table.name}.csv",
            "description": f"{label}. {table.description}" if label else table.description,
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "bytes": files[f"csv/{table.name}.csv"]["bytes"],
            "hash": f"sha256:{files[f'csv/{table.name}.csv']['sha256']}",
            "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True},
            "schema": _schema(table),
        }
        for table in tables
    ]
    others = [
        {"path": path, "bytes": entry["bytes"], "hash": f"sha256:{entry['sha256']}"}
        for path, entry in files.items()
        if not path.endswith(".csv")
    ]
    return {
        "profile": "tabular-data-package",
        "name": "qamtu-internet-coverage",
        "id": publication_id,
        "title": f"{label}: {TITLE}" if label else TITLE,
        "description": f"{SAMPLE_NOTE.strip() if label else TITLE + '.'}\n{_FORMULA_NOTE}",
        "resources": resources,
        "files": others,
    }


def file_entries(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of every file below `folder`, by path, in order."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_entry(path) for path in paths}


def file_entry(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file that is being released: read once, whatever lists it and by whichever name."""
    told = path.stat()
    return {
        "bytes": told.st_size,
        "sha256": _sha256_once(_Content(told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, path)),
    }


@dataclass(frozen=True)
class _Content:
    """What tells that a file is still the one that was read, by whichever name."""

    device: int
    inode: int
    size_bytes: int
    changed_ns: int
    path: Path = field(compare=False)


@lru_cache(maxsize=4096)
def _sha256_once(content: _Content) -> str:
    return sha256_of(content.path)


def as_json(document: Mapping[str, Any]) -> bytes:
    """JSON as people read it, always the same for the same content."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _schema(table: ReleasedTable) -> dict[str, Any]:
    fields = []
    for column in table.columns:
        kind = _FIELD_TYPES.get(
            column.data_type, "number" if column.data_type.startswith("DECIMAL") else "string"
        )
        entry: dict[str, Any] = {"name": column.name, "type": kind, "description": column.description}
        if column.name in table.required:
            entry["constraints"] = {"required": True}
        fields.append(entry)
    schema: dict[str, Any] = {"fields": fields, "missingValues": [""]}
    # A key of the format has no NULL in it; ours may, where NULL is a value (a place that still exists).
    if table.key and set(table.key) <= table.required:
        schema["primaryKey"] = list(table.key)
    return schema


def _name(table: ReleasedTable) -> str:
    return f"release.{SCHEMA}.{quoted(table.name)}"
