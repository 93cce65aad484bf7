"""The ministry: the plan of rural connection, and a few statements and targets of its own.

Belongs here: the ministry's files and slips. Does not belong here: the programme's real statements and
targets, which are seeds of the dbt project; those written here are invented and say so in their ids.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing, named, unknown_code
from sample_country.periods import census_for, quarter_of
from sample_country.rollout import FIXED
from sample_country.writers import Sheet, text_bytes, xlsx_bytes

SENDER = "sample_ministry"
PLANNED_2026 = 1_900
PLANNED_2027 = 1_100
PLANNED_SHARE = 0.965
"""Part of a village's homes that the plan means to make connectable."""
DISPUTED = 12
"""Villages that the plan calls connected and no operator does, and as many the other way round."""

_LAST_XLSM = dt.date(2024, 3, 31)
_HEADER = [
    "№",
    "Облыс / Область",
    "Аудан / Район",
    "Елді мекен / Населённый пункт",
    "КАТО",
    "Технология",
    "Деңгей / Уровень",
    "Жоспарлы мерзім / Плановый срок",
    "Нақты мерзім / Фактический срок",
    "Мердігер / Подрядчик",
    "Үй шаруашылықтары / Домохозяйств по плану",
    "Қамтылды / Охвачено домохозяйств",
    "Тапсырыс мүмкін / Доступно к заказу",
    "Қосылды / Подключено домохозяйств",
]
_CONTRACTORS = ["ТОО «Үлгі Құрылыс»", "ТОО «Образец-Телеком»", "ТОО «Талшық Монтаж»", "АО «Sample Networks»"]
_TECHNOLOGY = {"fttp": "ВОЛС", "fwa": "Радиодоступ (FWA)", "leo_satellite": "Спутник (LEO)"}


def _first_seen(filing: Filing, technologies: tuple[str, ...], name: str) -> pl.DataFrame:
    """First period with level 1 or more, for places that still have it at the last: place, `name`."""
    return (
        filing.claims.filter(pl.col("technology").is_in(technologies), pl.col("connection_level") >= 1)
        .group_by("place")
        .agg(pl.col("as_of_date").min().alias(name), until=pl.col("as_of_date").max())
        .filter(pl.col("until") == filing.periods[-1])
        .drop("until")
    )


def _quarter_end(day: pl.Expr) -> pl.Expr:
    return day.dt.truncate("1q").dt.offset_by("1q").dt.offset_by("-1d")


def plan(filing: Filing) -> pl.DataFrame:
    """The plan as it truly stands at the last period: one row per programme village, in the order of `place`.

    Columns: place, technology, planned_level, planned_date, actual_date (null while not connected),
    contractor, planned_households (null by satellite).
    """
    rng = filing.rng(30)
    first, last = filing.periods[0], filing.periods[-1]
    homes = pl.col(f"households_{census_for(last).year}").alias("households")
    villages = filing.country.places.filter("is_programme").select("place", homes).sort("place")
    count = len(villages)
    wireless = filing.claims.filter(pl.col("technology") == "fwa")["place"].unique()
    frame = (
        villages.join(_first_seen(filing, FIXED, "fixed_on"), on="place", how="left", maintain_order="left")
        .join(
            _first_seen(filing, ("leo_satellite",), "orbit_on"), on="place", how="left", maintain_order="left"
        )
        .with_columns(orbit_on=pl.when(pl.col("fixed_on").is_null()).then("orbit_on"))
        .with_columns(
            is_open=pl.col("fixed_on").is_null() & pl.col("orbit_on").is_null(),
            lot=pl.Series(rng.permutation(count)),
            days_before=pl.Series(rng.integers(5, 85, count)),
            years_before=pl.Series(rng.integers(30, 1200, count)),
            slip=pl.Series(rng.integers(0, 120, count)),
            quarter=pl.Series(rng.integers(1, 5, count)),
            planned_level=pl.Series(np.where(rng.random(count) < 0.35, 2, 1)),
            contractor=pl.Series([_CONTRACTORS[i] for i in rng.integers(0, len(_CONTRACTORS), count)]),
        )
        .with_columns(
            turn=pl.when("is_open").then(pl.col("lot").rank("ordinal").over("is_open")),
            # A village connected lately, by lot: the plan has not heard of some.
            unheard=pl.col("lot").rank("ordinal").over(pl.col("fixed_on") > first) <= DISPUTED,
        )
    )
    # The day of connection lies in the months before the first filing that shows it; what the very first filing
    # shows was built in the years before.
    before = pl.when(pl.col("fixed_on") == first).then("years_before").otherwise("days_before")
    fixed_actual = pl.col("fixed_on") - pl.duration(days=before)
    planned_year = pl.when(pl.col("turn") <= PLANNED_2026).then(2026).otherwise(2027)
    planned_quarter = pl.when(pl.col("turn") <= PLANNED_2026 + PLANNED_2027).then("quarter").otherwise(4)
    overclaimed = pl.col("turn") <= DISPUTED
    unheard = pl.col("unheard") & (pl.col("fixed_on") > first)
    return frame.select(
        "place",
        technology=pl.when(pl.col("orbit_on").is_not_null())
        .then(pl.lit("leo_satellite"))
        .when(pl.col("is_open"))
        .then(
            pl.when(pl.col("turn") <= PLANNED_2026 + PLANNED_2027)
            .then(pl.lit("fttp"))
            .otherwise(pl.lit("fwa"))
        )
        .when(pl.col("place").is_in(wireless.implode()))
        .then(pl.lit("fwa"))
        .otherwise(pl.lit("fttp")),
        planned_level="planned_level",
        planned_date=pl.when("is_open")
        .then(_quarter_end(pl.date(planned_year, planned_quarter * 3, 1)))
        .otherwise(_quarter_end(pl.coalesce(fixed_actual, "orbit_on") - pl.duration(days="slip"))),
        actual_date=pl.when(overclaimed)
        .then(pl.lit(last) - pl.duration(days="days_before"))
        .when(~unheard | pl.col("fixed_on").is_null())
        .then(pl.coalesce(fixed_actual, "orbit_on")),
        contractor="contractor",
        planned_households=pl.when(pl.col("orbit_on").is_null()).then(
            (pl.col("households") * PLANNED_SHARE).floor().cast(pl.Int64)
        ),
    )


