"""The open tier of a release: the same tables for everybody, without what is internal and what is too small.

Belongs here: making `open/` from the files of a release. Does not belong here: which counts are too small
(`small_cells`), which columns are internal (the contracts, and `access` in the meta of a mart's column), when a release
appears (`releases`).

An internal column stands in the open tier as NULL, so that one query works on both tiers; a table all of whose figures
are internal is left out. What no rule touches is the same file as in the whole release, by a second name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from warehouse.exports import DUCKDB_FILE, SCHEMA, ReleasedTable, WrittenTable, write_database, write_files
from warehouse.files import link_or_copy
from warehouse.small_cells import TABLES, THRESHOLD, CountTable, Hidden, find_hidden, with_period
from warehouse.sql import literal, quoted

FOLDER = "open"
RULE = (
    f"Counts of people, households and stations from 1 to {THRESHOLD - 1} are suppressed, with the other counts of the "
    "place and of places that would give it away"
)
REASON = f"suppressed: a count below {THRESHOLD} here, or one that this would give away"
_WHOLE = f"whole.{SCHEMA}"
_INTERNAL_NOTE = "Internal: empty in the open tier."
#: What changed between two releases is small where one village changed; of districts it stays internal.
_ROWS = {"fct_revision": "mart.geography_level <> 'district'"}


@dataclass(frozen=True)
class OpenTier:
    """What was written: the tables, and what they lack.

    `internal_columns`: `table.column`; `left_out`: tables; `suppressed`: cells by table; `hidden`: for whose sake;
    `untouched`: tables whose files are the whole release's.
    """

    tables: tuple[ReleasedTable, ...]
    written: tuple[WrittenTable, ...]
    internal_columns: tuple[str, ...]
    left_out: tuple[str, ...]
    suppressed: Mapping[str, int]
    hidden: Hidden
    untouched: frozenset[str]

    def account(self) -> dict[str, object]:
        """What `publication.json` says of the tier."""
        return {
            "folder": FOLDER,
            "rule": RULE,
            "threshold": THRESHOLD,
            "places_with_small_counts": self.hidden.too_small,
            "places_hidden_beside_them": self.hidden.beside,
            "rows_of_the_nation": self.hidden.rows_of_nation,
            "cells_suppressed": dict(self.suppressed),
            "internal_columns": list(self.internal_columns),
            "tables_left_out": list(self.left_out),
        }


def write_open_database(release: Path, folder: Path, tables: Sequence[ReleasedTable], label: str) -> OpenTier:
    """Write the open tier's `coverage.duckdb` into `folder`, from that of a release and nothing else.

    Args:
        release: folder with `coverage.duckdb`.
        folder: where the open tier is made.
        tables: the release's tables.
        label: `SAMPLE` or empty.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(release / DUCKDB_FILE)} as whole (read_only)")
        hidden = find_hidden(connection, _WHOLE)
        opened = {
            table.name: _opened(table)
            for table in tables
            if _has_figures(table) and table.name not in hidden.unread
        }
        suppressed = {name: count for name in opened if (count := _suppressed(connection, name)) > 0}
        internal = {table.name for table in tables if any(column.is_internal for column in table.columns)}
        written = write_database(connection, folder, list(opened.values()), label)
    return OpenTier(
        tables=tuple(opened.values()),
        written=tuple(written),
        internal_columns=tuple(
            f"{table.name}.{column.name}"
            for table in tables
            for column in table.columns
            if column.is_internal
        ),
        left_out=tuple(table.name for table in tables if table.name not in opened),
        suppressed=suppressed,
        hidden=hidden,
        untouched=frozenset(opened.keys() - internal - suppressed.keys() - _ROWS.keys()),
    )


def write_open_files(release: Path, folder: Path, opened: OpenTier, label: str) -> None:
    """Write the open tier's Parquet and CSV files beside its `coverage.duckdb`.

    What is the same in the whole release, whose files must be there, gets a second name.
    """
    with duckdb.connect(str(folder / DUCKDB_FILE), read_only=True) as connection:
        write_files(connection, folder, opened.tables, label, _Untouched(release, opened.untouched))


