"""The ministry: the plan of rural connection, and a few statements and targets of its own.

Belongs here: the ministry's files and slips. Does not belong here: the programme's real statements and targets,
which are seeds of the dbt project; those written here are invented and say so in their ids.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing, named, unknown_code
from sample_country.periods import PERIODS, quarter_of
from sample_country.rollout import FIXED
from sample_country.writers import Sheet, text_bytes, xlsx_bytes

SENDER = "sample_ministry"
PLANNED_2026 = 1_900
PLANNED_2027 = 1_100
DISPUTED = 12
"""Villages that the plan calls connected and no operator does, and as many the other way round."""

_LAST_XLSM = dt.date(2024, 3, 31)
_HEADER = [
    "№", "Облыс / Область", "Аудан / Район", "Елді мекен / Населённый пункт", "КАТО", "Технология",
    "Деңгей / Уровень", "Жоспарлы мерзім / Плановый срок", "Нақты мерзім / Фактический срок", "Мердігер / Подрядчик",
]  # fmt: skip
_CONTRACTORS = ["ТОО «Үлгі Құрылыс»", "ТОО «Образец-Телеком»", "ТОО «Талшық Монтаж»", "АО «Sample Networks»"]
_TECHNOLOGY = {"fttp": "ВОЛС", "fwa": "Радиодоступ (FWA)", "leo_satellite": "Спутник (LEO)"}


def _first_dates(filing: Filing, technologies: tuple[str, ...]) -> pl.DataFrame:
    """First period in which an operator claims level 1 or more: place, connected_on."""
    return (
        filing.claims.filter(pl.col("technology").is_in(technologies), pl.col("connection_level") >= 1)
        .group_by("place")
        .agg(connected_on=pl.col("as_of_date").min(), until=pl.col("as_of_date").max())
    )


def plan(filing: Filing) -> pl.DataFrame:
    """The plan as it truly stands: one row per programme village.

    Columns: place, technology, planned_level, planned_date, actual_date (null while not connected), contractor.
    """
    rng = filing.rng(30)
    villages = filing.country.places.filter("is_programme").select("place").sort("place")
    last = filing.periods[-1]
    fixed = _first_dates(filing, FIXED)
    wireless = filing.claims.filter(pl.col("technology") == "fwa")["place"].unique()
    satellite = filing.claims.filter(pl.col("technology") == "leo_satellite")["place"].unique()
    frame = villages.join(fixed.filter(pl.col("until") == last), on="place", how="left").with_columns(
        is_satellite=pl.col("place").is_in(satellite.implode()), is_wireless=pl.col("place").is_in(wireless.implode())
    )
    connected = frame["connected_on"].is_not_null().to_numpy()
    in_orbit = frame["is_satellite"].to_numpy() & ~connected
    count = len(frame)
    # The day of connection lies in the months before the first filing that shows it; what the first of all shows
    # was built in the years before.
    known = frame["connected_on"].fill_null(last)
    back = rng.integers(5, 85, count)
    back[(known == PERIODS[0]).to_numpy() & connected] = rng.integers(30, 1200, int(((known == PERIODS[0]).to_numpy() & connected).sum()))
    actual = known.to_numpy().astype("datetime64[D]") - back
    open_places = np.flatnonzero(~connected & ~in_orbit)
    order = rng.permutation(open_places)
    planned = np.where(connected, _quarter_end(actual - rng.integers(0, 120, count)), np.datetime64("2027-12-31"))
    planned[order[:PLANNED_2026]] = _ends(2026, rng.integers(1, 5, min(PLANNED_2026, len(order))))
    planned[order[PLANNED_2026 : PLANNED_2026 + PLANNED_2027]] = _ends(
        2027, rng.integers(1, 5, len(order[PLANNED_2026 : PLANNED_2026 + PLANNED_2027]))
    )
    orbit = frame.join(
        _first_dates(filing, ("leo_satellite",)).select("place", orbit_on="connected_on"),
        on="place", how="left", maintain_order="left",
    )["orbit_on"]
    promised = orbit.fill_null(last).to_numpy().astype("datetime64[D]") - rng.integers(0, 120, count)
    planned[in_orbit] = _quarter_end(promised)[in_orbit]
    has_actual = connected | in_orbit
    in_time = rng.permutation(np.flatnonzero(connected & (back < 85)))[:DISPUTED]
    has_actual[in_time] = False
    early = order[:DISPUTED]
    has_actual[early] = True
    actual[early] = last.toordinal() - dt.date(1970, 1, 1).toordinal() - rng.integers(5, 60, DISPUTED)
    technology = np.where(in_orbit, "leo_satellite", np.where(frame["is_wireless"].to_numpy() & connected, "fwa", "fttp"))
    technology[order[PLANNED_2026 + PLANNED_2027 :]] = "fwa"
    return frame.select(
        "place",
        technology=pl.Series(technology),
        planned_level=pl.Series(np.where(rng.random(count) < 0.35, 2, 1)),
        planned_date=pl.Series(planned).cast(pl.Date),
        actual_date=pl.when(pl.Series(has_actual))
        .then(pl.when(pl.Series(in_orbit)).then(orbit).otherwise(pl.Series(actual).cast(pl.Date))),
        contractor=pl.Series([_CONTRACTORS[i] for i in rng.integers(0, len(_CONTRACTORS), count)]),
    )  # fmt: skip


def _quarter_end(days: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    months = days.astype("datetime64[M]").astype(np.int64)
    return ((months // 3 * 3 + 3).astype("datetime64[M]").astype("datetime64[D]") - 1)


def _ends(year: int, quarters: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    months = (year - 1970) * 12 + quarters * 3
    return months.astype("datetime64[M]").astype("datetime64[D]") - 1


def _plan_table(filing: Filing, day: dt.date, truth: pl.DataFrame) -> pl.DataFrame:
    """The plan's table as it stood on a day: what was connected later is still open."""
    places = named(filing.country.places.filter("is_programme"), day, is_real=filing.country.is_real)
    rows = truth.join(places, on="place", how="left").sort("kato")
    return rows.select(
        pl.lit(None, pl.String).alias(_HEADER[0]),
        pl.col("region").alias(_HEADER[1]),
        pl.col("district").alias(_HEADER[2]),
        pl.col("settlement").alias(_HEADER[3]),
        pl.col("kato").alias(_HEADER[4]),
        pl.col("technology").replace_strict(_TECHNOLOGY).alias(_HEADER[5]),
        pl.col("planned_level").cast(pl.String).alias(_HEADER[6]),
        pl.col("planned_date").dt.to_string("%d.%m.%Y").alias(_HEADER[7]),
        pl.when(pl.col("actual_date") <= day).then(pl.col("actual_date").dt.to_string("%d.%m.%Y")).alias(_HEADER[8]),
        pl.col("contractor").alias(_HEADER[9]),
    )


