"""The pages of the report: which there are, what each is made from, and the folder they are written to.

Belongs here: the list of pages with the rows of each, rendering, writing. Does not belong here: questions to the
release (`read`), words and formats (`language`), drawings (`charts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from warehouse.exports import DUCKDB_FILE
from warehouse.report.language import load_languages
from warehouse.report.read import (
    GRADES,
    LONGEST_GAPS,
    MEASURES,
    MOBILE,
    NATION,
    PROGRAMME_DAY,
    RUNGS,
    SYSTEMS,
    Reader,
    Row,
)  # fmt: skip
from warehouse.report.view import View
from warehouse.revision import COMPONENTS
from warehouse.sql import quoted

FOLDER = "report"
_HERE = Path(__file__).parent
NAVIGATION = (
    "index", "statements", "coverage", "rural", "cities", "highways", "projects", "evidence", "changes", "quality",
    "method", "dictionary", "downloads",
)  # fmt: skip
# Where the figures of a system are told at length.
_PAGE_OF = {
    "S1": "coverage", "S2": "rural", "S3": "coverage", "S4": "rural", "S5": "cities", "S6": "highways",
    "S7": "projects", "S8": "projects", "S9": "projects",
}  # fmt: skip
_WHOLE_FILES = (DUCKDB_FILE, "datapackage.json", "publication.json", "dcat.jsonld")


_WHOLE_UNITS = frozenset({"settlements", "people", "households", "US dollars", "cities", "days"})


@dataclass(frozen=True)
class Page:
    """A page: its name without ending, its template, and the rows it shows. `section`: the page it belongs under."""

    name: str
    template: str
    rows: Mapping[str, Any] = field(default_factory=dict)
    section: str = ""
    kato: str | None = None


def write_report(release: Path, folder: Path | None = None) -> None:
    """Write the report of a release into `folder`, which must not exist; by default `report/` of the release.

    Reads the release's tables and the sizes of its files, nothing else: equal releases have equal reports.

    Errors: OSError when the folder stands or cannot be written; ValueError when the release does not say which it is.
    """
    folder = folder or release / FOLDER
    with duckdb.connect(str(release / DUCKDB_FILE), read_only=True) as connection:
        reader = Reader(connection)
        listed = pages(reader, release)
        languages = load_languages()
        folder.mkdir()
        (folder / "assets").mkdir()
        for asset in sorted((_HERE / "assets").iterdir()):
            (folder / "assets" / asset.name).write_bytes(asset.read_bytes())
        environment = environment_of_templates()
        common = {
            "languages": languages,
            "publication": reader.publication,
            "sample": reader.publication["is_sample"],
            "navigation": NAVIGATION,
        }
        _write(folder / "index.html", environment.get_template("root.html").render(common))
        for language in languages:
            (folder / language.code).mkdir()
            for page in listed:
                view = View(language, reader)
                text = environment.get_template(page.template).render(
                    {**common, **page.rows},
                    v=view,
                    t=language.texts,
                    page=page.name,
                    section=page.section,
                    kato=page.kato,
                    title=_title(page, view),
                )
                _write(folder / language.code / f"{page.name}.html", text)


@cache
def environment_of_templates() -> jinja2.Environment:
    """Templates of the report: everything is escaped, and a name that is not there is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["fill"] = lambda text, **values: Markup.escape(text).format(**values)
    return environment


