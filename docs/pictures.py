"""`python -m docs.pictures RELEASE`: draw what a release says of highway gaps and of evidence into docs/images.

Belongs here: the maps of `fct_highway_gap` and of `fct_availability.evidence_grade`, drawn from a release's
`coverage.duckdb` alone, as SVG that Chromium (`make chromium`) turns into PNG. Does not belong here: any figure that
the release does not hold. A release has no lines of roads and no boundaries: a road is traced through the ends of its
gaps, and the country shows by the positions of its settlements.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import sync_playwright
from pyproj import Transformer

IMAGES = Path(__file__).parent / "images"

WIDTH, HEIGHT = 1600, 1240
MAP_LEFT, MAP_TOP, MAP_WIDTH, MAP_HEIGHT = 30, 150, 1540, 790
# Okabe and Ito's colours, apart in lightness too; width and shape repeat what colour says.
INK, GREY, PALE = "#222222", "#8a8a8a", "#dcdcdc"
WARNING = "#b00020"
# (state, what the legend says, colour, width)
ROAD_STATES = (
    ("covered", "4G or better in a vehicle, by some operator", "#56b4e9", 3.0),
    ("4g", "no 4G: 2G or 3G only", "#e69f00", 5.0),
    ("2g", "no mobile service at all", "#000000", 7.0),
)
# (grade, what the legend says, colour, radius): the order in which they are drawn
GRADES = (
    ("claimed", "claimed: an operator says so, nothing speaks for or against it", "#e69f00", 2.2),
    ("corroborated", "corroborated: its station in reach, or speeds that users saw", "#56b4e9", 2.2),
    ("measured", "measured: tests nearby found it", "#004d80", 3.4),
    ("disputed", "disputed: most field tests nearby found no service", "#d0006f", 6.0),
)
LONGEST_GAPS = 10
# A straight line is never longer than the road, but kilometres are stretched to the official length and count to the
# centre of a cell: further apart than this, two points lie in parts of a drawing that do not touch.
STRETCH, SLACK_KM = 1.3, 2.0
Rows = list[tuple[Any, ...]]
Point = tuple[float, float]


@dataclass(frozen=True)
class Release:
    """A release open for reading, and what every picture says of it."""

    connection: duckdb.DuckDBPyConnection
    publication_id: str
    label: str | None

    def rows(self, query: str, parameters: Sequence[object] = ()) -> Rows:
        """Rows of a query over the release."""
        return self.connection.execute(query, list(parameters)).fetchall()

    def value(self, query: str, parameters: Sequence[object] = ()) -> Any:
        """The one value of a query; None where there is none."""
        found = self.rows(query, parameters)
        return found[0][0] if found else None


class Canvas:
    """Degrees to pixels: Albers' equal-area projection about the positions, fitted into the map's frame."""

    def __init__(self, longitudes: Sequence[float], latitudes: Sequence[float]) -> None:
        south, north = min(latitudes), max(latitudes)
        middle = (min(longitudes) + max(longitudes)) / 2
        spread = (north - south) / 6
        self._project = Transformer.from_crs(
            "EPSG:4326",
            f"+proj=aea +lat_1={south + spread} +lat_2={north - spread} +lat_0={(south + north) / 2} +lon_0={middle}",
            always_xy=True,
        )
        eastings, northings = self._project.transform(longitudes, latitudes)
        self._west, self._north = min(eastings), max(northings)
        across, down = max(eastings) - self._west, self._north - min(northings)
        self.pixels_per_km = min((MAP_WIDTH - 40) / across, (MAP_HEIGHT - 40) / down) * 1000
        self._left = MAP_LEFT + (MAP_WIDTH - across * self.pixels_per_km / 1000) / 2
        self._top = MAP_TOP + (MAP_HEIGHT - down * self.pixels_per_km / 1000) / 2

    def points(self, positions: Sequence[Point]) -> list[Point]:
        """Pixels of (longitude, latitude) pairs, in their order."""
        if not positions:
            return []
        eastings, northings = self._project.transform([x for x, _ in positions], [y for _, y in positions])
        scale = self.pixels_per_km / 1000
        return [
            (round(self._left + (x - self._west) * scale, 1), round(self._top + (self._north - y) * scale, 1))
            for x, y in zip(eastings, northings, strict=True)
        ]


def text(x: float, y: float, words: str, size: int = 18, **style: object) -> str:
    """A line of text with a white edge, so that it can be read above marks."""
    attributes = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in style.items())
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" paint-order="stroke" stroke="white" stroke-width="3" '
        f"{attributes}>{escape(words)}</text>"
    )


def dots(points: Iterable[Point], radius: float, colour: str) -> str:
    """Filled circles of one kind, as one element."""
    circles = "".join(f'<circle cx="{x}" cy="{y}" r="{radius}"/>' for x, y in points)
    return f'<g fill="{colour}">{circles}</g>'


def diamonds(points: Iterable[Point], radius: float, colour: str) -> str:
    """Filled diamonds of one kind, as one element."""
    shapes = "".join(
        f"M{x} {y - radius}l{radius} {radius} -{radius} {radius} -{radius} -{radius}z" for x, y in points
    )
    return f'<path d="{shapes}" fill="{colour}" stroke="white" stroke-width="0.8"/>'


def line(points: Sequence[Point], width: float, colour: str) -> str:
    """A line through points; of one point a dot of its width."""
    path = " ".join(f"{x},{y}" for x, y in (points if len(points) > 1 else [*points, *points]))
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def pieces(trace: Sequence[tuple[float, Point]], pixels_per_km: float) -> list[list[Point]]:
    """The unbroken lines through (kilometre, point) pairs of one road, in their order."""
    lines: list[list[Point]] = []
    before: tuple[float, Point] | None = None
    for km, point in trace:
        if before and math.dist(point, before[1]) <= ((km - before[0]) * STRETCH + SLACK_KM) * pixels_per_km:
            lines[-1].append(point)
        else:
            lines.append([point])
        before = km, point
    return lines


def country(release: Release) -> tuple[Canvas, list[str]]:
    """The frame of the map and its ground: every settlement with a position, and the names of the regions."""
    rows = release.rows("""
        select settlements.longitude, settlements.latitude
        from marts.dim_settlement as settlements
        where settlements.latitude is not null and settlements.longitude is not null
        order by settlements.settlement_kato
    """)
    if not rows:
        raise SystemExit(
            "docs.pictures: the release has no settlement with a position, so there is nothing to draw on"
        )
    canvas = Canvas([row[0] for row in rows], [row[1] for row in rows])
    return canvas, [dots(canvas.points([(row[0], row[1]) for row in rows]), 1.6, PALE)]


def region_names(release: Release, canvas: Canvas) -> list[str]:
    """Names of the oblasts, in the middle of their settlements."""
    rows = release.rows("""
        select regions.name_en, median(settlements.longitude), median(settlements.latitude)
        from marts.dim_region as regions
        inner join marts.dim_settlement as settlements on regions.region_kato = settlements.region_kato
        where regions.is_current and regions.level = 'oblast' and settlements.latitude is not null
        group by all
        order by all
    """)
    places = canvas.points([(row[1], row[2]) for row in rows])
    return [
        text(x, y, row[0], 16, fill="#444444", text_anchor="middle", font_style="italic")
        for row, (x, y) in zip(rows, places, strict=True)
    ]


def page(
    release: Release, canvas: Canvas, title: str, subtitle: str, source: str, marks: Iterable[str]
) -> str:
    """A whole picture: title, map, scale, source; and, where the release is labelled, its label across it."""
    bar_km = 500 if canvas.pixels_per_km * 500 < MAP_WIDTH / 2 else 100
    right, bottom = MAP_LEFT + MAP_WIDTH - 20, MAP_TOP + MAP_HEIGHT - 16
    bar = canvas.pixels_per_km * bar_km
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<rect x="{MAP_LEFT}" y="{MAP_TOP}" width="{MAP_WIDTH}" height="{MAP_HEIGHT}" '
        f'fill="#fafafa" stroke="{PALE}"/>',
        text(MAP_LEFT, 92, title, 32, font_weight="bold"),
        text(MAP_LEFT, 126, subtitle, 20),
        *marks,
        f'<path d="M{right - bar:.1f} {bottom - 8} v8 h{bar:.1f} v-8" fill="none" stroke="{INK}" stroke-width="2"/>',
        text(right - bar / 2, bottom - 12, f"{bar_km} km", 16, text_anchor="middle"),
        text(MAP_LEFT, HEIGHT - 18, source, 15, fill="#444444"),
    ]
    if release.label:
        parts += [
            f'<rect width="{WIDTH}" height="46" fill="{WARNING}"/>',
            f'<text x="{WIDTH / 2}" y="32" font-size="24" font-weight="bold" fill="white" text-anchor="middle">'
            f"{escape(release.label)}: invented filings. Nothing here says anything about the real country.</text>",
            f'<text x="{WIDTH / 2}" y="{MAP_TOP + MAP_HEIGHT / 2 + 70}" font-size="230" font-weight="bold" '
            f'fill="{WARNING}" fill-opacity="0.10" text-anchor="middle" letter-spacing="30">'
            f"{escape(release.label)}</text>",
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" fill="{INK}" '
        f'font-family="DejaVu Sans, sans-serif">{"".join(parts)}</svg>'
    )


def highway_gaps(release: Release) -> str:
    """Roads by what a vehicle finds on them: 4G, less than 4G, nothing; and the longest stretches of nothing."""
    date = release.value("select max(as_of_date) from marts.fct_highway_gap where start_latitude is not null")
    if date is None:
        raise SystemExit(
            "docs.pictures: the release has no gaps of highways (withheld, or nobody filed areas)"
        )
    canvas, marks = country(release)
    ends = release.rows(
        """
        select road_id, start_km as km, start_longitude as longitude, start_latitude as latitude
        from marts.fct_highway_gap where as_of_date = $1 and start_latitude is not null
        union
        select road_id, end_km, end_longitude, end_latitude
        from marts.fct_highway_gap where as_of_date = $1 and end_latitude is not null
        order by all
        """,
        [date],
    )
    traces: dict[str, list[tuple[float, Point]]] = {}
    for row, point in zip(ends, canvas.points([(row[2], row[3]) for row in ends]), strict=True):
        traces.setdefault(row[0], []).append((row[1], point))
    gaps = release.rows(
        """
        select technology, road_id, start_km, end_km, length_km, road_name, nearest_settlement_name_ru
        from marts.fct_highway_gap
        where as_of_date = $1 and technology in ('2g', '4g') and start_latitude is not null
        order by length_km desc, road_id, gap_number
        """,
        [date],
    )
    kilometres: dict[str, float] = dict(
        release.rows(
            "select technology, km_covered from marts.fct_highway_coverage "
            "where as_of_date = $1 and road_id = 'all' and operator_id = 'any'",
            [date],
        )
    )
    whole = release.value(
        "select max(road_length_km) from marts.fct_highway_coverage "
        "where as_of_date = $1 and road_id = 'all' and operator_id = 'any'",
        [date],
    )
    shown = {
        "covered": kilometres["4g"],
        "4g": kilometres["2g"] - kilometres["4g"],
        "2g": whole - kilometres["2g"],
    }

    def stretch(gap: tuple[Any, ...]) -> list[list[Point]]:
        return pieces([end for end in traces[gap[1]] if gap[2] <= end[0] <= gap[3]], canvas.pixels_per_km)

    for state, _, colour, width in ROAD_STATES:
        if state == "covered":
            drawn = [piece for trace in traces.values() for piece in pieces(trace, canvas.pixels_per_km)]
        else:
            drawn = [piece for gap in gaps if gap[0] == state for piece in stretch(gap)]
        marks += [line(piece, width, colour) for piece in drawn]
    marks += region_names(release, canvas)

    longest = [gap for gap in gaps if gap[0] == "2g"][:LONGEST_GAPS]
    top = MAP_TOP + MAP_HEIGHT + 40
    for number, gap in enumerate(longest, 1):
        x, y = max(stretch(gap), key=len)[0]
        marks.append(f'<circle cx="{x}" cy="{y - 22}" r="13" fill="white" stroke="{INK}" stroke-width="2"/>')
        marks.append(
            f'<text x="{x}" y="{y - 16}" font-size="16" font-weight="bold" text-anchor="middle">{number}</text>'
        )
        left, down = 640 + 470 * ((number - 1) // 5), top + 32 + 30 * ((number - 1) % 5)
        near = f", near {gap[6]}" if gap[6] else ""
        marks.append(text(left, down, f"{number}.  {gap[1]}  {gap[4]:,.0f} km{near}", 17))
    marks.append(text(640, top, "Longest stretches without any service", 19, font_weight="bold"))
    marks.append(text(MAP_LEFT, top, "What a vehicle finds", 19, font_weight="bold"))
    for place, (state, words, colour, width) in enumerate(ROAD_STATES):
        y = top + 32 + 34 * place
        marks.append(line([(MAP_LEFT + 4, y - 6), (MAP_LEFT + 54, y - 6)], width, colour))
        marks.append(text(MAP_LEFT + 70, y, f"{words}: {shown[state]:,.0f} km", 17))
    marks.append(text(MAP_LEFT, top + 140, f"Pale dots: settlements. All roads filed: {whole:,.0f} km.", 16))
    marks.append(
        text(
            MAP_LEFT,
            top + 165,
            "Traced through the ends of gaps: covered stretches may be missing.",
            16,
        )
    )
    return page(
        release,
        canvas,
        "Highways: where a vehicle finds no mobile service",
        f"Any operator, areas filed for {date}; statement S6 speaks of mobile connectivity along 40,000 km",
        f"Source: Qamtu release {release.publication_id}, marts fct_highway_gap and fct_highway_coverage; {date}.",
        marks,
    )


def evidence_grades(release: Release) -> str:
    """Settlements with 4G by the best grade of evidence, and the claims of every technology by grade."""
    date = release.value(
        "select max(as_of_date) from marts.fct_availability where technology = '4g' and evidence_grade is not null"
    )
    if date is None:
        raise SystemExit("docs.pictures: the release has no graded claims of 4G")
    canvas, marks = country(release)
    best = release.rows(
        """
        select settlements.longitude, settlements.latitude,
            case
                when bool_or(claims.evidence_grade = 'measured') then 'measured'
                when bool_or(claims.evidence_grade = 'corroborated') then 'corroborated'
                when bool_or(claims.evidence_grade = 'claimed') then 'claimed'
                else 'disputed'
            end as grade,
            any_value(settlements.population) as population
        from marts.fct_availability as claims
        inner join marts.dim_settlement as settlements on claims.settlement_kato = settlements.settlement_kato
        where claims.as_of_date = $1 and claims.technology = '4g' and claims.evidence_grade is not null
        group by settlements.settlement_kato, settlements.longitude, settlements.latitude
        order by settlements.settlement_kato
        """,
        [date],
    )
    counts = release.rows(
        """
        select technology, evidence_grade, count(*)
        from marts.fct_availability
        where as_of_date = $1 and evidence_grade is not null
        group by all
        """,
        [date],
    )
    top = MAP_TOP + MAP_HEIGHT + 40
    marks.append(text(MAP_LEFT, top, "Settlements by the best evidence for 4G", 19, font_weight="bold"))
    for place, (grade, words, colour, radius) in enumerate(GRADES):
        of_grade = [row for row in best if row[2] == grade]
        positions = [(row[0], row[1]) for row in of_grade if row[0] is not None and row[1] is not None]
        y = top + 34 + 34 * place
        mark = diamonds if grade == "disputed" else dots
        marks.append(mark(canvas.points(positions), radius, colour))
        marks.append(mark([(MAP_LEFT + 14, y - 6)], radius + 4, colour))
        marks.append(text(MAP_LEFT + 36, y, f"{words}: {len(of_grade):,}", 17))
    unplaced = sum(row[0] is None or row[1] is None for row in best)
    marks.append(
        text(
            MAP_LEFT,
            top + 174,
            f"Pale dots: no service of 4G filed. Settlements without a position, not drawn: {unplaced:,}",
            16,
        )
    )
    marks += region_names(release, canvas)

    left, full = 980, 420
    marks.append(text(left - 110, top, "Filings by technology and grade, %", 19, font_weight="bold"))
    technologies = [
        row[0]
        for row in release.rows(
            "select technology from marts.dim_technology order by family = 'mobile' desc, family, rank"
        )
        if any(row[0] == counted[0] for counted in counts)
    ]
    step = min(30, 185 / max(len(technologies), 1))
    for place, technology in enumerate(technologies):
        of_technology = {grade: number for name, grade, number in counts if name == technology}
        whole, x, bar_top = sum(of_technology.values()), float(left), top + 16 + step * place
        for grade, _, colour, _ in GRADES:
            width = full * of_technology.get(grade, 0) / whole
            marks.append(
                f'<rect x="{x:.1f}" y="{bar_top:.1f}" width="{width:.1f}" height="{step - 4:.1f}" fill="{colour}"/>'
            )
            x += width
        marks.append(text(left - 10, bar_top + step - 8, technology, 15, text_anchor="end"))
        marks.append(text(left + full + 10, bar_top + step - 8, f"{whole:,} filings", 15))
    return page(
        release,
        canvas,
        "Evidence for what operators file: 4G by settlement",
        f"Filings for {date}; the best grade of a settlement stands; grades do not change coverage",
        f"Source: Qamtu release {release.publication_id}, mart fct_availability (rules: dim_method); {date}.",
        marks,
    )


PICTURES = {"highway-gaps": highway_gaps, "evidence-grades": evidence_grades}


def save(drawings: dict[str, str], folder: Path) -> None:
    """Turn SVG into PNG files of the same names."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit(
            "docs.pictures: Chromium is needed to write PNG: `make chromium`, or install the package chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, drawing in drawings.items():
            window.set_content(f'<body style="margin:0">{drawing}</body>')
            window.screenshot(path=folder / f"{name}.png")
        browser.close()


def main(given: Sequence[str]) -> int:
    """Draw every picture from one release."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures", description=__doc__)
    parser.add_argument("release", type=Path, help="folder of a release, for example var/published/current")
    parser.add_argument("--only", choices=PICTURES, help="one picture")
    parser.add_argument(
        "--out", type=Path, default=IMAGES, help="folder for the PNG files (default: docs/images)"
    )
    options = parser.parse_args(given)
    with duckdb.connect(options.release / "coverage.duckdb", read_only=True) as connection:
        found = connection.execute("select publication_id, label from marts.meta_publication").fetchone()
        if found is None:
            raise SystemExit(f"docs.pictures: {options.release} does not say which release it is")
        release = Release(connection, *found)
        names = [options.only] if options.only else list(PICTURES)
        save({name: PICTURES[name](release) for name in names}, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