def _homes(filing: Filing, day: dt.date) -> pl.DataFrame:
    """Homes that fixed networks reach on a day by operators: place, technology, passed, orderable, connected."""
    homes = pl.col("households_passed")
    return (
        filing.claims.filter(pl.col("as_of_date") == day, pl.col("technology").is_in(FIXED))
        .group_by("place", "technology")
        .agg(
            passed=homes.max(),
            orderable=pl.when(pl.col("connection_level") >= 3).then(homes).otherwise(0).max(),
            connected=pl.col("households_connected").max(),
        )
    )


def _plan_table(filing: Filing, day: dt.date, truth: pl.DataFrame) -> pl.DataFrame:
    """The plan's table as it stood on a day: what was connected later is still open."""
    places = named(filing.country.places.filter("is_programme"), day, is_real=filing.country.is_real)
    rows = truth.join(places, on="place", how="left").join(
        _homes(filing, day), on=["place", "technology"], how="left"
    )
    rows = rows.sort("kato")
    is_done = (pl.col("actual_date") <= day) & (pl.col("technology") != "leo_satellite")
    return rows.select(
        pl.lit(None, pl.String).alias(_HEADER[0]),
        pl.col("region").alias(_HEADER[1]),
        pl.col("district").alias(_HEADER[2]),
        pl.col("settlement").alias(_HEADER[3]),
        pl.col("kato").alias(_HEADER[4]),
        pl.col("technology").replace_strict(_TECHNOLOGY).alias(_HEADER[5]),
        pl.col("planned_level").cast(pl.String).alias(_HEADER[6]),
        pl.col("planned_date").dt.to_string("%d.%m.%Y").alias(_HEADER[7]),
        pl.when(pl.col("actual_date") <= day)
        .then(pl.col("actual_date").dt.to_string("%d.%m.%Y"))
        .alias(_HEADER[8]),
        pl.col("contractor").alias(_HEADER[9]),
        pl.col("planned_households").cast(pl.String).alias(_HEADER[10]),
        *(
            pl.when(is_done).then(pl.col(name).fill_null(0).cast(pl.String)).alias(_HEADER[number])
            for number, name in enumerate(("passed", "orderable", "connected"), start=11)
        ),
    )