def pages(reader: Reader, release: Path) -> list[Page]:
    """Every page of the report of a release, in the order of the navigation, regions after."""
    date = reader.latest("fct_coverage_by_technology")
    regions = list(reader.regions)
    return [
        Page("index", "index.html", {"cards": _cards(reader)}),
        Page("statements", "statements.html", {"targets": reader.targets, "statements": _by_system(reader)}),
        Page(
            "coverage",
            "coverage.html",
            {"date": date, "measures": MEASURES, "places": [NATION, *regions], "itu": _itu(reader)},
        ),
        Page("rural", "rural.html", _rural(reader)),
        Page("cities", "cities.html", _cities(reader)),
        Page("highways", "highways.html", _highways(reader)),
        Page(
            "projects",
            "projects.html",
            {
                "milestones": reader.milestones,
                "milestone_date": reader.latest("fct_milestone"),
                "satellites": reader.satellites,
                "systems": reader.systems_by_agency,
            },
        ),
        Page("evidence", "evidence.html", {"date": date, "regions": regions, **_evidence(reader)}),
        Page("changes", "changes.html", _changes(reader)),
        Page("quality", "quality.html", _quality(reader)),
        Page("method", "method.html", {"metrics": list(reader.metrics.values()), "methods": reader.methods}),
        Page(
            "dictionary",
            "dictionary.html",
            {"dictionary": reader.dictionary, "descriptions": _descriptions(reader)},
        ),
        Page("downloads", "downloads.html", {"date": date, **_downloads(reader, release)}),
        *(
            Page(f"region-{kato}", "region.html", {"date": date, **_region(reader, kato)}, "coverage", kato)
            for kato in regions
        ),
    ]


def _title(page: Page, view: View) -> str:
    return view.region(page.kato) if page.kato else str(view.t["page"][page.name])


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


# --- The rows of each page ------------------------------------------------------------------------------------------


def _cards(reader: Reader) -> list[Row]:
    """One card a system: its leading target and what was said of it on the programme's day."""
    cards = []
    for system in SYSTEMS:
        target = next((row for row in reader.targets if row["system"] == system), None)
        metrics = [row for row in reader.metrics.values() if row["system"] == system]
        judged = reader.metrics.get(target["metric_id"]) if target else None
        withheld = (
            (target["withheld_reason"] or (judged["withheld_reason"] if judged else None))
            if target
            else next((row["withheld_reason"] for row in metrics if row["status"] != "published"), None)
        )
        cards.append(
            {
                "system": system,
                "target": target,
                "scale": _scale(target) if target else None,
                "withheld": withheld,
                "published": target is not None and target["value"] is not None,
                "statements": [
                    row
                    for row in reader.statements
                    if row["system"] == system and row["stated_at"] == PROGRAMME_DAY
                ],
                "page": _PAGE_OF[system],
            }
        )
    return cards


def _itu(reader: Reader) -> list[tuple[str, list[Row]]]:
    series = [(technology, reader.series("itu_population_covered_pct", technology)) for technology in MOBILE]
    return [(technology, rows) for technology, rows in series if rows]


def _scale(target: Row) -> float | None:
    """The value that fills the bar of a target: the whole of a share, else the largest figure. None: no bar."""
    if not target["target_value"] or target["unit"] == "days":
        return None
    if target["unit"] == "percent":
        return 100.0
    return float(max(target["target_value"], target["value"] or 0, target["projected_high"] or 0))


def _by_system(reader: Reader) -> list[tuple[str, list[Row]]]:
    said = [(system, [row for row in reader.statements if row["system"] == system]) for system in SYSTEMS]
    return [(system, rows) for system, rows in said if rows]


def _rungs(rows: list[Row]) -> list[Row]:
    by_level = {row["connection_level"]: row for row in rows}
    return [by_level[rung] for rung in RUNGS if rung in by_level]


