"""A layout and its contract -> polars expressions that cast and judge rows.

Belongs here: normalising text, casting, and the flags that say which rule a row breaks. All of it is lazy, so a
filing of any size streams. Does not belong here: places (`resolution`), or writing the results (`split`).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl
from polars_h3 import latlng_to_cell

from ingestion.contract import Column, Contract
from ingestion.faults import ROW_RULES
from ingestion.layout import ColumnSource, Layout, Unpivot, fill
from ingestion.readers.table import (
    DECIMAL,
    FAULT,
    GEOMETRY_FAULTS,
    HEADER_JOIN,
    MEASURES,
    RawTable,
    is_unnamed,
    read_columns,
    says,
    trimmed,
)

# Between groups of digits: a space, or one of the spaces at which no line breaks.
_GROUP_MARK = r"[ \u00a0\u2007\u2009\u202f]"
# Errors of formulas as spreadsheet programs write them into cells and into text, in English and in Russian.
FORMULA_ERRORS = (
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!",
    "#ПУСТО!", "#ДЕЛ/0!", "#ЗНАЧ!", "#ССЫЛКА!", "#ИМЯ?", "#ЧИСЛО!", "#Н/Д",
)  # fmt: skip
# UTF-8 read as code page 1251: each Cyrillic letter became Р, С, Т or У and one of the first 64 characters of the
# upper half. Two such pairs in a row are no word of any language here.
_SECOND_BYTES = bytes(byte for byte in range(0x80, 0xC0) if byte != 0x98).decode("cp1251")
READ_AS_1251 = rf"(?:[РСТУ][{re.escape(_SECOND_BYTES)}]){{2}}"
# What an unpivot adds to a row: the value, and the column of the file that it stood in.
VALUE = "__value"
VALUE_COLUMN = "__value_column"
# From it on not every whole number is told from the next, as numbers are read as fractions.
_MOST_EXACT = 2.0**53
# What contracts bound more closely they do for reasons of their own.
_DATES = (dt.date(1900, 1, 1), dt.date(2199, 12, 31))
# About 0.1 square kilometres: a village is a handful of cells.
H3_RESOLUTION = 9
# Zoom of the tiles of Ookla's open data, each about 400 metres wide in the country.
QUADKEY_DIGITS = 16


@dataclass(frozen=True)
class Flag:
    """One rule of one column: `name` is a boolean column of the judged frame, true where the row breaks the rule.

    `source` is the column of the file that is read, or the one that an unpivot made of several.
    """

    rule: str
    column: str
    source: str | None

    @property
    def name(self) -> str:
        """Name of the boolean column."""
        return f"__{self.rule}|{self.column}|{self.source or ''}"

    @property
    def is_unpivoted(self) -> bool:
        """True when the value stood in another column in every row."""
        return self.source is not None and self.source.startswith("__")


@dataclass(frozen=True)
class Judged:
    """A frame with the raw columns, the contract's columns (prefixed `=`), and one boolean column a flag.

    `constants` are contract columns that the layout or the file's name gives, so that every row says the same.
    """

    frame: pl.LazyFrame
    flags: list[Flag]
    constants: frozenset[str] = frozenset()


def target(name: str) -> str:
    """Name of a contract column while raw columns, which may bear the same name, are still beside it."""
    return f"={name}"


def remedy(layout: Layout, rule: str) -> str:
    """What to do about a row that breaks a rule, as it applies to senders of a layout."""
    if rule != "not_a_number":
        own = {r.name: r.remedy for r in layout.contract.row_rules}
        return own[rule] if rule in own else ROW_RULES[rule]
    examples = [f"1234567{mark}8" for mark in layout.decimals]
    if layout.has_thousands:
        examples += [f"1 234 567{mark}8" for mark in layout.decimals]
    return f"{ROW_RULES[rule]}, such as {' or '.join(examples)}"


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


def number_of(layout: Layout, text: pl.Expr) -> pl.Expr:
    """The number that a text is in the form of the layout, else null."""
    first, *others = layout.decimals
    number = _number_with(layout, text, first)
    for mark in others:
        number = pl.when(pl.col(DECIMAL) == mark).then(_number_with(layout, text, mark)).otherwise(number)
    return number


def _number_with(layout: Layout, text: pl.Expr, decimal: str) -> pl.Expr:
    """The number that a text is with a decimal mark.

    What a plain cast takes, nearly every value, is not looked at again; only the rest is held against the form.
    """
    # A point is no decimal mark beside a comma.
    plain = text.cast(pl.Float64 if decimal == "." else pl.Int64, strict=False).cast(pl.Float64)
    if decimal == "." and not layout.has_thousands:
        return plain
    grouped = rf"|[0-9]{{1,3}}(?:{_GROUP_MARK}[0-9]{{3}})+" if layout.has_thousands else ""
    form = rf"^[+-]?(?:[0-9]*{grouped})(?:{re.escape(decimal)}[0-9]*)?(?:[eE][+-]?[0-9]+)?$"
    rest = pl.when(plain.is_null()).then(text)
    bare = rest.str.replace_all(_GROUP_MARK, "").str.replace(",", ".", literal=True)
    return pl.coalesce(plain, pl.when(rest.str.contains(form)).then(bare).cast(pl.Float64, strict=False))


def _date(text: pl.Expr, date_format: str | None) -> pl.Expr:
    """The date that a text is, else null; null as well far from any date that a filing can mean.

    Some years that parse, such as 1 or 262142, are a slip of the hand, and few programs can even hold them.
    """
    date = _date_of_any_year(text, date_format)
    return pl.when(date.is_between(*_DATES)).then(date)


def _date_of_any_year(text: pl.Expr, date_format: str | None) -> pl.Expr:
    if date_format == "%Y":
        # A year alone is the count at its first day: the bureau's "2025" is the population of 1 January 2025.
        return (text.str.extract(r"^(\d{4})(?:\.0)?$") + pl.lit("-01-01")).str.to_date(
            "%Y-%m-%d", strict=False
        )
    if date_format == "epoch":
        seconds = text.str.extract(r"^(\d{1,11})$").cast(pl.Int64)
        return pl.from_epoch(seconds, "s").cast(pl.Date)
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
    layout: Layout, column: Column, source: ColumnSource, *, may_hold_formula_error: bool
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
        elif may_hold_formula_error and not column.allowed:
            # Any text would do here, and an error of a formula must not pass for one.
            is_error = text.is_in(FORMULA_ERRORS)
            if layout.format == "workbook":
                # So the reader shows a formula that was never computed.
                is_error |= text.str.starts_with("=")
            faults.append(("formula_error", is_error))
        return words.alias(f"?{column.name}"), parsed, faults
    if column.physical_type == "DATE":
        step = _date(words, source.date_format)
        if source.end_of == "quarter":
            step = step.dt.truncate("1q").dt.offset_by("1q").dt.offset_by("-1d")
        return step.alias(f"?{column.name}"), parsed, [("not_a_date", text.is_not_null() & parsed.is_null())]
    if column.unit == "%":
        words = words.str.strip_suffix("%").str.strip_chars_end()
    step = number_of(layout, words)
    number: pl.Expr = parsed if source.factor is None else parsed * source.factor
    # NaN and infinities are text that happens to parse; no filing means them.
    faults.append(("not_a_number", text.is_not_null() & ~number.is_finite().fill_null(False)))
    value: pl.Expr = pl.when(number.is_finite()).then(number)
    if column.physical_type == "DOUBLE":
        # Zero has no sign here: adding zero leaves every number as it is, and makes -0 a 0.
        value = value + 0.0
    if column.physical_type == "BIGINT":
        beyond = number.abs() >= _MOST_EXACT
        faults.append(("not_an_integer", parsed.is_finite() & ((parsed != parsed.floor()) | beyond)))
        value = value.cast(pl.Int64, strict=False)
    return step.alias(f"?{column.name}"), value, faults


def _sum(layout: Layout, column: Column, names: list[str]) -> tuple[pl.Expr, list[tuple[Flag, pl.Expr]]]:
    """The sum of several columns, and the faults of its parts, each told of the part's own column.

    A sum with an unknown part is unknown, not smaller.
    """
    parts: list[pl.Expr] = []
    flags: list[tuple[Flag, pl.Expr]] = []
    for name in names:
        text = _known(layout, trimmed(pl.col(name)))
        number = number_of(layout, text)
        parts.append(number)
        broken = text.is_not_null() & ~number.is_finite().fill_null(False)
        flags.append((Flag("not_a_number", column.name, name), broken))
        if column.required:
            flags.append((Flag("required_missing", column.name, name), text.is_null()))
    return pl.sum_horizontal(parts, ignore_nulls=False), flags


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


def _tile_centre(contract: Contract, column: Column) -> pl.Expr:
    """Latitude or longitude of the middle of the tile that a quadkey names, over the key's text.

    Each digit halves the tile: its first bit says south, its second east.
    """
    (quadkey,) = (c for c in contract.columns if c.role == "quadkey")
    text = pl.col(f"?{quadkey.name}")
    bit = 1 if column.role == "tile_longitude" else 2
    digits = [text.str.slice(place, 1).cast(pl.Int64, strict=False) for place in range(QUADKEY_DIGITS)]
    ones = pl.sum_horizontal(
        [((digit & bit) // bit) * 2 ** (QUADKEY_DIGITS - 1 - n) for n, digit in enumerate(digits)],
        ignore_nulls=False,
    )
    # From 0 in the north-west to 1 in the south-east, in the Mercator projection that tiles are cut from.
    part = (ones + 0.5) / 2**QUADKEY_DIGITS
    if column.role == "tile_longitude":
        return part * 360 - 180
    return (math.pi * (1 - 2 * part)).sinh().arctan().degrees()


def is_free_text(column: Column) -> bool:
    """True for text that no rule and no look-up reads."""
    return column.physical_type == "VARCHAR" and not (
        column.primary_key or column.role or column.pattern or column.allowed
    )


def _holds_rows(name: str, columns: list[str], delimiter: str) -> pl.Expr:
    """True where a field holds rows that a lone quote swallowed, up to the next lone quote in the same column.

    What it swallowed is the rest of its own row, whole rows, and the fields before it of the last one.
    """
    position = columns.index(name)
    mark = re.escape(delimiter)
    fields = rf"(?:[^{mark}\r\n]*{mark})"
    after, before = len(columns) - 1 - position, position
    return pl.col(name).str.contains(rf"^{fields}{{{after}}}(?s:.*)[\r\n]{fields}{{{before}}}[^\r\n]*$")


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
            value = _known(layout, trimmed(pl.col(name)))
            parts.append(
                raw.frame.with_columns(
                    value.alias(VALUE),
                    pl.lit(name).alias(VALUE_COLUMN),
                    *(pl.lit(text).alias(f"__dim_{key}") for key, text in dimensions.items()),
                ).filter(pl.col(VALUE).is_not_null())
            )
    return pl.concat(parts, how="diagonal"), sources


@dataclass(frozen=True)
class _Reading:
    """How one contract column is read, in stages, each over columns of the one before.

    An expression that is written out again inside another is also computed again, for every row.

    Attributes:
        origin: the column of the file that is read, or the one that an unpivot made; None when none is.
        trimmed: the text of a column of the file, where it is not known already.
        text: the same, null where it is marked unknown.
        parsed: what `_cast` makes of the text in its first step.
        value: in the contract's type.
        derived: computed from values of other columns, in place of `value`.
        flags: rules that a row may break.
    """

    origin: str | None = None
    trimmed: pl.Expr | None = None
    text: pl.Expr | None = None
    parsed: pl.Expr | None = None
    value: pl.Expr | None = None
    derived: pl.Expr | None = None
    flags: Sequence[tuple[Flag, pl.Expr]] = ()


def _computed(contract: Contract, column: Column) -> _Reading | None:
    """A column that no sender files; None for others."""
    if column.role == "h3_cell":
        cell = latlng_to_cell("=latitude", "=longitude", H3_RESOLUTION, return_dtype=pl.String)
        return _Reading(derived=cell)
    if column.role in MEASURES:
        return _Reading(value=pl.col(MEASURES[column.role]).cast(column.dtype))
    if column.role in ("tile_latitude", "tile_longitude"):
        return _Reading(value=_tile_centre(contract, column))
    return None


def _read(
    layout: Layout, raw: RawTable, column: Column, groups: Mapping[str, str], unpivoted: str | None
) -> _Reading:
    """How a column that its sender files is read, and the faults of reading it.

    Args:
        unpivoted: where an unpivot put the column's text, if it did.
    """
    cast = partial(_cast, layout, column, may_hold_formula_error=raw.may_hold_formula_error)

    def flagged(faults: list[tuple[str, pl.Expr]], origin: str) -> list[tuple[Flag, pl.Expr]]:
        return [(Flag(rule, column.name, origin), broken) for rule, broken in faults]

    if unpivoted is not None:
        parsed, value, faults = cast(ColumnSource.model_validate({"from": unpivoted}))
        return _Reading(
            unpivoted, text=pl.col(unpivoted), parsed=parsed, value=value, flags=flagged(faults, unpivoted)
        )
    source = layout.columns.get(column.name)
    if source is None:
        return _Reading(value=pl.lit(None, column.dtype))
    if source.sum_of is not None:
        origin = " + ".join(source.sum_of)
        summed, flags = _sum(layout, column, source.sum_of)
        # What a part lacks is told of the part, so the sum has a text only where all parts are numbers.
        joined = pl.concat_str(source.sum_of, separator=" + ")
        _, value, faults = cast(source)
        return _Reading(
            origin,
            text=pl.when(summed.is_not_null()).then(joined),
            parsed=summed.alias(f"?{column.name}"),
            value=value,
            flags=[*flags, *flagged(faults, origin)],
        )
    if source.source is not None:
        text = pl.col(source.source) if raw.is_trimmed else trimmed(pl.col(source.source))
        parsed, value, faults = cast(source)
        return _Reading(
            source.source,
            trimmed=text,
            text=_known(layout, pl.col(f"~{column.name}")),
            parsed=parsed,
            value=value,
            flags=flagged(faults, source.source),
        )
    return _Reading(value=pl.lit(constant(source, column, groups), column.dtype))


def _of_contract(
    layout: Layout, column: Column, reading: _Reading, latest: dt.date
) -> list[tuple[Flag, pl.Expr]]:
    """What the contract says of a column that is read: its dates, bounds, and whether it may be empty."""
    if reading.origin is None:
        return []
    given = pl.col(target(column.name))
    faults: list[tuple[str, pl.Expr]] = []
    if column.role == "as_of":
        faults.append(("future_period", given > pl.lit(latest)))
        if layout.is_quarterly:
            faults.append(("other_period", given < pl.lit(latest)))
        elif layout.contract.cadence == "quarterly":
            end = given.dt.truncate("1q").dt.offset_by("1q").dt.offset_by("-1d")
            faults.append(("not_quarter_end", given != end))
    if layout.resolve is None or column.name != layout.resolve.kato:
        faults += _bounds(column, given)
        source = layout.columns.get(column.name)
        is_sum = source is not None and source.sum_of is not None
        if column.required and not is_sum:
            # Text that could not be read is a fault of its own, not a missing value.
            broken_cast = any(flag.rule.startswith(("not_a_", "value_")) for flag, _ in reading.flags)
            missing = pl.col(f"~{column.name}").is_null() if broken_cast else given.is_null()
            faults.append(("required_missing", missing))
    return [(Flag(rule, column.name, reading.origin), broken) for rule, broken in faults]


def _row_rules(layout: Layout) -> list[tuple[Flag, pl.Expr]]:
    """What the contract says of the columns of a row together."""
    names = {column.name: target(column.name) for column in layout.contract.columns}
    flags = []
    for rule in layout.contract.row_rules:
        source = layout.columns.get(rule.column)
        flags.append((Flag(rule.name, rule.column, source.source if source else None), rule.broken(names)))
    return flags


def _totals(layout: Layout) -> list[tuple[Flag, pl.Expr]]:
    if layout.total_rows is None:
        return []
    column = layout.total_rows.column
    is_total = trimmed(pl.col(column)).str.contains(layout.total_rows.pattern)
    return [(Flag("total_row", column, column), is_total.fill_null(False))]


def _geometry_faults(layout: Layout, raw: RawTable) -> list[tuple[Flag, pl.Expr]]:
    """What the reader found of each row's geometry."""
    if layout.contract.geometry is None and layout.format != "features":
        return []
    shown = raw.columns[-1]
    return [(Flag(rule, shown, shown), pl.col(FAULT) == rule) for rule in GEOMETRY_FAULTS]


