"""The XML of a sheet of a workbook, searched as it streams, for what the library that reads workbooks does not tell.

Belongs here: finding a sheet's part, and matching its cells. Does not belong here: what is looked for in them
(`formulas`, `percentages`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from posixpath import join, normpath
from xml.etree import ElementTree

_CHUNK = 1 << 20
# A cell longer than that is cut: what is looked for is short.
_LONGEST_CELL = 1 << 16
_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# A name of XML may bear that of its namespace before it.
NAME = rb"(?:\w+:)?"
# Column and row of a cell as a spreadsheet program may write them; what goes beyond is no cell's.
REFERENCE = rb"([A-Z]{1,3})([1-9]\d{0,6})"


def attribute(name: bytes, value: bytes) -> bytes:
    """Pattern of an attribute with a value, in the quotes and with the spaces that XML allows."""
    return rb"\b" + name + rb"\s*=\s*[\"']" + value + rb"[\"']"


def matches(
    book: zipfile.ZipFile, sheet: str, pattern: re.Pattern[bytes], sign: re.Pattern[bytes]
) -> Iterator[re.Match[bytes]]:
    """Every match in the cells of a sheet, in the file's order; none when the book is no workbook in XML.

    Args:
        pattern: of one cell.
        sign: what stands in every match and is much faster to look for.
    """
    part = _part_of(book, sheet)
    if part is None:
        return
    with book.open(part) as stream:
        rest = b""
        while chunk := stream.read(_CHUNK):
            text = rest + chunk
            end = 0
            for found in pattern.finditer(text) if sign.search(text) else ():
                end = found.end()
                yield found
            rest = text[max(end, len(text) - _LONGEST_CELL) :]


def elements(book: zipfile.ZipFile, part: str) -> list[ElementTree.Element]:
    """All elements of a part that is held as a whole.

    Raises:
        ElementTree.ParseError: the part is no XML, or in an encoding that there is none of.
        KeyError: the book has no such part.
    """
    content = book.read(part)
    try:
        # Entities that blow up are refused by expat itself, since its version 2.4.
        return list(ElementTree.fromstring(content).iter())  # noqa: S314
    except LookupError as error:
        raise ElementTree.ParseError(str(error)) from error


def position(letters: bytes) -> int:
    """Position, from 0, of the column that a spreadsheet program calls by letters."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _part_of(book: zipfile.ZipFile, sheet: str) -> str | None:
    """Name of the part of a workbook that holds a sheet's cells."""
    names = set(book.namelist())
    index, relations = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    if not {index, relations} <= names:
        return None
    ids = {e.get("name"): e.get(_RELATIONSHIP) for e in elements(book, index) if e.tag.endswith("}sheet")}
    targets = {e.get("Id"): str(e.get("Target")) for e in elements(book, relations)}
    target = targets.get(ids.get(sheet))
    part = normpath(join("/xl", target)).lstrip("/") if target else None
    return part if part in names else None
