"""Arman Mobile: 2G to 5G, a workbook with a cover, title rows, a merged bilingual header and totals.

Belongs here: this operator's format and slips. Does not belong here: what its network is (`rollout`).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing, book, rounded, spare_rows, whole
from sample_country.inbox import Injected
from sample_country.periods import quarter_of
from sample_country.writers import Sheet, xlsx_bytes

SENDER = "sample_arman"
OPERATOR = "arman_mobile"

_TECHNOLOGY = {"2g": "2G (GSM)", "3g": "3G (UMTS)", "4g": "4G (LTE)", "5g": "5G (NR)"}
_SHEETS = {"2G-3G": ["2g", "3g"], "4G-5G": ["4g", "5g"]}
_COLUMNS = ["number", "region", "district", "settlement", "kato", "technology", "level", "down", "up"]
_HEADER = [
    [
        "№",
        "Облыс / Область",
        "Аудан / Район",
        "Елді мекен / Населённый пункт",
        "КАТО",
        "Технология",
        "Қосылу деңгейі / Уровень подключения",
        "Жылдамдық, Мбит/с / Скорость, Мбит/с",
        None,
    ],
    [None] * 7 + ["қабылдау / загрузка", "беру / отдача"],
]
_MERGED = ["A1:I1", "A2:I2", *(f"{letter}4:{letter}5" for letter in "ABCDEFG"), "H4:I4"]
_NUMERIC = frozenset({"number", "level", "down", "up"})


def _text(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        pl.lit(None, pl.String).alias("number"),
        "region",
        "district",
        "settlement",
        "kato",
        pl.col("technology").replace_strict(_TECHNOLOGY),
        whole("connection_level").alias("level"),
        rounded("max_download_mbps").alias("down"),
        rounded("max_upload_mbps").alias("up"),
    )


def _faults(filing: Filing, day: dt.date, sheet: str, table: pl.DataFrame) -> list[Fault]:
    if sheet == "2G-3G":
        return (
            [duplicates(table, 12, filing.rng(11, day.toordinal(), 1))] if day == dt.date(2025, 9, 30) else []
        )

    def spare(count: int, start: int) -> pl.DataFrame:
        return _text(spare_rows(filing, day, "4g", count, start))

    match day:
        case dt.date(year=2024, month=6):
            return [Fault("required_missing", overwritten(spare(2, 0), {"kato": None}), "settlement_kato")]
        case dt.date(year=2024, month=12):
            return [Fault("above_maximum", overwritten(spare(2, 0), {"level": "9"}), "connection_level")]
        case dt.date(year=2025, month=3):
            return [
                Fault("value_not_mapped", overwritten(spare(2, 0), {"technology": "6G"}), "technology"),
                Fault("not_a_number", overwritten(spare(1, 2), {"down": "≈30"}), "max_download_mbps"),
            ]
        case dt.date(year=2025, month=12):
            conflict = pl.concat([spare(1, 0), overwritten(spare(1, 0), {"level": "4"})])
            return [
                Fault("key_conflict", conflict),
                Fault("not_a_number", overwritten(spare(1, 1), {"level": "бар"}), "connection_level"),
            ]
        case _:
            return []


def _sheet(filing: Filing, day: dt.date, name: str, rows: pl.DataFrame) -> tuple[Sheet, int, list[Injected]]:
    good = _text(rows)
    faults = _faults(filing, day, name, good) if filing.with_faults else []
    table, injected = mixed_in(good, faults, filing.rng(11, day.toordinal(), 2, len(name)))
    table = table.with_columns(number=pl.int_range(1, pl.len() + 1).cast(pl.String))
    if filing.with_faults:
        total = dict.fromkeys(_COLUMNS) | {"region": "Барлығы / Итого", "settlement": str(len(table))}
        table = pl.concat([table, pl.DataFrame([total], schema=table.schema)])
        injected.append(Injected("total_row", "quarantined", 1))
    head: list[list[str | None]] = [
        [f"Ұялы байланыспен қамту, {name} / Покрытие сотовой связью, {name}"],
        [f"{day:%d.%m.%Y} жағдай бойынша / по состоянию на {day:%d.%m.%Y}"],
        [],
        *_HEADER,
    ]
    foot: list[list[str | None]] = [
        [],
        [
            "Жауапты орындаушы / Ответственный исполнитель:",
            None,
            None,
            "Үлгі орындаушы / Образцовый исполнитель",
        ],
        ["Қол қойылған күні / Дата подписания:", None, None, f"{day:%d.%m.%Y}"],
    ]
    sheet = Sheet(
        name, head, table.select(_COLUMNS), foot, _NUMERIC, _MERGED, (6, 26, 24, 26, 12, 14, 12, 12, 12)
    )
    return sheet, len(good), injected


def write(filing: Filing) -> None:
    """Write the operator's workbook of every period."""
    for day in filing.periods:
        rows = book(filing, OPERATOR, day)
        cover = Sheet(
            "Титул",
            [["Арман Мобайл (үлгі оператор / образцовый оператор)"], ["Тоқсандық есеп / Квартальный отчёт"]],
            pl.DataFrame(),
        )
        sheets, accepted, injected = [cover], 0, []
        for name, technologies in _SHEETS.items():
            sheet, good, faults = _sheet(
                filing, day, name, rows.filter(pl.col("technology").is_in(technologies))
            )
            sheets.append(sheet)
            accepted += good
            injected += faults
        filing.inbox.add(
            f"{SENDER}/{day.year}/arman_{day.year}-Q{quarter_of(day)}.xlsx",
            xlsx_bytes(sheets),
            sender=SENDER,
            extract_kind="operator_availability",
            rows_accepted=accepted,
            faults=injected,
        )