def _repeated_header(layout: Layout, raw: RawTable) -> list[tuple[Flag, pl.Expr]]:
    """Rows that say what the header says, however its letters and spaces are written.

    A header of several rows stands again as several rows, each of which lacks most of the columns.
    """
    has_header = layout.format == "workbook" or (layout.text is not None and layout.text.header_row > 0)
    if not has_header or not raw.may_repeat_header:
        return []
    constants = {name for shape in layout.workbooks for name in shape.set_values}
    columns = [
        name
        for name in read_columns(layout, raw.columns)
        if not is_unnamed(name) and HEADER_JOIN not in name and name not in constants
    ]
    if not columns:
        return []
    says_the_same = pl.all_horizontal([says(pl.col(name), name) for name in columns])
    return [(Flag("header_repeated", columns[0], columns[0]), says_the_same)]


def _line_breaks(layout: Layout, raw: RawTable) -> list[tuple[Flag, pl.Expr]]:
    """Line breaks where a quote was opened and not closed.

    Free text, such as a note, may hold them; anything that is counted, listed or looked up may not.
    """
    if layout.text is None or raw.is_trimmed:
        return []
    read = [
        str(source.source)
        for name, source in layout.columns.items()
        if source.source in raw.columns and not is_free_text(layout.contract.column(name))
    ]
    flags = []
    # Two lone quotes would otherwise join lines into one row that nobody wrote.
    if read:
        broken = pl.any_horizontal([pl.col(c).str.contains(r"[\r\n]") for c in read])
        flags.append((Flag("line_break_in_field", read[0], None), broken))
    return flags + [
        (Flag("line_break_in_field", name, name), _holds_rows(name, raw.columns, layout.text.delimiter))
        for name in raw.columns
        if name not in read
    ]


