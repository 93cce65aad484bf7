"""Elements of stat.gov.kz: one file each. What is called CSV there is separated by tabs.

Belongs here: the path of an element, and the shape of its file. Does not belong here: fetching it.
"""

from __future__ import annotations

import csv
from pathlib import Path

from ingestion.pull.errors import ShapeChanged
from ingestion.pull.shape import compare, read_records
from ingestion.sender import StatGovElement

_RECORD = ("terms", "termNames", "periods")
_PERIOD = ("date", "value")


def element_path(api: StatGovElement) -> str:
    """The path of the element's file below the service's root; the service sends on to a static file."""
    region = "region/" if api.regional else ""
    form = "" if api.format == "xlsx" else f"{api.format}/"
    return f"api/iblock/element/{region}{api.element}/{form}file/{api.language}/"


def verify(path: Path, api: StatGovElement, where: str) -> None:
    """Look at a file before it lands.

    Raises:
        ShapeChanged: when the text's columns are not the entry's, or JSON is not as the service writes elements.
    """
    if api.format == "csv":
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as stream:
            header = next(csv.reader(stream, delimiter="\t"), [])
        compare(api.fields, header, where)
    elif api.format == "json":
        records = read_records(path.read_bytes(), where)
        if not records:
            raise ShapeChanged(f"{where}: the element holds no series")
        for record in records:
            compare(_RECORD, record, where)
            for period in record["periods"]:
                compare(_PERIOD, period, f"{where}, periods")
    elif path.open("rb").read(4) != b"PK\x03\x04":
        raise ShapeChanged(f"{where}: the file is no workbook (.xlsx)")
