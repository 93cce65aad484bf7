"""Numbers that a workbook shows as percentages: their cells hold 0.85 where a person sees 85%.

Belongs here: finding those cells by their number format. Does not belong here: whether a percentage is meant (`rules`).
A workbook of before 2007 does not tell formats here; shares in it are told by their size (`ingestion.shares`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ingestion.readers.sheet_xml import NAME, REFERENCE, attribute, elements, matches, position

# Formats that every program knows without their being written down: 0% and 0.00%.
_BUILT_IN = {"9", "10"}
_STYLES = "xl/styles.xml"


def percentage_cells(path: Path, sheet: str) -> Iterator[tuple[int, int]]:
    """Row and column, both from 0, of each cell of a sheet that holds a number and shows a percentage."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as book:
        styles = _percentage_styles(book)
        if not styles:
            return
        style = attribute(b"s", b"(?:" + b"|".join(str(number).encode() for number in styles) + b")")
        # Texts, truth values and errors have a type of their own.
        cell = re.compile(
            rb"<"
            + NAME
            + rb"c\b(?=[^>]*"
            + style
            + rb")(?![^>]*"
            + attribute(b"t", rb"(?!n)[^>]*?")
            + rb"[^>]*>)"
            rb"[^>]*" + attribute(b"r", REFERENCE)
        )
        for found in matches(book, sheet, cell, re.compile(style)):
            yield int(found[2]) - 1, position(found[1])


def _percentage_styles(book: zipfile.ZipFile) -> list[int]:
    """Numbers of the cell styles whose format shows percentages."""
    if _STYLES not in book.namelist():
        return []
    formats = set(_BUILT_IN)
    of_cells: list[str | None] = []
    for element in elements(book, _STYLES):
        name = element.tag.rpartition("}")[2]
        # What stands in quotes or behind a backslash is shown as it is, and multiplies nothing.
        code = re.sub(r'"[^"]*"|\\.', "", element.get("formatCode", ""))
        if name == "numFmt" and "%" in code:
            formats.add(str(element.get("numFmtId")))
        elif name == "cellXfs":
            of_cells = [style.get("numFmtId") for style in element]
    return [number for number, format_id in enumerate(of_cells) if format_id in formats]