def _without_header(layout: Layout, raw: RawTable) -> list[tuple[Flag, pl.Expr]]:
    """What stands under no header would be dropped unseen, or belongs to a row that slipped to the right."""
    return [
        (Flag("value_without_header", name, name), trimmed(pl.col(name)) != "")
        for name in raw.columns
        if is_unnamed(name) and name not in layout.source_columns and name not in layout.ignore
    ]


def _damaged_text(raw: RawTable) -> list[tuple[Flag, pl.Expr]]:
    """Characters that no sender typed, in any column of the file."""
    flags = []
    if raw.may_hold_nul:
        flags += [
            (Flag("nul_character", name, name), pl.col(name).str.contains("\0", literal=True))
            for name in raw.columns
        ]
    if not raw.is_ascii:
        flags += [
            (Flag("mixed_encoding", name, name), pl.col(name).str.contains(READ_AS_1251))
            for name in raw.columns
        ]
    return flags


def judge(layout: Layout, raw: RawTable, groups: Mapping[str, str], latest: dt.date) -> Judged:
    """Cast every contract column and flag what breaks the contract, places excepted.

    Args:
        layout: how the sender writes.
        raw: the file's rows as text.
        groups: what the file's name told.
        latest: last date the file may speak of.
    """
    contract = layout.contract
    frame, unpivoted = records(layout, raw)
    readings = {
        column: _computed(contract, column) or _read(layout, raw, column, groups, unpivoted.get(column.name))
        for column in contract.columns
    }
    flags = [
        *(
            flag
            for column, reading in readings.items()
            for flag in (*reading.flags, *_of_contract(layout, column, reading, latest))
        ),
        *_row_rules(layout),
        *_totals(layout),
        *_geometry_faults(layout, raw),
        *_repeated_header(layout, raw),
        *_line_breaks(layout, raw),
        *_without_header(layout, raw),
        *_damaged_text(raw),
    ]
    stages: list[dict[str, pl.Expr | None]] = [
        {f"~{column.name}": reading.trimmed for column, reading in readings.items()},
        {f"~{column.name}": reading.text for column, reading in readings.items()},
        {f"?{column.name}": reading.parsed for column, reading in readings.items()},
        {
            target(column.name): None if reading.value is None else reading.value.cast(column.dtype)
            for column, reading in readings.items()
        },
        {target(column.name): reading.derived for column, reading in readings.items()},
        {flag.name: broken.fill_null(False) for flag, broken in flags},
    ]
    for stage in stages:
        frame = frame.with_columns(
            expression.alias(name) for name, expression in stage.items() if expression is not None
        )
    constants = {
        name
        for name, source in layout.columns.items()
        if name not in unpivoted and source.source is None and source.sum_of is None
    }
    return Judged(frame, [flag for flag, _ in flags], frozenset(constants))