def _plan_faults(filing: Filing, day: dt.date, table: pl.DataFrame) -> list[Fault]:
    spare = filing.country.places.filter("is_spare")
    codes = named(spare, day, is_real=filing.country.is_real)

    def rows(count: int, start: int) -> pl.DataFrame:
        some = codes.slice(start, count)
        return table[:count].with_columns(
            some["region"].alias(_HEADER[1]),
            some["district"].alias(_HEADER[2]),
            some["settlement"].alias(_HEADER[3]),
            some["kato"].alias(_HEADER[4]),
        )

    match day:
        case dt.date(year=2024, month=6):
            return [Fault("not_a_date", overwritten(rows(2, 0), {_HEADER[7]: "31.02.2026"}), "planned_date")]
        case dt.date(year=2024, month=12):
            return [
                Fault("value_not_mapped", overwritten(rows(2, 0), {_HEADER[5]: "почта"}), "technology"),
                duplicates(table, 6, filing.rng(31, day.toordinal())),
            ]
        case dt.date(year=2025, month=6):
            return [
                Fault(
                    "kato_unknown", overwritten(rows(2, 0), {_HEADER[4]: unknown_code(8)}), "settlement_kato"
                )
            ]
        case dt.date(year=2025, month=12):
            mismatch = rows(2, 0).with_columns(
                pl.when(pl.col(_HEADER[4]).str.starts_with("59"))
                .then(pl.lit("Жамбылская область"))
                .otherwise(pl.lit("Северо-Казахстанская область"))
                .alias(_HEADER[1])
            )
            return [
                Fault("kato_region_mismatch", mismatch, "settlement_kato"),
                Fault("above_maximum", overwritten(rows(1, 2), {_HEADER[6]: "12"}), "planned_level"),
            ]
        case _:
            return []


def _write_plan(filing: Filing, day: dt.date, truth: pl.DataFrame) -> None:
    table = _plan_table(filing, day, truth)
    faults = _plan_faults(filing, day, table) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(32, day.toordinal()))
    mixed = mixed.with_columns(pl.int_range(1, pl.len() + 1).cast(pl.String).alias(_HEADER[0]))
    sheet = Sheet(
        "Жоспар-План",
        [
            ["Ауылдарды қосу жоспары (үлгі) / План подключения сельских населённых пунктов (образец)"],
            [f"{day:%d.%m.%Y} жағдай бойынша / по состоянию на {day:%d.%m.%Y}"],
            [],
            _HEADER,
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
        frozenset({_HEADER[0], _HEADER[6], *_HEADER[10:]}),
        ["A1:N1", "A2:N2"],
        (6, 26, 24, 26, 12, 18, 10, 16, 16, 26, 14, 14, 14, 14),
    )
    is_xlsm = day <= _LAST_XLSM
    filing.inbox.add(
        f"{SENDER}/plan/plan_{day.year}q{quarter_of(day)}.{'xlsm' if is_xlsm else 'xlsx'}",
        xlsx_bytes([sheet], macro_enabled=is_xlsm),
        sender=SENDER,
        extract_kind="rural_connection_plan",
        rows_accepted=len(table),
        faults=injected,
    )


STATEMENTS = [
    {
        "statement_id": "sample_4g_population_2024",
        "system": "S3",
        "quote": "Sample statement: at the end of 2024 over 90 percent of the people live where there is 4G.",
        "speaker": "Sample spokesperson",
        "stated_at": "2025-02-10",
        "as_of_date": "2024-12-31",
        "metric_id": "population_covered_pct",
        "kato": "000000000",
        "area_type": "all",
        "technology": "4g",
        "qualifier": ">=",
        "stated_value": "90",
        "unit": "%",
        "source_url": "https://example.org/sample/statements/1",
    },
    {
        "statement_id": "sample_villages_4g_2025",
        "system": "S3",
        "quote": "Sample statement: 4G works in 3,300 villages.",
        "speaker": "Sample spokesperson",
        "stated_at": "2026-01-15",
        "as_of_date": "2025-12-31",
        "metric_id": "settlements_mobile_covered",
        "kato": "000000000",
        "area_type": "rural",
        "technology": "4g",
        "qualifier": "=",
        "stated_value": "3300",
        "unit": "settlements",
        "source_url": "https://example.org/sample/statements/2",
    },
]

TARGETS = [
    {
        "target_id": "sample_villages_4g_2026",
        "system": "S3",
        "metric_id": "settlements_mobile_covered",
        "kato": "000000000",
        "area_type": "rural",
        "technology": "4g",
        "target_value": "3951",
        "unit": "settlements",
        "due_date": "2026-12-31",
        "source_url": "https://example.org/sample/targets/1",
    },
    {
        "target_id": "sample_local_network_2027",
        "system": "S2",
        "metric_id": "settlements_connected",
        "kato": "000000000",
        "area_type": "rural",
        "technology": "level_2",
        "target_value": "4786",
        "unit": "settlements",
        "due_date": "2027-12-31",
        "source_url": "https://example.org/sample/targets/2",
    },
]


def write(filing: Filing) -> None:
    """Write a plan for every period, and the sample statements and targets."""
    if filing.periods:
        truth = plan(filing)
        for day in filing.periods:
            _write_plan(filing, day, truth)
    for kind, rows in (("public_statements", STATEMENTS), ("programme_targets", TARGETS)):
        filing.inbox.add(
            f"{SENDER}/sample_{kind}.csv",
            text_bytes(pl.DataFrame(rows), encoding="utf-8"),
            sender=SENDER,
            extract_kind=kind,
            rows_accepted=len(rows),
        )
