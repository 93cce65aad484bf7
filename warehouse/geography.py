"""Settlements, regions, districts, highways and their gaps as files for maps: GeoJSON and GeoParquet.

Belongs here: turning positions and outlines that a release holds into features. Does not belong here: computing a
figure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyogrio.raw import write_arrow

from warehouse.exports import DUCKDB_FILE, marts_in

FOLDER = "geo"
_CRS = "EPSG:4326"
# Six decimals are eleven centimetres, less than any position here is known to.
_DECIMALS = 6


@dataclass(frozen=True)
class Layer:
    """A layer: the marts it needs, its query, its kind of geometry.

    `coordinates` names columns of longitude and latitude: one pair for a point, two for the ends of a line.
    Without them the geometry stands in `outline_wkt`.
    """

    name: str
    tables: tuple[str, ...]
    query: str
    kind: str
    coordinates: tuple[tuple[str, str], ...] = ()


_OUTLINE = "outline_wkt"


def _areas(name: str, level: str) -> Layer:
    """Areas of the map in force with their people and the shares of these that are covered, at the latest date."""
    return Layer(
        name,
        ("dim_boundary", "dim_region", "fct_coverage_by_technology"),
        f"""
        with covered as (
            select
                kato, as_of_date, max(population) as population,
                {_BY_TECHNOLOGY},
                case when count(*) filter (status = 'published') > 0 then 'published' else 'withheld' end as status,
                string_agg(distinct withheld_reason, '; ' order by withheld_reason) as withheld_reason
            from fct_coverage_by_technology
            where geography_level = '{level}' and area_type = 'all'
                and as_of_date = (select max(as_of_date) from fct_coverage_by_technology)
            group by kato, as_of_date
        )

        select
            boundaries.kato, places.parent_kato, places.name_kk, places.name_ru,
            coalesce(places.name_en, boundaries.name_en) as name_en,
            boundaries.as_of_date::varchar as boundary_as_of, covered.as_of_date::varchar as as_of_date,
            covered.population, {", ".join(f"covered.covered_{technology}_pct" for technology in _TECHNOLOGIES)},
            covered.status, covered.withheld_reason, boundaries.{_OUTLINE}
        from dim_boundary as boundaries
        left join dim_region as places on boundaries.kato = places.region_kato and places.is_current
        left join covered on boundaries.kato = covered.kato
        where boundaries.geography_level = '{level}' and boundaries.is_on_current_map
            and boundaries.as_of_date = (select max(as_of_date) from dim_boundary)
        order by boundaries.kato
        """,
        "MultiPolygon",
    )


_TECHNOLOGIES = ("2g", "3g", "4g", "5g", "fttp")
_BY_TECHNOLOGY = ", ".join(
    f"max(population_covered_pct) filter (technology = '{technology}') as covered_{technology}_pct"
    for technology in _TECHNOLOGIES
)
LAYERS = (
    _areas("regions", "region"),
    _areas("districts", "district"),
    Layer(
        "highways",
        ("dim_highway", "fct_highway_coverage"),
        f"""
        with covered as (
            select
                road_id, as_of_date, max(covered_pct) filter (technology = '3g') as covered_3g_pct,
                max(covered_pct) filter (technology = '4g') as covered_4g_pct,
                case when count(*) filter (status = 'published') > 0 then 'published' else 'withheld' end as status,
                string_agg(distinct withheld_reason, '; ' order by withheld_reason) as withheld_reason
            from fct_highway_coverage
            where operator_id = 'any' and as_of_date = (select max(as_of_date) from fct_highway_coverage)
            group by road_id, as_of_date
        )

        select
            roads.road_id, roads.road_name, roads.road_class, roads.as_of_date::varchar as road_as_of,
            roads.road_length_km, roads.denominator_source, covered.as_of_date::varchar as as_of_date,
            covered.covered_3g_pct, covered.covered_4g_pct, covered.status, covered.withheld_reason, roads.{_OUTLINE}
        from dim_highway as roads
        left join covered on roads.road_id = covered.road_id
        where roads.as_of_date = (select max(as_of_date) from dim_highway)
        order by roads.road_id
        """,
        "MultiLineString",
    ),
    Layer(
        "settlements",
        ("dim_settlement", "fct_availability"),
        """
        with served as (
            select
                settlement_kato, as_of_date,
                max(case technology when '5g' then 4 when '4g' then 3 when '3g' then 2 when '2g' then 1 end)
                    filter (where connection_level >= 2) as best_mobile,
                max(withheld_reason) filter (where connection_level is null) as withheld_reason
            from fct_availability
            where as_of_date = (select max(as_of_date) from fct_availability)
            group by settlement_kato, as_of_date
        )

        select
            places.settlement_kato, places.name_kk, places.name_ru, places.name_en, places.settlement_type,
            places.is_rural, places.is_programme, places.region_kato, places.district_kato, places.population,
            places.population_as_of::varchar as population_as_of,
            case served.best_mobile
                when 4 then '5g' when 3 then '4g' when 2 then '3g' when 1 then '2g'
            end as best_mobile,
            served.as_of_date::varchar as filed_as_of,
            case when served.withheld_reason is not null then 'withheld' else places.status end as status,
            nullif(concat_ws('; ', places.withheld_reason, served.withheld_reason), '') as withheld_reason,
            places.longitude, places.latitude
        from dim_settlement as places
        left join served on places.settlement_kato = served.settlement_kato
        where places.longitude is not null and places.latitude is not null
        order by places.settlement_kato
        """,
        "Point",
        (("longitude", "latitude"),),
    ),
    Layer(
        "highway_gaps",
        ("fct_highway_gap",),
        """
        select
            as_of_date::varchar as as_of_date, road_id, road_name, road_class, technology, gap_number, start_km, end_km,
            length_km, nearest_settlement_kato, nearest_settlement_name_ru, status, withheld_reason,
            start_longitude, start_latitude, end_longitude, end_latitude
        from fct_highway_gap
        where as_of_date = (select max(as_of_date) from fct_highway_gap)
            and start_longitude is not null and start_latitude is not null
            and end_longitude is not null and end_latitude is not null
        order by road_id, technology, gap_number
        """,
        "LineString",
        (("start_longitude", "start_latitude"), ("end_longitude", "end_latitude")),
    ),
)


def write_layers(release: Path) -> None:
    """Write `geo/<layer>.geojson` and `geo/<layer>.parquet` (GeoParquet 1.1) into a release's folder.

    One feature a settlement with a position, a region or district of the latest boundaries, a highway; one a gap of the
    latest date: the straight line between its ends, which is shorter than `length_km` of road. Every feature of sample
    data says so (`label`). A layer whose marts the release lacks, or that has no feature, has no files.

    Errors: OSError when the folder stands or cannot be written.
    """
    folder = release / FOLDER
    folder.mkdir()
    with duckdb.connect(str(release / DUCKDB_FILE), read_only=True) as connection:
        connection.execute("use marts")
        standing = marts_in(connection, Path(DUCKDB_FILE).stem)
        label = connection.execute("select label from meta_publication").fetchall()[0][0]
        for layer in LAYERS:
            if set(layer.tables) <= standing:
                rows = connection.execute(layer.query).to_arrow_table()
                if rows.num_rows:
                    labels = pa.array([label or None] * rows.num_rows, pa.string())
                    _write_layer(folder, layer, rows.append_column("label", labels))


def _write_layer(folder: Path, layer: Layer, rows: pa.Table) -> None:
    shapes = _shapes(layer, rows)
    if not layer.coordinates:
        rows = rows.drop_columns([_OUTLINE])
    features = rows.append_column("geometry", pa.array(shapely.to_wkb(shapes), pa.binary()))
    write_arrow(
        features,
        folder / f"{layer.name}.geojson",
        driver="GeoJSON",
        layer=layer.name,
        geometry_name="geometry",
        geometry_type=layer.kind,
        crs=_CRS,
        layer_options={"RFC7946": "YES", "COORDINATE_PRECISION": _DECIMALS},
    )
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": [layer.kind],
                "bbox": [round(float(edge), _DECIMALS) for edge in shapely.total_bounds(shapes)],
            }
        },
    }
    metadata = {**(features.schema.metadata or {}), b"geo": json.dumps(geo).encode()}
    pq.write_table(
        features.replace_schema_metadata(metadata), folder / f"{layer.name}.parquet", compression="zstd"
    )


def _shapes(layer: Layer, rows: pa.Table) -> Any:
    if not layer.coordinates:
        outlines = shapely.from_wkt(rows.column(_OUTLINE).to_pylist())
        multiple = shapely.multipolygons if layer.kind == "MultiPolygon" else shapely.multilinestrings
        return np.array([multiple(shapely.get_parts(outline)) for outline in outlines], dtype=object)
    points = np.stack(
        [np.column_stack([rows.column(name).to_numpy() for name in pair]) for pair in layer.coordinates],
        axis=1,
    )
    return shapely.points(points[:, 0]) if layer.kind == "Point" else shapely.linestrings(points)
