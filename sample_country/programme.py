"""Registers of the programme: milestones of the cable, satellites for export, government information systems.

Belongs here: what three agencies file about things that have no place, and their slips. Does not belong here:
anything about settlements. Everything is invented, buyers too: their codes are those ISO 3166 leaves to its users.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing
from sample_country.periods import PERIODS, quarter_of, tag
from sample_country.writers import Sheet, text_bytes, xlsx_bytes

MINISTRY, AEROSPACE, QAZTECH = "sample_ministry", "sample_aerospace", "sample_qaztech"
FIRST = dt.date(2024, 3, 31)
LATER = (dt.date(2026, 3, 31), dt.date(2026, 6, 30))
"""Quarters that only these registers are filed for: they bear on promises made at the beginning of 2026."""

NEW_SINCE_RULE, ON_QAZTECH, EXEMPT = 26, 21, 3
"""Systems approved since the rule took force, of them on the platform, and exempted from it."""

_RULE = dt.date(2026, 1, 1)


def register_periods(filing: Filing) -> list[dt.date]:
    """Quarter ends the registers are filed for: those asked for from FIRST on, and LATER ones after the last."""
    asked = [day for day in filing.periods if day >= FIRST]
    return [*asked, *(LATER if PERIODS[-1] in filing.periods else ())]


# --- Milestones ---------------------------------------------------------------------------------------------------

_CABLE = ("caspian_cable", "Каспий түбімен талшықты кабель / Кабель по дну Каспия (образец)")
_TRANSIT = ("transit_route", "Транзит дәлізі / Транзитный маршрут данных (образец)")
# Project, milestone, name, planned, reached (None: not yet), evidence.
_MILESTONES: list[tuple[tuple[str, str], str, str, dt.date, dt.date | None, str | None]] = [
    (_CABLE, "contract", "Договор с подрядчиком", dt.date(2024, 3, 31), dt.date(2024, 5, 17), "Договор № 17-О"),
    (_CABLE, "survey", "Изыскания на море", dt.date(2024, 9, 30), dt.date(2024, 10, 28), "Отчёт об изысканиях № 4"),
    (_CABLE, "permit", "Экологическое разрешение", dt.date(2025, 3, 31), dt.date(2025, 4, 11), "Разрешение № 112"),
    (_CABLE, "landing_aktau", "Береговая станция Актау", dt.date(2025, 10, 31), dt.date(2025, 12, 5), "Акт № 31"),
    (_CABLE, "cable_made", "Кабель изготовлен", dt.date(2025, 12, 31), dt.date(2026, 2, 20), "Протокол испытаний № 9"),
    (_CABLE, "landing_sumgait", "Береговая станция Сумгаит", dt.date(2026, 3, 31), dt.date(2026, 5, 30), "Акт № 44"),
    (_CABLE, "cable_laid", "Кабель уложен", dt.date(2026, 6, 30), None, None),
    (_CABLE, "in_service", "Ввод в эксплуатацию", dt.date(2026, 9, 30), None, None),
    (_TRANSIT, "agreement", "Соглашение операторов", dt.date(2025, 6, 30), dt.date(2025, 6, 19), "Соглашение № 2"),
    (_TRANSIT, "north_node", "Северный узел", dt.date(2026, 6, 30), None, None),
    (_TRANSIT, "south_node", "Южный узел", dt.date(2026, 12, 31), None, None),
]  # fmt: skip
# What the sender expects of what is late, by filing from that day on.
_FORECASTS = {
    "cable_made": [(dt.date(2025, 9, 30), dt.date(2026, 2, 28))],
    "landing_sumgait": [(dt.date(2025, 12, 31), dt.date(2026, 5, 31))],
    "cable_laid": [
        (dt.date(2026, 3, 31), dt.date(2026, 7, 31)),
        (dt.date(2026, 6, 30), dt.date(2026, 9, 20)),
    ],
    "in_service": [(dt.date(2026, 6, 30), dt.date(2026, 11, 15))],
}
_MOVED_SILENTLY = ("cable_laid", dt.date(2025, 9, 30), dt.date(2026, 7, 31))
_STARTED = dt.timedelta(days=400)
_MILESTONE_HEADER = [
    "№",
    "Код проекта",
    "Код этапа",
    "Жоба / Проект",
    "Кезең / Этап",
    "Жоспарлы мерзім / Плановый срок",
    "Болжам / Прогноз",
    "Нақты мерзім / Фактический срок",
    "Растайтын құжат / Подтверждающий документ",
    "Күйі / Состояние",
]


def _written(day: dt.date | None) -> str | None:
    return f"{day:%d.%m.%Y}" if day else None


def _milestone_table(filing: Filing, day: dt.date) -> pl.DataFrame:
    rows = []
    for (project, project_name), milestone, name, planned, reached, evidence in _MILESTONES:
        is_done = reached is not None and reached <= day
        moved, since, to = _MOVED_SILENTLY
        if filing.with_faults and milestone == moved and day >= since:
            planned = to
        expected = [date for known, date in _FORECASTS.get(milestone, []) if known <= day]
        if milestone == "south_node" and day >= LATER[0]:
            status = "Отменён"
        elif is_done:
            status = "Выполнен"
        else:
            status = "В работе" if planned - day < _STARTED else "Запланирован"
        rows.append(
            [
                None, project, milestone, project_name, name, _written(planned),
                _written(expected[-1]) if expected and not is_done else None,
                _written(reached) if is_done else None, evidence if is_done else None, status,
            ]
        )  # fmt: skip
    return pl.DataFrame(rows, schema=dict.fromkeys(_MILESTONE_HEADER, pl.String), orient="row")


def _milestone_faults(day: dt.date, table: pl.DataFrame) -> list[Fault]:
    def extra(milestone: str, **cells: str | None) -> pl.DataFrame:
        named = {
            "code": _MILESTONE_HEADER[2],
            "actual": _MILESTONE_HEADER[7],
            "evidence": _MILESTONE_HEADER[8],
        }
        named |= {"planned": _MILESTONE_HEADER[5], "status": _MILESTONE_HEADER[9]}
        return overwritten(
            table[:1], {named[key]: text for key, text in {"code": milestone, **cells}.items()}
        )

    done = {"actual": _written(day - dt.timedelta(days=20)), "status": "Выполнен"}
    match (day.year, day.month):
        case (2024, 9):
            return [Fault("not_a_date", extra("spare_depot", planned="II квартал 2025"), "planned_date")]
        case (2025, 6):
            return [
                Fault("actual_without_evidence", extra("spare_depot", evidence=None, **done), "actual_date")
            ]
        case (2025, 12):
            ahead = {**done, "actual": _written(day + dt.timedelta(days=45)), "evidence": "Акт № 0"}
            return [Fault("actual_date_in_future", extra("spare_depot", **ahead), "actual_date")]
        case (2026, 3):
            open_end = {"actual": None, "evidence": None, "status": "Выполнен"}
            return [Fault("status_contradicts_actual_date", extra("spare_depot", **open_end), "status")]
        case (2026, 6):
            return [
                Fault("actual_without_evidence", extra("spare_depot", evidence=None, **done), "actual_date"),
                Fault("actual_without_evidence", extra("spare_ship", evidence=None, **done), "actual_date"),
            ]
        case _:
            return []


def _write_milestones(filing: Filing, day: dt.date) -> None:
    table = _milestone_table(filing, day)
    faults = _milestone_faults(day, table) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(33, day.toordinal()))
    mixed = mixed.with_columns(pl.int_range(1, pl.len() + 1).cast(pl.String).alias(_MILESTONE_HEADER[0]))
    sheet = Sheet(
        "Кезеңдер-Этапы",
        [
            ["Инфрақұрылым жобаларының кезеңдері (үлгі) / Этапы инфраструктурных проектов (образец)"],
            [f"{day:%d.%m.%Y} жағдай бойынша / по состоянию на {day:%d.%m.%Y}"],
            [],
            _MILESTONE_HEADER,
        ],
        mixed,
        [
            [],
            [
                "Жауапты орындаушы / Ответственный исполнитель:",
                None,
                None,
                "Үлгі қызметкер / Образцовый сотрудник",
            ],
        ],
        frozenset({_MILESTONE_HEADER[0]}),
        ["A1:J1", "A2:J2"],
        (6, 18, 18, 44, 30, 16, 16, 16, 30, 16),
    )
    filing.inbox.add(
        f"{MINISTRY}/projects/milestones_{day.year}q{quarter_of(day)}.xlsx",
        xlsx_bytes([sheet]),
        sender=MINISTRY,
        extract_kind="infrastructure_milestones",
        rows_accepted=len(table),
        faults=injected,
    )


# --- Satellites ---------------------------------------------------------------------------------------------------

_KZT_PER_USD = {
    (2024, 3): 446.78, (2024, 6): 471.46, (2024, 9): 481.19, (2024, 12): 525.11, (2025, 3): 503.42,
    (2025, 6): 519.64, (2025, 9): 549.07, (2025, 12): 505.53, (2026, 3): 498.25, (2026, 6): 512.4,
}  # fmt: skip
# Contract, buyer, satellites, price, currency, signed, deliveries, payments (each with the part of the price).
_EXPORTS: list[tuple[str, str, int, int, str, dt.date, list[dt.date], list[tuple[dt.date, float]]]] = [
    (
        "EO-1", "XA", 2, 14_250_000_000, "KZT", dt.date(2024, 8, 20), [dt.date(2025, 11, 27), dt.date(2026, 5, 14)],
        [(dt.date(2024, 10, 1), 0.3), (dt.date(2025, 12, 10), 0.35), (dt.date(2026, 6, 3), 0.25)],
    ),
    ("EO-2", "XB", 1, 13_500_000, "USD", dt.date(2025, 3, 12), [], [(dt.date(2025, 5, 5), 0.4)]),
    ("EO-3", "XC", 2, 24_800_000, "USD", dt.date(2026, 2, 9), [], [(dt.date(2026, 4, 1), 0.2)]),
]  # fmt: skip
_IN_TALKS = ("EO-4", "XD", 1, 9_000_000, "USD", dt.date(2025, 9, 1))
_CANCELLED = ("EO-5", "XE", 1, 6_900_000_000, "KZT", dt.date(2024, 6, 3), dt.date(2025, 2, 1))
_EXPORT_HEADER = [
    "Договор", "Страна покупателя", "КА по договору, шт.", "КА передано, шт.", "Сумма договора", "Поступило",
    "Валюта", "Курс к доллару США", "Дата курса", "Состояние", "Примечание",
]  # fmt: skip


def _money(value: float) -> str:
    """A sum as the agency writes it: thousands apart by a non-breaking space, a comma before the cents."""
    return f"{value:,.2f}".replace(",", "\u00a0").replace(".", ",")


def _export_row(
    contract: str, buyer: str, satellites: int, price: float, currency: str, day: dt.date,
    *, delivered: int = 0, received: float = 0.0, status: str, note: str | None = None,
) -> list[str | None]:  # fmt: skip
    rate = str(_KZT_PER_USD[day.year, day.month]).replace(".", ",") if currency == "KZT" else "-"
    rate_date = f"{day:%d.%m.%Y}" if currency == "KZT" else "-"
    sums = [_money(price), _money(received), currency, rate, rate_date]
    return [contract, buyer, str(satellites), str(delivered), *sums, status, note]


def _export_table(day: dt.date) -> pl.DataFrame:
    rows = []
    for contract, buyer, satellites, price, currency, signed, deliveries, payments in _EXPORTS:
        if signed > day:
            continue
        delivered = sum(date <= day for date in deliveries)
        received = price * sum(part for date, part in payments if date <= day)
        status = "передача" if delivered else "подписан"
        rows.append(
            _export_row(
                contract,
                buyer,
                satellites,
                price,
                currency,
                day,
                delivered=delivered,
                received=received,
                status=status,
            )
        )
    if _IN_TALKS[5] <= day:
        rows.append(_export_row(*_IN_TALKS[:5], day, status="переговоры"))
    if _CANCELLED[5] <= day:
        is_over = _CANCELLED[6] <= day
        note = "расторгнут до оплаты" if is_over else None
        rows.append(
            _export_row(*_CANCELLED[:5], day, status="расторгнут" if is_over else "подписан", note=note)
        )
    return pl.DataFrame(rows, schema=dict.fromkeys(_EXPORT_HEADER, pl.String), orient="row")


def _export_faults(day: dt.date) -> list[Fault]:
    def one(contract: str, **cells: str) -> pl.DataFrame:
        row = _export_row(contract, "XF", 1, 5_000_000_000, "KZT", day, status="подписан")
        frame = pl.DataFrame([row], schema=dict.fromkeys(_EXPORT_HEADER, pl.String), orient="row")
        names = {"delivered": 3, "rate": 7, "rate_date": 8}
        return overwritten(frame, {_EXPORT_HEADER[names[key]]: text for key, text in cells.items()})

    match (day.year, day.month):
        case (2025, 9):
            return [Fault("rate_without_date", one("EO-92", rate_date="-"), "usd_rate_date")]
        case (2025, 12):
            return [Fault("delivered_beyond_contract", one("EO-93", delivered="2"), "satellites_delivered")]
        case (2026, 3):
            return [Fault("rate_date_in_future", one("EO-94", rate_date="01.07.2026"), "usd_rate_date")]
        case (2026, 6):
            return [Fault("currency_without_rate", one("EO-95", rate="-", rate_date="-"), "usd_rate")]
        case _:
            return []


def _write_exports(filing: Filing, day: dt.date) -> None:
    table = _export_table(day)
    if table.is_empty():
        return
    faults = _export_faults(day) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(34, day.toordinal()))
    filing.inbox.add(
        f"{AEROSPACE}/export_{tag(day)}.csv",
        text_bytes(mixed, encoding="cp1251", delimiter=";"),
        sender=AEROSPACE,
        extract_kind="satellite_exports",
        rows_accepted=len(table),
        faults=injected,
    )


# --- Government systems -------------------------------------------------------------------------------------------

_AGENCIES = [
    "Министерство образцов", "Министерство примеров", "Комитет учёта образцов", "Агентство выборок",
    "Министерство заготовок", "Комитет черновиков", "Акимат области Образцовая", "Бюро макетов",
]  # fmt: skip
_THINGS = [
    "Реестр лицензий", "Учёт субсидий", "Портал обращений", "Электронный архив", "Кадровый учёт", "Мониторинг закупок",
    "Реестр договоров", "Учёт имущества", "Расписание приёма", "Единая отчётность", "Контроль поручений",
    "Учёт проверок", "Реестр разрешений", "Карта объектов", "Учёт обучающихся", "Журнал событий",
]  # fmt: skip
_BEFORE_RULE = 92
_FILED_TWICE = ("GS-0093", "GS-0095")
_SYSTEM_HEADER = ["system_id", "name_ru", "agency", "approved_on", "platform", "exempt", "exemption"]


def _systems(filing: Filing) -> pl.DataFrame:
    """Every system as it truly is, with the day it was approved."""
    rng = filing.rng(35)
    rows = []
    for number in range(_BEFORE_RULE + NEW_SINCE_RULE):
        agency = _AGENCIES[number % len(_AGENCIES)]
        # Sixteen things at eight agencies give every system a name of its own.
        name = f"ИС «{_THINGS[(number + number // len(_AGENCIES)) % len(_THINGS)]}»"
        if number >= len(_THINGS) * len(_AGENCIES) // 2:
            name = f"{name[:-1]} {2 + number // (len(_THINGS) * len(_AGENCIES) // 2)}.0»"
        new = number - _BEFORE_RULE
        if new < 0:
            approved = dt.date(2023, 1, 9) + dt.timedelta(days=int(rng.integers(0, 1080)))
            platform = "QazTech" if rng.random() < (0.05, 0.2, 0.5)[approved.year - 2023] else "own"
        else:
            approved = _RULE + dt.timedelta(days=5 + 6 * new)
            platform = "QazTech" if new % 5 != 3 else "own"
        is_exempt = new >= 0 and platform != "QazTech" and new // 5 < EXEMPT
        reason = f"Решение комиссии по цифровизации № {new + 1} (образец)" if is_exempt else None
        rows.append(
            [
                f"GS-{number + 1:04}",
                name,
                agency,
                str(approved),
                platform,
                "yes" if is_exempt else "no",
                reason,
            ]
        )
    return pl.DataFrame(rows, schema=dict.fromkeys(_SYSTEM_HEADER, pl.String), orient="row")


def _twice(table: pl.DataFrame) -> pl.DataFrame:
    """A system under a second id and another spelling, and one under a misspelt name: rows good in themselves."""
    first, second = (table.filter(pl.col("system_id") == number) for number in _FILED_TWICE)
    return pl.concat(
        [
            overwritten(first, {"system_id": "GS-2001"}).with_columns(
                pl.col("name_ru").str.replace("ИС «", 'ИС  "').str.replace("»", '"')
            ),
            overwritten(second, {"system_id": "GS-2002"}).with_columns(
                pl.col("name_ru").str.replace("и", "е")
            ),
        ]
    )


def _system_faults(filing: Filing, day: dt.date, table: pl.DataFrame) -> list[Fault]:
    def extra(count: int, **cells: str | None) -> pl.DataFrame:
        rows = overwritten(table[:count], cells)
        return rows.with_columns(system_id=pl.format("GS-9{}", pl.int_range(100, 100 + count)))

    match (day.year, day.month):
        case (2024, 6):
            return [Fault("value_not_mapped", extra(1, platform="мейнфрейм"), "platform")]
        case (2025, 6):
            return [duplicates(table, 3, filing.rng(36, day.toordinal()))]
        case (2025, 12):
            return [
                Fault(
                    "approval_in_future",
                    extra(2, approved_on=str(day + dt.timedelta(days=30))),
                    "approval_date",
                )
            ]
        case (2026, 6):
            return [
                Fault(
                    "exemption_without_reason",
                    extra(1, platform="own", exempt="yes", exemption=None),
                    "is_exempt",
                ),
                Fault("approval_in_future", extra(1, approved_on="2026-09-01"), "approval_date"),
            ]
        case _:
            return []


def _write_systems(filing: Filing, day: dt.date, truth: pl.DataFrame) -> None:
    table = truth.filter(pl.col("approved_on") <= str(day))
    if filing.with_faults and day >= LATER[0]:
        table = pl.concat([table, _twice(table)])
    faults = _system_faults(filing, day, table) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(37, day.toordinal()))
    filing.inbox.add(
        f"{QAZTECH}/systems_{tag(day)}.csv",
        text_bytes(mixed, encoding="utf-8"),
        sender=QAZTECH,
        extract_kind="government_systems",
        rows_accepted=len(table),
        faults=injected,
    )


def write(filing: Filing) -> None:
    """Write the three registers for every quarter that they are filed for."""
    truth = _systems(filing)
    for day in register_periods(filing):
        _write_milestones(filing, day)
        _write_exports(filing, day)
        _write_systems(filing, day, truth)
