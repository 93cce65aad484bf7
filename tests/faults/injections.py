"""Small changes of a filing, each the slip of a person or a program: pure functions from rows to rows, bytes to bytes.

Belongs here: how a slip looks. Does not belong here: which filing suffers it and which check must catch it
(`gates.yaml`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import shapely
from shapely import affinity
from shapely.geometry import mapping, shape

from tests.faults.filing_tables import GEOMETRY, Row, Table

Change = Callable[[Table], Table]


def head(table: Table, count: int) -> Table:
    """The first rows only, where a few tell as much as all of them."""
    return table.with_rows(table.rows[:count])


def put(table: Table, at: int, **cells: Any) -> Table:
    """Other text in some cells of one row."""
    return table.with_rows([row | cells if i == at else row for i, row in enumerate(table.rows)])


def put_all(table: Table, where: Mapping[str, str] | None = None, **cells: Any) -> Table:
    """Other text in some cells of all rows whose columns match the expressions."""
    return table.with_rows([row | cells if _matches(row, where) else row for row in table.rows])


def append(table: Table, like: int, **cells: Any) -> Table:
    """One more row: a copy of another, with some cells its own."""
    return table.with_rows([*table.rows, table.rows[like] | cells])


def twice(table: Table) -> Table:
    """All rows once more below themselves."""
    return table.with_rows([*table.rows, *table.rows])


def header_again(table: Table) -> Table:
    """The header once more among the rows, as when printed pages are pasted together."""
    header = {name: name for name in table.columns}
    return table.with_rows([*table.rows[:2], header, *table.rows[2:]])


def drop(table: Table, where: Mapping[str, str], share: float = 1.0) -> Table:
    """Rows left out: of those that match, the first `share`, evenly spread."""
    kept, done, wanted = [], 0, 0.0
    for row in table.rows:
        if _matches(row, where):
            wanted += share
            if done + 1 <= wanted + 1e-9:
                done += 1
                continue
        kept.append(row)
    return table.with_rows(kept)


def scale(
    table: Table, column: str, factor: float, where: Mapping[str, str] | None = None, at: int | None = None
) -> Table:
    """Numbers of a column times a factor, in the sender's own writing of numbers."""

    def scaled(i: int, row: Row) -> Row:
        text = row[column]
        if text in (None, "", "-") or not _matches(row, where) or at not in (None, i):
            return row
        if not isinstance(text, str):
            return row | {column: type(text)(text * factor)}
        comma = "," in text
        value = float(re.sub(r"[\s\u00a0]", "", text).replace(",", ".")) * factor
        told = f"{value:.6f}".rstrip("0").rstrip(".")
        return row | {column: told.replace(".", ",") if comma else told}

    return table.with_rows([scaled(i, row) for i, row in enumerate(table.rows)])


def exchange(table: Table, columns: list[str], at: int | None = None) -> Table:
    """Two columns in each other's place: in one row, or in all."""
    one, other = columns
    return table.with_rows(
        [
            row | {one: row[other], other: row[one]} if at in (None, i) else row
            for i, row in enumerate(table.rows)
        ]
    )


def relabel(table: Table, column: str, to: str, of: str, key: list[str], share: float = 1.0) -> Table:
    """One label written for another, where the other does not stand already for the same `key`."""
    taken = {tuple(row[name] for name in key) for row in table.rows if row[column] == to}
    found, done, wanted = [], 0, 0.0
    for row in table.rows:
        if row[column] == of and tuple(row[name] for name in key) not in taken:
            wanted += share
            if done + 1 <= wanted + 1e-9:
                done += 1
                found.append(row | {column: to})
                continue
        found.append(row)
    return table.with_rows(found)


def rename_column(table: Table, **names: str) -> Table:
    """A column under another name."""
    return Table(
        [names.get(name, name) for name in table.columns],
        [{names.get(name, name): value for name, value in row.items()} for row in table.rows],
    )


def add_column(table: Table, name: str, value: str = "") -> Table:
    """One more column; of a name that stands already when it ends in NUL, which is not written."""
    return Table([*table.columns, name], [{**row, name: value} for row in table.rows])


def move(table: Table, by: list[float], at: int | None = None) -> Table:
    """Geometry moved by degrees of longitude and latitude: of one row, or of all."""
    east, north = by
    return _reshaped(table, lambda g: affinity.translate(g, east, north), at)


def turn(table: Table, at: int | None = None) -> Table:
    """Latitude and longitude of the geometry in each other's place."""
    return _reshaped(table, lambda g: shapely.transform(g, lambda xy: xy[:, ::-1]), at)


def simplify(table: Table, degrees: float, at: int | None = None) -> Table:
    """Geometry drawn with few strokes."""
    return _reshaped(table, lambda g: g.simplify(degrees), at)


def swell(table: Table, degrees: float, at: int | None = None) -> Table:
    """Geometry widened by a strip."""
    return _reshaped(table, lambda g: g.buffer(degrees), at)


def _reshaped(table: Table, change: Callable[[Any], Any], at: int | None) -> Table:
    return table.with_rows(
        [
            row | {GEOMETRY: mapping(change(shape(row[GEOMETRY])))} if at in (None, i) else row
            for i, row in enumerate(table.rows)
        ]
    )


def _matches(row: Row, where: Mapping[str, str] | None) -> bool:
    return all(re.search(pattern, str(row[name] or "")) for name, pattern in (where or {}).items())


# --- Whole files ----------------------------------------------------------------------------------------------------


def cut(content: bytes, share: float) -> bytes:
    """A transfer that broke off."""
    return content[: int(len(content) * share)]


def recode(content: bytes, of: str, to: str) -> bytes:
    """Saved in another encoding."""
    return content.decode(of).encode(to)


def emptied(content: bytes) -> bytes:
    """A file of no bytes."""
    return b""


def overwritten(content: bytes, text: str) -> bytes:
    """Something else under the name."""
    return text.encode()


OF_TABLES: dict[str, Callable[..., Table]] = {
    one.__name__: one
    for one in (
        head, put, put_all, append, twice, header_again, drop, scale, exchange, relabel, rename_column, add_column,
        move, turn, simplify, swell,
    )
}  # fmt: skip
OF_BYTES: dict[str, Callable[..., bytes]] = {one.__name__: one for one in (cut, recode, emptied, overwritten)}
