"""Base stations as three operators list them: a workbook, points in GeoJSON, and quoted text.

Belongs here: where the stations of the claims stand, and these operators' formats and slips. Does not belong here:
which claims are true (`evidence`). Over a real geography the stations are still invented, about the real places.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

import numpy as np
import polars as pl
import shapely

from sample_country import roads
from sample_country.evidence import SITES_FROM, around, is_placed, mobile_claims
from sample_country.faults import Fault, mixed_in, overwritten
from sample_country.filing import Filing, whole
from sample_country.inbox import Injected
from sample_country.periods import quarter_of, tag
from sample_country.urban import sites_with_5g
from sample_country.writers import Sheet, text_bytes, xlsx_bytes

ARMAN, SAYRAN, TULPAR = "sample_arman", "sample_sayran", "sample_tulpar"
_SENDERS = {"arman_mobile": ARMAN, "sayran_cell": SAYRAN}
_FAULTS_ON = dt.date(2025, 12, 31)
_STANDARD = {"2g": "GSM", "3g": "UMTS", "4g": "LTE", "5g": "NR"}
_BAND = {"2g": 900, "3g": 2100, "4g": 800, "5g": 3500}
_PEOPLE_PER_SITE, _MOST_SITES = 25_000, 60
_VILLAGE_KM, _PEOPLE_PER_KM2 = 0.8, 4_500


def stations(filing: Filing, operator_id: str, day: dt.date) -> pl.DataFrame:
    """An operator's stations on a day: one row per site and technology, in that order.

    Columns: site_id, technology, band_mhz, latitude, longitude, licensed_date, on_air_date (null while under
    construction), environment. Cities have a site for so many people, villages one; 5G stands on some of a city's.
    """
    claims = mobile_claims(filing, day).filter(pl.col("operator_id") == operator_id, "is_true", "is_listed")
    places = claims.unique("place", keep="first", maintain_order=True).select(
        "place", "kind", "people", "latitude", "longitude"
    )
    # All draws are by place and number of the site, so that a station stands where it stood the quarter before.
    count = pl.when(pl.col("kind") == "city").then(
        (pl.col("people") // _PEOPLE_PER_SITE + 1).clip(1, _MOST_SITES)
    )
    every = filing.country.places.select("place", "kind", "latitude", "longitude", people="population_2026")
    sites = (
        every.with_columns(number=pl.int_ranges(0, count.otherwise(1)))
        .explode("number")
        .drop_nulls("latitude")
    )
    city_km = (pl.col("people") / _PEOPLE_PER_KM2 / np.pi).sqrt()
    stream = list(_SENDERS).index(operator_id)
    sites = around(
        sites,
        pl.when(pl.col("kind") == "city").then(city_km).otherwise(_VILLAGE_KM),
        filing.rng(62, stream, 1),
    )
    rng = filing.rng(62, stream, 2)
    sites = (
        sites.with_columns(
            pl.Series("age", rng.integers(0, 4600, len(sites))),
            pl.Series("waited", rng.integers(20, 150, len(sites))),
        )
        .with_columns(
            built=pl.lit(dt.date(2011, 3, 1)) + pl.duration(days="age"),
            site_id=pl.format("{}-{}-{}", pl.lit(operator_id[:2].upper()), "place", "number"),
            of=pl.len().over("place"),
        )
        .join(places.select("place"), on="place", how="semi")
    )
    rows = sites.join(claims.select("place", "technology", "connection_level"), on="place")
    since = sites_with_5g(operator_id, pl.col("of"), pl.col("number"))
    is_5g = pl.col("technology") == "5g"
    on_air = pl.when(is_5g).then(since).otherwise(pl.col("built"))
    rows = rows.filter(~is_5g | (since <= day)).with_columns(on_air=on_air)
    return rows.select(
        "site_id",
        "technology",
        band_mhz=pl.col("technology").replace_strict(_BAND),
        latitude="latitude",
        longitude="longitude",
        licensed_date=pl.col("on_air") - pl.duration(days="waited"),
        on_air_date=pl.when(pl.col("connection_level") >= 2).then("on_air"),
        environment=pl.when((pl.col("number") > 0) & (pl.col("number") % 7 == 0))
        .then(pl.lit("micro"))
        .otherwise(pl.lit("macro")),
    ).sort("site_id", "technology")


def _spare(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """Rows to be spoilt, of stations that nobody has, east of where latitudes and longitudes overlap."""
    return (
        rows.filter(pl.col("longitude") > 60, pl.col("on_air_date").is_not_null())
        .head(count)
        .with_columns(site_id=pl.format("XX-{}", pl.int_range(pl.len())))
    )


def _before_licence(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(licensed_date=pl.col("on_air_date") + pl.duration(days=30))


def _swapped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(latitude=pl.col("longitude"), longitude=pl.col("latitude"))


# --- Arman ----------------------------------------------------------------------------------------------------------

_ARMAN_HEADER = [
    "№", "Станция нөмірі / Номер станции", "Стандарт", "Диапазон, МГц", "Ендік / Широта", "Бойлық / Долгота",
    "Рұқсат күні / Дата разрешения", "Іске қосу күні / Дата запуска", "Түрі / Тип",
]  # fmt: skip
_ARMAN_COLUMNS = ["number", "site", "standard", "band", "latitude", "longitude", "licensed", "on_air", "kind"]


def _arman_text(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        pl.lit(None, pl.String).alias("number"),
        pl.col("site_id").alias("site"),
        pl.col("technology").replace_strict(_STANDARD).alias("standard"),
        whole("band_mhz").alias("band"),
        pl.col("latitude").cast(pl.String),
        pl.col("longitude").cast(pl.String),
        pl.col("licensed_date").dt.strftime("%d.%m.%Y").alias("licensed"),
        pl.col("on_air_date").dt.strftime("%d.%m.%Y").alias("on_air"),
        pl.col("environment").replace_strict({"macro": "макро", "micro": "микро"}).alias("kind"),
    )


def _arman_faults(day: dt.date, rows: pl.DataFrame) -> list[Fault]:
    if day != _FAULTS_ON:
        return []
    spare = _spare(rows, 4)
    abroad = _arman_text(spare[3:4])
    return [
        Fault("on_air_before_licensed", _arman_text(_before_licence(spare[:2])), "on_air_date"),
        Fault("coordinates_swapped", _arman_text(_swapped(spare[2:3])), "latitude"),
        Fault(
            "outside_country", overwritten(abroad, {"latitude": "55.75", "longitude": "37.62"}), "latitude"
        ),
    ]


def _write_arman(filing: Filing, day: dt.date) -> None:
    rows = stations(filing, "arman_mobile", day)
    good = _arman_text(rows)
    faults = _arman_faults(day, rows) if filing.with_faults else []
    table, injected = mixed_in(good, faults, filing.rng(62, day.toordinal(), 3))
    table = table.with_columns(number=pl.int_range(1, pl.len() + 1).cast(pl.String))
    head: list[list[str | None]] = [
        ["Базалық станциялар тізбесі / Перечень базовых станций"],
        [f"{day:%d.%m.%Y} жағдай бойынша / по состоянию на {day:%d.%m.%Y}"],
        [],
        list(_ARMAN_HEADER),
    ]
    sheet = Sheet(
        "БС",
        head,
        table.select(_ARMAN_COLUMNS),
        numeric=frozenset({"number", "band", "latitude", "longitude"}),
    )
    filing.inbox.add(
        f"{ARMAN}/{day.year}/stations_{day.year}-Q{quarter_of(day)}.xlsx",
        xlsx_bytes([sheet]),
        sender=ARMAN,
        extract_kind="operator_sites",
        rows_accepted=len(good),
        faults=injected,
    )


# --- Sayran ---------------------------------------------------------------------------------------------------------


def _feature(row: dict[str, object]) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {
            "site": row["site_id"], "rat": row["rat"], "band": row["band_mhz"], "licensed": row["licensed"],
            "on_air": row["on_air"], "kind": row["environment"],
        },
        "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
    }  # fmt: skip


def _write_sayran(filing: Filing, day: dt.date) -> None:
    rows = stations(filing, "sayran_cell", day)
    spoilt: Sequence[pl.DataFrame] = []
    faults: list[Injected] = []
    if filing.with_faults and day == _FAULTS_ON:
        spare = _spare(rows, 2)
        spoilt = [_before_licence(spare[:1]), _swapped(spare[1:])]
        faults = [
            Injected("on_air_before_licensed", "quarantined", 1, "on_air_date"),
            Injected("coordinates_swapped", "quarantined", 1, "latitude"),
        ]
    written = pl.concat([rows, *spoilt]).with_columns(
        rat=pl.col("technology").replace_strict(_STANDARD),
        licensed=pl.col("licensed_date").cast(pl.String),
        on_air=pl.col("on_air_date").cast(pl.String),
    )
    document = {
        "type": "FeatureCollection",
        "name": "sites",
        "features": [_feature(row) for row in written.to_dicts()],
    }
    filing.inbox.add(
        f"{SAYRAN}/sayran_sites_{tag(day)}.geojson",
        (json.dumps(document, ensure_ascii=False) + "\n").encode(),
        sender=SAYRAN,
        extract_kind="operator_sites",
        rows_accepted=len(rows),
        faults=faults,
    )


# --- Tulpar ---------------------------------------------------------------------------------------------------------


def _write_tulpar(filing: Filing, day: dt.date) -> None:
    """This operator has stations along roads only: one in the middle of each stretch it covers."""
    middles = [
        shapely.point_on_surface(part)
        for area in roads.tulpar_areas(filing, day)
        for part in shapely.get_parts(area.geometry)
    ]
    if not middles:
        return
    # Named and dated by where it stands: a stretch that grows has its station in another place.
    at = [(round(point.x * 1e4), round(point.y * 1e4)) for point in middles]
    built = [dt.date(2022, 1, 10) + dt.timedelta(days=(x + y) % 900) for x, y in at]
    table = pl.DataFrame(
        {
            "site": [f"TU-{x}-{y}" for x, y in at],
            "tech": ["LTE"] * len(middles),
            "band_mhz": ["800"] * len(middles),
            "lat": [f"{point.y:.5f}" for point in middles],
            "lon": [f"{point.x:.5f}" for point in middles],
            "licensed": [f"{on - dt.timedelta(days=60):%d.%m.%Y}" for on in built],
            "on_air": [f"{on:%d.%m.%Y}" for on in built],
            "kind": ["macro"] * len(middles),
        }
    )
    filing.inbox.add(
        f"{TULPAR}/tulpar-sites-{day.year}-q{quarter_of(day)}.csv",
        text_bytes(table, encoding="utf-8-sig", quote_all=True),
        sender=TULPAR,
        extract_kind="operator_sites",
        rows_accepted=len(table),
    )


def write(filing: Filing) -> None:
    """Write the lists of every quarter from SITES_FROM on."""
    if not is_placed(filing):
        return
    for day in filing.periods:
        if day >= SITES_FROM:
            _write_arman(filing, day)
            _write_sayran(filing, day)
            _write_tulpar(filing, day)
