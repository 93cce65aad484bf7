"""Koktem Sat: geostationary and low-orbit satellites, plain UTF-8 text with commas.

Belongs here: this operator's format and slips. Does not belong here: what its network is (`rollout`).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from sample_country.faults import Fault, mixed_in, overwritten
from sample_country.filing import Filing, book, rounded, spare_rows, stamped, unknown_code, whole
from sample_country.writers import text_bytes

SENDER = "sample_koktem"
OPERATOR = "koktem_sat"
SENT_TWICE = dt.date(2024, 6, 30)
"""The period whose file was left a second time, byte for byte, under another name."""


def _text(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "kato",
        technology=pl.col("technology").replace_strict({"geo_satellite": "GEO", "leo_satellite": "LEO"}),
        level=whole("connection_level"),
        down_mbps=rounded("max_download_mbps"),
        up_mbps=rounded("max_upload_mbps"),
    )


def _faults(filing: Filing, day: dt.date) -> list[Fault]:
    def spare(count: int, start: int) -> pl.DataFrame:
        return _text(spare_rows(filing, day, "geo_satellite", count, start))

    match day:
        case dt.date(year=2024, month=9):
            conflict = pl.concat([spare(2, 0), overwritten(spare(2, 0), {"down_mbps": "25"})])
            return [
                Fault("key_conflict", conflict),
                Fault("kato_unknown", overwritten(spare(1, 2), {"kato": unknown_code(5)}), "settlement_kato"),
            ]
        case dt.date(year=2025, month=6):
            return [
                Fault("above_maximum", overwritten(spare(1, 0), {"down_mbps": "150000"}), "max_download_mbps")
            ]
        case dt.date(year=2025, month=12):
            return [
                Fault("key_conflict", pl.concat([spare(1, 0), overwritten(spare(1, 0), {"level": "4"})])),
                Fault("required_missing", overwritten(spare(1, 1), {"kato": None}), "settlement_kato"),
            ]
        case _:
            return []


def write(filing: Filing) -> None:
    """Write the operator's file of every period."""
    for day in filing.periods:
        table = _text(book(filing, OPERATOR, day))
        faults = _faults(filing, day) if filing.with_faults else []
        mixed, injected = mixed_in(table, faults, filing.rng(14, day.toordinal()))
        path = f"{SENDER}/{stamped('satellite', day, '.csv')}"
        content = text_bytes(mixed, encoding="utf-8")
        filing.inbox.add(
            path,
            content,
            sender=SENDER,
            extract_kind="operator_availability",
            rows_accepted=len(table),
            faults=injected,
        )
        if filing.with_faults and day == SENT_TWICE:
            filing.inbox.copy(f"{SENDER}/satellite_resent/{stamped('satellite', day, '.csv')}", path)
