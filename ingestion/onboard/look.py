"""What a file shows of itself: format, encoding, delimiter, sheets, header and the values below it.

Belongs here: looking, within the first thousand lines. Does not belong here: what columns mean (`propose`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ingestion.faults import FileRejected
from ingestion.readers.table import header_name
from ingestion.readers.text import BYTE_ORDER_MARKS
from ingestion.readers.workbook import joined_header, numbers_columns, open_workbook, sheet_cells

_HEAD_BYTES = 1 << 20
_HEAD_ROWS = 1000
_DELIMITERS = ";\t,|"
_MOST_HEADER_ROWS = 4
_MOST_SAMPLES = 500
_NUMBER = re.compile(r"[+-]?\d[\d \u00a0\u202f]*([.,]\d+)?%?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_MISSING = (
    "-",
    "–",
    "—",
    "н/д",
    "нет данных",
    "n/a",
    "na",
    "null",
    "none",
    "x",
    "х",
    "...",
    "…",
    "жоқ",
)
_FEATURES = (".geojson", ".gpkg", ".shp", ".kml")
_WORKBOOKS = (".xlsx", ".xlsm", ".xls")

Rows = Sequence[Sequence[str | None]]


@dataclass(frozen=True)
class Look:
    """What was seen of a file.

    Attributes:
        format: as a layout names it: text, workbook or features.
        described: the layout's section of that format.
        columns: header names as layouts write them.
        samples: for each column the values below the header, each once, without empty ones.
        null_marks: marks that stand among values and mean that a value is unknown.
        totals: for a column, what a row says there that sums others.
        notes: what a person should know or decide.
    """

    format: str
    described: dict[str, Any]
    columns: list[str]
    samples: dict[str, list[str]]
    null_marks: list[str] = field(default_factory=list)
    totals: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list)


def look(path: Path) -> Look:
    """Look at a file; raises FileRejected when it is empty, or no table can be made out in it."""
    if path.stat().st_size == 0:
        raise FileRejected("empty_file", f"{path.name} has no bytes")
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS:
        return _look_at_workbook(path)
    if suffix in _FEATURES or (suffix == ".json" and b"FeatureCollection" in _head(path)):
        return _look_at_features(path)
    return _look_at_text(path)


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEAD_BYTES)


# --- Text ---------------------------------------------------------------------------------------------------------


def _look_at_text(path: Path) -> Look:
    encoding, text = _decoded(_head(path), path.name)
    # Only what the readers take for the end of a line is one.
    lines = list(islice(io.StringIO(text, newline=""), _HEAD_ROWS))
    try:
        delimiter = _delimiter(lines)
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise FileRejected("unreadable_file", f"{path.name}: {error}") from error
    header_row = _header_row(rows)
    if header_row is None:
        raise FileRejected("unreadable_file", f"{path.name}: no line of it looks like a header of columns")
    header = [header_name(cell, n) for n, cell in enumerate(rows[header_row], start=1)]
    seen = _seen(header, rows[header_row + 1 :])
    described = {
        "encoding": encoding,
        "delimiter": delimiter,
        "decimal": _decimal(seen, delimiter),
        "header_row": header_row + 1,
    }
    if described["decimal"] == "." and _has_grouped_digits(seen):
        described["thousands"] = True
    return _finished("text", described, header, seen, [])


def _decoded(head: bytes, name: str) -> tuple[str, str]:
    """Encoding as layouts name it, and the text of the head of a file, without its last, perhaps broken, line."""
    for bom, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(bom):
            return encoding, head.decode(encoding, errors="ignore")
    whole = head if len(head) < _HEAD_BYTES else head[: head.rfind(b"\n") + 1]
    for encoding in ("utf-8", "cp1251"):
        try:
            return encoding, whole.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileRejected("wrong_encoding", f"{name} is neither UTF-8, UTF-16 nor code page 1251")


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter by which most lines fall into one number of fields, the greater number first."""

    def evenness(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        width, count = max(
            ((w, n) for w, n in widths.items() if w > 1),
            key=lambda found: (found[1], found[0]),
            default=(0, 0),
        )
        return count, width

    return max(_DELIMITERS, key=evenness)


def _header_row(rows: Rows) -> int | None:
    """Index of the last row of words before the data: as wide as most rows, and no cell of it a number or date."""
    widths = Counter(_filled(row) for row in rows if _filled(row) > 1)
    if not widths:
        return None
    usual = max(widths, key=lambda width: (widths[width], width))
    for index, row in enumerate(rows):
        if len(row) >= usual > 1 and _filled(row) * 2 >= usual and not any(_is_value(cell) for cell in row):
            return index
    return None


def _filled(row: Sequence[str | None]) -> int:
    return sum(bool((cell or "").strip()) for cell in row)


def _is_value(cell: str | None) -> bool:
    text = (cell or "").strip()
    return bool(_NUMBER.fullmatch(text) or _DATE.fullmatch(text)) and not re.fullmatch(r"(19|20)\d\d", text)


# --- Workbooks ----------------------------------------------------------------------------------------------------


def _look_at_workbook(path: Path) -> Look:
    book = open_workbook(path)
    visible = [sheet for sheet in (sheet_cells(book, name) for name in book.sheet_names) if sheet is not None]
    if not visible:
        raise FileRejected("empty_file", f"{path.name}: no sheet that can be seen holds rows")
    name, cells = max(visible, key=lambda sheet: sheet[1].height * min(sheet[1].width, 2))
    rows: list[tuple[str | None, ...]] = list(islice(cells.iter_rows(), _HEAD_ROWS))
    last = _header_row([list(row) for row in rows])
    if last is None:
        raise FileRejected(
            "unreadable_file", f"{path.name}, sheet {name!r}: no row looks like a header of columns"
        )
    first, last = _header_span(rows, last)
    header = joined_header([list(row) for row in rows[first : last + 1]])
    body = cells.rows()[last + 1 :]
    # A row that numbers the columns stands below many official headers.
    numbered = bool(body) and numbers_columns(body[0])
    body = body[1:] if numbered else body
    alike = [
        other for other, found in visible
        if found.height > last and joined_header([list(row) for row in found.rows()[first : last + 1]]) == header
    ]  # fmt: skip
    described: dict[str, Any] = {
        "sheets": alike,
        "header_rows": list(range(first + 1, last + 2)),
        "first_row": last + 2 + numbered,
    }
    stop = _footer(list(cells.iter_rows())[-20:])
    if stop:
        described["stop_at"] = stop
    seen = _seen(header, body)
    for other, found in visible:
        if other in alike and other != name:
            for column, values in _seen(header, found.rows()[last + 1 :]).items():
                seen[column] += values
    if _decimal(seen, "") == ",":
        described["decimal"] = ","
    passed = [other for other, _ in visible if other not in alike]
    notes = [f"sheets not read: {', '.join(map(repr, passed))}"] if passed else []
    return _finished("workbook", described, header, seen, notes)


def _header_span(rows: Sequence[Sequence[str | None]], found: int) -> tuple[int, int]:
    """First and last row of a header, given one row of it: rows of words that touch it, titles of one cell apart."""

    def is_words(index: int) -> bool:
        row = rows[index]
        return _filled(row) > 1 and not any(_is_value(cell) for cell in row)

    def has_gaps(index: int) -> bool:
        return _filled(rows[index]) < _filled(rows[found]) or _filled(rows[index]) < len(rows[index])

    first = last = found
    while first > 0 and is_words(first - 1) and has_gaps(first - 1) and last - first < _MOST_HEADER_ROWS - 1:
        first -= 1
    # Below a header of groups its columns follow, only under the groups.
    while (
        last + 1 < len(rows)
        and last - first < _MOST_HEADER_ROWS - 1
        and is_words(last + 1)
        and has_gaps(last)
    ):
        filled_below = [bool((cell or "").strip()) for cell in rows[last + 1]]
        if not any(
            below and not (above or "").strip() for above, below in zip(rows[last], filled_below, strict=True)
        ):
            break
        last += 1
    return first, last


def _footer(rows: Sequence[Sequence[str | None]]) -> str | None:
    """Where a footer begins, as an expression on the first column: a last row of one or two words alone."""
    tail: list[str] = []
    for row in reversed(rows):
        if _filled(row) == 0:
            continue
        if _filled(row) > 2 or any(_is_value(cell) for cell in row) or not (row[0] or "").strip():
            break
        tail.append(str(row[0]).strip())
    return "^" + re.escape(" ".join(tail[-1].split()[:2])).replace("\\ ", " ") if tail else None


# --- Features -----------------------------------------------------------------------------------------------------


def _look_at_features(path: Path) -> Look:
    import pyogrio

    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        info = pyogrio.read_info(path, layer=layers[0])
        _, table = pyogrio.read_arrow(path, layer=layers[0], max_features=200, read_geometry=False)
    except Exception as error:
        raise FileRejected("unreadable_features", f"{path.name}: {error}") from error
    header = [str(name) for name in info["fields"]]
    samples = {
        name: [str(value) for value in table[name].to_pylist() if value not in (None, "")] for name in header
    }
    described: dict[str, Any] = {"layer": layers[0]} if len(layers) > 1 else {}
    notes = [f"layers: {', '.join(layers)}; the first is read"] if len(layers) > 1 else []
    if not info["crs"]:
        notes.append("the file does not say what its coordinates refer to: state 'crs' under 'geometry'")
        described["crs"] = "EPSG:4326"
    notes.append(f"geometry: {info['geometry_type']}, {info['crs'] or 'no reference'}")
    return Look("features", described, header, samples, notes=notes)


# --- What all have in common --------------------------------------------------------------------------------------


def _seen(header: Sequence[str], rows: Rows) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in header}
    for row in rows:
        for name, cell in zip(header, row, strict=False):
            text = (cell or "").strip()
            if text:
                found[name].append(text)
    return found