@dataclass(frozen=True)
class _Untouched:
    """Files of the whole release that are the open tier's as they are."""

    release: Path
    names: frozenset[str]

    def give(self, table: ReleasedTable, label: str, folder: Path) -> bool:
        """Give a table's files a second name in `folder`; whether they could be."""
        if table.name in self.names:
            for path in (f"parquet/{table.name}.parquet", f"csv/{table.name}.csv"):
                link_or_copy(self.release / path, folder / path)
        return table.name in self.names


def _has_figures(table: ReleasedTable) -> bool:
    """Whether not every figure of a table (its columns with a unit) is internal."""
    figures = [column for column in table.columns if column.unit]
    return not figures or not all(column.is_internal for column in figures)


def _opened(table: ReleasedTable) -> ReleasedTable:
    """The table as the open tier has it."""
    when = _hidden_when(table.name)
    internal = {column.name for column in table.columns if column.is_internal}
    selected = []
    for column in table.columns:
        name = column.name
        if column.is_internal:
            selected.append(f"cast(null as {column.data_type}) as {quoted(name)}")
        elif name in when:
            selected.append(
                f"case when {when[name]} then null else mart.{quoted(name)} end as {quoted(name)}"
            )
        elif when and name == "status":
            selected.append(f"case when {_loses(when)} then 'withheld' else mart.status end as status")
        elif when and name == "withheld_reason":
            reason = f"case when {_loses(when)} then '{REASON}' end"
            selected.append(f"nullif(concat_ws('; ', mart.withheld_reason, {reason}), '') as withheld_reason")
        else:
            selected.append(f"mart.{quoted(name)}")
    listed = ",\n    ".join(selected)
    described = tuple(
        replace(column, description=f"{column.description} {_INTERNAL_NOTE}")
        if column.name in internal
        else column
        for column in table.columns
    )
    rows = _ROWS.get(table.name, "true")
    # The whole release's rows stand in their order; to keep it takes less than to find it again.
    query = f"select\n    {listed}\nfrom {_source(table.name)}\nwhere {rows}\norder by mart.row_id"
    return replace(
        table,
        columns=described,
        query=query,
        required=table.required - internal - when.keys(),
        content="",
        is_ordered=True,
    )


def _specifications(table: str) -> list[CountTable]:
    return [counts for counts in TABLES if counts.table == table]


def _source(table: str) -> str:
    """SQL of a table's rows, each with the place that is hidden with it (`hidden`) and whether it is itself."""
    relation = f"{_WHOLE}.{quoted(table)}"
    counts = next(iter(_specifications(table)), None)
    if counts is None:
        return f"(select *, rowid as row_id from {relation}) as mart"
    return f"""(
        select found.*, hidden.place is not null as place_is_hidden,
            coalesce(hidden.has_small_whole, false) as whole_is_hidden,
            found.row_id in (select row_id from hidden_row where table_name = '{table}') as row_is_hidden
        from (
            select *, {counts.level} as own_level, {counts.place} as own_place from {with_period(relation)}
        ) as found
        left join hidden_place as hidden
            on hidden.family = '{counts.family}' and hidden.level = found.own_level and hidden.place = found.own_place
                and hidden.period = found.period
    ) as mart"""


def _hidden_when(table: str) -> dict[str, str]:
    """SQL of when a column is suppressed, by column."""
    when: dict[str, list[str]] = {}
    for counts in _specifications(table):
        for column in counts.hidden_columns:
            when.setdefault(column, []).append(f"(({counts.rows}) and (place_is_hidden or row_is_hidden))")
        for column in counts.wholes:
            when.setdefault(column, []).append(f"(({counts.rows}) and whole_is_hidden)")
    return {column: " or ".join(stated) for column, stated in when.items()}


def _loses(when: Mapping[str, str]) -> str:
    """SQL of whether a row loses anything."""
    return " or ".join(
        f"(mart.{quoted(column)} is not null and ({stated}))" for column, stated in when.items()
    )


def _suppressed(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """How many cells of a table are suppressed."""
    when = _hidden_when(table)
    if not when:
        return 0
    counted = " + ".join(
        f"count(*) filter (mart.{quoted(column)} is not null and ({stated}))"
        for column, stated in when.items()
    )
    return int(connection.execute(f"select {counted} from {_source(table)}").fetchall()[0][0])