def _rural(reader: Reader) -> dict[str, Any]:
    date = reader.latest("fct_rural_connection")
    nation = [row for row in reader.ladder.get(NATION, []) if row["as_of_date"] == date]
    by_region = []
    for kato in reader.regions:
        rows = {row["connection_level"]: row for row in reader.ladder.get(kato, [])}
        # A republican city has no villages.
        if not rows or not next(iter(rows.values()))["villages"]:
            continue
        order = (*reversed(RUNGS), "satellite_only", "level_0")
        parts = [(f"r-{level}", rows[level]["villages_at_level_pct"]) for level in order if level in rows]
        some = next(iter(rows.values()))
        by_region.append(
            {
                "kato": kato,
                "villages": some["villages"],
                "withheld": some["withheld_reason"],
                "parts": parts if any(value is not None for _, value in parts) else [],
                "shares": {
                    level: rows[level]["villages_at_or_above_pct"] for level in RUNGS if level in rows
                },
            }
        )
    return {
        "date": date,
        "rungs": _rungs(nation),
        "satellite": next((row for row in nation if row["connection_level"] == "satellite_only"), None),
        "by_region": by_region,
        "fibre": [row for row in reader.fibre if row["contractor"] == "all"],
        "contractors": [row for row in reader.fibre if row["contractor"] != "all"],
    }


def _region(reader: Reader, kato: str) -> dict[str, Any]:
    own = [code for code, row in reader.districts.items() if row["parent"] == kato]
    operators: dict[str, dict[str, Row]] = {}
    for row in reader.operators_of_places.get(kato, []):
        operators.setdefault(row["operator_id"], {})[row["technology"]] = row
    availability = reader.metrics.get("operator_availability")
    return {
        "measures": MEASURES,
        "rungs": [row for row in _rungs(reader.ladder.get(kato, [])) if row["villages"]],
        "districts": [_district(reader, code) for code in own],
        "operators": list(operators.items()),
        "villages": reader.villages_without_4g.get(kato, []),
        "villages_withheld": availability["withheld_reason"] if availability else None,
        "gaps": [gap for gap in reader.gaps if gap["region"] == kato][:LONGEST_GAPS],
    }


def _district(reader: Reader, kato: str) -> Row:
    rows = reader.coverage.get((kato, "all", "4g"))
    coverage = rows[-1] if rows else None
    ladder = {row["connection_level"]: row for row in reader.ladder.get(kato, [])}
    some = next(iter(ladder.values()), None)
    return {
        "kato": kato,
        "names": reader.districts[kato],
        "population": coverage["population"] if coverage else None,
        "villages": coverage["villages"] if coverage else None,
        "villages_4g": coverage["villages_covered"] if coverage else None,
        "withheld": coverage["withheld_reason"] if coverage else None,
        "level_1": ladder["level_1"]["villages_at_or_above"] if "level_1" in ladder else None,
        "level_2": ladder["level_2"]["villages_at_or_above"] if "level_2" in ladder else None,
        "ladder_withheld": some["withheld_reason"] if some else None,
    }


def _highways(reader: Reader) -> dict[str, Any]:
    by_road: dict[str, dict[str, Row]] = {}
    for row in reader.roads:
        by_road.setdefault(row["road_id"], {})[row["technology"]] = row
    gaps: dict[str, list[Row]] = {}
    for gap in reader.gaps:
        gaps.setdefault(gap["road_id"], []).append(gap)
    total = by_road.get("all", {})
    single = {road: by for road, by in by_road.items() if not road.startswith("all")}
    lengths = {road: next(iter(by.values()))["road_length_km"] or 0.0 for road, by in single.items()}
    longest = max(lengths.values(), default=0.0) or 1.0
    operators: dict[str, dict[str, Row]] = {}
    for row in reader.road_operators:
        operators.setdefault(row["operator_id"], {})[row["technology"]] = row
    return {
        "date": reader.latest("fct_highway_coverage"),
        "total": total if "2g" in total else {},
        "roads": [
            {
                "road_id": road,
                "road_name": next(iter(by.values()))["road_name"],
                "road_class": next(iter(by.values()))["road_class"],
                "length": lengths[road],
                "longest": longest,
                "by": by,
                "gaps": gaps.get(road, []),
            }
            for road, by in single.items()
        ],
        "gaps": reader.gaps[:LONGEST_GAPS],
        "gaps_all": len(reader.gaps),
        "operators": list(operators.items()),
    }


