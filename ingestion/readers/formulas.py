"""Formulas of a workbook that no program ever computed: their cells hold no value, and read as if they were empty.

Belongs here: finding them in the XML of a sheet, where the library that reads workbooks passes them over. Does not
belong here: computing them; a program that writes workbooks leaves that to the one in which they are opened.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from posixpath import join, normpath
from xml.etree import ElementTree

_CHUNK = 1 << 20
# A cell longer than that is cut: what is looked for is a formula and nothing after it.
_LONGEST_CELL = 1 << 16
_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_NAME = rb"(?:\w+:)?"
_FORMULA = re.compile(rb"[<:]f[ >/]")
# A formula whose result is the empty text has the type "str"; it was computed.
_UNCOMPUTED = re.compile(
    rb"<" + _NAME + rb'c\b(?![^>]*\bt="str")[^>]*\br="([A-Z]+)(\d+)"[^>]*>\s*'
    rb"<" + _NAME + rb"f\b[^>]*(?:/>|>([^<]*)</" + _NAME + rb"f>)\s*"
    rb"(?:<" + _NAME + rb"v\s*/>|<" + _NAME + rb"v>\s*</" + _NAME + rb"v>)?\s*</" + _NAME + rb"c>"
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
        part = _part_of(book, sheet)
        if part is None:
            return
        with book.open(part) as stream:
            rest = b""
            while chunk := stream.read(_CHUNK):
                text = rest + chunk
                end = 0
                # Most sheets hold no formula at all, which is seen much faster than where one would stand.
                for found in _UNCOMPUTED.finditer(text) if _FORMULA.search(text) else ():
                    end = found.end()
                    formula = unescape((found[3] or b"").decode())
                    letters, number = found[1].decode(), int(found[2])
                    yield Formula(number - 1, _position(letters), f"{letters}{number}", f"={formula}")
                rest = text[max(end, len(text) - _LONGEST_CELL) :]


def _part_of(book: zipfile.ZipFile, sheet: str) -> str | None:
    """Name of the part of a workbook that holds a sheet's cells."""
    names = set(book.namelist())
    index, relations = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    if not {index, relations} <= names:
        return None
    ids = {e.get("name"): e.get(_RELATIONSHIP) for e in _elements(book, index) if e.tag.endswith("}sheet")}
    targets = {e.get("Id"): str(e.get("Target")) for e in _elements(book, relations)}
    target = targets.get(ids.get(sheet))
    part = normpath(join("/xl", target)).lstrip("/") if target else None
    return part if part in names else None


def _elements(book: zipfile.ZipFile, part: str) -> list[ElementTree.Element]:
    # Entities that blow up are refused by expat itself, since its version 2.4.
    return list(ElementTree.fromstring(book.read(part)).iter())  # noqa: S314


def _position(letters: str) -> int:
    """Position, from 0, of the column that a spreadsheet program calls by letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
