"""Settlements and gaps of highways as files for maps: GeoJSON and GeoParquet.

Belongs here: turning positions that a release holds into features. Does not belong here: computing a figure. A release
holds no outlines of regions and no lines of roads, so there are no files of these.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

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
    """

    name: str
    tables: tuple[str, ...]
    query: str
    kind: str
    coordinates: tuple[tuple[str, str], ...]


LAYERS = (
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

    One feature a settlement with a position, one a gap of the latest date: the straight line between its ends, which is
    shorter than `length_km` of road. Every feature of sample data says so (`label`). A layer whose marts the release
    lacks, or that has no feature, has no files. Errors: OSError when the folder stands or cannot be written.
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
    points = np.stack(
        [np.column_stack([rows.column(name).to_numpy() for name in pair]) for pair in layer.coordinates],
        axis=1,
    )
    shapes = shapely.points(points[:, 0]) if layer.kind == "Point" else shapely.linestrings(points)
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
