"""A layout and its contract -> polars expressions that cast and judge rows.

Belongs here: normalising text, casting, and the flags that say which rule a row breaks. All of it is lazy, so a
filing of any size streams. Does not belong here: places (`resolution`), or writing the results (`split`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from polars_h3 import latlng_to_cell

from ingestion.contract import Column
from ingestion.layout import ColumnSource, Layout, Unpivot, fill
from ingestion.readers.table import RawTable

_SPACES = r"[\s\u00a0\u2007\u202f]"
VALUE = "__value"
_INT64_LIMIT = 2.0**63
# About 0.1 square kilometres: a village is a handful of cells.
H3_RESOLUTION = 9


@dataclass(frozen=True)
class Flag:
    """One rule of one column: `name` is a boolean column of the judged frame, true where the row breaks the rule."""

    rule: str
    column: str
    source: str | None

    @property
    def name(self) -> str:
        """Name of the boolean column."""
        return f"__{self.rule}|{self.column}"


@dataclass(frozen=True)
class Judged:
    """A frame with the raw columns, the contract's columns (prefixed `=`), and one boolean column a flag."""

    frame: pl.LazyFrame
    flags: list[Flag]


def target(name: str) -> str:
    """Name of a contract column while raw columns, which may bear the same name, are still beside it."""
    return f"={name}"