def _cities(reader: Reader) -> dict[str, Any]:
    date = reader.latest("fct_urban_5g")
    over_time: dict[str, list[Row]] = {}
    for row in reader.cities:
        over_time.setdefault(row["city_kato"], []).append(row)
    current = [row for row in reader.cities if row["as_of_date"] == date]
    return {
        "date": date,
        "total": next((row for row in current if row["city_kato"] == "all"), None),
        "cities": [row for row in current if row["city_kato"] != "all"],
        "over_time": sorted(over_time.values(), key=lambda rows: rows[0]["city_kato"] != "all"),
    }


def _evidence(reader: Reader) -> dict[str, Any]:
    regions: dict[str, dict[str, Row]] = {}
    for row in reader.reliability:
        if row["geography_level"] == "region" and row["operator_id"] == "all":
            regions.setdefault(row["kato"], {})[row["technology"]] = row
    methods: dict[str, dict[str, Row]] = {}
    for row in reader.methods_of_coverage:
        methods.setdefault(row["technology"], {})[row["union_method"]] = row
    speeds: dict[str, list[Row]] = {}
    for row in reader.speeds:
        speeds.setdefault(row["network_type"], []).append(row)
    return {
        "grades": GRADES,
        "measures": MEASURES,
        "reliability": [row for row in reader.reliability if row["geography_level"] == "national"],
        "reliability_regions": list(regions.items()),
        "methods": list(methods.items()),
        "method_ids": sorted({method for by in methods.values() for method in by}),
        "speeds": list(speeds.values()),
    }


def _changes(reader: Reader) -> dict[str, Any]:
    revisions = []
    for row in reader.revisions:
        digits = 2 if row["unit"] == "percent" else 0 if row["unit"] in _WHOLE_UNITS else 1
        # A part too small to be told has no line of its own.
        parts = [
            (part, row[part]) for part in COMPONENTS if row[part] is not None and round(row[part], digits)
        ]
        revisions.append({**row, "digits": digits, "parts": parts})
    return {
        "counts": reader.revision_counts,
        "previous": next((row["previous_publication_id"] for row in reader.revision_counts), None),
        "revisions": revisions,
    }


def _quality(reader: Reader) -> dict[str, Any]:
    return {
        "withheld": [row for row in reader.metrics.values() if row["status"] != "published"],
        "senders": reader.senders,
        "files": reader.files_not_whole,
        "checks": reader.checks,
        "open_checks": reader.open_checks,
    }


def _descriptions(reader: Reader) -> dict[str, str]:
    """Comments of the release's tables, by table; without the mark of sample data, which every page has itself."""
    found = reader.rows(
        "select table_name, comment from duckdb_tables() where schema_name = 'marts' order by table_name"
    )
    return {row["table_name"]: (row["comment"] or "").removeprefix("SAMPLE. ") for row in found}


def _downloads(reader: Reader, release: Path) -> dict[str, Any]:
    descriptions = _descriptions(reader)
    counts = {
        name: reader.rows(f"select count(*) as rows from marts.{quoted(name)}")[0]["rows"]
        for name in descriptions
    }
    return {
        "whole": [
            # The descriptor and the account hold the hash of every page, so they are written after it.
            {"path": name, "bytes": (release / name).stat().st_size if name == DUCKDB_FILE else None}
            for name in _WHOLE_FILES
        ],
        "others": [
            {"path": path.relative_to(release).as_posix(), "bytes": path.stat().st_size}
            for folder in ("xlsx", "geo", "docs")
            for path in sorted((release / folder).glob("*"))
            if path.suffix != ".txt"
        ],
        "tables": [
            {
                "name": name,
                "rows": counts[name],
                "csv": (release / "csv" / f"{name}.csv").stat().st_size,
                "parquet": (release / "parquet" / f"{name}.parquet").stat().st_size,
                "description": descriptions[name],
            }
            for name in descriptions
        ],
    }
