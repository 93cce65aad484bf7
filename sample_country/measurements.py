"""What others measured: the ministry's field tests, tiles in Ookla's form, cells in OpenCelliD's.

Belongs here: tests, tiles and cells drawn about the claims, and their slips. Does not belong here: which claims are
true (`evidence`). All of it is invented, over a real geography too.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pyogrio
import shapely

from sample_country.evidence import SITES_FROM, TESTS_FROM, around, is_placed, mobile_claims
from sample_country.faults import Fault, duplicates, mixed_in, overwritten
from sample_country.filing import Filing
from sample_country.inbox import Injected
from sample_country.periods import quarter_of, tag
from sample_country.rollout import FIXED
from sample_country.writers import text_bytes, zipped

MINISTRY, OOKLA, OPENCELLID = "sample_ministry", "sample_ookla", "sample_opencellid"
_FAULTS_ON = dt.date(2025, 12, 31)
# Share of places that a quarter's campaign visits; where 4G is not there people have complained, so it goes there more.
_VISITED = {"city": 0.4, "village": 0.035}
_VISITED_UNTRUE = 0.3
_FEWEST_TESTS, _MOST_TESTS = 5, 9
_TEST_KM = 1.0
_SUCCEEDS, _SUCCEEDS_UNTRUE, _WEAK, _SUCCEEDS_WEAK = 0.97, 0.05, 0.1, 0.7
_TILED = {"mobile": 0.2, "fixed": 0.35}
_HEARD = 0.3
_RADIO = {"2g": "GSM", "3g": "UMTS", "4g": "LTE", "5g": "NR"}
# Network codes that nobody has been given in Kazakhstan.
_NETWORK = {"arman_mobile": 91, "sayran_cell": 92}
_ZOOM = 16


# --- Field tests ----------------------------------------------------------------------------------------------------


def _visits(filing: Filing, day: dt.date) -> pl.DataFrame:
    """What a quarter's campaign tests: one row per operator, place and technology, the best one and any 4G below it."""
    claims = mobile_claims(filing, day).filter(pl.col("connection_level") >= 2)
    places = filing.country.places
    draw = pl.DataFrame(
        {"place": places["place"], "draw": filing.rng(63, day.toordinal(), 1).random(len(places))}
    )
    is_best = pl.col("technology") == pl.col("technology").max().over("operator_id", "place")
    chance = pl.col("kind").replace_strict(_VISITED, default=0.0)
    untrue_here = (~pl.col("is_true")).any().over("place")
    return (
        claims.join(draw, on="place", maintain_order="left")
        .filter(pl.col("draw") < pl.when(untrue_here).then(_VISITED_UNTRUE).otherwise(chance))
        .filter(is_best | (pl.col("technology") == "4g"))
    )


def _tests(filing: Filing, day: dt.date) -> pl.DataFrame:
    rng = filing.rng(63, day.toordinal(), 2)
    visits = _visits(filing, day)
    count = pl.Series("n", rng.integers(_FEWEST_TESTS, _MOST_TESTS + 1, len(visits)))
    weak = pl.Series("weak", rng.random(len(visits)) < _WEAK)
    on = pl.Series("day", rng.integers(1, 88, len(visits)))
    tests = visits.with_columns(pl.int_ranges(0, count).alias("n"), weak, on).explode("n")
    size = len(tests)
    chance = (
        pl.when(~pl.col("is_true"))
        .then(_SUCCEEDS_UNTRUE)
        .when("weak")
        .then(_SUCCEEDS_WEAK)
        .otherwise(_SUCCEEDS)
    )
    part, up = pl.Series(rng.uniform(0.5, 1.0, size)), pl.Series(rng.uniform(0.1, 0.4, size))
    signal, delay = pl.Series(rng.normal(-95, 8, size)), pl.Series(rng.gamma(4, 12, size) + 12)
    return (
        around(tests, pl.lit(_TEST_KM), rng)
        .with_columns(success=pl.Series(rng.random(size)) < chance)
        .with_columns(
            down=pl.when("success").then((pl.col("max_download_mbps") * part).clip(0.01).round(2)),
            delay=pl.when("success").then(delay.round(1)),
            signal=pl.when("success").then(signal).otherwise(signal - 25).clip(-140, -50).round(0),
        )
        .with_columns(up=(pl.col("down") * up).round(2))
        .select(
            "operator_id", "technology", "latitude", "longitude", "signal", "down", "up", "delay", "success",
            tested_on=pl.lit(_quarter_start(day)) + pl.duration(days="day"),
            test_id=pl.format("{}-{}", pl.lit(tag(day)), pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6)),
        )
    )  # fmt: skip


def _quarter_start(day: dt.date) -> dt.date:
    return dt.date(day.year, 3 * quarter_of(day) - 2, 1)


