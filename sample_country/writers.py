"""Files as senders leave them: text in any encoding, workbooks, and the record of what was written.

Belongs here: bytes, always the same for the same rows (no clock, no random ids). Does not belong here: what
the rows say, or which sender writes them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl
import xlwt

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$"

Row = Sequence[str | None]


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook: rows above the table, the table, rows below, and merged cells.

    head and foot: rows of cells, None for an empty one. body: a frame of text, one column a column of the
    sheet; in the columns named by `numeric`, text that is a number becomes a number cell. merged: ranges such
    as "A1:C1".
    """

    name: str
    head: Sequence[Row]
    body: pl.DataFrame
    foot: Sequence[Row] = ()
    numeric: frozenset[str] = frozenset()
    merged: Sequence[str] = ()
    widths: Sequence[int] = field(default=())


def text_bytes(
    frame: pl.DataFrame,
    *,
    encoding: str,
    delimiter: str = ",",
    quote_all: bool = False,
    extra_line: str | None = None,
) -> bytes:
    """A frame as delimited text with a header; nulls are empty. `extra_line` goes in as line 4, as it is."""
    text = frame.write_csv(
        separator=delimiter,
        quote_style="always" if quote_all else "necessary",
        null_value="",
        line_terminator="\n",
    )
    if extra_line is not None:
        lines = text.split("\n")
        text = "\n".join([*lines[:3], extra_line, *lines[3:]])
    return text.encode(encoding)


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else _letter(index // 26 - 1) + _letter(index % 26)


def _head_xml(rows: Sequence[Row], first: int) -> str:
    parts = []
    for number, row in enumerate(rows, start=first):
        cells = []
        for i, value in enumerate(row):
            if value is None:
                continue
            reference = f"{_letter(i)}{number}"
            if value.isdigit() and not value.startswith("0"):
                cells.append(f'<c r="{reference}"><v>{value}</v></c>')
            else:
                text = f'<is><t xml:space="preserve">{escape(value)}</t></is>'
                cells.append(f'<c r="{reference}" s="1" t="inlineStr">{text}</c>')
        parts.append(f'<row r="{number}">{"".join(cells)}</row>')
    return "".join(parts)


def _body_xml(sheet: Sheet, first: int) -> str:
    frame = sheet.body.with_row_index("__row", offset=first)
    number = pl.col("__row").cast(pl.String)
    parts: list[pl.Expr] = [pl.lit('<row r="'), number, pl.lit('">')]
    for i, name in enumerate(sheet.body.columns):
        letter, value = _letter(i), pl.col(name)
        safe = value.str.replace_all("&", "&amp;", literal=True).str.replace_all("<", "&lt;", literal=True)
        text = pl.concat_str(
            pl.lit(f'<c r="{letter}'),
            number,
            pl.lit('" t="inlineStr"><is><t>'),
            safe,
            pl.lit("</t></is></c>"),
        )
        if name in sheet.numeric:
            plain = pl.concat_str(
                pl.lit(f'<c r="{letter}'), number, pl.lit('"><v>'), value, pl.lit("</v></c>")
            )
            text = pl.when(value.str.contains(_NUMBER)).then(plain).otherwise(text)
        parts.append(pl.when(value.is_null()).then(pl.lit("")).otherwise(text))
    parts.append(pl.lit("</row>"))
    return "".join(frame.select(pl.concat_str(parts)).to_series())


def _sheet_xml(sheet: Sheet) -> str:
    first_body = len(sheet.head) + 1
    first_foot = first_body + len(sheet.body)
    widths = "".join(
        f'<col min="{i}" max="{i}" width="{w}" customWidth="1"/>' for i, w in enumerate(sheet.widths, 1)
    )
    merged = "".join(f'<mergeCell ref="{reference}"/>' for reference in sheet.merged)
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        + (f"<cols>{widths}</cols>" if widths else "")
        + f"<sheetData>{_head_xml(sheet.head, 1)}{_body_xml(sheet, first_body)}"
        + f"{_head_xml(sheet.foot, first_foot)}</sheetData>"
        + (f'<mergeCells count="{len(sheet.merged)}">{merged}</mergeCells>' if merged else "")
        + "</worksheet>"
    )


_STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<fonts count="2"><font><sz val="10"/><name val="Arial"/></font>'
    '<font><b/><sz val="10"/><name val="Arial"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1" applyAlignment="1">'
    '<alignment horizontal="center" vertical="center" wrapText="1"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_VENDOR = "application/vnd.openxmlformats-"
_MAIN_TYPES = {
    False: f"{_VENDOR}officedocument.spreadsheetml.sheet.main+xml",
    True: "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
}


def _content_types(sheets: int, *, macro_enabled: bool) -> str:
    parts = [("/xl/workbook.xml", _MAIN_TYPES[macro_enabled])]
    parts.append(("/xl/styles.xml", f"{_VENDOR}officedocument.spreadsheetml.styles+xml"))
    worksheet = f"{_VENDOR}officedocument.spreadsheetml.worksheet+xml"
    parts += [(f"/xl/worksheets/sheet{i}.xml", worksheet) for i in range(1, sheets + 1)]
    overrides = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in parts)
    relations = f"{_VENDOR}package.relationships+xml"
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="{relations}"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def _relationships(targets: Sequence[tuple[str, str]]) -> str:
    """Relations of a part, numbered from rId1: (kind, target)."""
    entries = "".join(
        f'<Relationship Id="rId{i}" Type="{_RELATION}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{entries}</Relationships>'


def xlsx_bytes(sheets: Sequence[Sheet], *, macro_enabled: bool = False) -> bytes:
    """A workbook of Office Open XML.

    Written here and not through a library: whole columns become XML at once, which is an order of magnitude
    faster than cell by cell, and the package holds no creation time.
    """
    listed = "".join(
        f'<sheet name="{escape(sheet.name)}" sheetId="{i}" r:id="rId{i}"/>'
        for i, sheet in enumerate(sheets, 1)
    )
    worksheets = [("worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)]
    parts = {
        "[Content_Types].xml": _content_types(len(sheets), macro_enabled=macro_enabled),
        "_rels/.rels": _relationships([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relationships([*worksheets, ("styles", "styles.xml")]),
        "xl/styles.xml": _STYLES,
    }
    parts |= {f"xl/worksheets/sheet{i}.xml": _sheet_xml(sheet) for i, sheet in enumerate(sheets, 1)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, (_DECLARATION + text).encode(), compresslevel=1)
    return buffer.getvalue()


def xls_bytes(sheets: Sequence[Sheet]) -> bytes:
    """A workbook of the format before 2007 (BIFF8), at most 65,536 rows a sheet."""
    book = xlwt.Workbook(encoding="utf-8")
    bold = xlwt.easyxf("font: bold on")
    for sheet in sheets:
        target = book.add_sheet(sheet.name)
        for number, row in enumerate(sheet.head):
            for i, value in enumerate(row):
                if value is not None:
                    target.write(number, i, value, bold)
        numeric = [name in sheet.numeric for name in sheet.body.columns]
        is_number = sheet.body.select(pl.all().str.contains(_NUMBER).fill_null(False)).rows()
        offset = len(sheet.head)
        for number, (row, plain) in enumerate(zip(sheet.body.rows(), is_number, strict=True), start=offset):
            for i, value in enumerate(row):
                if value is not None:
                    target.write(number, i, float(value) if numeric[i] and plain[i] else value)
        for number, row in enumerate(sheet.foot, start=offset + len(sheet.body)):
            for i, value in enumerate(row):
                if value is not None:
                    target.write(number, i, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def zipped(folder: Path) -> bytes:
    """The files of a folder as a .zip without times: a Shapefile with its siblings."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for part in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(part.name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, part.read_bytes())
    return buffer.getvalue()
