"""Maps of the report: areas in the colour of their share, and lines over them. SVG and nothing else.

Belongs here: from outlines in degrees to paths on a page. Does not belong here: colours (the style sheet has them, by
class), texts, and which areas are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import shapely
from markupsafe import Markup
from pyproj import Transformer

# Equal areas, true to scale along two parallels of the country: what is large on the map is large.
_PROJECTION = "+proj=aea +lat_1=43 +lat_2=53 +lat_0=48 +lon_0=67 +datum=WGS84 +units=m"
WIDTH = 1000
_MARGIN = 8
#: An area hardly larger than this circle is drawn as one, or nobody would find a city on the map of the country.
_SMALLEST_RADIUS = 9
#: A figure is written into an area that has room for one.
_ROOM_WIDTH, _ROOM_HEIGHT = 62, 26
#: Kazakhstan fills 0.74 of its convex hull.
_LEAST_SHARE_OF_HULL = 0.5


_HATCH = Markup(
    '<defs><pattern id="hatch" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="9" height="9" fill="#fff"/><rect width="3" height="9" fill="#c3ccd4"/></pattern></defs>'
)


@dataclass(frozen=True)
class Area:
    """An area: outline as WKT, class of the style sheet, its name with its figure, the figure alone, and a page.

    One without a label is the ground that others stand on.
    """

    wkt: str
    style: str
    label: str = ""
    figure: str = ""
    href: str | None = None


@dataclass(frozen=True)
class Line:
    """A line over the areas: WKT and class of the style sheet."""

    wkt: str
    style: str


@dataclass(frozen=True)
class _Placed:
    """An outline on the page: its path, a point in it, whether it is hardly to be seen, whether a figure has room."""

    path: str
    x: int
    y: int
    is_small: bool
    has_room: bool


def draw(areas: Sequence[Area], label: str, lines: Sequence[Line] = ()) -> Markup:
    """Areas and lines on one map, its north at the top; `label` says what it shows. Empty without any."""
    if not areas and not lines:
        return Markup("")
    height, order, outlines, strokes = _placed(
        tuple(area.wkt for area in areas), tuple(line.wkt for line in lines)
    )
    marks, figures = [], []
    for index in order:
        mark, figure = _area(areas[index], outlines[index])
        marks.append(mark)
        figures.append(figure)
    path = Markup('<path class="{}" d="{}"/>')
    over = [path.format(line.style, stroke) for line, stroke in zip(lines, strokes, strict=True)]
    return Markup('<svg class="outlines" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>').format(
        WIDTH, height, label, Markup("").join([_HATCH, *marks, *over, *figures])
    )


# A release draws the same outlines in every language and in both tiers.
@lru_cache(maxsize=128)
def _placed(
    areas: tuple[str, ...], lines: tuple[str, ...]
) -> tuple[int, list[int], list[_Placed], list[str]]:
    """Height of the map, areas in the order of drawing, each of them and each line on the page."""
    shapes, strokes = _projected(areas), _projected(lines)
    west, south, east, north = shapely.total_bounds(np.concatenate([shapes, strokes]))
    scale = (WIDTH - 2 * _MARGIN) / max(east - west, 1.0)
    height = round((north - south) * scale) + 2 * _MARGIN

    def placed(found: Any) -> Any:
        return shapely.transform(found, lambda xy: _on_page(xy, west, north, scale))

    drawn = placed(shapes)
    # Large ones first: a city lies in its region.
    order = [int(index) for index in np.argsort(-shapely.area(drawn), kind="stable")]
    return height, order, [_outline(shape) for shape in drawn], [_path(shape) for shape in placed(strokes)]


def _outline(shape: Any) -> _Placed:
    west, north, east, south = shape.bounds
    middle = shapely.point_on_surface(shape)
    x, y = round(middle.x), round(middle.y)
    is_small = max(east - west, south - north) < 4 * _SMALLEST_RADIUS
    return _Placed(_path(shape), x, y, is_small, _has_room(shape, x, y))


def is_whole(outlines: Sequence[str]) -> bool:
    """Whether outlines (WKT) make a map: one country, and not islands about the places that were filed."""
    shapes = shapely.from_wkt(list(outlines))
    if not len(shapes):
        return False
    hull = shapely.convex_hull(shapely.geometrycollections(shapes))
    return bool(shapely.area(shapes).sum() > _LEAST_SHARE_OF_HULL * shapely.area(hull))


def _area(area: Area, placed: _Placed) -> tuple[Markup, Markup]:
    if not area.label:
        return Markup('<path class="area {}" d="{}"/>').format(area.style, placed.path), Markup("")
    if placed.is_small:
        outline = Markup('<circle class="area {}" cx="{}" cy="{}" r="{}"/>').format(
            area.style, placed.x, placed.y, _SMALLEST_RADIUS
        )
    else:
        outline = Markup('<path class="area {}" d="{}"/>').format(area.style, placed.path)
    titled = Markup("<title>{}</title>{}").format(area.label, outline)
    if area.href is None:
        mark = Markup('<g role="img" aria-label="{}">{}</g>').format(area.label, titled)
    else:
        mark = Markup('<a href="{}" aria-label="{}">{}</a>').format(area.href, area.label, titled)
    text = Markup('<text class="on {}" x="{}" y="{}" aria-hidden="true">{}</text>')
    figure = text.format(area.style, placed.x, placed.y + 6, area.figure) if placed.has_room else Markup("")
    return mark, figure


def _has_room(shape: Any, x: int, y: int) -> bool:
    room = shapely.box(x - _ROOM_WIDTH / 2, y - _ROOM_HEIGHT / 2, x + _ROOM_WIDTH / 2, y + _ROOM_HEIGHT / 2)
    return bool(shapely.area(shapely.intersection(shape, room)) > 0.9 * shapely.area(room))


def _path(shape: Any) -> str:
    """Path of a shape in whole units of the page; what is smaller than one unit is not drawn."""
    pieces = shapely.get_parts(shape)
    is_polygon = shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON
    parts = []
    for ring in (*shapely.get_rings(pieces[is_polygon]), *pieces[~is_polygon]):
        points = np.round(shapely.get_coordinates(ring)).astype(int)
        points = points[np.append(True, np.any(points[1:] != points[:-1], axis=1))]
        if len(points) > 1:
            steps = "".join(f"l{x} {y}" for x, y in np.diff(points, axis=0))
            parts.append(f"M{points[0][0]} {points[0][1]}{steps}")
    return "".join(parts)


def _on_page(xy: Any, west: float, north: float, scale: float) -> Any:
    return np.column_stack([_MARGIN + (xy[:, 0] - west) * scale, _MARGIN + (north - xy[:, 1]) * scale])


def _projected(outlines: Sequence[str]) -> Any:
    def project(xy: Any) -> Any:
        return np.column_stack(_transformer().transform(xy[:, 0], xy[:, 1]))

    return shapely.transform(np.asarray(shapely.from_wkt(list(outlines)), dtype=object), project)


@cache
def _transformer() -> Transformer:
    return Transformer.from_crs("EPSG:4326", _PROJECTION, always_xy=True)
