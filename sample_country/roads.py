"""Highways and the areas that two operators say they cover inside a vehicle, with what one of them covers outdoors.

Belongs here: invented roads between the invented country's cities, the ministry's list of them, and areas drawn along
roads, invented or real. Does not belong here: coverage of settlements (`rollout`). Everything is invented but, over a
real geography, the roads: these are in the real inbox already, so no list of them is written.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyogrio
import shapely
from pyproj import Geod, Transformer
from shapely.ops import substring

from sample_country.country import Country, Road
from sample_country.filing import Filing
from sample_country.inbox import Injected
from sample_country.periods import quarter_of, tag
from sample_country.street import settlement_areas
from sample_country.urban import city_areas
from sample_country.writers import zipped

MINISTRY, ARMAN, TULPAR = "sample_ministry", "sample_arman", "sample_tulpar"
FIRST = dt.date(2024, 12, 31)
"""First quarter that areas are filed for."""

_LISTS = (dt.date(2024, 12, 31), dt.date(2025, 12, 31))
_ELLIPSOID = Geod(ellps="WGS84")
_UTM = "EPSG:32642"
_REPUBLICAN, _OBLAST = 9, 6
# A road bends every so many kilometres, and lies within so many degrees of the straight line.
_BEND_KM, _SWAY = 12.0, 0.05
_CARRIAGEWAYS_APART = 0.0003
# Halves of the width of an area along a road, in degrees.
_REACH = {"2g": 0.04, "3g": 0.035, "4g": 0.03}
# Share of the road's stretches covered in the first quarter, and more in each following one.
_SHARES = {
    ARMAN: {"2g": (0.80, 0.015), "3g": (0.62, 0.01), "4g": (0.42, 0.03)},
    TULPAR: {"4g": (0.24, 0.025)},
}
_LEAST_STRETCH_KM, _MOST_STRETCH_KM = 6.0, 40.0
_SPEED = {"2g": None, "3g": 1.0, "4g": 5.0}


@dataclass(frozen=True)
class _Area:
    area_id: str
    technology: str
    environment: str
    min_download_mbps: float | None
    geometry: shapely.Geometry


def _bent(ends: list[tuple[float, float]], rng: np.random.Generator) -> shapely.LineString:
    """A line between two places that sways about the straight one."""
    (x0, y0), (x1, y1) = ends
    _, _, metres = _ELLIPSOID.inv(x0, y0, x1, y1)
    count = max(3, round(metres / 1000 / _BEND_KM))
    along = np.linspace(0, 1, count + 1)
    sway = rng.normal(0, 1, count + 1).cumsum()
    sway -= np.linspace(sway[0], sway[-1], count + 1)
    sway *= _SWAY / max(1.0, float(np.abs(sway).max()))
    across = np.array([-(y1 - y0), x1 - x0]) / np.hypot(x1 - x0, y1 - y0)
    points = np.outer(1 - along, [x0, y0]) + np.outer(along, [x1, y1]) + np.outer(sway, across)
    return shapely.LineString(points.round(6))


def _pairs(cities: pl.DataFrame) -> list[tuple[int, int]]:
    """Cities joined into one net by the shortest roads, the shortest first."""
    at = cities.select(pl.col("longitude") * np.cos(np.radians(48)), "latitude").to_numpy()
    apart = np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1))
    joined, found = {0}, []
    while len(joined) < len(at):
        rest = [i for i in range(len(at)) if i not in joined]
        one, other = min(((a, b) for a in sorted(joined) for b in rest), key=lambda pair: apart[pair])
        joined.add(other)
        found.append((one, other))
    return sorted(found, key=lambda pair: apart[pair])


def invented(country: Country, seed: int) -> list[Road]:
    """A few roads: between centres of regions (republican), and from a centre to another town (oblast)."""
    rng = np.random.default_rng([seed, 41])
    cities = country.places.filter(pl.col("kind") == "city").sort("kato")
    centres = cities.filter("is_centre") if cities["is_centre"].any() else cities.head(20)
    rows, towns = centres.to_dicts(), cities.filter(~pl.col("is_centre")).to_dicts()
    ends = [(rows[a], rows[b], "republican") for a, b in _pairs(centres)[-_REPUBLICAN:]]
    for row in rows:
        inside = [town for town in towns if town["region_kato"] == row["region_kato"]]
        if inside and len(ends) < _REPUBLICAN + _OBLAST:
            ends.append((row, inside[-1], "oblast"))
    roads = []
    for number, (one, other, road_class) in enumerate(ends, 1):
        line = _bent([(p["longitude"], p["latitude"]) for p in (one, other)], rng)
        kilometres = _ELLIPSOID.geometry_length(line) / 1000
        is_dual = number == 3
        geometry: shapely.Geometry = line
        if is_dual:
            second = shapely.transform(line, lambda at: (at + np.array([0, _CARRIAGEWAYS_APART]))[::-1])
            geometry = shapely.MultiLineString([line, second])
        roads.append(
            Road(
                f"SMP{number:02}",
                f"{one['bare_ru']} - {other['bare_ru']}",
                road_class,
                round(kilometres * float(rng.uniform(0.96, 1.05)), 1),
                is_dual,
                geometry,
            )
        )
    return roads


# --- The ministry's list ------------------------------------------------------------------------------------------


def _write_list(filing: Filing, roads: list[Road], day: dt.date) -> None:
    def feature(road: Road, geometry: Any) -> dict[str, Any]:
        named = {
            "road": road.road_id,
            "name_ru": road.name,
            "class": {"republican": "республиканская", "oblast": "областная"}[road.road_class],
            "length_km": road.official_length_km,
            "dual": road.is_dual_carriageway,
        }
        return {"type": "Feature", "properties": named, "geometry": geometry}

    features = [feature(road, json.loads(shapely.to_geojson(road.geometry))) for road in roads]
    faults: list[Injected] = []
    if filing.with_faults and day == _LISTS[-1]:
        spare = Road("SMP98", "Образец - Проект", "oblast", 41.0, False, roads[0].geometry)
        features.insert(4, feature(spare, None))
        swapped = shapely.transform(roads[0].geometry, lambda at: at[:, ::-1])
        features.append(feature(spare, json.loads(shapely.to_geojson(swapped))))
        features[-1]["properties"]["road"] = "SMP99"
        faults = [
            Injected("geometry_missing", "quarantined", 1, "geometry"),
            Injected("coordinates_swapped", "quarantined", 1, "geometry"),
        ]
    document = {"type": "FeatureCollection", "name": "highways", "features": features}
    filing.inbox.add(
        f"{MINISTRY}/highways_{tag(day)}.geojson",
        (json.dumps(document, ensure_ascii=False, indent=None) + "\n").encode(),
        sender=MINISTRY,
        extract_kind="highways",
        rows_accepted=len(roads),
        faults=faults,
    )


# --- Areas along roads --------------------------------------------------------------------------------------------


def _lines(road: Road) -> list[shapely.LineString]:
    """Parts of the road that areas are drawn along: of two carriageways one."""
    parts = list(shapely.get_parts(road.geometry))
    return parts[:1] if road.is_dual_carriageway else parts


def _stretches(line: shapely.LineString, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Cuts along a line, 0 to 1, between stretches that an operator covers or not as a whole."""
    kilometres = _ELLIPSOID.geometry_length(line) / 1000
    cuts, at = [0.0], 0.0
    while at < kilometres:
        at += float(rng.uniform(_LEAST_STRETCH_KM, _MOST_STRETCH_KM))
        cuts.append(min(1.0, at / kilometres) if kilometres else 1.0)
    return np.array(cuts)


