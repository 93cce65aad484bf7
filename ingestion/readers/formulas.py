"""Formulas of a workbook that no program ever computed: their cells hold no value, and read as if they were empty.

Belongs here: finding them, where the library that reads workbooks passes them over. Does not belong here: computing
them; a program that writes workbooks leaves that to the one in which they are opened.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from ingestion.readers.sheet_xml import NAME, REFERENCE, attribute, matches, position

_FORMULA = re.compile(rb"[<:]f[ >/]")
# A formula whose result is the empty text has the type "str"; it was computed.
_UNCOMPUTED = re.compile(
    rb"<"
    + NAME
    + rb"c\b(?![^>]*"
    + attribute(b"t", b"str")
    + rb")[^>]*"
    + attribute(b"r", REFERENCE)
    + rb"[^>]*>\s*"
    rb"<" + NAME + rb"f\b[^>]*(?:/>|>([^<]*)</" + NAME + rb"f>)\s*"
    rb"(?:<" + NAME + rb"v\s*/>|<" + NAME + rb"v>\s*</" + NAME + rb"v>)?\s*</" + NAME + rb"c>"
)


@dataclass(frozen=True)
class Formula:
    """A formula whose cell holds no value: row and column from 0, the cell's name, and the formula's text."""

    row: int
    column: int
    cell: str
    text: str


def uncomputed_formulas(path: Path, sheet: str) -> Iterator[Formula]:
    """Each formula of a sheet whose cell holds no value.

    A file that is no workbook in XML has none: older forms cannot hold a formula without its value.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as book:
        for found in matches(book, sheet, _UNCOMPUTED, _FORMULA):
            text = unescape((found[3] or b"").decode())
            yield Formula(int(found[2]) - 1, position(found[1]), (found[1] + found[2]).decode(), f"={text}")
