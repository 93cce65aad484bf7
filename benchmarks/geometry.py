"""What is measured of geometry: cells to coverage figures, polygons to cells, roads against areas.

Belongs here: the order of runs, and comparing what they computed. Does not belong here: making shapes (`shapes`), the
computing that is timed (`ways`), or how a run is timed (`measure`).
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from benchmarks import filings, shapes
from benchmarks.report import Judged, Measured, Report, memory, ratio
from benchmarks.scenarios import Bench, Mismatch
from warehouse.lake import partition
from warehouse.paths import Home

KIND = "operator_coverage_areas"
LAYOUT = "sample_arman/operator_coverage_areas"
MODELS = f"stg_{KIND.removesuffix('s')}_cell+,+fct_coverage_by_method"
"""What lies between the cells of areas and the coverage figures by cell."""

_RESOLUTION = 8
# Kilometres of a road differ by the cells at the edges of areas: half a cell at each end of a covered stretch.
_MOST_APART = 0.05


def cells(bench: Bench, layers: int) -> Report:
    """Cells of one operator's areas of one technology to coverage figures, against plain DuckDB over the same cells.

    Raises:
        Mismatch: the two do not count the same people.
    """
    inbox = shapes.country_of_areas(bench.work, layers)
    bench.clear()
    bench.run("areas of the country", ["--inbox", str(inbox)])
    files, count = _cells_of_areas(bench.home)
    people = _people_by_cell(bench.home, bench.work / "people_by_cell.parquet")
    plain, quickest, runs, models = [], [], [], []
    for _ in range(bench.repetitions):
        plain.append(bench.way("cells-plain", files, people))
        quickest.append(bench.way("cells-quickest", files, people))
        run, seconds = bench.dbt_run(MODELS)
        runs.append(run)
        models.append(seconds)
        found = people_of_models(bench.work / "dbt_models" / "candidate.duckdb")
        for told in (plain[-1], quickest[-1]):
            compare_people(found, json.loads(told.output))
    floor = Measured(f"plain DuckDB: {count:,} cells aggregated, then people by region", plain)
    least = Measured("plain DuckDB: only cells where people live, the quickest query known", quickest)
    whole = Measured(f"`dbt run` of {len(models[0])} models over {count:,} cells", runs)
    own = statistics.median(sum(seconds.values()) for seconds in models)
    question = "models from cells to coverage figures, as dbt counts them"
    return Report(
        measured=[floor, least, whole],
        judged=[
            Judged(f"{question} / plain DuckDB", own / floor.seconds, 2),
            Judged(f"{question} / the quickest query known", own / least.seconds),
            memory("peak memory from cells to coverage figures", whole, 4),
        ],
        stages={"cells to coverage figures": models[0]},
        remarks=[
            "Models and plain DuckDB counted the same people in the cells, in the nation and each region."
        ],
    )


def polygons(bench: Bench, geography: Path | None) -> Report:
    """Polygons to cells, against the h3 library called on each polygon on both cores.

    Raises:
        Mismatch: the cells are not the same.
    """
    report = Report()
    for file, label in (shapes.boundaries(bench.work, geography), shapes.discs(bench.work)):
        own, library = [], []
        for _ in range(bench.repetitions):
            own.append(bench.way("polygons-qamtu", file, _RESOLUTION))
            library.append(bench.way("polygons-h3", file, _RESOLUTION))
            told = [json.loads(timing.output) for timing in (own[-1], library[-1])]
            if told[0] != told[1]:
                raise Mismatch(f"{label}: cells are {told[0]}, by the h3 library {told[1]}")
        count = json.loads(own[-1].output)["cells"]
        ours = Measured(f"{label} to {count:,} cells", own)
        theirs = Measured(f"{label} by the h3 library on both cores", library)
        report.add(
            Report(
                measured=[ours, theirs],
                judged=[ratio(f"{label} to cells / the h3 library on both cores", ours, theirs, 1)],
            )
        )
    report.remarks.append("The cells are those of the h3 library, to the cell.")
    return report


def roads(bench: Bench, geography: Path | None) -> Report:
    """Kilometres of road in three operators' areas by cells, against shapely's exact intersection.

    Raises:
        Mismatch: the kilometres of all roads in an operator's areas lie further apart than cells explain.
    """
    given = shapes.roads(bench.work, geography)
    own, exact = [], []
    for _ in range(bench.repetitions):
        own.append(bench.way("roads-qamtu", given.roads, given.areas))
        exact.append(bench.way("roads-shapely", given.roads, given.areas))
    apart = kilometres_apart(json.loads(own[-1].output), json.loads(exact[-1].output))
    ours = Measured(f"{given.label} by cells", own)
    theirs = Measured(f"{given.label} by shapely's intersection", exact)
    told = "; ".join(
        f"{name} {by_cells:,.1f} km, exactly {exactly:,.1f}" for name, (by_cells, exactly) in apart.items()
    )
    return Report(
        measured=[ours, theirs],
        judged=[ratio(f"{given.label} by cells / shapely's exact intersection", ours, theirs)],
        remarks=[f"Roads in the areas of each operator by cells: {told}."],
    )


def kilometres_apart(own: Mapping[str, float], exact: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Kilometres of all roads by operator, by cells and exactly; raises Mismatch where cells do not explain the rest.

    Args:
        own: kilometres by "<road> <operator>", from cells.
        exact: the same from exact intersections.
    """
    operators = sorted({key.rsplit(" ", 1)[1] for key in (*own, *exact)})
    sums = {
        operator: tuple(
            sum(km for key, km in table.items() if key.endswith(f" {operator}")) for table in (own, exact)
        )
        for operator in operators
    }
    found = {}
    for operator, (by_cells, exactly) in sums.items():
        if abs(by_cells - exactly) > _MOST_APART * exactly:
            raise Mismatch(f"{operator}: {by_cells:,.1f} km by cells, exactly {exactly:,.1f}")
        found[operator] = (by_cells, exactly)
    return found