def _areas(filing: Filing, sender: str, day: dt.date) -> list[_Area]:
    """What an operator files: along every road, the stretches it has reached by the day, by technology."""
    quarters = (day.year - FIRST.year) * 4 + quarter_of(day) - quarter_of(FIRST)
    areas = []
    for number, road in enumerate(filing.country.roads):
        rng = filing.rng(42, number)
        drawn = []
        for line in _lines(road):
            cuts = _stretches(line, rng)
            # Operators build where others have built: half of the draw is common to both.
            common, own = rng.random(len(cuts)), {name: rng.random(len(cuts)) for name in _SHARES}
            drawn.append((line, cuts, (common + own[sender]) / 2))
        for technology, (share, more) in _SHARES[sender].items():
            least = _quantile(share + more * quarters)
            buffers = [
                substring(line, cuts[i], cuts[i + 1], normalized=True).buffer(_REACH[technology], quad_segs=3)
                for line, cuts, need in drawn
                for i in range(len(cuts) - 1)
                if cuts[i + 1] > cuts[i] and need[i] < least
            ]
            if buffers:
                name = f"{technology}-car-{road.road_id.lower()}"
                areas.append(
                    _Area(name, technology, "in_vehicle", _SPEED[technology], shapely.union_all(buffers))
                )
    return areas


def tulpar_areas(filing: Filing, day: dt.date) -> list[_Area]:
    """Areas along roads of the operator that has no others."""
    return _areas(filing, TULPAR, day)


def _quantile(share: float) -> float:
    """Below which value a mean of two even draws lies with a probability."""
    return (share / 2) ** 0.5 if share <= 0.5 else 1 - ((1 - share) / 2) ** 0.5