def _decimal(seen: dict[str, list[str]], delimiter: str) -> str:
    """The decimal mark that more numbers have. Where none has any, semicolons tell a program that keeps the comma."""
    texts = [text for values in seen.values() for text in values]
    commas = sum(bool(re.fullmatch(r"[+-]?\d[\d \u00a0\u202f]*,\d+", text)) for text in texts)
    points = sum(bool(re.fullmatch(r"[+-]?\d+\.\d+", text)) for text in texts)
    return "," if commas > points or (commas == points and delimiter == ";") else "."


def _has_grouped_digits(seen: dict[str, list[str]]) -> bool:
    grouped = re.compile(r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})+(\.\d+)?")
    return any(grouped.fullmatch(text) for values in seen.values() for text in values)


def _finished(
    kind: str, described: dict[str, Any], header: list[str], seen: dict[str, list[str]], notes: list[str]
) -> Look:
    marks = sorted({text for values in seen.values() for text in values if text.casefold() in _MISSING})
    # Each value once is enough to tell what it is; what is rare must be seen as well as what is common.
    samples = {
        name: [t for t in islice(dict.fromkeys(values), _MOST_SAMPLES) if t not in marks]
        for name, values in seen.items()
    }
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        notes.append(
            f"the header says {', '.join(map(repr, twice))} more than once: rename all but one in the file"
        )
    return Look(kind, described, header, samples, marks, _totals(seen), notes)


_TOTAL = re.compile(r"(?i)(итого|всего|барлығы|жиыны|total)\b.*|.*\b(итого|всего)")


def _totals(seen: dict[str, list[str]]) -> tuple[str, str] | None:
    """The column whose values call some rows totals, and the expression for them."""
    for name, values in seen.items():
        words = sorted(
            {match[1] or match[2] for text in values if (match := _TOTAL.fullmatch(text))}, key=str.casefold
        )
        if words and len(words) < len(set(values)):
            return name, "(?i)" + "|".join(sorted({word.casefold() for word in words}))
    return None
