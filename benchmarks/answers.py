"""What a sender waits for: `qamtu check` of a filing, beside polars that only reads it.

Belongs here: a filing of usual size and a national one. Does not belong here: how a command is timed (`measure`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks import filings
from benchmarks.measure import Timing, read_through
from benchmarks.report import Judged, Measured, Report
from benchmarks.scenarios import Bench

ROWS = 150_000
_READ = "import sys, polars; print(polars.read_csv(sys.argv[1]).height)"
#: Rows of the filing are faulty on purpose, so the answer is "some rows would be quarantined".
_FAULTY = 3


def answers(bench: Bench, rows: int) -> Report:
    """`qamtu check` of 150,000 rows with its report, and of a national filing of `rows`, once.

    The interpreter's start is taken from both sides of the ratio; polars' own import counts as reading.
    """
    usual, large = filings.national(bench.work, ROWS).filing, filings.national(bench.work, rows).filing
    starts, reads, checks = [], [], []
    read_through(usual)
    for _ in range(bench.repetitions):
        starts.append(bench.timed("start", [sys.executable, "-c", "pass"], dict(os.environ), (0,)))
        reads.append(bench.timed("read", [sys.executable, "-c", _READ, str(usual)], dict(os.environ), (0,)))
        checks.append(_check(bench, usual))
    start = Measured("the interpreter's start", starts)
    read = Measured(f"polars reads {ROWS:,} rows, start included", reads)
    check = Measured(f"`qamtu check` of {ROWS:,} rows, with its report", checks)
    value = (check.seconds - start.seconds) / (read.seconds - start.seconds)
    national = Measured(f"`qamtu check` of {rows:,} rows, with its report", [_check(bench, large)])
    return Report(
        measured=[start, read, check, national],
        judged=[
            Judged(
                f"`qamtu check` of {ROWS:,} rows / polars reading them, without the start of both", value, 2
            ),
            Judged(f"peak memory of `qamtu check` of {rows:,} rows", national.peak_gib, unit="GiB"),
        ],
    )


def _check(bench: Bench, filing: Path) -> Timing:
    command = [
        str(Path(sys.executable).with_name("qamtu")), "check", str(filing), "--report", str(bench.work / "answer"),
    ]  # fmt: skip
    # A home that is not there: a sender has none.
    environment = dict(os.environ) | {"QAMTU_HOME": str(bench.work / "no_home")}
    return bench.timed("check", command, environment, (_FAULTY,))
