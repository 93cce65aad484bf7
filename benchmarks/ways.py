"""Two ways to the same figures from the same shapes, each run by itself: Qamtu's functions, and a plain script.

Belongs here: the computing that is timed, and its answer as JSON. Does not belong here: making shapes (`shapes`),
measuring, or comparing. The plain ways import nothing of the project, and are written as one would write them by hand.

    python -m benchmarks.ways cells-plain|cells-quickest CELLS PEOPLE       people in the cells of areas, by region
    python -m benchmarks.ways polygons-qamtu|polygons-h3 POLYGONS RESOLUTION      number of cells, and their hash
    python -m benchmarks.ways roads-qamtu|roads-shapely ROADS AREAS      kilometres covered by road and operator

CELLS is Parquet of the lake with h3_cell; PEOPLE has h3_cell, settlement_kato, region_kato and people. The other files
are Parquet of `name` and `wkb` in degrees.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from multiprocessing import Pool
from typing import Any

ROAD_RESOLUTION = 8
_CORES = 2


def cells_plain(cells: str, people: str) -> dict[str, Any]:
    """People by region and the nation (000000000) in the cells of areas, aggregated to each cell once, in DuckDB."""
    return _people_in(f"(select distinct h3_cell from read_parquet('{cells}'))", people)


def cells_quickest(cells: str, people: str) -> dict[str, Any]:
    """The same without aggregating cells: only those where people live are looked for, the quickest way known."""
    return _people_in(f"read_parquet('{cells}')", people)


def _people_in(covered: str, people: str) -> dict[str, Any]:
    import duckdb

    rows = duckdb.sql(
        f"""
        with settlements as (
            select
                people.settlement_kato,
                any_value(people.region_kato) as region_kato,
                round(sum(people.people)) as people
            from read_parquet('{people}') as people
            semi join {covered} as covered using (h3_cell)
            group by people.settlement_kato
        )
        select coalesce(region_kato, '000000000') as kato, sum(people)
        from settlements
        group by grouping sets ((), (region_kato))
        order by kato
        """
    ).fetchall()
    return dict(rows)


def polygons_qamtu(polygons: str, resolution: str) -> dict[str, Any]:
    """Cells of polygons as ingestion makes them: text, a frame at a time."""
    import polars as pl
    import shapely

    from ingestion.geometry import polygon_cells

    wkb = pl.read_parquet(polygons, columns=["wkb"])["wkb"].to_numpy()
    shapes = shapely.from_wkb(wkb)
    count = total = 0
    for frame in polygon_cells(shapes, range(len(shapes)), int(resolution)):
        count += frame.height
        total ^= _folded(frame["h3_cell"].str.to_integer(base=16, dtype=pl.UInt64).to_numpy())
    return {"cells": count, "fold": total}


def polygons_h3(polygons: str, resolution: str) -> dict[str, Any]:
    """Cells of polygons by the h3 library, one call a polygon, on both cores: integers, the quickest that it gives."""
    import polars as pl

    wkb = pl.read_parquet(polygons, columns=["wkb"])["wkb"].to_list()
    jobs = [(one, int(resolution)) for one in wkb]
    chunk = max(1, len(jobs) // (_CORES * 16))
    with Pool(_CORES) as pool:
        counted = pool.starmap(_filled, jobs, chunksize=chunk)
    total = 0
    for _, fold in counted:
        total ^= fold
    return {"cells": sum(count for count, _ in counted), "fold": total}


def _filled(wkb: bytes, resolution: int) -> tuple[int, int]:
    import h3.api.numpy_int as h3
    import shapely

    shape = shapely.from_wkb(wkb)
    cells = h3.geo_to_cells(shape, resolution)
    return len(cells), _folded(cells)


def _folded(cells: Any) -> int:
    """One number of many cells, whatever their order."""
    import numpy as np

    return int(np.bitwise_xor.reduce(np.asarray(cells, dtype=np.uint64))) if len(cells) else 0


def roads_qamtu(roads: str, areas: str) -> dict[str, Any]:
    """Kilometres by road and operator from cells, as ingestion and the models count them."""
    import numpy as np
    import polars as pl
    import shapely

    from ingestion.geometry import line_cells, polygon_cells

    lines, outlines = pl.read_parquet(roads), pl.read_parquet(areas)
    in_roads = line_cells(shapely.from_wkb(lines["wkb"].to_numpy()), np.arange(lines.height), ROAD_RESOLUTION)
    shapes = shapely.from_wkb(outlines["wkb"].to_numpy())
    covered = pl.concat(
        frame.select(pl.Series("operator", outlines["name"]).gather(frame["source_row"]), "h3_cell")
        for frame in polygon_cells(shapes, range(outlines.height), ROAD_RESOLUTION)
    ).unique()
    kilometres = (
        in_roads.with_columns(pl.Series("road", lines["name"]).gather(in_roads["source_row"]))
        .join(covered, on="h3_cell")
        .group_by("road", "operator")
        .agg(pl.col("length_km").sum())
    )
    return {f"{road} {operator}": km for road, operator, km in kilometres.iter_rows()}


def roads_shapely(roads: str, areas: str) -> dict[str, Any]:
    """Kilometres by road and operator from the exact intersection of each road with the union of its areas."""
    import polars as pl
    import shapely
    from pyproj import Geod

    ellipsoid = Geod(ellps="WGS84")
    lines, outlines = pl.read_parquet(roads), pl.read_parquet(areas)
    found = {}
    for (operator,), of_operator in outlines.group_by("name", maintain_order=True):
        united = shapely.union_all(shapely.from_wkb(of_operator["wkb"].to_numpy()))
        shapely.prepare(united)
        for name, wkb in lines.iter_rows():
            inside = shapely.intersection(shapely.from_wkb(wkb), united)
            kilometres = ellipsoid.geometry_length(inside) / 1000
            if kilometres > 0:
                found[f"{name} {operator}"] = kilometres
    return found


WAYS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "cells-plain": cells_plain,
    "cells-quickest": cells_quickest,
    "polygons-qamtu": polygons_qamtu,
    "polygons-h3": polygons_h3,
    "roads-qamtu": roads_qamtu,
    "roads-shapely": roads_shapely,
}


if __name__ == "__main__":
    name, *given = sys.argv[1:]
    print(json.dumps(WAYS[name](*given)))
