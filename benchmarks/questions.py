"""An analyst's question to a release, and the same question to a plain Parquet file.

    python -m benchmarks.questions RELEASE FOLDER

Each time it is asked somebody opens what they ask, asks, and closes it. Prints the median milliseconds of both as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

TIMES = 51
#: Coverage by region and technology on one date.
QUESTION = """
    select kato, technology, population_covered_pct from {relation}
    where as_of_date = (select max(as_of_date) from {relation}) and geography_level = 'region' and area_type = 'all'
    order by kato, technology
"""
TABLE = "fct_coverage_by_technology"


def ask(release: Path, folder: Path) -> dict[str, float]:
    """Median milliseconds of both ways. Errors: ValueError when they do not give the same rows, or give none."""
    database, plain = release / "coverage.duckdb", folder / f"{TABLE}.parquet"
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"copy marts.{TABLE} to '{plain}' (format parquet)")

    def of_release() -> list[tuple[object, ...]]:
        with duckdb.connect(str(database), read_only=True) as connection:
            return connection.execute(QUESTION.format(relation=f"marts.{TABLE}")).fetchall()

    def of_file() -> list[tuple[object, ...]]:
        with duckdb.connect() as connection:
            return connection.execute(QUESTION.format(relation=f"'{plain}'")).fetchall()

    if not of_release() or of_release() != of_file():
        raise ValueError("release and plain file give other rows, or none")
    found: dict[str, list[float]] = {"release": [], "file": []}
    for _ in range(TIMES):
        found["release"].append(_milliseconds(of_release))
        found["file"].append(_milliseconds(of_file))
    return {name: statistics.median(times) for name, times in found.items()}


def _milliseconds(asked: Callable[[], object]) -> float:
    started = time.perf_counter()
    asked()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    print(json.dumps(ask(Path(sys.argv[1]), Path(sys.argv[2]))))
