"""A workbook or CSV file as a spreadsheet program shows it: opened by LibreOffice Calc, cell by cell.

Belongs here: asking the program. Does not belong here: what ought to be seen (`test_spreadsheet`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

SOFFICE = shutil.which("soffice")
_OFFICE, _TABLE, _TEXT = (
    f"{{urn:oasis:names:tc:opendocument:xmlns:{part}:1.0}}" for part in ("office", "table", "text")
)


@dataclass(frozen=True)
class Cell:
    """What a cell shows, of what kind it is to the program, the formula it computes, and the comment on it."""

    shown: str = ""
    kind: str = ""
    formula: str = ""
    comment: str = ""


def opened(path: Path, folder: Path) -> dict[str, list[list[Cell]]]:
    """Cells by sheet, row by row, blank ones at the ends left out; `folder` takes the program's own files.

    Raises:
        RuntimeError: the program does not open the file.
    """
    assert SOFFICE is not None
    done = subprocess.run(
        [SOFFICE, "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--convert-to", "fods",
         # Comma, quote, UTF-8, and formulas computed as when a person opens the file.
         *(["--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,-1"] if path.suffix == ".csv" else []),
         "--outdir", str(folder), str(path)],
        env=os.environ | {"HOME": str(folder)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = sorted(folder.glob(f"{path.stem}*.fods"))
    if not found:
        raise RuntimeError(f"{path.name} does not open: {done.stdout}{done.stderr}")
    sheets = {}
    for file in found:
        for table in ElementTree.parse(file).iter(f"{_TABLE}table"):
            sheets[table.get(f"{_TABLE}name", "")] = _rows(table)
    return sheets


def _rows(table: ElementTree.Element) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for row in table.iter(f"{_TABLE}table-row"):
        cells: list[Cell] = []
        for cell in row:
            if cell.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                cells += [_cell(cell)] * int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        while cells and cells[-1] == Cell():
            cells.pop()
        rows += [cells] * (int(row.get(f"{_TABLE}number-rows-repeated", "1")) if cells else 1)
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _cell(cell: ElementTree.Element) -> Cell:
    comment = cell.find(f"{_OFFICE}annotation")
    return Cell(
        "\n".join("".join(line.itertext()) for line in cell.findall(f"{_TEXT}p")),
        cell.get(f"{_OFFICE}value-type", ""),
        cell.get(f"{_TABLE}formula", ""),
        "\n".join("".join(line.itertext()) for line in comment.iter(f"{_TEXT}p"))
        if comment is not None
        else "",
    )
