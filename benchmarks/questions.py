"""An analyst's question to a release, and the same question to a plain Parquet file.

    python -m benchmarks.questions RELEASE FOLDER

Asked in a session that is open, and by somebody who opens what they ask each time. Prints median milliseconds as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
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
    """Median milliseconds: `release` and `file` in a session, `release_opened` and `file_opened` with opening.

    Errors: ValueError when they do not give the same rows, or give none.
    """
    database, plain = release / "coverage.duckdb", folder / f"{TABLE}.parquet"
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"copy marts.{TABLE} to '{plain}' (format parquet)")

    questions = {
        "release": (str(database), QUESTION.format(relation=f"marts.{TABLE}")),
        "file": (":memory:", QUESTION.format(relation=f"'{plain}'")),
    }
    sessions = {name: _open(place) for name, (place, _) in questions.items()}

    def in_session(name: str) -> list[tuple[object, ...]]:
        return sessions[name].execute(questions[name][1]).fetchall()

    def opened(name: str) -> list[tuple[object, ...]]:
        place, query = questions[name]
        with _open(place) as connection:
            return connection.execute(query).fetchall()

    if not in_session("release") or in_session("release") != in_session("file"):
        raise ValueError("release and plain file give other rows, or none")
    found: dict[str, list[float]] = {}
    for _ in range(TIMES):
        for name in questions:
            found.setdefault(name, []).append(_milliseconds(partial(in_session, name)))
    for session in sessions.values():
        session.close()
    for _ in range(TIMES):
        for name in questions:
            found.setdefault(f"{name}_opened", []).append(_milliseconds(partial(opened, name)))
    return {name: statistics.median(times) for name, times in found.items()}


def _open(place: str) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(place, read_only=place != ":memory:")


def _milliseconds(asked: Callable[[], object]) -> float:
    started = time.perf_counter()
    asked()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    print(json.dumps(ask(Path(sys.argv[1]), Path(sys.argv[2]))))
