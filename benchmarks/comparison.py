"""Qamtu beside what users would pick: the same filing by address to the same coverage table, with the same checks.

Belongs here: the order of runs, holding every answer against the checked floor's, and the ratios. Does not belong here:
what a peer does (`peers`), or where it is installed (`environments`).
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import duckdb

from benchmarks import environments, filings
from benchmarks.measure import read_through
from benchmarks.peers import PEERS
from benchmarks.report import Measured, Report, ratio
from benchmarks.scenarios import Bench, Mismatch, compare, prepare_reference

#: How much of a peer's time Qamtu may take; a peer that is not named is only told.
LIMITS = {"pandas-postgres": 0.1, "pyspark": 0.25}


def peers(bench: Bench, rows: int) -> Report:
    """Every peer once, and `qamtu run`, on the national filing.

    A peer has its environment and its empty database before the clock starts; a server's own time and memory are not
    the peer's, so that only wall time is held against it.

    Raises:
        Mismatch: a peer does not say what the checked floor says.
        FileNotFoundError: PostgreSQL is not installed.
    """
    files = filings.national(bench.work, rows)
    settlements = prepare_reference(bench, files.reference_inbox)
    as_csv = settlements.with_suffix(".csv")
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (is_inhabited::integer as is_inhabited) from '{settlements}') "
            f"to '{as_csv}' (header)"
        )
    read_through(files.filing)
    floor = bench.floor("checked", files.filing, settlements)
    wanted = json.loads(floor.output)
    bench.restore("reference")
    run = bench.run("national", ["--inbox", str(files.inbox)])
    compare(bench.home, wanted, wanted)
    measured = [
        Measured(f"checked floor: {rows:,} rows by address", [floor]),
        Measured(f"`qamtu run`: {rows:,} rows by address", [run]),
    ]
    judged = []
    for name in PEERS:
        python = environments.interpreter(name, bench.work / "environments")
        has_server = name.endswith("postgres")
        none: AbstractContextManager[dict[str, str]] = nullcontext({})
        with environments.postgres(bench.work / "postgres") if has_server else none as variables:
            timing = bench.peer(name, files.filing, as_csv, python, variables)
        _expect(name, json.loads(timing.output.splitlines()[-1]), wanted)
        measured.append(Measured(f"{name}: {rows:,} rows by address", [timing]))
        judged.append(ratio(f"`qamtu run` / {name}", measured[1], measured[-1], LIMITS.get(name)))
    return Report(
        measured=measured,
        judged=judged,
        remarks=[
            "Every peer gave the coverage, the account of rows and the reasons of the checked floor; none keeps what "
            "was received, tells its past or judges what it publishes. Processor time and memory of PostgreSQL's "
            "server are not in the table."
        ],
    )


def _expect(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for part in ("account", "reasons", "coverage"):
        if found[part] != wanted[part]:
            raise Mismatch(f"{name} and the checked floor disagree on {part}: {found[part]!s:.500}")
