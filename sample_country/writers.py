"""Files as senders leave them: text in any encoding, workbooks, and the record of what was written.

Belongs here: bytes, always the same for the same rows (no clock, no random ids). Does not belong here: what the
rows say, or which sender writes them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl
import xlwt

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$"

Row = Sequence[str | None]


@dataclass(frozen=True)
class Injected:
    """Rows put into a file on purpose: the rule they break, how they must end, and how many they are.

    `column` is the contract column at fault, None when the row is no data at all.
    """

    rule: str
    outcome: str
    rows: int
    column: str | None = None


@dataclass(frozen=True)
class FileRecord:
    """One file of the inbox and what must become of it.

    outcome: accepted, accepted_with_quarantine, rejected, unmatched, or same_delivery for a copy of another file.
    rule: why a file is not taken, None when it is.
    rows_accepted counts rows as read, before wide columns become rows of their own.
    """

    path: str
    sender: str
    extract_kind: str | None
    size_bytes: int
    outcome: str
    is_current: bool
    rows_accepted: int = 0
    faults: tuple[Injected, ...] = ()
    rule: str | None = None

    def rows(self, outcome: str) -> int:
        """Injected rows that must end as `quarantined` or `duplicate`."""
        return sum(fault.rows for fault in self.faults if fault.outcome == outcome)


@dataclass(frozen=True)
class Summary:
    """What `generate` wrote: the files in the order of their paths, and the totals of each period."""

    root: Path
    files: tuple[FileRecord, ...]
    totals: pl.DataFrame


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook: rows above the table, the table, rows below, and merged cells.

    head and foot: rows of cells, None for an empty one. body: a frame of text, one column a column of the sheet;
    in the columns named by `numeric`, text that is a number becomes a number cell. merged: ranges such as "A1:C1".
    """

    name: str
    head: Sequence[Row]
    body: pl.DataFrame
    foot: Sequence[Row] = ()
    numeric: frozenset[str] = frozenset()
    merged: Sequence[str] = ()
    widths: Sequence[int] = field(default=())


def text_bytes(
    frame: pl.DataFrame, *, encoding: str, delimiter: str = ",", quote_all: bool = False, extra_line: str | None = None
) -> bytes:
    """A frame of text as delimited text with a header; nulls are empty. `extra_line` goes in as line 4, as it is."""
    text = frame.write_csv(
        separator=delimiter, quote_style="always" if quote_all else "necessary", null_value="", line_terminator="\n"
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
                cells.append(f'<c r="{reference}" s="1" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>')
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
            pl.lit(f'<c r="{letter}'), number, pl.lit('" t="inlineStr"><is><t>'), safe, pl.lit("</t></is></c>")
        )
        if name in sheet.numeric:
            plain = pl.concat_str(pl.lit(f'<c r="{letter}'), number, pl.lit('"><v>'), value, pl.lit("</v></c>"))
            text = pl.when(value.str.contains(_NUMBER)).then(plain).otherwise(text)
        parts.append(pl.when(value.is_null()).then(pl.lit("")).otherwise(text))
    parts.append(pl.lit("</row>"))
    return "".join(frame.select(pl.concat_str(parts)).to_series())


def _sheet_xml(sheet: Sheet) -> str:
    first_body = len(sheet.head) + 1
    first_foot = first_body + len(sheet.body)
    widths = "".join(f'<col min="{i}" max="{i}" width="{w}" customWidth="1"/>' for i, w in enumerate(sheet.widths, 1))
    merged = "".join(f'<mergeCell ref="{reference}"/>' for reference in sheet.merged)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        + (f"<cols>{widths}</cols>" if widths else "")
        + f"<sheetData>{_head_xml(sheet.head, 1)}{_body_xml(sheet, first_body)}{_head_xml(sheet.foot, first_foot)}</sheetData>"
        + (f'<mergeCells count="{len(sheet.merged)}">{merged}</mergeCells>' if merged else "")
        + "</worksheet>"
    )


_STYLES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<fonts count="2"><font><sz val="10"/><name val="Arial"/></font><font><b/><sz val="10"/><name val="Arial"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1" applyAlignment="1">'
    '<alignment horizontal="center" vertical="center" wrapText="1"/></xf></cellXfs></styleSheet>'
)
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN_TYPES = {
    False: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    True: "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
}


def xlsx_bytes(sheets: Sequence[Sheet], *, macro_enabled: bool = False) -> bytes:
    """A workbook of Office Open XML.

    Written here and not through a library: whole columns become XML at once, which is an order of magnitude faster
    than cell by cell, and the package holds no creation time.
    """
    ids = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for i in ids
    )
    parts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_MAIN_TYPES[macro_enabled]}"/>'
            '<Override PartName="/xl/styles.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
            f"{overrides}</Types>"
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{_RELATION}"><sheets>'
            + "".join(f'<sheet name="{escape(s.name)}" sheetId="{i}" r:id="rId{i}"/>' for i, s in zip(ids, sheets, strict=True))
            + "</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            + "".join(
                f'<Relationship Id="rId{i}" Type="{_RELATION}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in ids
            )
            + f'<Relationship Id="rId{len(sheets) + 1}" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>'
        ),
        "xl/styles.xml": _STYLES,
    } | {f"xl/worksheets/sheet{i}.xml": _sheet_xml(sheet) for i, sheet in zip(ids, sheets, strict=True)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, text in parts.items():
            declared = text if text.startswith("<?xml") else f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{text}'
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, declared.encode(), compresslevel=1)
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


class Inbox:
    """Collects files under a folder. Writing the same inbox twice gives the same bytes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._records: list[FileRecord] = []

    def add(
        self,
        path: str,
        content: bytes,
        *,
        sender: str,
        extract_kind: str | None,
        rows_accepted: int = 0,
        faults: Sequence[Injected] = (),
        outcome: str | None = None,
        is_current: bool = True,
        rule: str | None = None,
    ) -> None:
        """Write one file; the outcome follows from its faults unless it is given."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.record(
            path, len(content), sender=sender, extract_kind=extract_kind, rows_accepted=rows_accepted, faults=faults,
            outcome=outcome, is_current=is_current, rule=rule,
        )  # fmt: skip

    def record(
        self,
        path: str,
        size_bytes: int,
        *,
        sender: str,
        extract_kind: str | None,
        rows_accepted: int = 0,
        faults: Sequence[Injected] = (),
        outcome: str | None = None,
        is_current: bool = True,
        rule: str | None = None,
    ) -> None:
        """Note a file that has been written already."""
        quarantined = any(fault.outcome == "quarantined" for fault in faults)
        self._records.append(
            FileRecord(
                path, sender, extract_kind, size_bytes, outcome or ("accepted_with_quarantine" if quarantined else "accepted"),
                is_current, rows_accepted, tuple(faults), rule,
            )
        )  # fmt: skip

    def copy(self, path: str, of: str) -> None:
        """Leave the bytes of a file a second time under another name."""
        content = (self.root / of).read_bytes()
        original = next(record for record in self._records if record.path == of)
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self._records.append(replace(original, path=path, outcome="same_delivery", is_current=False, rows_accepted=0, faults=()))

    def summary(self, totals: pl.DataFrame) -> Summary:
        """All files written, in the order of their paths."""
        return Summary(self.root, tuple(sorted(self._records, key=lambda record: record.path)), totals)