def _plan_faults(filing: Filing, day: dt.date, table: pl.DataFrame) -> list[Fault]:
    spare = filing.country.places.filter("is_spare")
    codes = named(spare, day, is_real=filing.country.is_real)

    def rows(count: int, start: int) -> pl.DataFrame:
        some = codes.slice(start, count)
        return table[:count].with_columns(
            some["region"].alias(_HEADER[1]), some["district"].alias(_HEADER[2]), some["settlement"].alias(_HEADER[3]),
            some["kato"].alias(_HEADER[4]),
        )  # fmt: skip

    match day:
        case dt.date(year=2024, month=6):
            return [Fault("not_a_date", overwritten(rows(2, 0), {_HEADER[7]: "31.02.2026"}), "planned_date")]
        case dt.date(year=2024, month=12):
            return [
                Fault("value_not_mapped", overwritten(rows(2, 0), {_HEADER[5]: "почта"}), "technology"),
                duplicates(table, 6, filing.rng(31, day.toordinal())),
            ]
        case dt.date(year=2025, month=6):
            return [Fault("kato_unknown", overwritten(rows(2, 0), {_HEADER[4]: unknown_code(8)}), "settlement_kato")]
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
            ["Ауылдық елді мекендерді қосу жоспары (үлгі) / План подключения сельских населённых пунктов (образец)"],
            [f"{day:%d.%m.%Y} жағдай бойынша / по состоянию на {day:%d.%m.%Y}"],
            [],
            _HEADER,
        ],
        mixed,
        [[], ["Жауапты орындаушы / Ответственный исполнитель:", None, None, "Үлгі қызметкер / Образцовый сотрудник"]],
        frozenset({_HEADER[0], _HEADER[6]}),
        ["A1:J1", "A2:J2"],
        (6, 26, 24, 26, 12, 18, 10, 16, 16, 26),
    )
    is_xlsm = day <= _LAST_XLSM
    filing.inbox.add(
        f"{SENDER}/plan/plan_{day.year}q{quarter_of(day)}.{'xlsm' if is_xlsm else 'xlsx'}",
        xlsx_bytes([sheet], macro_enabled=is_xlsm),
        sender=SENDER, extract_kind="rural_connection_plan", rows_accepted=len(table), faults=injected,
    )  # fmt: skip


STATEMENTS = [
    {
        "statement_id": "sample_4g_population_2024", "system": "S3",
        "quote": "Sample statement: at the end of 2024 more than 90 percent of the people live where there is 4G.",
        "speaker": "Sample spokesperson", "stated_at": "2025-02-10", "as_of_date": "2024-12-31",
        "metric_id": "population_covered_pct", "kato": "000000000", "area_type": "all", "technology": "4g",
        "qualifier": ">=", "stated_value": "90", "unit": "%", "source_url": "https://example.org/sample/statements/1",
    },
    {
        "statement_id": "sample_villages_4g_2025", "system": "S3",
        "quote": "Sample statement: 4G works in 3,300 villages.",
        "speaker": "Sample spokesperson", "stated_at": "2026-01-15", "as_of_date": "2025-12-31",
        "metric_id": "settlements_mobile_covered", "kato": "000000000", "area_type": "rural", "technology": "4g",
        "qualifier": "=", "stated_value": "3300", "unit": "settlements", "source_url": "https://example.org/sample/statements/2",
    },
]  # fmt: skip

TARGETS = [
    {
        "target_id": "sample_villages_4g_2026", "system": "S3", "metric_id": "settlements_mobile_covered",
        "kato": "000000000", "area_type": "rural", "technology": "4g", "target_value": "3951", "unit": "settlements",
        "due_date": "2026-12-31", "source_url": "https://example.org/sample/targets/1",
    },
    {
        "target_id": "sample_local_network_2027", "system": "S2", "metric_id": "settlements_connected",
        "kato": "000000000", "area_type": "rural", "technology": "level_2", "target_value": "4786", "unit": "settlements",
        "due_date": "2027-12-31", "source_url": "https://example.org/sample/targets/2",
    },
]  # fmt: skip


def write(filing: Filing) -> None:
    """Write a plan for every period, and the sample statements and targets."""
    if filing.periods:
        truth = plan(filing)
        for day in filing.periods:
            _write_plan(filing, day, truth)
    for kind, rows in (("public_statements", STATEMENTS), ("programme_targets", TARGETS)):
        filing.inbox.add(
            f"{SENDER}/sample_{kind}.csv", text_bytes(pl.DataFrame(rows), encoding="utf-8"),
            sender=SENDER, extract_kind=kind, rows_accepted=len(rows),
        )  # fmt: skip
