"""One release, and the lake of a home, open for reading.

Belongs here: queries on a release, and the accepted rows of its deliveries. Does not belong here: what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from warehouse.exports import DUCKDB_FILE
from warehouse.parts import SCHEMA_FILE
from warehouse.paths import Home
from warehouse.sql import literal
from warehouse.verify import read_publication


class ReleaseReader:
    """One release, and the lake of a home, open for reading."""

    def __init__(self, home: Home, release: Path) -> None:
        self.home = home
        self.document = read_publication(release)
        self.connection = duckdb.connect()
        self.connection.execute(f"attach {text_literal(str(release / DUCKDB_FILE))} as release (read_only)")
        self.connection.execute("use release.marts")
        self.notes: list[str] = []

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Rows of a query as dictionaries; tables of the release need no schema."""
        cursor = self.connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def has(self, table: str) -> bool:
        """Whether the release has a table."""
        return bool(
            self.query(
                "select 1 from duckdb_tables() where database_name = 'release' and table_name = ?", [table]
            )
        )

    def lake(self, kind: str, extracts: str) -> str | None:
        """Relation of accepted rows of the deliveries of a kind; None, with a note, when the lake does not hold them.

        `extracts` is the condition on meta_extract that says which.
        """
        ids = [
            row["extract_id"]
            for row in self.query(
                "select extract_id from meta_extract "
                f"where is_current and extract_kind = ? and ({extracts}) order by 1",
                [kind],
            )
        ]
        folder = self.home.lake / "accepted" / kind
        files = [
            path for each in ids for path in sorted((folder / f"extract_id={each}").glob("part-*.parquet"))
        ]
        if lost := [each for each in ids if not (folder / f"extract_id={each}").is_dir()]:
            self.notes.append(f"the lake of {self.home.root} does not hold the rows of {', '.join(lost)}")
        schema = folder / SCHEMA_FILE
        if not files:
            return None
        listed = ", ".join(text_literal(str(path)) for path in ([schema] if schema.exists() else []) + files)
        return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def text_literal(value: Any) -> str:
    """A value as an SQL literal of text, NULL for None."""
    return "null" if value is None else literal(value)
