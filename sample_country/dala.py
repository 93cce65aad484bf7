"""Dala Telecom: fixed networks, a cp1251 file with semicolons by settlement, and a plain file by address.

Belongs here: this operator's formats and slips. Does not belong here: what its network is (`rollout`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl

from sample_country.addresses import Allocation, write_addresses
from sample_country.faults import Fault, duplicates, header_again, mixed_in, overwritten
from sample_country.filing import (
    Filing,
    book,
    grouped,
    plain_rows,
    rounded,
    spare_rows,
    stamped,
    unknown_code,
    whole,
)
from sample_country.inbox import Injected
from sample_country.writers import text_bytes

SENDER = "sample_dala"
OPERATOR = "dala_telecom"
CORRECTED = dt.date(2025, 6, 30)
"""The period that was filed wrong and resubmitted."""

_TECHNOLOGY = {"fttp": "ВОЛС (FTTH)", "dsl": "xDSL", "cable": "КТВ"}
_REGION, _DISTRICT, _NAME, _KATO = "Область", "Район", "Населённый пункт", "КАТО"
_TECH, _LEVEL = "Технология", "Уровень"
_DOWN, _UP = "Скорость загрузки, кбит/с", "Скорость отдачи, Мбит/с"
_PASSED, _CONNECTED, _NOTE = "Охвачено домохозяйств", "Подключено домохозяйств", "Примечание"


def _text(rows: pl.DataFrame) -> pl.DataFrame:
    # The old code page has no Kazakh letters beyond і.
    plain = [
        pl.col(c).str.replace_many(list("ӘәҒғҚқҢңӨөҰұҮүҺһ"), list("АаГгКкНнОоУуУуХх"))
        for c in ("region", "district", "settlement")
    ]
    return rows.with_columns(plain).select(
        pl.col("region").alias(_REGION),
        pl.col("district").alias(_DISTRICT),
        pl.col("settlement").alias(_NAME),
        pl.col("kato").alias(_KATO),
        pl.col("technology").replace_strict(_TECHNOLOGY).alias(_TECH),
        whole("connection_level").alias(_LEVEL),
        grouped("kbps").alias(_DOWN),
        rounded("max_upload_mbps").str.replace(".", ",", literal=True).alias(_UP),
        grouped("households_passed").alias(_PASSED),
        grouped("households_connected").alias(_CONNECTED),
        pl.when(pl.col("connection_level") == 0).then(pl.lit("нет сети")).alias(_NOTE),
    )


def _kbps(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(kbps=(pl.col("max_download_mbps") * 1000).round().cast(pl.Int64))


def _faults(filing: Filing, day: dt.date, table: pl.DataFrame) -> list[Fault]:
    rng = filing.rng(10, day.toordinal(), 1)

    def spare(count: int, start: int) -> pl.DataFrame:
        return _text(_kbps(spare_rows(filing, day, "cable", count, start)))

    total = pl.DataFrame({name: [None] * 3 for name in table.columns}, schema=table.schema)
    made: dict[dt.date, Callable[[], list[Fault]]] = {
        dt.date(2022, 12, 31): lambda: [
            Fault("total_row", overwritten(total, {_REGION: "Итого по области", _PASSED: "12\u00a0480"})),
        ],
        dt.date(2023, 12, 31): lambda: [
            Fault("below_minimum", overwritten(spare(2, 0), {_DOWN: "-1"}), "max_download_mbps"),
            Fault("value_not_mapped", overwritten(spare(2, 2), {_TECH: "PON-Х"}), "technology"),
        ],
        dt.date(2024, 3, 31): lambda: [
            Fault("not_a_number", overwritten(spare(2, 0), {_UP: "до 100"}), "max_upload_mbps"),
            Fault("not_a_number", overwritten(spare(1, 2), {_PASSED: "сто двадцать"}), "households_passed"),
        ],
        dt.date(2024, 6, 30): lambda: [duplicates(table, 25, rng), header_again(table)],
        dt.date(2024, 9, 30): lambda: [
            Fault(
                "kato_unknown",
                _with_codes(spare(3, 0), [unknown_code(i) for i in range(3)]),
                "settlement_kato",
            ),
        ],
        dt.date(2024, 12, 31): lambda: [
            Fault("kato_region_mismatch", _in_other_region(spare(2, 0)), "settlement_kato"),
            Fault(
                "above_maximum",
                overwritten(spare(1, 2), {_PASSED: "4\u00a0000\u00a0000"}),
                "households_passed",
            ),
        ],
        dt.date(2025, 3, 31): lambda: [
            Fault("key_conflict", pl.concat([spare(2, 0), overwritten(spare(2, 0), {_LEVEL: "3"})])),
        ],
        dt.date(2025, 9, 30): lambda: (
            [
                Fault(
                    "kato_retired", _with_codes(spare(2, 0), filing.country.retired[:2]), "settlement_kato"
                ),
            ]
            if filing.country.retired
            else []
        ),
        dt.date(2025, 12, 31): lambda: [
            duplicates(table, 10, rng),
            Fault("below_minimum", overwritten(spare(1, 0), {_DOWN: "-1"}), "max_download_mbps"),
            Fault("above_maximum", overwritten(spare(1, 1), {_LEVEL: "6"}), "connection_level"),
            Fault(
                "total_row",
                overwritten(total[:1], {_REGION: "ВСЕГО по республике", _PASSED: "5\u00a0148\u00a0143"}),
            ),
        ],
    }
    return made[day]() if day in made else []


def _with_codes(rows: pl.DataFrame, codes: list[str]) -> pl.DataFrame:
    return rows.with_columns(pl.Series(_KATO, codes))


def _in_other_region(rows: pl.DataFrame) -> pl.DataFrame:
    other = (
        pl.when(pl.col(_KATO).str.starts_with("55"))
        .then(pl.lit("Костанайская область"))
        .otherwise(pl.lit("Павлодарская область"))
    )
    return rows.with_columns(other.alias(_REGION))


def _settlement_file(filing: Filing, day: dt.date, rows: pl.DataFrame) -> None:
    table = _text(_kbps(rows))
    faults = _faults(filing, day, table) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(10, day.toordinal(), 2))
    extra = None
    if filing.with_faults and day == dt.date(2024, 9, 30):
        extra = "Павлодарская область;не указан;с.Жана;;ВОЛС (FTTH);2"
        injected.append(Injected("wrong_field_count", "quarantined", 1))
    content = text_bytes(mixed, encoding="cp1251", delimiter=";", extra_line=extra)
    path = f"{SENDER}/{stamped('availability', day, '.csv')}"
    if filing.with_faults and day == CORRECTED:
        _first_attempt(filing, day, table, path)
        path = f"{SENDER}/{stamped('availability', day, '_rev2.csv')}"
    filing.inbox.add(
        path,
        content,
        sender=SENDER,
        extract_kind="operator_availability",
        rows_accepted=len(table),
        faults=injected,
    )


def _first_attempt(filing: Filing, day: dt.date, table: pl.DataFrame, path: str) -> None:
    """The filing as it came first: villages claimed that have no network yet, and others left out."""
    rng = filing.rng(10, day.toordinal(), 3)
    claimed = filing.claims.filter(pl.col("as_of_date") == day)["place"].unique()
    idle = filing.country.places.filter("is_programme", ~pl.col("place").is_in(claimed.implode())).head(35)
    invented = _text(_kbps(plain_rows(filing, idle, day, "fttp")))
    kept = table[sorted(rng.choice(len(table), size=len(table) - 60, replace=False).tolist())]
    wrong = pl.concat([kept, invented])
    filing.inbox.add(
        path,
        text_bytes(wrong, encoding="cp1251", delimiter=";"),
        sender=SENDER,
        extract_kind="operator_availability",
        rows_accepted=len(wrong),
        is_current=False,
    )


def write(filing: Filing, addresses: dict[dt.date, Allocation]) -> None:
    """Write every filing of the operator: by settlement, and by address where `addresses` says so.

    What is filed by address is left out of the filing by settlement of the same date.
    """
    for day in filing.periods:
        rows = book(filing, OPERATOR, day)
        allocation = addresses.get(day)
        if allocation is not None:
            rows = rows.join(
                allocation.rows.select("place", "technology"), on=["place", "technology"], how="anti"
            )
            write_addresses(filing, day, allocation)
        _settlement_file(filing, day, rows)
