"""From a published number down to the rows it was made from, and from a delivery up to the numbers that rest on it.

Belongs here: reading one release and the lake, and putting together terms, rows, files, senders, checks and code.
Does not belong here: how the explanation is printed (`explanation_text`), or judging.

The figure, its terms and its deliveries are those of the release, so that a number quoted last year is explained as it
was published. Rows of files are looked up in the lake, which keeps them also when a later delivery replaced them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.exports import DUCKDB_FILE
from warehouse.lineage import COUNTED
from warehouse.parts import SCHEMA_FILE
from warehouse.paths import PROJECT_DIR, Home
from warehouse.terms import RULES, area_types, claims, settlements
from warehouse.verdicts import PUBLISHED
from warehouse.verify import read_publication

NATION = "000000000"
_NO_TERMS = "the release does not break this figure down into terms; its deliveries are listed"


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


class _Reader:
    """One release, and the lake of a home, open for reading."""

    def __init__(self, home: Home, release: Path) -> None:
        self.home = home
        self.document = read_publication(release)
        self.connection = duckdb.connect()
        self.connection.execute(f"attach {_text(str(release / DUCKDB_FILE))} as release (read_only)")
        self.connection.execute("use release.marts")
        self.notes: list[str] = []

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        cursor = self.connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def has(self, table: str) -> bool:
        return bool(
            self.query(
                "select 1 from duckdb_tables() where database_name = 'release' and table_name = ?", [table]
            )
        )

    def lake(self, kind: str, extracts: str) -> str | None:
        """Relation of accepted rows of the deliveries of a kind; None, with a note, when the lake does not hold them.

        `extracts` is the condition on meta_extract that says which.
        """
        ids = [
            row["extract_id"]
            for row in self.query(
                "select extract_id from meta_extract "
                f"where is_current and extract_kind = ? and ({extracts}) order by 1",
                [kind],
            )
        ]
        folder = self.home.lake / "accepted" / kind
        files = [
            path for each in ids for path in sorted((folder / f"extract_id={each}").glob("part-*.parquet"))
        ]
        if lost := [each for each in ids if not (folder / f"extract_id={each}").is_dir()]:
            self.notes.append(f"the lake of {self.home.root} does not hold the rows of {', '.join(lost)}")
        schema = folder / SCHEMA_FILE
        if not files:
            return None
        listed = ", ".join(_text(str(path)) for path in ([schema] if schema.exists() else []) + files)
        return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def explain(home: Home, release: Path, asked: Figure) -> Explanation:
    """Explain one number of the release in `release`.

    Errors: NotExplainable when the release has no such metric, place, technology or date; OSError without a release.
    """
    reader = _Reader(home, release)
    figure = _figure(reader, asked)
    terms, rows, census = _terms(reader, figure)
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
    reader = _Reader(home, release)
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


def _figure(reader: _Reader, asked: Figure) -> dict[str, Any]:
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


def _near(reader: _Reader, name: str) -> str:
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


def _place(reader: _Reader, asked: str) -> str:
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


def _release(reader: _Reader) -> dict[str, Any]:
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
    reader: _Reader, figure: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
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


def _checks(reader: _Reader, metric_id: str) -> list[dict[str, Any]]:
    needed: list[str] = next(
        (entry["checks"] for entry in reader.document["metrics"] if entry["metric_id"] == metric_id), []
    )
    return reader.query(
        "select check_id, kind, status, observed, description, suite_version from meta_check "
        "where check_id in (select unnest($needed::varchar[])) order by (status = 'pass'), kind, check_id",
        {"needed": list(needed)},
    )


def _models(reader: _Reader, metric_id: str) -> tuple[str, ...]:
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


# --- Terms and rows -------------------------------------------------------------------------------------------------

_Parts = tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


def _terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    """Terms of the figure, rows of files behind them, rows of the census behind the whole."""
    metric = figure["metric_id"]
    if figure["status"] != PUBLISHED:
        # Terms and rows would tell what may not be told.
        reader.notes.append(
            "the figure is withheld, so neither are its terms shown: see the reason and the checks"
        )
        return [], [], []
    if metric in RULES and reader.has("fct_settlement_population"):
        return _settlement_terms(reader, figure)
    if metric in _FAMILIES:
        return _FAMILIES[metric](reader, figure)
    reader.notes.append(_NO_TERMS)
    return [], [], []


def _in_area(figure: Mapping[str, Any], alias: str) -> str:
    column = {"region": "region_kato", "district": "district_kato"}.get(figure["geography_level"])
    return f"{alias}.{column} = {_text(figure['kato'])}" if column else "true"


def _settlement_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    rule = RULES[figure["metric_id"]]
    date = f"date '{figure['as_of_date']}'"
    villages = rule.weight == "villages"
    kinds = dict(reader.connection.execute(f"select * from {area_types(rule.weight)}").fetchall())
    rural = kinds.get(figure["area_type"])
    area = _in_area(figure, "places") + ("" if rural is None else f" and places.is_rural = {rural}")
    homes = rule.weight == "households"
    reader.connection.execute(
        f"create or replace temp table explained_claims as {claims('release.marts', rule.measure)} "
        f"and filings.as_of_date = {date}"
    )
    step = _text(figure["technology"])
    terms = reader.query(
        f"""
        with covered as (
            select settlement_kato, max(households_passed) as households_passed
            from explained_claims where step = {step} group by settlement_kato
        )
        select places.settlement_kato as term, names.name_ru as name, covered.settlement_kato is not null as is_counted,
            case when covered.settlement_kato is not null
                then {"covered.households_passed::double" if homes else f"places.{rule.weight}"} end as numerator,
            places.{rule.weight} as denominator, counts.population_as_of as census_date
        from ({settlements("release.marts")}) as places
        inner join dim_settlement as names on places.settlement_kato = names.settlement_kato
        inner join fct_settlement_population as counts
            on places.settlement_kato = counts.settlement_kato and places.as_of_date = counts.as_of_date
        left join covered on places.settlement_kato = covered.settlement_kato
        where places.as_of_date = {date} and {area} and (not {villages} or places.villages > 0)
            and (covered.settlement_kato is not null or coalesce(places.{rule.weight}, 0) > 0)
        order by coalesce(numerator, 0) desc, coalesce(denominator, 0) desc, term
        """
    )
    if any(term["is_counted"] and term["denominator"] is None for term in terms):
        reader.notes.append(
            "settlements that are covered but whose people or households nobody counted add nothing"
        )
    reader.connection.execute("create or replace temp table explained_terms (term varchar)")
    reader.connection.execute(
        "insert into explained_terms select unnest($terms::varchar[])",
        {"terms": [term["term"] for term in terms]},
    )
    rows = _claim_rows(reader, step, date)
    census = [] if villages else _census_rows(reader, figure, "households" if homes else "population")
    if villages:
        rows += _plan_rows(reader)
    return terms, rows, census


def _claim_rows(reader: _Reader, step: str, date: str) -> list[dict[str, Any]]:
    """Rows of operators' files that make the terms count, by settlement, operator and technology."""
    found = []
    wanted = f"""
        select claims.* from explained_claims as claims
        inner join explained_terms as terms on claims.settlement_kato = terms.term where claims.step = {step}
    """
    filed = reader.lake("operator_availability", f"as_of_date = {date}")
    if filed:
        found += reader.query(
            f"""
            select claims.settlement_kato as term, claims.operator_id, claims.filed_technology as technology,
                received.connection_level, received.max_download_mbps, received.max_upload_mbps,
                received.households_passed, claims.extract_id, received.source_sheet as sheet,
                received.source_row as row, 1 as rows
            from ({wanted}) as claims
            inner join {filed} as received
                on claims.extract_id = received.extract_id and claims.settlement_kato = received.settlement_kato
                and claims.operator_id = received.operator_id and claims.filed_technology = received.technology
            order by term, operator_id, technology, row
            """
        )
    by_address = reader.lake("operator_address_availability", f"as_of_date = {date}")
    if by_address:
        # Of the addresses of a settlement the best stands, and how many there are.
        found += reader.query(
            f"""
            select claims.settlement_kato as term, claims.operator_id, claims.filed_technology as technology,
                max(received.connection_level) as connection_level,
                max(received.max_download_mbps) as max_download_mbps,
                max(received.max_upload_mbps) as max_upload_mbps,
                count(*) filter (received.connection_level >= 2) as households_passed, received.extract_id,
                any_value(received.source_sheet) as sheet,
                min_by(received.source_row, {{'level': -received.connection_level, 'row': received.source_row}}) as row,
                count(*) as rows
            from ({wanted}) as claims
            inner join {by_address} as received
                on claims.settlement_kato = received.settlement_kato and claims.operator_id = received.operator_id
                and claims.filed_technology = received.technology and received.as_of_date = {date}
            group by claims.settlement_kato, claims.operator_id, claims.filed_technology, received.extract_id
            order by term, operator_id, technology, received.extract_id
            """
        )
        # A filing by address stands before one by settlement; both may have reached the lake.
        keys = {(row["term"], row["operator_id"], row["technology"]) for row in found if row["rows"] > 1}
        found = [
            row
            for row in found
            if row["rows"] > 1 or (row["term"], row["operator_id"], row["technology"]) not in keys
        ]
    return _with_files(reader, found)