def compare_people(own: Mapping[str, float], plain: Mapping[str, float]) -> None:
    """Raise Mismatch unless both count the same people, by KATO of nation and regions."""
    if not own and not plain:
        raise Mismatch("both counted nobody")
    for kato in sorted({*own, *plain}):
        one, other = own.get(kato, 0.0), plain.get(kato, 0.0)
        # A settlement may be rounded to another whole person where half a one is a matter of the last digit.
        if abs(one - other) > 1 + 1e-6 * max(one, other):
            raise Mismatch(f"{kato}: {one} people by the models, {other} by plain DuckDB")


def people_of_models(build_file: Path) -> dict[str, float]:
    """People in cells covered, by KATO of nation and regions: without those whose settlement has no cells."""
    with duckdb.connect(str(build_file), read_only=True) as build:
        return dict(
            build.execute(
                """
                select kato, population_covered_low - population_without_cells
                from intermediate.int_cell_coverage
                where
                    as_of_date = ? and technology = '4g' and area_type = 'all'
                    and geography_level in ('national', 'region')
                """,
                [filings.PERIOD],
            ).fetchall()
        )


def _people_by_cell(home: Home, target: Path) -> Path:
    """People of settlements by the cells they are spread over, ready-made for the plain way."""
    with duckdb.connect(str(home.build_file), read_only=True) as build:
        build.execute(
            f"""
            copy (
                select
                    cells.h3_cell,
                    cells.settlement_kato,
                    places.region_kato,
                    people.population * cells.weight / cells.settlement_weight as people
                from intermediate.int_settlement_cell as cells
                inner join intermediate.int_settlement_denominator as people using (as_of_date, settlement_kato)
                inner join intermediate.int_settlement as places using (settlement_kato)
                where cells.as_of_date = ? and people.population is not null
            ) to '{target}'
            """,
            [filings.PERIOD],
        )
    return target


def _cells_of_areas(home: Home) -> tuple[Path, int]:
    """The lake's cells of the operator's areas, as a pattern of files, and how many there are."""
    extracts = pl.read_parquet(home.lake / "meta" / "extract.parquet")
    (extract_id,) = extracts.filter(pl.col("layout_id") == LAYOUT, "is_current")["extract_id"]
    files = partition(home, "cells", KIND, extract_id) / "part-*.parquet"
    return files, int(pl.scan_parquet(files).select(pl.len()).collect().item())
