"""From a published number down to the rows it was made from, and from a delivery up to the numbers that rest on it.

Belongs here: putting together figure, terms, files, senders, checks and code. Does not belong here: how terms and rows
are found (`explain_terms`), how the explanation is printed (`explanation_text`), or judging.

The figure, its terms and its deliveries are those of the release, so that a number quoted last year is explained as it
was published. Rows of files are looked up in the lake, which keeps them also when a later delivery replaced them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.explain_terms import terms_of
from warehouse.exports import DUCKDB_FILE
from warehouse.lineage import COUNTED
from warehouse.paths import PROJECT_DIR, Home
from warehouse.release_reader import ReleaseReader

NATION = "000000000"


class NotExplainable(Exception):
    """There is no such figure or delivery in the release; says what there is."""


@dataclass(frozen=True)
class Figure:
    """Which number is to be explained; what is None is chosen where there is only one choice, the date the latest."""

    metric_id: str
    kato: str = NATION
    technology: str | None = None
    as_of: dt.date | None = None
    area_type: str | None = None


@dataclass(frozen=True)
class Explanation:
    """All that made a figure. Lists are whole, in a fixed order; whoever prints may cut them.

    `figure`: the row of fct_metric, with the names of metric, place and method. `terms`: term, name, is_counted,
    numerator, denominator. `rows`: term and what stands in the file: extract_id, sheet, row, values. `check_sum`: what
    the terms add up to beside what was published. `deliveries`: role, rows used, and the account of each file.
    """

    figure: dict[str, Any]
    release: dict[str, Any]
    check_sum: dict[str, Any]
    terms: tuple[dict[str, Any], ...]
    rows: tuple[dict[str, Any], ...]
    census_rows: tuple[dict[str, Any], ...]
    deliveries: tuple[dict[str, Any], ...]
    checks: tuple[dict[str, Any], ...]
    models: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The explanation as plain data."""
        return {
            "figure": self.figure,
            "release": self.release,
            "check_sum": self.check_sum,
            "terms": list(self.terms),
            "rows": list(self.rows),
            "census_rows": list(self.census_rows),
            "deliveries": list(self.deliveries),
            "checks": list(self.checks),
            "models": list(self.models),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class DeliveryUse:
    """What rests on a delivery: metric, date, role, how many published numbers; `national`: those of the nation."""

    delivery: dict[str, Any]
    release: dict[str, Any]
    uses: tuple[dict[str, Any], ...]
    national: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as plain data."""
        return {
            "delivery": self.delivery,
            "release": self.release,
            "uses": list(self.uses),
            "national": list(self.national),
        }


def explain(home: Home, release: Path, asked: Figure) -> Explanation:
    """Explain one number of the release in `release`.

    Errors: NotExplainable when the release has no such metric, place, technology or date; OSError without a release.
    """
    reader = ReleaseReader(home, release)
    figure = _figure(reader, asked)
    terms, rows, census = terms_of(reader, figure)
    lineage = reader.has("meta_lineage")
    if not lineage:
        reader.notes.append(
            "the release was made before lineage was part of it; its deliveries are not listed"
        )
    return Explanation(
        figure=figure,
        release=_release(reader),
        check_sum=_check_sum(figure, terms),
        terms=tuple(terms),
        rows=tuple(rows),
        census_rows=tuple(census),
        deliveries=tuple(_deliveries(reader, figure, [*rows, *census])) if lineage else (),
        checks=tuple(_checks(reader, figure["metric_id"])),
        models=_models(reader, figure["metric_id"]),
        notes=tuple(reader.notes),
    )


def explain_delivery(home: Home, release: Path, asked: str) -> DeliveryUse:
    """Which published numbers rest on a delivery, named by extract id, SHA-256 (or its beginning) or file name.

    Errors: NotExplainable when the release knows no such delivery, or several.
    """
    reader = ReleaseReader(home, release)
    name = asked.strip()
    found = reader.query(
        """
        select extracts.*, accounts.rows_read, accounts.rows_accepted, accounts.rows_quarantined,
            accounts.rows_duplicate
        from meta_extract as extracts
        left join meta_row_account as accounts on extracts.extract_id = accounts.extract_id
        where extracts.extract_id = $name or extracts.file_name = $name or ends_with(extracts.file_name, '/' || $name)
            or ends_with($name, '/' || extracts.file_name)
            or (length($name) >= 8 and starts_with(extracts.sha256, lower($name)))
        order by extracts.extract_id
        """,
        {"name": name},
    )
    if not found:
        raise NotExplainable(f"no metric and no delivery is called {name!r}{_near(reader, name)}")
    if len(found) > 1:
        listed = ", ".join(str(row["extract_id"]) for row in found[:5])
        raise NotExplainable(f"{name!r} may be any of {len(found)} deliveries: {listed}; name one")
    extract_id = found[0]["extract_id"]
    if not reader.has("meta_lineage"):
        raise NotExplainable("the release was made before lineage was part of it")
    figures = """
        from meta_lineage as lineage
        inner join fct_metric as figures on lineage.metric_id = figures.metric_id
            and (lineage.as_of_date is null or lineage.as_of_date = figures.as_of_date)
        where lineage.extract_id = ?
    """
    uses = reader.query(
        f"""
        select lineage.metric_id, any_value(metrics.name_en) as name_en, any_value(metrics.system) as system,
            lineage.role, lineage.as_of_date, any_value(counts.numbers) as numbers_published
        from meta_lineage as lineage
        inner join dim_metric as metrics on lineage.metric_id = metrics.metric_id
        left join (
            select lineage.metric_id, lineage.as_of_date, count(figures.value) as numbers {figures}
            group by all
        ) as counts
            on lineage.metric_id = counts.metric_id
            and lineage.as_of_date is not distinct from counts.as_of_date
        where lineage.extract_id = ?
        group by lineage.metric_id, lineage.role, lineage.as_of_date
        order by lineage.role, system, lineage.metric_id, lineage.as_of_date
        """,
        [extract_id, extract_id],
    )
    national = reader.query(
        f"""
        select figures.metric_id, figures.as_of_date, figures.area_type, figures.technology, figures.value,
            figures.unit, figures.status
        {figures} and lineage.role = '{COUNTED}' and figures.geography_level = 'national'
        order by all
        """,
        [extract_id],
    )
    return DeliveryUse(found[0], _release(reader), tuple(uses), tuple(national))


def is_metric(release: Path, name: str) -> bool:
    """Whether the release has a metric of that name."""
    with duckdb.connect(str(release / DUCKDB_FILE), read_only=True) as connection:
        found = connection.execute("select 1 from marts.dim_metric where metric_id = ?", [name]).fetchall()
    return bool(found)


# --- The figure ----------------------------------------------------------------------------------------------------


def _figure(reader: ReleaseReader, asked: Figure) -> dict[str, Any]:
    metrics = [row["metric_id"] for row in reader.query("select metric_id from dim_metric order by 1")]
    if asked.metric_id not in metrics:
        raise NotExplainable(f"no metric is called {asked.metric_id!r}{_near(reader, asked.metric_id)}")
    kato = _place(reader, asked.kato)
    found = reader.query(
        "select * from fct_metric where metric_id = ? and kato = ? order by as_of_date, technology, area_type, "
        "geography_level",
        [asked.metric_id, kato],
    )
    if not found:
        table = reader.query("select source_table from dim_metric where metric_id = ?", [asked.metric_id])
        raise NotExplainable(
            f"{asked.metric_id} has no figure for the place {kato} in fct_metric; see {table[0]['source_table']}"
        )
    date = asked.as_of or max(row["as_of_date"] for row in found)
    found = _chosen(found, "as_of_date", date, "--as-of")
    found = _chosen(found, "technology", asked.technology, "--technology")
    areas = {row["area_type"] for row in found}
    found = _chosen(found, "area_type", asked.area_type or ("all" if "all" in areas else None), "--area-type")
    # A republican city is region and district at once, with the same figures.
    figure = sorted(found, key=lambda row: ("national", "region", "district").index(row["geography_level"]))[
        0
    ]
    named = reader.query(
        """
        select metrics.name_en as metric_name, metrics.description as metric_description, metrics.system,
            metrics.source_table, methods.method_id, methods.title as method_title, methods.formula, methods.caveats,
            methods.source as method_source
        from dim_metric as metrics inner join dim_method as methods on metrics.method_id = methods.method_id
        where metrics.metric_id = ?
        """,
        [asked.metric_id],
    )
    place = reader.query(
        "select name_en from dim_region where region_kato = ? order by is_current desc", [kato]
    )
    name = place[0]["name_en"] if place else "Kazakhstan" if kato == NATION else kato
    return {**figure, "place_name": name, **(named[0] if named else {})}


def _near(reader: ReleaseReader, name: str) -> str:
    """Metrics whose names are near, in words."""
    import difflib

    metrics = [row["metric_id"] for row in reader.query("select metric_id from dim_metric order by 1")]
    near = difflib.get_close_matches(name, metrics, 3)
    return (
        f"; near it: {', '.join(near)}"
        if near
        else "; dim_metric lists the metrics, meta_extract the deliveries"
    )


def _chosen(rows: list[dict[str, Any]], column: str, value: Any, option: str) -> list[dict[str, Any]]:
    choices = sorted({row[column] for row in rows}, key=str)
    if value is None and len(choices) == 1:
        return rows
    found = [row for row in rows if row[column] == value]
    if not found or value is None:
        asked = "which one?" if value is None else f"there is none for {value};"
        shown = ", ".join("none" if choice is None else str(choice) for choice in choices)
        raise NotExplainable(f"{asked} choose {option} from: {shown}")
    return found


def _place(reader: ReleaseReader, asked: str) -> str:
    """Nine digits of a place; a name of a region or district may stand for them."""
    if asked.isdigit():
        return asked
    found = reader.query(
        "select distinct region_kato from dim_region where is_current "
        "and lower($name) in (lower(name_en), lower(name_ru), lower(name_kk)) order by 1",
        {"name": asked.strip()},
    )
    if len(found) != 1:
        listed = ", ".join(row["region_kato"] for row in found) or "none"
        raise NotExplainable(f"{asked!r} names no one region or district ({listed}); give its KATO code")
    return str(found[0]["region_kato"])


def _release(reader: ReleaseReader) -> dict[str, Any]:
    names = (
        "publication_id",
        "published_at",
        "code_version",
        "candidate_fingerprint",
        "is_sample",
        "signed_by",
    )
    return {name: reader.document.get(name) for name in names}


def _check_sum(figure: Mapping[str, Any], terms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the terms add up to, what was published, and the rest between the two."""
    if not terms:
        return {}
    counted = [term for term in terms if term["is_counted"]]
    numerator = sum(term["numerator"] or 0 for term in counted)
    denominators = [term["denominator"] for term in terms if term["denominator"] is not None]
    published = figure["value"] if figure["numerator"] is None else figure["numerator"]
    return {
        "terms": len(terms),
        "terms_counted": len(counted),
        "numerator_of_terms": numerator,
        "numerator_published": published,
        "numerator_unexplained": None if published is None else round(published - numerator, 6),
        "denominator_of_terms": sum(denominators) if denominators else None,
        "denominator_published": figure["denominator"],
        "denominator_in_no_term": (
            round(figure["denominator"] - sum(denominators), 6)
            if denominators and figure["denominator"] is not None
            else None
        ),
    }


def _deliveries(
    reader: ReleaseReader, figure: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    used: dict[str, int] = {}
    for row in rows:
        used[row["extract_id"]] = used.get(row["extract_id"], 0) + int(row.get("rows", 1))
    found = reader.query(
        """
        select lineage.role, extracts.extract_kind, extracts.sender, extracts.extract_id, extracts.file_name,
            extracts.sha256, extracts.as_of_date, extracts.revision, extracts.outcome, extracts.layout_id,
            accounts.rows_read, accounts.rows_accepted, accounts.rows_quarantined, accounts.rows_duplicate
        from meta_lineage as lineage
        inner join meta_extract as extracts on lineage.extract_id = extracts.extract_id
        left join meta_row_account as accounts on lineage.extract_id = accounts.extract_id
        where lineage.metric_id = ? and (lineage.as_of_date is null or lineage.as_of_date = ?)
        order by lineage.role, extracts.extract_kind, extracts.sender, extracts.extract_id
        """,
        [figure["metric_id"], figure["as_of_date"]],
    )
    return [{**row, "rows_in_figure": used.get(row["extract_id"], 0)} for row in found]


def _checks(reader: ReleaseReader, metric_id: str) -> list[dict[str, Any]]:
    needed: list[str] = next(
        (entry["checks"] for entry in reader.document["metrics"] if entry["metric_id"] == metric_id), []
    )
    return reader.query(
        "select check_id, kind, status, observed, description, suite_version from meta_check "
        "where check_id in (select unnest($needed::varchar[])) order by (status = 'pass'), kind, check_id",
        {"needed": list(needed)},
    )


def _models(reader: ReleaseReader, metric_id: str) -> tuple[str, ...]:
    return tuple(reader.document.get("lineage", {}).get(metric_id, ()))


def model_file(relation: str) -> Path | None:
    """Source file of a model or seed of this project, by its relation `schema.name`; None when it has none."""
    name = relation.rpartition(".")[2]
    return next(
        (
            path
            for folder in ("models", "seeds")
            for suffix in ("sql", "csv")
            for path in sorted((PROJECT_DIR / "dbt_project" / folder).rglob(f"{name}.{suffix}"))
        ),
        None,
    )