def _census_rows(reader: _Reader, figure: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The rows that give the people or households of the area itself, and of each settlement."""
    date = figure["denominator_as_of"]
    relation = reader.lake(kind, f"as_of_date = date '{date}'") if date else None
    if not relation:
        return []
    found = reader.query(
        f"""
        select received.kato as term, received.area_type, received.{kind} as value, received.extract_id,
            received.source_sheet as sheet, received.source_row as row
        from {relation} as received
        left join explained_terms as terms on received.kato = terms.term
        where received.as_of_date = date '{date}'
            and (
                (received.kato = ? and received.area_type = ?)
                or (terms.term is not null and received.area_type = 'all')
            )
        order by (received.kato = ?) desc, term, received.area_type, received.extract_id, row
        """,
        [figure["kato"], figure["area_type"], figure["kato"]],
    )
    return _with_files(reader, found)


def _plan_rows(reader: _Reader) -> list[dict[str, Any]]:
    """Rows of the latest rural connection plan that make the terms villages of the programme."""
    latest = (
        "as_of_date = (select max(as_of_date) from meta_extract "
        "where is_current and extract_kind = 'rural_connection_plan')"
    )
    relation = reader.lake("rural_connection_plan", latest)
    if not relation:
        return []
    found = reader.query(
        f"""
        select received.settlement_kato as term, 'village of the plan' as what, received.technology,
            received.planned_date, received.actual_date, received.extract_id, received.source_sheet as sheet,
            received.source_row as row
        from {relation} as received
        inner join explained_terms as terms on received.settlement_kato = terms.term
        order by term, technology, row
        """
    )
    return _with_files(reader, found)


def _with_files(reader: _Reader, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with file, sender and SHA-256 of their delivery."""
    files = {
        row["extract_id"]: {name: row[name] for name in ("file_name", "sender", "sha256")}
        for row in reader.query("select extract_id, file_name, sender, sha256 from meta_extract")
    }
    return [{**row, **files.get(row["extract_id"], {})} for row in rows]


def _direct(
    reader: _Reader, kind: str, extracts: str, sql: str, **terms_of: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of one kind, told by `sql` over the relation `{rows}`, and no terms; empty without rows in the lake."""
    relation = reader.lake(kind, extracts)
    if not relation:
        return [], []
    return [], _with_files(reader, reader.query(sql.replace("{rows}", relation)))


def _coverage_area_rows(reader: _Reader, figure: Mapping[str, Any], environment: str) -> list[dict[str, Any]]:
    """Areas that operators filed for the date, for the technology of the figure or a better one."""
    relation = reader.lake("operator_coverage_areas", f"as_of_date = date '{figure['as_of_date']}'")
    if not relation:
        return []
    found = reader.query(
        f"""
        select 'area ' || received.area_id as term, received.operator_id, received.technology, received.environment,
            received.area_km2, received.extract_id, received.source_sheet as sheet, received.source_row as row
        from {relation} as received
        inner join dim_technology as filed on received.technology = filed.technology
        inner join dim_technology as asked on asked.technology = ? and filed.family = asked.family
            and filed.rank >= asked.rank
        where received.environment = ?
        order by received.operator_id, received.area_id, row
        """,
        [figure["technology"], environment],
    )
    return _with_files(reader, found)


def _highway_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    part = "longest_gap_km" if figure["metric_id"] == "highway_longest_gap_km" else "km_covered"
    terms = reader.query(
        f"""
        select road_id as term, road_name as name, coalesce({part}, 0) > 0 as is_counted, {part} as numerator,
            road_length_km as denominator
        from fct_highway_coverage
        where as_of_date = ? and technology = ? and operator_id = 'any' and not starts_with(road_id, 'all')
        order by coalesce({part}, 0) desc, term
        """,
        [figure["as_of_date"], figure["technology"]],
    )
    if part == "longest_gap_km":
        for term in terms:  # of gaps the longest counts, not their sum
            term["is_counted"], term["denominator"] = term["numerator"] == figure["value"], None
    _, roads = _direct(
        reader,
        "highways",
        f"as_of_date <= date '{figure['as_of_date']}'",
        "select road_id as term, road_name as what, road_class, official_length_km, as_of_date, extract_id, "
        "source_sheet as sheet, source_row as row from {rows} "
        "qualify row_number() over (partition by road_id order by as_of_date desc, extract_id, source_row) = 1 "
        "order by term",
    )
    return terms, [*roads, *_coverage_area_rows(reader, figure, "in_vehicle")], []


def _urban_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    parts = {
        "urban_5g_area_pct": ("area_covered_km2", "area_km2"),
        "urban_5g_population_pct": ("population_covered", "population"),
        "urban_5g_cities": ("cities_with_5g", "cities"),
    }
    numerator, denominator = parts[figure["metric_id"]]
    terms = reader.query(
        f"""
        select city_kato as term, city_name_ru as name, coalesce({numerator}, 0) > 0 as is_counted,
            {numerator}::double as numerator, {denominator}::double as denominator
        from fct_urban_5g
        where as_of_date = ? and operator_id = 'any' and city_kato <> 'all' and is_5g_programme
        order by coalesce({numerator}, 0) desc, term
        """,
        [figure["as_of_date"]],
    )
    _, cities = _direct(
        reader,
        "urban_areas",
        f"as_of_date <= date '{figure['as_of_date']}'",
        "select city_kato as term, 'outline of the city' as what, official_area_km2, as_of_date, extract_id, "
        "source_sheet as sheet, source_row as row from {rows} "
        "qualify row_number() over (partition by city_kato order by as_of_date desc, extract_id, source_row) = 1 "
        "order by term",
    )
    return terms, [*cities, *_coverage_area_rows(reader, figure, "outdoor")], []


def _fibre_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    parts = {
        "fibre_villages": "1", "fibre_households_passed": "received.households_passed",
        "fibre_households_orderable": "received.households_orderable",
        "fibre_households_connected": "received.households_connected", "fibre_people": "counts.population",
    }  # fmt: skip
    date = f"date '{figure['as_of_date']}'"
    relation = reader.lake("rural_connection_plan", f"as_of_date = {date}")
    part = parts.get(figure["metric_id"])
    if not relation or part is None:
        reader.notes.append(_NO_TERMS)
        return [], [], []
    found = reader.query(
        f"""
        select received.settlement_kato as term, places.name_ru as name,
            coalesce(received.actual_date <= {date}, false) as is_counted,
            case when received.actual_date <= {date} then ({part})::double end as numerator,
            null::double as denominator, received.contractor, received.planned_date, received.actual_date,
            received.households_passed, received.households_orderable, received.households_connected,
            received.extract_id, received.source_sheet as sheet, received.source_row as row
        from {relation} as received
        inner join dim_settlement as places on received.settlement_kato = places.settlement_kato
        left join fct_settlement_population as counts
            on received.settlement_kato = counts.settlement_kato and counts.as_of_date = {date}
        where received.technology = 'fttp' and {_in_area(figure, "places")}
        order by coalesce(numerator, 0) desc, term
        """
    )
    of_terms = ("term", "name", "is_counted", "numerator", "denominator")
    terms = [{name: row[name] for name in of_terms} for row in found]
    rows = [{name: value for name, value in row.items() if name not in of_terms[1:]} for row in found]
    return terms, _with_files(reader, rows), []


def _milestone_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    terms = reader.query(
        """
        select project_id || '.' || milestone_id as term, milestone_name as name, true as is_counted,
            slippage_days::double as numerator, null::double as denominator, first_planned_date, planned_date,
            forecast_date, actual_date, expected_date, filed_as_of
        from fct_milestone where as_of_date = ? and project_id || '.' || milestone_id = ?
        """,
        [figure["as_of_date"], figure["technology"]],
    )
    _, rows = _direct(
        reader,
        "infrastructure_milestones",
        f"as_of_date <= date '{figure['as_of_date']}'",
        "select project_id || '.' || milestone_id as term, as_of_date, planned_date, forecast_date, actual_date, "
        "evidence, status, extract_id, source_sheet as sheet, source_row as row from {rows} "
        f"where project_id || '.' || milestone_id = {_text(figure['technology'])} order by as_of_date desc, row",
    )
    return terms, rows, []


def _satellite_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    part = {
        "satellites_contracted": "satellites_contracted", "satellites_delivered": "satellites_delivered",
        "satellite_revenue_contracted_usd": "contracted_revenue_usd",
        "satellite_revenue_received_usd": "received_revenue_usd",
    }[figure["metric_id"]]  # fmt: skip
    terms = reader.query(
        f"""
        select contract_id as term, buyer_country || ', ' || contract_status as name,
            coalesce({part}, 0) <> 0 as is_counted, {part}::double as numerator, null::double as denominator,
            filed_as_of
        from fct_satellite_export where as_of_date = ? and contract_id <> 'all'
        order by coalesce({part}, 0) desc, term
        """,
        [figure["as_of_date"]],
    )
    _, rows = _direct(
        reader,
        "satellite_exports",
        f"as_of_date <= date '{figure['as_of_date']}'",
        "select contract_id as term, as_of_date, status, satellites_contracted, satellites_delivered, "
        "contracted_revenue, received_revenue, currency, usd_rate, extract_id, source_sheet as sheet, "
        "source_row as row from {rows} "
        "qualify row_number() over (partition by contract_id order by as_of_date desc, extract_id, source_row) = 1 "
        "order by term",
    )
    return terms, rows, []


def _system_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    date = f"date '{figure['as_of_date']}'"
    relation = reader.lake("government_systems", f"as_of_date = {date}")
    if not relation:
        reader.notes.append(_NO_TERMS)
        return [], [], []
    exempt = "" if figure["technology"] == "all_new" else "and not (platform <> 'qaztech' and is_exempt = 1)"
    found = reader.query(
        f"""
        select system_id as term, agency || ': ' || system_name_ru as name, platform = 'qaztech' as is_counted,
            (platform = 'qaztech')::int::double as numerator, 1::double as denominator, approval_date, platform,
            is_exempt = 1 as is_exempt, exemption_reason, extract_id, source_sheet as sheet, source_row as row
        from {relation}
        where approval_date >= (select max(rule_valid_from) from fct_government_system where as_of_date = {date})
            {exempt}
            and system_id not in (
                select system_id from fct_government_system_exception
                where as_of_date = {date} and duplicate_of_system_id is not null
            )
        order by numerator desc, term
        """
    )
    of_terms = ("term", "name", "is_counted", "numerator", "denominator")
    terms = [{name: row[name] for name in of_terms} for row in found]
    rows = [{name: value for name, value in row.items() if name not in of_terms[1:]} for row in found]
    return terms, _with_files(reader, rows), []


def _census_terms(reader: _Reader, figure: Mapping[str, Any]) -> _Parts:
    """People or households as the census publishes them: the rows of the place itself."""
    kind = figure["metric_id"]
    reader.connection.execute("create or replace temp table explained_terms (term varchar)")
    rows = _census_rows(reader, {**figure, "denominator_as_of": figure["as_of_date"]}, kind)
    if not rows:
        reader.notes.append("no row states this place itself: the figure is the sum of its parts")
    return [], [], rows


_FAMILIES: dict[str, Callable[[_Reader, Mapping[str, Any]], _Parts]] = {
    **dict.fromkeys(("highway_km_covered", "highway_covered_pct", "highway_longest_gap_km"), _highway_terms),
    **dict.fromkeys(("urban_5g_area_pct", "urban_5g_population_pct", "urban_5g_cities"), _urban_terms),
    **dict.fromkeys(
        (
            "fibre_villages", "fibre_households_passed", "fibre_households_orderable", "fibre_households_connected",
            "fibre_people",
        ),
        _fibre_terms,
    ),
    "milestone_slippage_days": _milestone_terms,
    **dict.fromkeys(
        (
            "satellites_contracted", "satellites_delivered", "satellite_revenue_contracted_usd",
            "satellite_revenue_received_usd",
        ),
        _satellite_terms,
    ),
    "government_systems_qaztech_pct": _system_terms,
    "population": _census_terms,
    "households": _census_terms,
}  # fmt: skip


def _text(value: Any) -> str:
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"
