"""One language's view of a release: what the templates ask for beside the rows of their page.

Belongs here: rows turned into text, cells and drawings in a language. Does not belong here: questions to the release
(`read`), marks (`charts`), formats (`language`).
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from warehouse.report.charts import CLASSES, TILES, Line, lines_over_time, road_strip, share_class
from warehouse.report.language import Language
from warehouse.report.outlines import Area, is_whole
from warehouse.report.outlines import Line as Stroke
from warehouse.report.outlines import draw as outlines_map
from warehouse.report.read import GRADES, NATION, Reader, Row


@dataclass(frozen=True)
class View:
    """A release as a reader of one language sees it on one page."""

    language: Language
    reader: Reader
    # Why figures of the page are withheld, in the order in which they stand on it.
    reasons: dict[str, None] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        # Formats belong to the language; templates need not know which of the two answers.
        return getattr(self.language, name)

    @property
    def t(self) -> Mapping[str, Any]:
        """Texts of the language."""
        return self.language.texts

    # --- Names ----------------------------------------------------------------------------------------------------

    def region(self, kato: str) -> str:
        """Name of a region; the nation's for its code, the code where the map has none."""
        if kato == NATION:
            return str(self.t["nation"])
        row = self.reader.regions.get(kato)
        return self.language.named(row) if row else kato

    def short(self, kato: str) -> str:
        """Short name of a region, for a tile."""
        return str(self.t["region_short"].get(kato) or self.region(kato))

    def district(self, kato: str | None) -> str:
        """Name of a district; a city that is its own district has its name as a region."""
        if kato is None:
            return ""
        row = self.reader.districts.get(kato)
        return self.language.named(row) if row else self.region(kato)

    def operator(self, operator_id: str) -> str:
        """Name of an operator."""
        row = self.reader.operators.get(operator_id)
        return (self.language.named(row) if row else "") or operator_id

    def city(self, row: Row) -> str:
        """Name of a city: the classifier's, else the one that was filed."""
        return self.language.named(row) or str(row["city_name_ru"] or row["city_kato"])

    def measure(self, metric_id: str, technology: str | None) -> str:
        """A metric's name, and what it is taken of."""
        row = self.reader.metrics.get(metric_id)
        name = (self.language.named(row) if row else "") or metric_id
        return f"{name}: {self.language.term('technology', technology)}" if technology else name

    def quote(self, row: Row) -> Markup:
        """What was said, in this language where the report has it; else as the release has it, marked as English."""
        translated = self.t["quote"].get(row["statement_id"])
        if translated or self.language.code == "en":
            return Markup.escape(translated or row["quote"])
        return Markup('<span lang="en">{}</span>').format(row["quote"])

    def stated(self, row: Row) -> Markup:
        """The number of a statement with its unit; for a date, what was said."""
        if row["stated_value"] is None or row["unit"] == "days":
            return self.quote(row)
        sign = {">=": "≥\N{NO-BREAK SPACE}", "<=": "≤\N{NO-BREAK SPACE}", "~": "≈\N{NO-BREAK SPACE}"}.get(
            row["qualifier"], ""
        )
        return Markup("{}{}").format(sign, self.language.value(row["stated_value"], row["unit"]))

    def withheld(self, metric_id: str) -> str | None:
        """Why a metric is withheld; None when it stands or the release does not know it."""
        row = self.reader.metrics.get(metric_id)
        return row["withheld_reason"] if row else None

    def size(self, size: int) -> str:
        """Size of a file."""
        for unit, digits in (("B", 0), ("kB", 0), ("MB", 1)):
            if size < 1000 or unit == "MB":
                return f"{self.language.number(size, digits)}\N{NO-BREAK SPACE}{self.t['bytes'][unit]}"
            size = size / 1000  # type: ignore[assignment]
        raise AssertionError

    # --- Figures --------------------------------------------------------------------------------------------------

    def value(self, value: float | None, unit: str | None, withheld: str | None = None) -> Markup:
        """A figure with its unit; when it is withheld the page tells why at its end."""
        return self.absent(withheld) if value is None else self.language.value(value, unit)

    def rate(self, value: float | None, unit: str | None, withheld: str | None = None) -> Markup:
        """A change a month, without its unit unless that is money; of a percentage it is points."""
        if value is None or unit == "US dollars":
            return self.value(value, unit, withheld)
        return Markup.escape(self.language.number(value, 1 if abs(value) < 1000 else 0))

    def reason(self, withheld: str | None) -> Markup:
        """Why something is withheld; nothing where it stands."""
        return self.language.reason(withheld) if withheld else Markup("")

    def absent(self, withheld: str | None) -> Markup:
        """What stands where no figure does."""
        if withheld:
            self.reasons[withheld] = None
        return self.language.absent(withheld)

    def share_class(self, value: float) -> int:
        """Class of a share in the style sheet."""
        return share_class(value)

    def part(self, value: float | None, of: float | None) -> float:
        """Width of a bar, 0-100; nothing where there is no figure."""
        return max(0.0, min(100.0, 100 * value / of)) if value is not None and of else 0.0

    def classes(self) -> list[str]:
        """Names of the classes of a share, the least first."""
        ends = [self.language.percent(end, 0) for end in CLASSES]
        between = [f"{low} – {high}" for low, high in itertools.pairwise(ends)]
        return [f"< {ends[0]}", *between, f"≥ {ends[-1]}"]

    def coverage_row(self, kato: str, area: str, measure: str) -> Row | None:
        """Coverage of a place at its latest date."""
        rows = self.reader.coverage.get((kato, area, measure))
        return rows[-1] if rows and rows[-1]["as_of_date"] == self._latest else None

    def coverage_value(self, kato: str, area: str, measure: str) -> Markup:
        """The same as text."""
        row = self.coverage_row(kato, area, measure)
        if row is None:
            return self.absent(None)
        return self.value(row["population_covered_pct"], "percent", row["withheld_reason"])

    def cells(self, measure: str) -> list[Row]:
        """Tiles of the map for a measure; a region that the grid has no place for stands in rows below it."""
        cells, spare = [], 0
        for kato in self.reader.regions:
            row = self.coverage_row(kato, "all", measure)
            if kato in TILES:
                column, line = TILES[kato]
            else:
                column, line = spare % 6 + 1, spare // 6 + 6
                spare += 1
            cells.append(
                {
                    "kato": kato,
                    "column": column,
                    "row": line,
                    "value": row["population_covered_pct"] if row else None,
                    "withheld": row["withheld_reason"] if row else None,
                }
            )
        return cells

    def map_of_regions(self, measure: str, label: str) -> Markup:
        """The country in outlines, each region in the colour of its share; empty where they do not make a map of it."""
        outlines = self._country
        areas = []
        for kato in outlines:
            row = self.coverage_row(kato, "all", measure)
            value = row["population_covered_pct"] if row else None
            withheld = row["withheld_reason"] if row else None
            areas.append(
                self._area(outlines[kato], self.region(kato), value, withheld, f"region-{kato}.html")
            )
        return outlines_map(areas, label)

    def map_of_districts(self, kato: str, measure: str, label: str) -> Markup:
        """A region's districts in the colours of their shares; empty unless two or more have an outline."""
        outlines = self.reader.outlines["district"]
        own = [
            code for code, row in self.reader.districts.items() if row["parent"] == kato and code in outlines
        ]
        areas = []
        for code in own if len(own) > 1 else ():
            rows = self.reader.coverage.get((code, "all", measure))
            value = rows[-1]["population_covered_pct"] if rows else None
            withheld = rows[-1]["withheld_reason"] if rows else None
            areas.append(self._area(outlines[code], self.district(code), value, withheld))
        return outlines_map(areas, label)

    def map_of_roads(self, label: str) -> Markup:
        """Roads, gaps over them, and the country below where its outlines are known; empty without lines of roads."""
        roads = self.reader.road_lines
        if not roads:
            return Markup("")
        areas = [Area(wkt, "land") for wkt in self._country.values()]
        known = {
            row["road_id"]
            for row in self.reader.roads
            if row["technology"] == "4g" and row["covered_pct"] is not None
        }
        lines = [
            Stroke(wkt, "road h-4g" if road in known else "road h-unknown") for road, wkt in roads.items()
        ]
        for technology, style in (("4g", "road h-3g"), ("2g", "road h-none")):
            lines += [
                Stroke(
                    f"LINESTRING ({gap['start_longitude']} {gap['start_latitude']}, "
                    f"{gap['end_longitude']} {gap['end_latitude']})",
                    style,
                )
                for gap in self.reader.gaps
                if gap["technology"] == technology
                and None not in (gap["start_longitude"], gap["end_longitude"])
            ]
        return outlines_map(areas, label, lines)

    @property
    def _country(self) -> dict[str, str]:
        """Outlines of the regions, when there is one of each and they make a map; else none."""
        outlines = self.reader.outlines["region"]
        is_map = outlines.keys() >= self.reader.regions.keys() and is_whole(list(outlines.values()))
        return {kato: outlines[kato] for kato in self.reader.regions} if is_map else {}

    def _area(
        self, wkt: str, name: str, value: float | None, withheld: str | None, href: str | None = None
    ) -> Area:
        if value is None:
            told = str(self.t["figure"]["withheld" if withheld else "unknown"])
            return Area(wkt, "is-withheld" if withheld else "is-unknown", f"{name}: {told}", "", href)
        shown = self.language.percent(value, 1)
        return Area(wkt, f"c{share_class(value)}", f"{name}: {shown}", self.language.percent(value, 0), href)

    def rank(self, kato: str, measure: str) -> str:
        """Place of a region among those with a figure, the best first; equal figures share a place."""
        rows = {each: self.coverage_row(each, "all", measure) for each in self.reader.regions}
        known = {
            each: row["population_covered_pct"]
            for each, row in rows.items()
            if row and row["population_covered_pct"] is not None
        }
        if kato not in known:
            return "–"
        place = 1 + sum(round(value, 1) > round(known[kato], 1) for value in known.values())
        return str(self.t["region"]["rank"]).format(place=place, all=len(known))

    @property
    def _latest(self) -> dt.date | None:
        return self.reader.latest("fct_coverage_by_technology")

    # --- Drawings -------------------------------------------------------------------------------------------------

    def trend(self, kato: str) -> Markup:
        """A place over time: 3G, 5G, fibre, and 4G in front."""
        measures = (("3g", "g3"), ("5g", "g5"), ("fttp", "fttp"), ("4g", "g4"))
        lines = [
            Line(style, _points(self.reader.coverage.get((kato, "all", measure), ())))
            for measure, style in measures
        ]
        return self._lines(lines, f"{self.region(kato)}, {self.language.term('technology', '4g')}")

    def beside_nation(self, kato: str, measure: str) -> Markup:
        """A measure of a region over time, with the nation behind it."""
        rows = {place: self.reader.coverage.get((place, "all", measure), ()) for place in (NATION, kato)}
        lines = [Line("nation", _points(rows[NATION])), Line("g4", _points(rows[kato]))]
        return self._lines(lines, f"{self.region(kato)}, {self.language.term('technology', measure)}")

    def metric_trend(self, technology: str, rows: Sequence[Row]) -> Markup:
        """A share of the nation over time."""
        line = Line("g4", [(row["as_of_date"], row["value"]) for row in rows])
        return self._lines([line], self.language.term("technology", technology))

    def rung_trend(self, rung: str) -> Markup:
        """Villages at a rung or above over time, with the plan behind them."""
        rows = [row for row in self.reader.ladder.get(NATION, ()) if row["connection_level"] == rung]
        whole = max((row["villages"] or 0 for row in rows), default=0) or 1
        lines = [
            Line("nation", [(row["as_of_date"], row["villages_planned"]) for row in rows]),
            Line("g4", [(row["as_of_date"], row["villages_at_or_above"]) for row in rows]),
        ]
        return self._lines(lines, self.language.term("technology", rung), whole, "settlements")

    def city_trend(self, rows: Sequence[Row]) -> Markup:
        """Share of a city's area with 5G over time, with the announced share behind it."""
        lines = [
            Line("nation", [(row["as_of_date"], row["target_pct"]) for row in rows]),
            Line("g4", [(row["as_of_date"], row["area_pct"]) for row in rows]),
        ]
        return self._lines(lines, str(self.t["cities"]["area_share"]))

    def speed_trend(self, rows: Sequence[Row]) -> Markup:
        """Mean speeds down (in front) and up over time."""
        fields = (("upload_mbps_mean", "nation"), ("download_mbps_mean", "g4"))
        lines = [Line(style, [(row["as_of_date"], row[field]) for row in rows]) for field, style in fields]
        top = max((value for line in lines for _, value in line.points if value is not None), default=0.0)
        nice = next(step for step in (10, 20, 50, 100, 200, 500, 1000, 10_000) if step >= top)
        return self._lines(lines, self.language.term("network", rows[0]["network_type"]), nice, "mbps")

    def _lines(self, lines: Sequence[Line], label: str, high: float = 100, unit: str = "percent") -> Markup:
        told = [(date, value) for date, value in lines[-1].points if value is not None]
        if not told:
            return Markup("")
        first, last = told[0], told[-1]
        words = [
            f"{self.language.date(date)}: {self.language.value(value, unit).striptags()}"
            for date, value in dict.fromkeys((first, last))
        ]
        shown = (
            self.language.percent(last[1])
            if unit == "percent"
            else self.language.number(last[1], 0 if high >= 1000 else 1)
        )
        ends = (
            (self.language.percent(0, 0), self.language.percent(high, 0))
            if unit == "percent"
            else (self.language.number(0), self.language.number(high))
        )
        return lines_over_time(lines, f"{label}. {'; '.join(words)}", shown, high=high, ends=ends)

    def strip(self, road: Row) -> Markup:
        """A road as a strip: where 4G is missing, and where nothing is left.

        Without every gap that is counted it would look like a road covered from end to end: then there is no strip.
        """
        drawn: list[tuple[str, float, float]] = []
        # A gap of 4G first, then one of 2G over it: without 2G there is nothing better either.
        for technology, style in (("4g", "r3g"), ("2g", "none")):
            row = road["by"].get(technology)
            known = [
                gap for gap in road["gaps"] if gap["technology"] == technology and gap["start_km"] is not None
            ]
            if row is None or row["gaps"] != len(known):
                withheld = row["withheld_reason"] if row else None
                return self.absent(withheld or next((gap["withheld_reason"] for gap in road["gaps"]), None))
            drawn += [(style, gap["start_km"], gap["end_km"]) for gap in known]
        words = [
            f"{self.language.term('technology', technology)} {self.language.percent(row['covered_pct'])}"
            for technology, row in road["by"].items()
            if row["covered_pct"] is not None
        ]
        return road_strip(road["length"], drawn, road["longest"], f"{road['road_id']}: {', '.join(words)}")

    def evidence_parts(self, row: Row) -> list[tuple[str, float | None]]:
        """Widths of the grades of evidence."""
        return [(f"e-{grade}", row[f"evidence_{grade}_pct"]) for grade in GRADES]


def _points(rows: Sequence[Row]) -> list[tuple[dt.date, float | None]]:
    return [(row["as_of_date"], row["population_covered_pct"]) for row in rows]
