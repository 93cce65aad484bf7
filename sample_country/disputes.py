"""Disputes of mobile coverage: the ministry's register of white spots, and complaints from its portal.

Belongs here: which claims were disputed, how far each dispute is on a day, and the two files. Does not belong here:
which claims are true (`evidence`): disputes of those that are not were upheld, of the others rejected.
"""

from __future__ import annotations

import datetime as dt

import h3
import polars as pl

from sample_country.evidence import SITES_FROM, is_placed, mobile_claims
from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing, named, unknown_code
from sample_country.periods import quarter_of, tag
from sample_country.writers import Sheet, text_bytes, xlsx_bytes

SENDER = "sample_ministry"
_UPHELD, _REJECTED = 24, 16
"""Disputes of claims that are not true, and of claims that are."""
_FIRST = dt.date(2025, 6, 2)
_EVERY, _ANSWER_WITHIN, _DECIDED_AFTER = 5, 60, 25
_NEVER_ANSWERED = 5
"""Of so many disputes one is left without an answer."""
_BY_CELL = 4
"""Of so many white spots one is told by its H3 cell."""

_SPOTS = [
    "№ обращения", "КАТО", "Ячейка H3", "Оператор", "Технология", "Состояние", "Подано", "Срок ответа", "Ответ",
    "Решение", "Суть",
]  # fmt: skip
_SPOT_STATUS = {
    "filed": "подано", "answered": "получен ответ", "upheld": "подтверждено", "rejected": "отклонено",
}  # fmt: skip
_COMPLAINTS = [
    "№", "Нөмірі / Номер", "КАТО", "Оператор", "Технология", "Күйі / Состояние", "Түскен күні / Поступила",
    "Жауап мерзімі / Ответить до", "Жауап күні / Дата ответа", "Шешім күні / Дата решения", "Мәтіні / Текст",
]  # fmt: skip
_COMPLAINT_STATUS = {
    "filed": "Жаңа / Новая", "answered": "Жауап берілді / Есть ответ", "upheld": "Расталды / Обоснована",
    "rejected": "Расталмады / Не обоснована",
}  # fmt: skip


def register(filing: Filing, day: dt.date) -> pl.DataFrame:
    """Every dispute that was filed until a day, as far as it was then, in the order they were filed.

    Columns: dispute, is_spot, place, kato, latitude, longitude, operator_id, status (filed, answered, upheld or
    rejected), filed_at, answer_due_at, answered_at, decided_at (each null until it came). All are about 4G.
    """
    claims = mobile_claims(filing, filing.periods[-1]).filter(
        pl.col("technology") == "4g", pl.col("connection_level") >= 2, pl.col("kind") == "village"
    )
    untrue, true = claims.filter(~pl.col("is_true")), claims.filter("is_true")
    chosen = pl.concat(
        [
            frame.sample(min(count, len(frame)), seed=filing.seed + number).sort("operator_id", "place")
            for number, (frame, count) in enumerate(((untrue, _UPHELD), (true, _REJECTED)))
        ]
    )
    number = pl.int_range(pl.len())
    known = named(filing.country.places, day, is_real=filing.country.is_real).select("place", "kato")
    days = chosen.sample(fraction=1.0, shuffle=True, seed=filing.seed).with_columns(
        dispute=number + 1,
        filed_at=pl.lit(_FIRST) + pl.duration(days=number * _EVERY),
    )
    answered = pl.col("filed_at") + pl.duration(days=20 + pl.col("dispute") % 30)
    is_answered = pl.col("dispute") % _NEVER_ANSWERED != 0
    return (
        days.with_columns(
            answer_due_at=pl.col("filed_at") + pl.duration(days=_ANSWER_WITHIN),
            answered_at=pl.when(is_answered & (answered <= day)).then(answered),
            decided_at=pl.when(is_answered & (answered + pl.duration(days=_DECIDED_AFTER) <= day)).then(
                answered + pl.duration(days=_DECIDED_AFTER)
            ),
        )
        .filter(pl.col("filed_at") <= day)
        .join(known, on="place", maintain_order="left")
        .select(
            "dispute", "place", "kato", "latitude", "longitude", "operator_id", "filed_at", "answer_due_at",
            "answered_at", "decided_at",
            is_spot=pl.col("dispute") % 2 == 0,
            status=pl.when(pl.col("decided_at").is_not_null())
            .then(pl.when("is_true").then(pl.lit("rejected")).otherwise(pl.lit("upheld")))
            .when(pl.col("answered_at").is_not_null())
            .then(pl.lit("answered"))
            .otherwise(pl.lit("filed")),
        )
    )  # fmt: skip


def _cells(rows: pl.DataFrame) -> pl.Series:
    found = [h3.latlng_to_cell(*position, 8) for position in rows.select("latitude", "longitude").iter_rows()]
    return pl.Series(found, dtype=pl.String)