def quarter_end(year: int, quarter: int) -> dt.date:
    """Last day of a quarter; raises ValueError when there is no such quarter."""
    if not 1 <= quarter <= 4:
        raise ValueError(f"there is no quarter {quarter}")
    first_of_next = dt.date(year + quarter // 4, quarter % 4 * 3 + 1, 1)
    return first_of_next - dt.timedelta(days=1)


def _known(layout: Layout, text: pl.Expr) -> pl.Expr:
    """Text, or null where the layout marks it as unknown. Comparing is faster than replacing by a table."""
    marks = sorted(set(layout.null_marks) | {""})
    return pl.when(text != "" if marks == [""] else ~text.is_in(marks)).then(text)


def _number(layout: Layout, text: pl.Expr) -> pl.Expr:
    if layout.has_thousands:
        text = text.str.replace_all(_SPACES, "")
    if layout.decimal == ",":
        text = text.str.replace(",", ".", literal=True)
    return text.cast(pl.Float64, strict=False)


def _date(text: pl.Expr, date_format: str | None) -> pl.Expr:
    if date_format == "%Y":
        # A year alone is the count at its first day: the bureau's "2025" is the population of 1 January 2025.
        return (text.str.extract(r"^(\d{4})(?:\.0)?$") + pl.lit("-01-01")).str.to_date(
            "%Y-%m-%d", strict=False
        )
    if date_format is None:
        return text.str.extract(r"^(\d{4}-\d{2}-\d{2})(?: 00:00:00)?$").str.to_date("%Y-%m-%d", strict=False)
    # A workbook gives a true date cell in ISO form, whatever format its text cells have.
    iso = text.str.extract(r"^(\d{4}-\d{2}-\d{2}) 00:00:00$").str.to_date("%Y-%m-%d", strict=False)
    return pl.coalesce(text.str.to_date(date_format, strict=False), iso)


def constant(source: ColumnSource, column: Column, groups: Mapping[str, str]) -> object:
    """The one value that a constant or file-name source gives, in the contract's type.

    Raises:
        ValueError: the value does not fit the type; KeyError when the file name lacks the group.
    """
    if source.quarter_end is not None:
        year, quarter = fill(source.quarter_end.year, groups), fill(source.quarter_end.quarter, groups)
        return quarter_end(int(year), int(quarter))
    assert source.value is not None
    return typed(fill(source.value, groups), column)


def typed(text: str, column: Column) -> object:
    """Text of a layout in the contract's type; raises ValueError when it does not fit."""
    match column.physical_type:
        case "DATE":
            return dt.date.fromisoformat(text)
        case "BIGINT":
            return int(text)
        case "DOUBLE":
            return float(text)
        case _:
            return text


def _cast(
    layout: Layout, column: Column, source: ColumnSource
) -> tuple[pl.Expr, pl.Expr, list[tuple[str, pl.Expr]]]:
    """Cast one column in two steps, and flag the casting itself.

    Returns:
        `?<column>` parsed from the text `~<column>`; the value from `?<column>`; and (rule, expression) of faults,
        over `~<column>`, `?<column>` and the value.
    """
    text, parsed = pl.col(f"~{column.name}"), pl.col(f"?{column.name}")
    faults: list[tuple[str, pl.Expr]] = []
    words = text
    if source.map is not None:
        words = words.replace_strict(source.map, default=None, return_dtype=pl.String)
    if source.extract is not None:
        words = words.str.extract(source.extract)
    if column.physical_type == "VARCHAR":
        if source.map is not None:
            faults.append(("value_not_mapped", text.is_not_null() & parsed.is_null()))
        return words.alias(f"?{column.name}"), parsed, faults
    if column.physical_type == "DATE":
        step = _date(words, source.date_format)
        return step.alias(f"?{column.name}"), parsed, [("not_a_date", text.is_not_null() & parsed.is_null())]
    step = _number(layout, words)
    # NaN and infinities are text that happens to parse; no filing means them.
    faults.append(("not_a_number", text.is_not_null() & ~parsed.is_finite().fill_null(False)))
    value: pl.Expr = pl.when(parsed.is_finite()).then(parsed)
    if source.factor is not None:
        value = value * source.factor
    if column.physical_type == "BIGINT":
        beyond = parsed.abs() >= _INT64_LIMIT
        faults.append(("not_an_integer", parsed.is_finite() & ((parsed != parsed.floor()) | beyond)))
        value = value.cast(pl.Int64, strict=False)
    return step.alias(f"?{column.name}"), value, faults


def _bounds(column: Column, value: pl.Expr) -> list[tuple[str, pl.Expr]]:
    faults: list[tuple[str, pl.Expr]] = []
    for rule, bound in (("below_minimum", column.minimum), ("above_maximum", column.maximum)):
        if bound is None:
            continue
        limit = pl.lit(typed(str(bound), column) if column.physical_type == "DATE" else bound)
        faults.append((rule, value < limit if rule == "below_minimum" else value > limit))
    if column.allowed:
        faults.append(("not_allowed", value.is_not_null() & ~value.is_in(list(column.allowed))))
    if column.pattern:
        faults.append(("pattern_mismatch", value.is_not_null() & ~value.str.contains(column.pattern)))
    return faults


def _is_free_text(column: Column) -> bool:
    """True for text that no rule and no look-up reads."""
    return column.physical_type == "VARCHAR" and not (
        column.primary_key or column.role or column.pattern or column.allowed
    )


def _unpivoted(layout: Layout, raw: RawTable, unpivot: Unpivot) -> list[tuple[str, dict[str, str]]]:
    """Value columns of an unpivot with the dimension values each stands for."""
    if unpivot.columns is not None:
        return list(unpivot.columns.items())
    pattern = re.compile(unpivot.columns_matching or "")
    found = []
    for name in raw.columns:
        match = pattern.fullmatch(name)
        if match:
            found.append((name, {k: fill(v, match.groupdict()) for k, v in unpivot.set_values.items()}))
    return found


def records(layout: Layout, raw: RawTable) -> tuple[pl.LazyFrame, dict[str, str]]:
    """The file's rows as records: wide tables made long.

    Returns:
        The frame, and for each contract column the unpivot fills the name of the column that holds its text.
        A cell of a wide table that is marked unknown is no record: the table has a cell there by its form alone.
    """
    if not layout.unpivot:
        return raw.frame, {}
    parts = []
    sources: dict[str, str] = {}
    for unpivot in layout.unpivot:
        sources |= {name: f"__dim_{name}" for name in unpivot.dimensions} | {unpivot.into: VALUE}
        for name, dimensions in _unpivoted(layout, raw, unpivot):
            value = _known(layout, pl.col(name).str.strip_chars())
            parts.append(
                raw.frame.with_columns(
                    value.alias(VALUE),
                    *(pl.lit(text).alias(f"__dim_{key}") for key, text in dimensions.items()),
                ).filter(pl.col(VALUE).is_not_null())
            )
    return pl.concat(parts, how="diagonal"), sources


def judge(layout: Layout, raw: RawTable, groups: Mapping[str, str], latest: dt.date) -> Judged:
    """Cast every contract column and flag what breaks the contract, places excepted.

    Args:
        layout: how the sender writes.
        raw: the file's rows as text.
        groups: what the file's name told.
        latest: last date the file may speak of.
    """
    contract = layout.contract
    frame, unpivot_sources = records(layout, raw)
    # In stages, each over columns of the one before: an expression that is written out again inside another is
    # also computed again, for every row.
    trimmed: list[pl.Expr] = []
    texts: dict[str, pl.Expr] = {}
    numbers: list[pl.Expr] = []
    values: list[pl.Expr] = []
    derived: list[pl.Expr] = []
    flags: list[tuple[Flag, pl.Expr]] = []
    resolved = layout.resolve.kato if layout.resolve else None
    for column in contract.columns:
        name = target(column.name)
        source = layout.columns.get(column.name)
        given = pl.col(name)
        faults: list[tuple[str, pl.Expr]] = []
        origin: str | None = None
        if column.role == "h3_cell":
            derived.append(
                latlng_to_cell("=latitude", "=longitude", H3_RESOLUTION, return_dtype=pl.String).alias(name)
            )
            continue
        if column.name in unpivot_sources:
            origin = unpivot_sources[column.name]
            texts[f"~{column.name}"] = pl.col(origin)
            parsed, value, faults = _cast(layout, column, ColumnSource.model_validate({"from": origin}))
            numbers.append(parsed)
        elif source is None:
            value = pl.lit(None, column.dtype)
        elif source.sum_of is not None:
            origin = " + ".join(source.sum_of)
            texts[f"~{column.name}"] = pl.concat_str(source.sum_of, separator=" + ")
            _, value, faults = _cast(layout, column, source)
            parts = [
                _number(layout, _known(layout, pl.col(name).str.strip_chars())) for name in source.sum_of
            ]
            # A sum with an unknown part is unknown, not smaller.
            numbers.append(pl.sum_horizontal(parts, ignore_nulls=False).alias(f"?{column.name}"))
        elif source.source is not None:
            origin = source.source
            text = pl.col(origin) if raw.is_trimmed else pl.col(origin).str.strip_chars()
            trimmed.append(text.alias(f"~{column.name}"))
            texts[f"~{column.name}"] = _known(layout, pl.col(f"~{column.name}"))
            parsed, value, faults = _cast(layout, column, source)
            numbers.append(parsed)
        else:
            value = pl.lit(constant(source, column, groups), column.dtype)
        values.append(value.cast(column.dtype).alias(name))
        if column.role == "as_of" and origin is not None:
            faults.append(("future_period", given > pl.lit(latest)))
            if layout.is_quarterly:
                faults.append(("other_period", given < pl.lit(latest)))
        if origin is not None:
            faults += _bounds(column, given) if column.name != resolved else []
            broken_cast = any(rule.startswith(("not_a_", "value_")) for rule, _ in faults)
            if column.required and column.name != resolved:
                # Text that could not be read is a fault of its own, not a missing value.
                missing = pl.col(f"~{column.name}").is_null() if broken_cast else given.is_null()
                faults.append(("required_missing", missing))
        flags += [(Flag(rule, column.name, origin), expression) for rule, expression in faults]
    if layout.total_rows:
        total = pl.col(layout.total_rows.column).str.strip_chars().str.contains(layout.total_rows.pattern)
        flags.append(
            (Flag("total_row", layout.total_rows.column, layout.total_rows.column), total.fill_null(False))
        )
    repeated = [c for c in layout.source_columns if not c.startswith("#")]
    if (
        layout.format == "text"
        and layout.text is not None
        and layout.text.header_row
        and repeated
        and not layout.unpivot
    ):
        same = pl.all_horizontal([pl.col(c).str.strip_chars() == c for c in repeated])
        flags.append((Flag("header_repeated", repeated[0], repeated[0]), same))
    # Free text, such as a note, may hold line breaks; anything that is counted, listed or looked up may not.
    read = [
        str(source.source)
        for name, source in layout.columns.items()
        if source.source in raw.columns and not _is_free_text(contract.column(name))
    ]
    if layout.format == "text" and not raw.is_trimmed and read:
        # Two lone quotes would otherwise join lines into one row that nobody wrote.
        broken = pl.any_horizontal([pl.col(c).str.contains(r"[\r\n]") for c in read])
        flags.append((Flag("line_break_in_field", read[0], None), broken))
    judged = (
        frame.with_columns(trimmed)
        .with_columns(expression.alias(name) for name, expression in texts.items())
        .with_columns(numbers)
        .with_columns(values)
        .with_columns(derived)
        .with_columns(expression.fill_null(False).alias(flag.name) for flag, expression in flags)
    )
    return Judged(judged, [flag for flag, _ in flags])
