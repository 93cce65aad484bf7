"""Tulpar Net: wireless and fibre in villages; an old workbook until 2023, then UTF-8 text in quotes.

Belongs here: this operator's two formats and its slips. Does not belong here: what its network is
(`rollout`).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from sample_country.faults import Fault, header_again, mixed_in, overwritten
from sample_country.filing import Filing, book, rounded, spare_rows, unknown_code, whole
from sample_country.inbox import Injected
from sample_country.periods import quarter_of
from sample_country.writers import Sheet, text_bytes, xls_bytes

SENDER = "sample_tulpar"
OPERATOR = "tulpar_net"
LAST_XLS_YEAR = 2023
SHORT_A_COLUMN = dt.date(2024, 9, 30)
"""The period whose first file lacked a column."""

_XLS_TECHNOLOGY = {"fwa": "радиодоступ", "fttp": "оптика", "cable": "коаксиал"}
_XLS_HEADER = [
    "Код КАТО",
    "Область",
    "Район",
    "Населенный пункт",
    "Технология",
    "Уровень подключения",
    "Скорость, Мбит/с",
    "Обратная скорость, Мбит/с",
    "Охват ДХ",
    "Подключено ДХ",
]
_XLS_NUMERIC = frozenset(_XLS_HEADER[5:])


def _xls_text(rows: pl.DataFrame) -> pl.DataFrame:
    values = [
        pl.col("kato"),
        pl.col("region"),
        pl.col("district"),
        pl.col("settlement"),
        pl.col("technology").replace_strict(_XLS_TECHNOLOGY),
        whole("connection_level"),
        rounded("max_download_mbps"),
        rounded("max_upload_mbps"),
        whole("households_passed"),
        whole("households_connected"),
    ]
    return rows.select(value.alias(name) for value, name in zip(values, _XLS_HEADER, strict=True))


def _csv_text(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        report_date=pl.col("as_of_date").dt.strftime("%d.%m.%Y"),
        kato_code="kato",
        region="region",
        tech=pl.col("technology").replace_strict({"fwa": "FWA", "fttp": "FTTH", "cable": "DOCSIS"}),
        connection_level=whole("connection_level"),
        down_mbps=rounded("max_download_mbps"),
        up_mbps=rounded("max_upload_mbps"),
        hh_passed=whole("households_passed"),
        hh_connected=whole("households_connected"),
        comment=pl.when(pl.col("connection_level") == 1).then(
            pl.lit("магистраль есть, сеть доступа строится")
        ),
    )


def _xls_faults(filing: Filing, day: dt.date) -> list[Fault]:
    def spare(count: int, start: int) -> pl.DataFrame:
        return _xls_text(spare_rows(filing, day, "fttp", count, start))

    if day.year == 2022:
        return [
            Fault(
                "required_missing",
                overwritten(spare(2, 0), {"Уровень подключения": None}),
                "connection_level",
            )
        ]
    if day.year == 2023:
        return [
            Fault("not_an_integer", overwritten(spare(1, 0), {"Охват ДХ": "3.5"}), "households_passed"),
            Fault("kato_unknown", overwritten(spare(1, 1), {"Код КАТО": unknown_code(7)}), "settlement_kato"),
        ]
    return []


def _csv_faults(filing: Filing, day: dt.date, table: pl.DataFrame) -> list[Fault]:
    def spare(count: int, start: int) -> pl.DataFrame:
        return _csv_text(spare_rows(filing, day, "cable", count, start))

    match day:
        case dt.date(year=2024, month=3):
            return [
                Fault("future_period", overwritten(spare(2, 0), {"report_date": "31.12.2027"}), "as_of_date")
            ]
        case dt.date(year=2024, month=6):
            codes = spare_rows(filing, day, "cable", 2, 2)["kato"].str.slice(0, 6) + "000"
            rural_district = spare(2, 2).with_columns(kato_code=codes)
            return [
                Fault("not_a_date", overwritten(spare(1, 0), {"report_date": "31.06.2024"}), "as_of_date"),
                Fault("kato_wrong_level", rural_district, "settlement_kato"),
            ]
        case dt.date(year=2025, month=6):
            return [
                header_again(table),
                Fault("not_an_integer", overwritten(spare(1, 0), {"hh_passed": "3.5"}), "households_passed"),
                Fault(
                    "required_missing",
                    overwritten(spare(2, 1), {"connection_level": None}),
                    "connection_level",
                ),
            ]
        case dt.date(year=2025, month=12):
            return [
                Fault("future_period", overwritten(spare(1, 0), {"report_date": "31.12.2027"}), "as_of_date"),
                Fault(
                    "above_maximum", overwritten(spare(1, 1), {"connection_level": "100"}), "connection_level"
                ),
                Fault("value_not_mapped", overwritten(spare(1, 2), {"tech": "WiMAX"}), "technology"),
            ]
        case _:
            return []


def _write_xls(filing: Filing, day: dt.date) -> None:
    table = _xls_text(book(filing, OPERATOR, day))
    faults = _xls_faults(filing, day) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(13, day.toordinal()))
    if filing.with_faults:
        total = dict.fromkeys(_XLS_HEADER) | {
            "Область": "Итого",
            "Охват ДХ": str(table["Охват ДХ"].cast(pl.Int64).sum()),
        }
        mixed = pl.concat([mixed, pl.DataFrame([total], schema=mixed.schema)])
        injected.append(Injected("total_row", "quarantined", 1))
    sheet = Sheet(
        "Отчет",
        [[f"Отчет о подключении населенных пунктов на {day:%d.%m.%Y}"], [], _XLS_HEADER],
        mixed,
        [[], ["Исполнитель: образцовый отдел"]],
        _XLS_NUMERIC,
    )
    filing.inbox.add(
        f"{SENDER}/tulpar_{day.year}q{quarter_of(day)}.xls",
        xls_bytes([sheet]),
        sender=SENDER,
        extract_kind="operator_availability",
        rows_accepted=len(table),
        faults=injected,
    )


def _write_csv(filing: Filing, day: dt.date) -> None:
    table = _csv_text(book(filing, OPERATOR, day))
    faults = _csv_faults(filing, day, table) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(13, day.toordinal()))
    stem = f"{SENDER}/tulpar-{day.year}-q{quarter_of(day)}"
    name = f"{stem}.csv"
    if filing.with_faults and day == SHORT_A_COLUMN:
        short = text_bytes(table.drop("kato_code"), encoding="utf-8-sig", quote_all=True)
        filing.inbox.add(
            name,
            short,
            sender=SENDER,
            extract_kind="operator_availability",
            outcome="rejected",
            is_current=False,
            rule="missing_column",
        )
        name = f"{stem}_rev2.csv"
    content = text_bytes(mixed, encoding="utf-8-sig", quote_all=True)
    filing.inbox.add(
        name,
        content,
        sender=SENDER,
        extract_kind="operator_availability",
        rows_accepted=len(table),
        faults=injected,
    )


def write(filing: Filing) -> None:
    """Write the operator's file of every period, in the format it had then."""
    for day in filing.periods:
        if day.year <= LAST_XLS_YEAR:
            _write_xls(filing, day)
        else:
            _write_csv(filing, day)
