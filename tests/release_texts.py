"""Every text of a release, whatever form it is packed in: for tests that look for what must not stand there."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb


def words_of(relation: str, connection: duckdb.DuckDBPyConnection) -> str:
    """Every text that stands in a table, each once."""
    columns = [
        name
        for name, kind, *_ in connection.execute(f"describe from {relation}").fetchall()
        if kind == "VARCHAR"
    ]
    told = [f"select distinct {name} as word from {relation}" for name in columns]
    rows = connection.execute(" union ".join(told)).fetchall() if told else []
    return "\n".join(word for (word,) in rows if word is not None)


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file below a folder as text: tables and workbooks taken apart, so that no packing hides a word."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as parts:
                yield from ((f"{name}/{part}", parts.read(part).decode()) for part in parts.namelist())
        elif path.suffix == ".parquet":
            with duckdb.connect() as connection:
                yield name, words_of(f"'{path}'", connection)
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                    yield f"{name}/{table}", words_of(f"marts.{table}", connection)
        else:
            yield name, path.read_bytes().decode("utf-8", "replace")
