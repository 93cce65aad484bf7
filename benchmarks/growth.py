"""How a run grows with its filing: time, memory and bytes written from one million rows up.

Belongs here: the order of runs, the exponent of growth, and its picture. Does not belong here: how a run is timed.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import filings
from benchmarks.measure import Timing, read_through
from benchmarks.report import GIB, Judged, Measured, Report, ratio
from benchmarks.scenarios import Bench, compare, prepare_reference

MILLION = 1_000_000
SIZES = (1 * MILLION, 3 * MILLION, 10 * MILLION, 30 * MILLION, 100 * MILLION)
PICTURE = "growth.svg"


@dataclass(frozen=True)
class Step:
    """One size: rows, the run and the checked floor beside it, and what the run left on disk."""

    rows: int
    run: Timing
    floor: Timing
    bytes_written: int


def growth(bench: Bench, most_rows: int) -> Report:
    """`qamtu run` and the checked floor at each of SIZES up to `most_rows`, once each.

    Raises:
        Mismatch: floor and release do not say the same.
    """
    sizes = [rows for rows in SIZES if rows <= most_rows] or [most_rows]
    steps, settlements = [], None
    for rows in sizes:
        files = filings.national(bench.work, rows)
        settlements = settlements or prepare_reference(bench, files.reference_inbox)
        read_through(files.filing)
        floor = bench.floor("checked", files.filing, settlements)
        bench.restore("reference")
        before = size_of(bench.home.root)
        run = bench.run(f"{rows:,} rows", ["--inbox", str(files.inbox)])
        answer = json.loads(floor.output)
        compare(bench.home, answer, answer)
        steps.append(Step(rows, run, floor, size_of(bench.home.root) - before))
    (bench.work / PICTURE).write_text(picture(steps), encoding="utf-8")
    return _report(steps)


def _report(steps: Sequence[Step]) -> Report:
    measured = []
    for step in steps:
        measured += [
            Measured(f"`qamtu run`, {step.rows:,} rows", [step.run]),
            Measured(f"checked floor, {step.rows:,} rows", [step.floor]),
        ]
    judged = [
        ratio(f"`qamtu run` / checked floor, {step.rows:,} rows", *pair)
        for step, pair in zip(steps, zip(measured[::2], measured[1::2], strict=True), strict=True)
    ]
    if len(steps) > 1:
        first, last = steps[0].rows, steps[-1].rows
        judged.append(
            Judged(
                f"exponent of growth of time, {first:,} to {last:,} rows (1 is linear)",
                exponent([(step.rows, step.run.seconds) for step in steps]),
                1,
                unit="",
            )
        )
        judged.append(
            Judged(
                f"peak memory at {last:,} rows / at {steps[-2].rows:,}",
                steps[-1].run.peak_bytes / steps[-2].run.peak_bytes,
                1.2,
            )
        )
    written = ", ".join(f"{step.rows:,} rows {step.bytes_written / 1e9:.2f} GB" for step in steps)
    return Report(measured=measured, judged=judged, remarks=[f"Left on disk by a run: {written}."])


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Slope of the line of least squares, both axes in logarithms: 1 grows linearly, 2 with the square."""
    xs, ys = ([math.log(value) for value in values] for values in zip(*points, strict=True))
    return statistics.linear_regression(xs, ys).slope


def size_of(folder: Path) -> int:
    """Bytes of every file below a folder, one of several names counted once."""
    found = {
        (told.st_dev, told.st_ino): told.st_size
        for told in (path.lstat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    }
    return sum(found.values())


# --- The picture --------------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 380, 70, 30, 150, 50
_CURVES = (
    ("qamtu run, s", "#0b5c93", 3),
    ("checked floor, s", "#8a97a3", 2),
    ("peak memory, GiB", "#b4690e", 2),
)


def picture(steps: Sequence[Step]) -> str:
    """Curves of time and memory over rows, both axes in logarithms, as SVG."""
    series = [
        [(step.rows, step.run.seconds) for step in steps],
        [(step.rows, step.floor.seconds) for step in steps],
        [(step.rows, step.run.peak_bytes / GIB) for step in steps],
    ]
    low = 10 ** math.floor(math.log10(min(value for curve in series for _, value in curve)))
    high = 10 ** math.ceil(math.log10(max(value for curve in series for _, value in curve)))
    first, last = math.log(steps[0].rows), math.log(max(steps[-1].rows, steps[0].rows + 1))

    def place(rows: float, value: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log(rows) - first) / (last - first)
        share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
        return round(x, 1), round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share, 1)

    marks = []
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        _, y = place(steps[0].rows, 10.0**power)
        marks.append(f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="#d5dce2"/>')
        marks.append(f'<text x="{_LEFT - 8}" y="{y + 5}" text-anchor="end">{10.0**power:g}</text>')
    for step in steps:
        x, _ = place(step.rows, low)
        marks.append(
            f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 22}" text-anchor="middle">{step.rows / MILLION:g}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    marks.append(f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">million rows by address</text>')
    for (name, colour, width), curve in zip(_CURVES, series, strict=True):
        points = [place(*point) for point in curve]
        path = " ".join(f"{x},{y}" for x, y in points)
        marks.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        marks += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in points]
        x, y = points[-1]
        marks.append(f'<text x="{x + 10}" y="{y + 5}" fill="{colour}">{name}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="14" fill="#24313d"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>{"".join(marks)}</svg>\n'
    )
