"""Maps of the report: what is drawn of outlines, and when they make no map."""

from __future__ import annotations

import re

from warehouse.report.outlines import WIDTH, Area, Line, draw, is_whole

WEST = "POLYGON ((60 48, 66 48, 66 52, 60 52, 60 48))"
EAST = "POLYGON ((66 48, 72 48, 72 52, 66 52, 66 48))"
CITY = "POLYGON ((69 50, 69.05 50, 69.05 50.05, 69 50.05, 69 50))"
ISLES = "MULTIPOLYGON (((60 48, 61 48, 61 49, 60 49, 60 48)), ((64 51, 65 51, 65 52, 64 52, 64 51)))"


def marks(svg: str, element: str) -> list[str]:
    return re.findall(f"<{element}[^>]*>", svg)


def test_areas_are_links_in_the_colour_of_their_share() -> None:
    svg = draw(
        [Area(WEST, "c3", "West: 80 %", "80 %", "west.html"), Area(EAST, "c5", "East: 98 %", "98 %")], "4G"
    )
    assert '<a href="west.html" aria-label="West: 80 %"><title>West: 80 %</title><path class="area c3"' in svg
    assert '<g role="img" aria-label="East: 98 %">' in svg
    assert re.findall(r"<text[^>]*>([^<]*)</text>", svg) == ["80 %", "98 %"]


def test_north_is_up_and_the_page_is_filled() -> None:
    svg = draw(
        [Area(WEST, "c3", "South"), Area(WEST.replace("48", "53").replace("52", "55"), "c1", "North")], "4G"
    )
    height = int(re.search(rf'viewBox="0 0 {WIDTH} (\d+)"', svg)[1])  # type: ignore[index]
    starts = {
        style: tuple(map(int, start))
        for style, *start in re.findall(r'class="area (\w+)" d="M(\d+) (\d+)', svg)
    }
    assert starts["c1"][1] < starts["c3"][1] <= height
    ends = [int(number) for number in re.findall(r"M(\d+) ", svg)]
    assert min(ends) < 50


def test_a_city_is_a_circle_above_its_region_and_has_no_room_for_a_figure() -> None:
    svg = draw([Area(CITY, "c5", "City: 99 %", "99 %"), Area(EAST, "c2", "East: 60 %", "60 %")], "4G")
    assert svg.index('class="area c2"') < svg.index('<circle class="area c5"')
    assert "99 %</text>" not in svg
    assert "60 %</text>" in svg


def test_every_part_of_an_area_is_drawn() -> None:
    assert re.search(r'd="M[^"]*M', draw([Area(ISLES, "c2", "Isles")], "4G"))


def test_ground_is_not_told_and_lines_lie_over_it() -> None:
    svg = draw([Area(EAST, "land")], "Roads", [Line("LINESTRING (66 48, 72 52)", "road h-4g")])
    assert "<title>" not in svg
    assert svg.index('class="area land"') < svg.index('class="road h-4g"')


def test_roads_alone_make_a_map() -> None:
    assert 'class="road"' in draw([], "Roads", [Line("LINESTRING (66 48, 72 52)", "road")])
    assert draw([], "Nothing") == ""


def test_names_are_text() -> None:
    svg = draw([Area(EAST, "c1", 'A"><script>', "<b>")], 'B"><script>')
    assert "<script>" not in svg
    assert "<b>" not in svg


def test_islands_are_no_map_of_a_country() -> None:
    assert is_whole([WEST, EAST])
    assert not is_whole([ISLES, ISLES.replace("60", "80").replace("61", "81")])
    assert not is_whole([])