def _comma(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.replace(".", ",", literal=True).alias(column)


def _tests_text(tests: pl.DataFrame) -> pl.DataFrame:
    return tests.select(
        pl.col("operator_id").alias("operator"),
        "test_id",
        pl.col("tested_on").dt.strftime("%d.%m.%Y").alias("date"),
        "technology",
        _comma("latitude"),
        _comma("longitude"),
        _comma("signal").alias("signal_dbm"),
        _comma("down").alias("download_mbps"),
        _comma("up").alias("upload_mbps"),
        _comma("delay").alias("latency_ms"),
        pl.when("success").then(pl.lit("да")).otherwise(pl.lit("нет")).alias("success"),
    )


def _test_faults(filing: Filing, day: dt.date, tests: pl.DataFrame, table: pl.DataFrame) -> list[Fault]:
    if day != _FAULTS_ON:
        return []
    spare = _tests_text(
        tests.filter("success", pl.col("longitude") > 60, pl.col("technology") == "4g").head(6)
    ).with_columns(test_id=pl.format("spare-{}", pl.int_range(pl.len())))
    swapped = spare[2:3].with_columns(latitude=pl.col("longitude"), longitude=pl.col("latitude"))
    return [
        Fault("impossible_speed", overwritten(spare[:2], {"download_mbps": "23400"}), "download_mbps"),
        Fault("coordinates_swapped", swapped, "latitude"),
        Fault("outside_country", overwritten(spare[3:4], {"longitude": "27,15"}), "latitude"),
        Fault("success_without_speed", overwritten(spare[4:5], {"download_mbps": None}), "is_successful"),
        Fault("tested_in_future", overwritten(spare[5:6], {"date": "14.01.2026"}), "tested_at"),
        duplicates(table, 4, filing.rng(63, day.toordinal(), 3)),
    ]


def _write_tests(filing: Filing, day: dt.date) -> None:
    tests = _tests(filing, day)
    table = _tests_text(tests)
    faults = _test_faults(filing, day, tests, table) if filing.with_faults else []
    mixed, injected = mixed_in(table, faults, filing.rng(63, day.toordinal(), 4))
    filing.inbox.add(
        f"{MINISTRY}/drive_tests_{tag(day)}.csv",
        text_bytes(mixed, encoding="utf-8", delimiter=";"),
        sender=MINISTRY,
        extract_kind="drive_tests",
        rows_accepted=len(table),
        faults=injected,
    )


# --- Tiles ----------------------------------------------------------------------------------------------------------


def _tile_columns(latitude: pl.Expr, longitude: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Column and row of the tile of zoom 16 about a position, in the web Mercator projection."""
    sine = latitude.radians().sin()
    down = 0.5 - ((1 + sine) / (1 - sine)).log() / (4 * np.pi)
    return (
        ((longitude + 180) / 360 * 2**_ZOOM).floor().cast(pl.Int64),
        (down * 2**_ZOOM).floor().cast(pl.Int64),
    )


def _quadkey(column: pl.Expr, row: pl.Expr) -> pl.Expr:
    digits = [
        ((column // 2**bit) % 2 + 2 * ((row // 2**bit) % 2)).cast(pl.String) for bit in reversed(range(_ZOOM))
    ]
    return pl.concat_str(digits)


def _square(column: int, row: int) -> shapely.Polygon:
    def corner(x: int, y: int) -> tuple[float, float]:
        north = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / 2**_ZOOM))))
        return x / 2**_ZOOM * 360 - 180, float(north)

    (west, north), (east, south) = corner(column, row), corner(column + 1, row + 1)
    return shapely.box(west, south, east, north)


def _measured_places(filing: Filing, day: dt.date, network: str) -> pl.DataFrame:
    """Places where phones or homes test: place, latitude, longitude, people and the speed that is really there."""
    if network == "mobile":
        claims = mobile_claims(filing, day).filter("is_true", pl.col("connection_level") >= 2)
    else:
        places = filing.country.places.select("place", "latitude", "longitude", people="population_2026")
        claims = filing.claims.filter(
            pl.col("as_of_date") == day, pl.col("technology").is_in(FIXED), pl.col("connection_level") >= 3
        ).join(places.drop_nulls("latitude"), on="place")
    return claims.group_by("place").agg(
        pl.first("latitude", "longitude", "people"), speed=pl.max("max_download_mbps")
    ).sort("place")  # fmt: skip


def _tiles(filing: Filing, day: dt.date, network: str) -> pl.DataFrame:
    """One row per tile: column, row, quadkey, speeds in kbit/s, latency, tests, devices."""
    stream = list(_TILED).index(network)
    places = filing.country.places
    chosen = filing.rng(64, stream, 1).random(len(places)) < _TILED[network]
    measured = _measured_places(filing, day, network).join(
        pl.DataFrame({"place": places["place"]}).filter(pl.Series(chosen)), on="place", maintain_order="left"
    )
    rng = filing.rng(64, stream, day.toordinal())
    size = len(measured)
    column, row = _tile_columns(pl.col("latitude"), pl.col("longitude"))
    speed = pl.col("speed") * 1000 * pl.Series(rng.uniform(0.3, 0.9, size))
    busy = (pl.col("people") / 400).clip(1, 300) * pl.Series(rng.uniform(0.5, 2, size))
    return (
        measured.select(column.alias("column"), row.alias("row"), speed.alias("speed"), busy.alias("busy"))
        .unique(["column", "row"], keep="first", maintain_order=True)
        .select(
            "column",
            "row",
            quadkey=_quadkey(pl.col("column"), pl.col("row")),
            avg_d_kbps=pl.col("speed").round().cast(pl.Int64),
            avg_u_kbps=(pl.col("speed") / 4).round().cast(pl.Int64),
            avg_lat_ms=(20 + pl.int_range(pl.len()) % 60).cast(pl.Int64),
            tests=(pl.col("busy") * 4).ceil().cast(pl.Int64),
            devices=(pl.col("busy") * 1.5).ceil().cast(pl.Int64),
        )
    )


def _write_tiles(filing: Filing, day: dt.date, network: str) -> None:
    tiles = _tiles(filing, day, network)
    shapes: list[shapely.Geometry | None] = [_square(x, y) for x, y in tiles.select("column", "row").rows()]
    rows = tiles.drop("column", "row")
    faults: list[Injected] = []
    if filing.with_faults and day == _FAULTS_ON:
        # A tile beyond the rows written, once without its outline and once without its key.
        lost = rows[:2].with_columns(quadkey=pl.Series(["1" + "0" * 15, None]))
        rows, shapes = pl.concat([rows, lost]), [*shapes, None, _square(0, 0)]
        faults = [
            Injected("geometry_missing", "quarantined", 1, "geometry"),
            Injected("required_missing", "quarantined", 1, "quadkey"),
        ]
    with tempfile.TemporaryDirectory() as folder:
        pyogrio.raw.write(
            Path(folder) / "tiles.shp",
            np.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], dtype=object),
            [rows[name].to_numpy() for name in rows.columns],
            fields=np.array(rows.columns),
            geometry_type="Polygon",
            crs="EPSG:4326",
            DBF_DATE_LAST_UPDATE=f"{day:%Y-%m-%d}",
            ENCODING="UTF-8",
        )
        content = zipped(Path(folder))
    filing.inbox.add(
        f"{OOKLA}/{tag(day)}_performance_{network}_tiles.zip",
        content,
        sender=OOKLA,
        extract_kind="speed_test_tiles",
        rows_accepted=len(tiles),
        faults=faults,
    )


# --- Cells ----------------------------------------------------------------------------------------------------------


def _write_cells(filing: Filing, day: dt.date) -> None:
    claims = mobile_claims(filing, day).filter("is_true", pl.col("connection_level") >= 2)
    rng = filing.rng(65, day.toordinal())
    heard = around(claims.filter(pl.Series(rng.random(len(claims)) < _HEARD)), pl.lit(1.2), rng)
    size = len(heard)
    end = (dt.datetime.combine(day, dt.time()) - dt.datetime(1970, 1, 1)).total_seconds()
    updated = end - rng.integers(1, 500, size) * 86_400
    table = heard.select(
        radio=pl.col("technology").replace_strict(_RADIO),
        mcc=pl.lit("401"),
        net=pl.col("operator_id").replace_strict(_NETWORK).cast(pl.String),
        area=(1 + pl.col("place") // 200).cast(pl.String),
        cell=(pl.col("place") * 10 + pl.col("technology").str.slice(0, 1).cast(pl.Int64)).cast(pl.String),
        unit=pl.lit(None, pl.String),
        lon=pl.col("longitude").cast(pl.String),
        lat=pl.col("latitude").cast(pl.String),
        range=pl.Series(rng.integers(300, 9000, size)).cast(pl.String),
        samples=pl.Series(rng.geometric(0.08, size)).cast(pl.String),
        changeable=pl.lit("1"),
        created=pl.Series((updated - 8e7).astype(np.int64)).cast(pl.String),
        updated=pl.Series(updated.astype(np.int64)).cast(pl.String),
        averageSignal=pl.lit("0"),
    )
    faults: list[Fault] = []
    if filing.with_faults and day == _FAULTS_ON:
        spare = table[:2].with_columns(cell=pl.format("99999{}", pl.int_range(pl.len())))
        faults = [
            Fault("outside_country", overwritten(spare[:1], {"lat": "0.0", "lon": "0.0"}), "latitude"),
            Fault("not_allowed", overwritten(spare[1:2], {"radio": "WIFI"}), "radio"),
            duplicates(table, 3, filing.rng(65, day.toordinal(), 1)),
        ]
    mixed, injected = mixed_in(table, faults, filing.rng(65, day.toordinal(), 2))
    filing.inbox.add(
        f"{OPENCELLID}/cells_{day.isoformat()}.csv",
        text_bytes(mixed, encoding="utf-8"),
        sender=OPENCELLID,
        extract_kind="cell_positions",
        rows_accepted=len(table),
        faults=injected,
    )


def write(filing: Filing) -> None:
    """Write field tests of every quarter from TESTS_FROM on; tiles and cells from SITES_FROM on."""
    if not is_placed(filing):
        return
    for day in filing.periods:
        if day >= TESTS_FROM:
            _write_tests(filing, day)
        if day >= SITES_FROM:
            for network in _TILED:
                _write_tiles(filing, day, network)
            _write_cells(filing, day)
