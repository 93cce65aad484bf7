"""JSON of statistics services -> raw table: one answer, or a .zip of the answers to one question.

Belongs here: records within records as one table. Does not belong here: what the columns mean, or fetching (`pull`).

An object within a record becomes columns `outer.inner`. A list of objects makes a row of each. A list of values makes
columns `name.1`, `name.2` and so on. Rows are counted within their answer, whose name in the .zip is their sheet.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from ingestion.archives import UnsafeArchive, unpack
from ingestion.faults import FileRejected
from ingestion.layout import Layout
from ingestion.readers.table import (
    ROW,
    SHEET,
    RawTable,
    header_name,
    unique_names,
    verify_header,
    verify_width,
)

# So much of what a library says of a file it cannot read is passed on.
_SHOWN = 300


def read_records(path: Path, layout: Layout, work: Path) -> RawTable:
    """Read the answers of a service, one at a time, as one table of text.

    Raises:
        FileRejected: unreadable_file, empty_file, or a header that does not fit.
    """
    answers = _answers(path, work)
    folder = work / "records"
    folder.mkdir()
    header: dict[str, None] = {}
    parts: list[Path] = []
    for position, (sheet, answer) in enumerate(answers):
        frame = _table(answer, sheet or path.name)
        if frame.is_empty():
            continue
        header |= dict.fromkeys(frame.columns)
        parts.append(folder / f"{position:05d}.parquet")
        numbered = frame.with_row_index(ROW, offset=1).with_columns(
            pl.col(ROW).cast(pl.Int64), pl.lit(sheet, pl.String).alias(SHEET)
        )
        numbered.write_parquet(parts[-1])
    if not parts:
        raise FileRejected("empty_file", f"{path.name} holds no record")
    verify_header(layout, list(header), f"{path.name}, keys of its records")
    rows = pl.concat([pl.scan_parquet(part) for part in parts], how="diagonal")
    return RawTable(rows, list(header))


def _answers(path: Path, work: Path) -> list[tuple[str | None, Path]]:
    if path.suffix.lower() != ".zip":
        return [(None, path)]
    into = work / "answers"
    into.mkdir()
    try:
        return [(member.name, member.path) for member in unpack(path, path.name, into)]
    except UnsafeArchive as error:
        raise FileRejected("unreadable_file", str(error)) from error


def _table(answer: Path, where: str) -> pl.DataFrame:
    """Records of one answer as flat columns of text."""
    body = answer.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if not body.lstrip().startswith(b"["):
        raise FileRejected("unreadable_file", f"{where} is no JSON list of records")
    if not body.strip().strip(b"[]").strip():
        return pl.DataFrame()
    try:
        frame = pl.read_json(io.BytesIO(body), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        told = _what_is_no_table(body) or str(error).split("\n", 1)[0][:_SHOWN]
        raise FileRejected("unreadable_file", f"{where}: {told}") from error
    frame = _flat(frame, where)
    names = [clean_key(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        told = ", ".join(map(repr, twice))
        raise FileRejected("duplicate_header", f"{where}: key {told} stands more than once in a record")
    columns = unique_names([header_name(name, i) for i, name in enumerate(names, start=1)])
    return frame.rename(dict(zip(frame.columns, columns, strict=True))).cast(pl.String)


def _what_is_no_table(body: bytes) -> str | None:
    """Why an answer is no table: where it is no JSON, or the first record that has another shape than those before."""
    try:
        records = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return f"no JSON, {error}"
    seen: dict[str, tuple[str, int]] = {}
    for number, record in enumerate(records, start=1):
        for key, kind in _kinds(record, ""):
            before, at = seen.setdefault(key, (kind, number))
            if kind != before:
                what = repr(key) if key else "the record"
                return f"record {number}: {what} is {kind}, where in record {at} it is {before}"
    return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _kinds(value: object, key: str) -> Iterator[tuple[str, str]]:
    """Each key of a record, with the objects around it, and whether an object, a list or a plain value is there."""
    if isinstance(value, dict):
        yield key, "an object"
        for name, inner in value.items():
            yield from _kinds(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        yield key, "a list"
        for inner in value:
            yield from _kinds(inner, f"{key}[]")
    elif value is not None:
        yield key, "a plain value"


def _flat(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    _verify_lists(frame.schema, where)
    while nested := [name for name, kind in frame.schema.items() if kind.is_nested()]:
        name = nested[0]
        kind = frame.schema[name]
        if isinstance(kind, pl.Struct):
            verify_width(frame.width - 1 + len(kind.fields), where)
            frame = frame.unnest(name, separator=".")
        elif isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct):
            # A record whose list is empty stays, so that it is accounted for.
            frame = frame.explode(name, empty_as_null=True, keep_nulls=True)
        else:
            width = int(frame.select(pl.col(name).list.len().max()).item() or 0)
            verify_width(frame.width - 1 + width, where)
            items = [
                pl.col(name).list.get(i, null_on_oob=True).alias(f"{name}.{i + 1}") for i in range(width)
            ]
            frame = frame.with_columns(items).drop(name)
    return frame


def _verify_lists(fields: Mapping[str, object], where: str) -> None:
    """Refuse records with several lists of records side by side: each item of one with each of another would be rows
    that nobody sent, a thousand times a thousand of them.
    """
    holding = [name for name, kind in fields.items() if _holds_records(kind)]
    if len(holding) > 1:
        raise FileRejected(
            "unreadable_file",
            f"{where}: its records hold several lists of records, {', '.join(map(repr, holding))}; which items belong "
            "together is not told",
        )
    for name in holding:
        kind = fields[name]
        items = kind.inner if isinstance(kind, pl.List) else kind
        if not isinstance(items, pl.Struct):
            raise FileRejected(
                "unreadable_file", f"{where}: its records hold lists of lists of records, {name!r}"
            )
        _verify_lists({field.name: field.dtype for field in items.fields}, where)


def _holds_records(kind: object) -> bool:
    """Whether a type is, or holds at any depth, a list of records."""
    if isinstance(kind, pl.Struct):
        return any(_holds_records(field.dtype) for field in kind.fields)
    return isinstance(kind, pl.List) and (isinstance(kind.inner, pl.Struct) or _holds_records(kind.inner))


def clean_key(key: str) -> str:
    """A key without the byte order marks and the padding that services leave in it."""
    return key.replace("\ufeff", "").strip()