def _columns(areas: list[_Area], names: list[str]) -> dict[str, Any]:
    values: list[Any] = [
        np.array([area.area_id for area in areas], dtype=object),
        np.array([area.technology for area in areas], dtype=object),
        np.array([area.environment for area in areas], dtype=object),
        np.array([np.nan if area.min_download_mbps is None else area.min_download_mbps for area in areas]),
    ]
    return dict(zip(names, values, strict=True))


def _written(path: Path, areas: list[_Area], names: list[str], crs: str, **options: Any) -> None:
    """Features as one file; the same for the same areas, because dates of writing are given."""
    fields = _columns(areas, names)
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(shapely.multipolygons(_parts(a.geometry))) for a in areas], dtype=object),
        list(fields.values()),
        fields=np.array(list(fields)),
        geometry_type="MultiPolygon",
        crs=crs,
        **options,
    )


def _parts(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    return list(shapely.get_parts(geometry))


def _geopackage(areas: list[_Area], day: dt.date) -> bytes:
    move = Transformer.from_crs("EPSG:4326", _UTM, always_xy=True).transform
    moved = [
        _Area(
            a.area_id, {"2g": "2G", "3g": "3G", "4g": "LTE", "5g": "NR"}[a.technology], a.environment,
            a.min_download_mbps,
            shapely.set_precision(shapely.transform(a.geometry, move, interleaved=False), 1.0),
        )
        for a in areas
    ]  # fmt: skip
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{day:%Y-%m-%d}T00:00:00.000Z"})
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "coverage.gpkg"
            _written(path, moved, ["area_id", "technology", "environment", "min_down_mbps"], _UTM)
            return path.read_bytes()
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _shapefile(areas: list[_Area], day: dt.date) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "areas.shp"
        names = ["area_id", "tech", "env", "min_down"]
        _written(path, areas, names, "EPSG:4326", DBF_DATE_LAST_UPDATE=f"{day:%Y-%m-%d}", ENCODING="UTF-8")
        return zipped(path.parent)


def _tulpar_slips(day: dt.date, first: shapely.Geometry) -> tuple[list[_Area], list[Injected]]:
    """Areas that this operator draws wrongly, and what must become of them."""
    if day != dt.date(2025, 9, 30):
        return [], []
    x, y = (float(c) for c in first.centroid.coords[0])
    swapped = shapely.box(y, x, y + 0.1, x + 0.1)
    fault = Injected("coordinates_swapped", "quarantined", 1, "geometry")
    return [_Area("4g-car-spare", "4g", "in_vehicle", 5.0, swapped)], [fault]


def _crossed(first: shapely.Geometry) -> _Area:
    """A ring that crosses itself: ingestion repairs it, says so, and takes it."""
    x, y = (float(c) for c in first.centroid.coords[0])
    ring = shapely.Polygon([(x, y), (x + 0.1, y + 0.1), (x + 0.1, y), (x, y + 0.1)])
    return _Area("4g-street-spare", "4g", "outdoor", 5.0, ring)


def _write_areas(filing: Filing, day: dt.date) -> None:
    areas = _areas(filing, ARMAN, day)
    areas += [_Area(n, "5g", "outdoor", 50.0, s) for n, s in city_areas(filing, "arman_mobile", day)]
    areas += [_Area(n, "4g", "outdoor", 5.0, s) for n, s in settlement_areas(filing, "arman_mobile", day)]
    filing.inbox.add(
        f"{ARMAN}/coverage_{tag(day)}.gpkg",
        _geopackage(areas, day),
        sender=ARMAN,
        extract_kind="operator_coverage_areas",
        rows_accepted=len(areas),
    )
    areas = _areas(filing, TULPAR, day)
    if day == dt.date(2025, 12, 31):
        areas.append(_crossed(areas[0].geometry))
    faults: list[Injected] = []
    taken = len(areas)
    if filing.with_faults:
        slips, faults = _tulpar_slips(day, areas[0].geometry)
        areas = [*areas, *slips]
    filing.inbox.add(
        f"{TULPAR}/tulpar-areas-{day.year}-q{quarter_of(day)}.zip",
        _shapefile(areas, day),
        sender=TULPAR,
        extract_kind="operator_coverage_areas",
        rows_accepted=taken,
        faults=faults,
    )


def write(filing: Filing) -> None:
    """Write the list of roads of each year's end, and the areas of each quarter from FIRST on."""
    if not filing.country.roads:
        return
    for day in filing.periods:
        if day in _LISTS and not filing.country.is_real:
            _write_list(filing, filing.country.roads, day)
        if day >= FIRST:
            _write_areas(filing, day)
