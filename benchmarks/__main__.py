"""`python -m benchmarks`: measure, print the table, and on request put it into docs/performance.md.

Belongs here: arguments, the machine's description, exit codes. Does not belong here: what is measured
(`scenarios`).
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import answers, comparison, geometry, growth, releases, scenarios, shapes
from benchmarks.measure import CommandFailed
from benchmarks.report import Report, markdown, spliced
from warehouse.paths import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "performance.md"
GEOGRAPHY = PROJECT_DIR.parent / "shared" / "data"
PARTS = (
    "national",
    "peers",
    "growth",
    "quarter",
    "sample",
    "releases",
    "answers",
    "cells",
    "polygons",
    "roads",
)


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, help="rows of the national filing (default 30,000,000)")
    parser.add_argument("--history", type=int, help="quarters of the large warehouse (default 20)")
    parser.add_argument(
        "--repetitions", type=int, help="how often each is timed; the median counts (default 3)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="1,000,000 rows, 4 quarters, once: does it still work?"
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be given several times")
    parser.add_argument(
        "--geography",
        type=Path,
        default=GEOGRAPHY if GEOGRAPHY.is_dir() else None,
        help="folder of the real extracts, for real roads and boundaries (default: ../shared/data where it is there)",
    )
    parser.add_argument("--work", type=Path, help="folder for files, kept; by default a temporary one")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--strict", action="store_true", help="exit with 1 also when a limit is missed")
    options = parser.parse_args(given)
    options.rows = options.rows or (1_000_000 if options.quick else 30_000_000)
    options.history = options.history or (4 if options.quick else 20)
    options.repetitions = options.repetitions or (1 if options.quick else 3)
    if options.history < 2 or options.rows < 1000 or options.repetitions < 1:
        parser.error("at least 1000 rows, 2 quarters of history and 1 repetition are needed")
    return options


def measure(options: argparse.Namespace, work: Path, say: Callable[[str], None]) -> Report:
    """Measure the parts asked for, in a fixed order."""
    bench = scenarios.Bench(work, options.repetitions, say)
    parts: dict[str, Callable[[], Report]] = {
        "national": lambda: scenarios.national_filing(bench, options.rows),
        "peers": lambda: comparison.peers(bench, options.rows),
        "growth": lambda: growth.growth(bench, options.rows),
        "quarter": lambda: scenarios.new_quarter(bench, options.history),
        "sample": lambda: scenarios.sample(bench),
        # Of about ten times the sample's size.
        "releases": lambda: releases.releases(bench, 5 * options.history),
        "answers": lambda: answers.answers(bench, options.rows),
        "cells": lambda: geometry.cells(bench, 1 if options.quick else shapes.LAYERS),
        "polygons": lambda: geometry.polygons(bench, options.geography),
        "roads": lambda: geometry.roads(bench, options.geography),
    }
    report = Report()
    for name in PARTS:
        if not options.only or name in options.only:
            say(f"== {name}")
            report.add(parts[name]())
    return report


def header() -> str:
    """The machine and the state of the code, in one line."""
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    cores = len(os.sched_getaffinity(0))
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{cores} cores, {memory_gib:.0f} GiB memory, {system}; {_commit()}."


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
        return f"commit {git('rev-parse', '--short', 'HEAD')}{changed}"
    except (OSError, subprocess.CalledProcessError):
        return "commit unknown"


def main(given: Sequence[str]) -> int:
    """Measure and print. Exit codes: 0 measured; 1 figures disagree or a command failed; with --strict, a miss too."""
    options = arguments(given)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="qamtu-bench-", ignore_cleanup_errors=True) as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        try:
            report = measure(options, work, say)
        except (CommandFailed, scenarios.Mismatch) as error:
            say(f"benchmarks: {error}")
            return 1
    table = markdown(report, header())
    print(table)
    if options.write:
        PAGE.write_text(spliced(PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")
    return 1 if options.strict and not report.is_within else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