def _write_spots(filing: Filing, day: dt.date, disputes: pl.DataFrame) -> None:
    by_cell = pl.col("dispute") % (2 * _BY_CELL) == 0
    spots = disputes.filter("is_spot").with_columns(cell=_cells(disputes.filter("is_spot")))
    told = [
        pl.format("WS-{}", pl.col("dispute").cast(pl.String).str.zfill(4)),
        pl.when(by_cell).then(pl.lit("-")).otherwise("kato"),
        pl.when(by_cell).then("cell").otherwise(pl.lit("-")),
        pl.col("operator_id"),
        pl.lit("4g"),
        pl.col("status").replace_strict(_SPOT_STATUS),
        *(
            pl.col(name).dt.strftime("%d.%m.%Y").fill_null("-")
            for name in ("filed_at", "answer_due_at", "answered_at", "decided_at")
        ),
        pl.lit("Нет связи (образец)"),
    ]
    table = spots.select(cell.alias(title) for title, cell in zip(_SPOTS, told, strict=True))
    faults = []
    if filing.with_faults:
        spare = table.head(1).with_columns(pl.lit("WS-9001").alias(_SPOTS[0]))
        faults = [
            Fault("kato_unknown", overwritten(spare, {"КАТО": unknown_code(1)}), "settlement_kato"),
            Fault(
                "dispute_without_place",
                overwritten(spare, {"КАТО": "-", "Ячейка H3": "-", _SPOTS[0]: "WS-9002"}),
                "settlement_kato",
            ),
            Fault(
                "due_before_filed",
                overwritten(spare, {"Срок ответа": "01.01.2020", _SPOTS[0]: "WS-9003"}),
                "answer_due_at",
            ),
        ]
    mixed, injected = mixed_in(table, faults, filing.rng(64, day.toordinal(), 1))
    filing.inbox.add(
        f"{SENDER}/disputes/white_spots_{tag(day)}.csv",
        text_bytes(mixed, encoding="utf-8", delimiter=";"),
        sender=SENDER,
        extract_kind="disputes",
        rows_accepted=len(table),
        faults=injected,
    )


def _write_complaints(filing: Filing, day: dt.date, disputes: pl.DataFrame) -> None:
    rng = filing.rng(64, day.toordinal(), 2)
    table = disputes.filter(~pl.col("is_spot")).select(
        pl.lit(None, pl.String).alias(_COMPLAINTS[0]),
        pl.format("J-{}", pl.col("dispute").cast(pl.String).str.zfill(4)).alias(_COMPLAINTS[1]),
        pl.col("kato").alias(_COMPLAINTS[2]),
        pl.col("operator_id").alias(_COMPLAINTS[3]),
        pl.lit("4g").alias(_COMPLAINTS[4]),
        pl.col("status").replace_strict(_COMPLAINT_STATUS).alias(_COMPLAINTS[5]),
        *(
            pl.col(name).dt.strftime("%Y-%m-%d").alias(title)
            for name, title in zip(
                ("filed_at", "answer_due_at", "answered_at", "decided_at"), _COMPLAINTS[6:10], strict=True
            )
        ),
        pl.lit("Интернет не работает (образец)").alias(_COMPLAINTS[10]),
    )
    faults = []
    if filing.with_faults:
        spare = overwritten(table.head(1), {_COMPLAINTS[1]: "J-9001", _COMPLAINTS[9]: None})
        upheld = _COMPLAINT_STATUS["upheld"]
        faults = [
            Fault("decided_without_date", overwritten(spare, {_COMPLAINTS[5]: upheld}), "status"),
            duplicates(table, 1, rng),
        ]
    mixed, injected = mixed_in(table, faults, rng)
    sheet = Sheet(
        "Шағымдар-Жалобы",
        [["Тұрғындардың шағымдары (үлгі) / Жалобы жителей (образец)"], [f"{day:%d.%m.%Y}"], _COMPLAINTS],
        mixed,
        [
            [],
            ["Жауапты орындаушы / Ответственный исполнитель:", None, "Үлгі қызметкер / Образцовый сотрудник"],
        ],
        frozenset(),
        ["A1:K1"],
        (6, 14, 14, 18, 12, 26, 16, 16, 16, 16, 40),
    )
    filing.inbox.add(
        f"{SENDER}/disputes/complaints-{day.year}-q{quarter_of(day)}.xlsx",
        xlsx_bytes([sheet]),
        sender=SENDER,
        extract_kind="disputes",
        rows_accepted=len(table),
        faults=injected,
    )


def write(filing: Filing) -> None:
    """Write both registers for every quarter from SITES_FROM on; over a geography without positions nothing."""
    if not is_placed(filing):
        return
    for day in filing.periods:
        if day >= SITES_FROM:
            disputes = register(filing, day)
            _write_spots(filing, day, disputes)
            _write_complaints(filing, day, disputes)
