"""Small drawings of the report: lines over time, and a road as a strip. SVG and nothing else, a few hundred bytes each.

Belongs here: from figures to marks. Does not belong here: colours (the style sheet has them, by class), texts, tables.
Why not a chart library: docs/decisions/0014.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

# Where a tile of the map stands: column and row from 1, as the region lies on the map.
TILES = {
    "390000000": (3, 1), "590000000": (4, 1), "550000000": (5, 1),
    "270000000": (1, 2), "150000000": (2, 2), "110000000": (3, 2), "710000000": (4, 2), "100000000": (5, 2),
    "630000000": (6, 2),
    "230000000": (1, 3), "620000000": (3, 3), "350000000": (4, 3), "330000000": (5, 3),
    "470000000": (1, 4), "430000000": (2, 4), "610000000": (3, 4), "310000000": (4, 4), "190000000": (5, 4),
    "790000000": (3, 5), "750000000": (5, 5),
}  # fmt: skip
# Upper ends of the classes of a share; they are closer where coverage lies and where a point more is dear.
CLASSES = (25.0, 50.0, 75.0, 90.0, 97.0)
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 250, 118, 38, 46, 8, 20


@dataclass(frozen=True)
class Line:
    """A line over time: its class in the style sheet, and a value or None for each date."""

    style: str
    points: Sequence[tuple[dt.date, float | None]]


def share_class(value: float) -> int:
    """Class of a share, 0 the least; 0-100."""
    return sum(value >= end for end in CLASSES)


def lines_over_time(
    lines: Sequence[Line],
    label: str,
    last_value: str,
    low: float = 0,
    high: float = 100,
    ends: tuple[str, str] = ("0", "100"),
) -> Markup:
    """Lines over one axis of dates; the last point of the last line carries `last_value`.

    `label` says it all to who does not see it; `low` and `high` are the ends of the axis, `ends` their names. A value
    that is missing breaks the line. Empty when no line has a value.
    """
    dates = sorted({date for line in lines for date, _ in line.points})
    if not any(value is not None for line in lines for _, value in line.points):
        return Markup("")
    first, last = dates[0], dates[-1]
    span = max((last - first).days, 1)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def place(date: dt.date, value: float) -> tuple[float, float]:
        x = LEFT + (right - LEFT) * (date - first).days / span
        y = bottom - (bottom - TOP) * (value - low) / (high - low)
        return round(x, 1), round(y, 1)

    grid, text = (
        Markup('<path class="grid" d="M{} {}H{}"/>'),
        Markup('<text class="{}" x="{}" y="{}">{}</text>'),
    )
    marks = [grid.format(LEFT, y, right) for y in (TOP, (TOP + bottom) / 2, bottom)]
    marks += [text.format("axis end", LEFT - 5, y + 4, end) for y, end in ((bottom, ends[0]), (TOP, ends[1]))]
    marks.append(text.format("axis", LEFT, HEIGHT - 5, first.year))
    if last.year != first.year:
        marks.append(text.format("axis end", right, HEIGHT - 5, last.year))
    path = Markup('<path class="line {}" d="{}"/>')
    marks += [path.format(line.style, _path(line, place)) for line in lines]
    front = [(date, value) for date, value in lines[-1].points if value is not None]
    if front:
        x, y = place(*front[-1])
        marks.append(Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"/>').format(lines[-1].style, x, y))
        marks.append(text.format("last", round(x + 6, 1), round(y + 4, 1), last_value))
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(marks)
    )


def _path(line: Line, place: Callable[[dt.date, float], tuple[float, float]]) -> str:
    path, drawing = "", False
    for date, value in line.points:
        if value is None:
            drawing = False
            continue
        x, y = place(date, value)
        # A point between two unknowns is a line of no length: round ends of the stroke show it.
        path += f"L{x} {y}" if drawing else f"M{x} {y}h0"
        drawing = True
    return path


def road_strip(
    length_km: float, stretches: Sequence[tuple[str, float, float]], longest_km: float, label: str
) -> Markup:
    """A road from its beginning to its end, with stretches of a class from one kilometre to another drawn over it.

    `longest_km`, the longest road shown, has the whole width.
    """
    scale = 1000 / longest_km
    rectangle = Markup('<rect class="{}" x="{:.1f}" y="1" width="{:.1f}" height="10"/>')
    marks = [rectangle.format("road", 0.0, length_km * scale)]
    # Less than a pixel would not be seen.
    marks += [
        rectangle.format(style, start * scale, max((end - start) * scale, 1.5))
        for style, start, end in stretches
    ]
    return Markup(
        '<svg class="strip" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(label, Markup("").join(marks))
