"""A small geography and filings for the tests of ingestion: two regions, five villages, one operator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from ingestion.layout import Layout
from ingestion.pipeline import IngestReport, ingest
from warehouse.lake import Outcome, partition
from warehouse.paths import Home

KATO = """edition,kato,name_ru,name_kk,type_code
2022-10-17,100000000,область Абай,Абай облысы,0
2022-10-17,103200000,Абайский район,Абай ауданы,2
2022-10-17,103230000,Карааульский с.о.,Қараауыл а.о.,2
2022-10-17,103230100,с.Карааул,Қараауыл а.,2
2022-10-17,103230200,с.Чингис,Шыңғыс а.,2
2022-10-17,103230300,с.Брошенное,Тасталған а.,2
2026-07-17,100000000,область Абай,Абай облысы,0
2026-07-17,103200000,Абайский район,Абай ауданы,2
2026-07-17,103230000,Карааульский с.о.,Қараауыл а.о.,2
2026-07-17,103230100,с.Карааул,Қараауыл а.,2
2026-07-17,103230200,с.Шынгыс,Шыңғыс а.,2
2026-07-17,103230500,с.Ново-Ахмирово,Жаңа Ахмер а.,2
2026-07-17,103230600,с.Жамбыл,Жамбыл а.,2
2026-07-17,103230700,с.Жамбыл,Жамбыл а.,2
2026-07-17,103400000,Жарминский район,Жарма ауданы,2
2026-07-17,110000000,Акмолинская область,Ақмола облысы,0
2026-07-17,113200000,Аккольский район,Ақкөл ауданы,4
2026-07-17,113220100,г.Акколь,Ақкөл қ.,1
2026-07-17,750000000,г.Алматы,Алматы қ.,0
2026-07-17,751110000,Алмалинский район,Алмалы ауданы,1
"""

CHANGES = """retired_kato,current_kato,effective_from,change_type,source_url,note
632810000,103230100,2022-06-08,recoded,,the district moved to Abai
"""

HEADER = "Дата;Область;Район;Село;КАТО;Технология;Уровень;Скорость, кбит/с;Отдача;Охвачено;Подключено"
ROW = "31.12.2025;область Абай;Абайский район;с.Карааул;103230100;ВОЛС;3;100 000,0;50,5;1\u00a0140;900"

GEOGRAPHY: dict[str, Any] = {
    "layout": "test/kato",
    "sender": "test_bureau",
    "sender_title": "Test bureau",
    "extract": "kato_classifier",
    "description": "Both editions in one file.",
    "file_pattern": r"kato\.csv",
    "format": "text",
    "text": {},
    "columns": {name: {"from": name} for name in ("edition", "kato", "name_ru", "name_kk", "type_code")},
}
CHANGE_LAYOUT: dict[str, Any] = GEOGRAPHY | {
    "layout": "test/changes",
    "extract": "kato_changes",
    "file_pattern": r"changes\.csv",
    "columns": {
        name: {"from": name}
        for name in ("retired_kato", "current_kato", "effective_from", "change_type", "source_url", "note")
    },
}
FILING: dict[str, Any] = {
    "layout": "test/availability",
    "sender": "test_dala",
    "sender_title": "Test operator",
    "extract": "operator_availability",
    "description": "Windows text as an operator's billing writes it.",
    "file_pattern": r"dala_(?P<year>\d{4})q(?P<quarter>\d)(?:_rev(?P<revision>\d+))?\.csv",
    "format": "text",
    "text": {"encoding": "cp1251", "delimiter": ";", "decimal": ","},
    "null_marks": ["-", "н/д"],
    "columns": {
        "as_of_date": {"from": "Дата", "date_format": "%d.%m.%Y"},
        "operator_id": {"value": "dala_telecom"},
        "settlement_kato": {"from": "КАТО"},
        "filed_region": {"from": "Область"},
        "filed_district": {"from": "Район"},
        "filed_settlement": {"from": "Село"},
        "technology": {"from": "Технология", "map": {"ВОЛС": "fttp", "4G/LTE": "4g"}},
        "connection_level": {"from": "Уровень"},
        "max_download_mbps": {"from": "Скорость, кбит/с", "factor": 0.001},
        "max_upload_mbps": {"from": "Отдача"},
        "households_passed": {"from": "Охвачено"},
        "households_connected": {"from": "Подключено"},
    },
    "total_rows": {"column": "Область", "pattern": "(?i)итого|барлығы"},
    "resolve": {"kato": "settlement_kato", "by": ["code", "name"]},
}

# A table of people whose years stand side by side.
YEARS: dict[str, Any] = FILING | {
    "layout": "test/years",
    "extract": "population",
    "file_pattern": r"years\.csv",
    "columns": {"kato": {"from": "КАТО"}, "area_type": {"value": "all"}},
    "unpivot": [
        {
            "columns_matching": r"(?P<year>\d{4})",
            "set": {"as_of_date": "{year}-01-01"},
            "into": "population",
        }
    ],
    "absent": ["filed_region", "filed_district", "filed_settlement"],
    "total_rows": None,
    "resolve": None,
    "text": {},
}


def layout(values: dict[str, Any], **changes: Any) -> Layout:
    """A layout from plain values, with some replaced."""
    return Layout.model_validate(values | changes)


class Warehouse:
    """A home and an inbox of a test, with the layouts it knows."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.layouts = {v.layout_id: v for v in map(layout, (GEOGRAPHY, CHANGE_LAYOUT, FILING))}
        self.put("kato.csv", KATO)
        self.put("changes.csv", CHANGES)

    def put(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        """Leave a file in the inbox."""
        path = self.inbox / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def file(self, *rows: str, name: str = "dala_2025q4.csv", header: str = HEADER) -> Path:
        """Leave a filing of the operator in the inbox."""
        return self.put(name, "\r\n".join([header, *rows]) + "\r\n", "cp1251")

    def run(self) -> dict[str, Outcome]:
        """Ingest the inbox; outcomes by file name."""
        report: IngestReport = ingest(self.home, self.inbox)
        return {o.file_name: o for o in report.extracts}

    def part(self, part: str, outcome: Outcome) -> pl.DataFrame:
        """Rows of one part of one extract; empty when it has none."""
        folder = partition(self.home, part, str(outcome.extract_kind), outcome.extract_id)
        files = sorted(folder.glob("part-*.parquet"))
        return pl.read_parquet(files, hive_partitioning=False) if files else pl.DataFrame()

    def reasons(self, outcome: Outcome) -> list[tuple[int, str, str | None, str | None]]:
        """Every reason of every quarantined row: row, rule, column, value."""
        frame = self.part("quarantined", outcome)
        if frame.is_empty():
            return []
        long = frame.select("source_row", "reasons").explode("reasons").unnest("reasons")
        return long.select("source_row", "rule", "column_name", "value").rows()
