"""Revisions: every published number that changed between two releases, why, and what the change is made of.

Belongs here: comparing the tables of two releases. Does not belong here: writing a release, printing. The build knows
no earlier release, so this table is made when a release is written, and alone depends on what stood before.

Definitions (decision 0012). A change of one date is a revision: filings, rules, people or map of that date are other
than they were, and nothing was built by it. A figure of a new date is compared with the latest date of the release
before: the revision of that date first, then the step between the dates within the new release, where networks were
built or retired and people moved. Components are taken in this order, each on top of those before: method, geography,
denominator, correction, then from date to date denominator, new build, retirement. The residual is the difference less
all of them, in the same decimals, so that a row always adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.exports import DUCKDB_FILE, SCHEMA, TableColumn
from warehouse.lineage import COUNTED
from warehouse.sql import literal
from warehouse.terms import NEEDS, RULES, Rule, area_types, claims, settlements
from warehouse.verify import read_publication

REVISION_TABLE = "fct_revision"
#: What a comparison reads of each release.
READS = ("fct_metric", "meta_lineage", "meta_extract", *NEEDS)
KEY = ("metric_id", "as_of_date", "geography_level", "kato", "area_type", "technology")
COMPONENTS = ("new_build", "retirement", "correction", "method", "denominator", "geography", "residual")
_FIGURE = (*KEY, "value", "unit", "numerator", "denominator", "method_version", "status")
#: Numbers are compared, and changes added up, to this many decimals.
_DECIMALS = "decimal(24, 6)"
_CENSUS = ("households", "population")
#: Kinds that say where places and roads are, and which of them count.
_MAP = (
    "administrative_boundaries", "highways", "kato_changes", "kato_classifier", "rural_connection_plan",
    "settlement_positions", "urban_areas",
)  # fmt: skip

REVISION_DESCRIPTION = (
    "One row per published number that is new or other than in the release before, with the cause and what the change "
    "is made of: new_build + retirement + correction + method + denominator + geography + residual = difference, "
    "exactly. Numbers are compared to six decimals. Empty in a first release; method change_decomposition defines it."
)
_UNIT = "in the unit of the metric"
REVISION_COLUMNS = (
    TableColumn("metric_id", "VARCHAR", "Metric; a key of dim_metric."),
    TableColumn("as_of_date", "DATE", "Date of the number."),
    TableColumn("geography_level", "VARCHAR", "National, region or district."),
    TableColumn("kato", "VARCHAR", "Place; 000000000 for the nation."),
    TableColumn("area_type", "VARCHAR", "All, urban or rural."),
    TableColumn("technology", "VARCHAR", "What the metric is by, as in fct_metric; NULL where by nothing."),
    TableColumn("publication_id", "VARCHAR", "Release that publishes the new value."),
    TableColumn("previous_publication_id", "VARCHAR", "Release that published the old value."),
    TableColumn(
        "change",
        "VARCHAR",
        "revised: the same date has another value. new_period: a date later than any before, against the latest date "
        "of the release before. added, removed: a place or technology came or went. withheld, restored: by the gate.",
    ),
    TableColumn(
        "previous_as_of_date", "DATE", "Date of the old value: as_of_date, or the one before a new period."
    ),
    TableColumn("old_value", "DOUBLE", "Value before; NULL when added, restored, or withheld now."),
    TableColumn("new_value", "DOUBLE", "Value now; NULL when removed or withheld."),
    TableColumn("unit", "VARCHAR", "Unit of the values."),
    TableColumn(
        "difference", "DECIMAL(24,6)", "New less old value; percentage points where the unit is percent."
    ),
    TableColumn(
        "cause",
        "VARCHAR",
        "What most of a revision comes from. resubmission: a sender replaced a filing. late_filing: one came that was "
        "missing. correction: the same bytes were read otherwise, as the file of corrections or a layout says. census: "
        "people or households. boundary: codes, boundaries, positions, roads, the list of villages. method: the method "
        "has another version. code: nothing else differs. unexplained: not even the code. new_period, gate: as the "
        "change says.",
    ),
    TableColumn(
        "causes", "VARCHAR", "Every cause that was found, the most telling first, with commas between."
    ),
    TableColumn("new_build", "DECIMAL(24,6)", f"Newly covered from date to date, {_UNIT}."),
    TableColumn("retirement", "DECIMAL(24,6)", f"No longer covered from date to date, {_UNIT}; negative."),
    TableColumn("correction", "DECIMAL(24,6)", f"Filings of one date that say other than they did, {_UNIT}."),
    TableColumn("method", "DECIMAL(24,6)", f"Other rules on the same filings, {_UNIT}."),
    TableColumn("denominator", "DECIMAL(24,6)", f"Other people, households or villages to count, {_UNIT}."),
    TableColumn("geography", "DECIMAL(24,6)", f"Places that moved into or out of the area, {_UNIT}."),
    TableColumn(
        "residual",
        "DECIMAL(24,6)",
        f"What none of these explains, {_UNIT}: operators that filed for one of the two dates only, people nobody "
        "could count, metrics that are no sum over places.",
    ),
)


@dataclass(frozen=True)
class Side:
    """One of the two releases: its tables as a schema in SQL, its id, and the code that made it."""

    schema: str
    publication_id: str
    code_version: str


def revision_table(connection: duckdb.DuckDBPyConnection, previous: Side, current: Side) -> pa.Table:
    """Rows of `fct_revision`, in the order of the key; empty when either side has no figures with their key.

    `connection` can read both schemas; temporary tables called `revision_…` are made in it.
    """
    if not all(_has(connection, side.schema, "fct_metric", _FIGURE) for side in (previous, current)):
        return no_revisions()
    _compare(connection, previous, current)
    connection.execute(
        "create or replace temp table revision_parts (row_id bigint, new_build double, retirement double, "
        "correction double, method double, denominator double, geography double)"
    )
    if all(_has_terms(connection, side.schema) for side in (previous, current)):
        changed = _metrics_changed(connection)
        for measure in dict.fromkeys(RULES[metric].measure for metric in changed):
            _claims(connection, previous, current, measure)
            for metric in changed:
                rule = RULES[metric]
                if rule.measure == measure:
                    _decompose(connection, previous, current, metric, rule)
    _causes(connection, previous, current)
    return _rows(connection, previous, current)


def compare_releases(previous: Path, current: Path) -> pa.Table:
    """Rows as of `fct_revision` for any two releases, given by their folders."""
    with duckdb.connect() as connection:
        return revision_table(
            connection,
            attach(connection, previous, "previous"),
            attach(connection, current, "current_release"),
        )


def attach(connection: duckdb.DuckDBPyConnection, release: Path, name: str) -> Side:
    """Attach a release under a name. Errors: OSError, duckdb.Error when it cannot be read."""
    document = read_publication(release)
    connection.execute(f"attach {literal(release / DUCKDB_FILE)} as {name} (read_only)")
    return Side(f"{name}.{SCHEMA}", str(document["publication_id"]), str(document["code_version"]))


_TYPES = {
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "DECIMAL(24,6)": pa.decimal128(24, 6),
}
_SCHEMA = pa.schema([(column.name, _TYPES[column.data_type]) for column in REVISION_COLUMNS])


def no_revisions() -> pa.Table:
    """No rows, of the shape of `fct_revision`."""
    return _SCHEMA.empty_table()


def _compare(connection: duckdb.DuckDBPyConnection, previous: Side, current: Side) -> None:
    """Table revision_row: the keys that changed, with both values, numerators and denominators."""
    figures = (
        "select metric_id, as_of_date, geography_level, kato, area_type, coalesce(technology, '') as step, value, "
        "unit, numerator, denominator, method_version, status from {}.fct_metric"
    )
    place = ("metric_id", "geography_level", "kato", "area_type", "step")
    same = " and ".join(f"old.{name} = new.{name}" for name in place)
    connection.execute(
        f"""
        create or replace temp table revision_row as
        with old as ({figures.format(previous.schema)}),
        new as ({figures.format(current.schema)}),
        last_of_metric as (select metric_id, max(as_of_date) as as_of_date from old group by metric_id),
        last_of_key as (
            select {", ".join(place)}, max(as_of_date) as as_of_date
            from old where value is not null group by all
        ),
        of_one_date as (
            select
                coalesce(new.metric_id, old.metric_id) as metric_id,
                coalesce(new.as_of_date, old.as_of_date) as as_of_date,
                coalesce(new.geography_level, old.geography_level) as geography_level,
                coalesce(new.kato, old.kato) as kato,
                coalesce(new.area_type, old.area_type) as area_type,
                coalesce(new.step, old.step) as step,
                coalesce(new.unit, old.unit) as unit,
                case
                    when new.value is null and new.status = 'withheld' then 'withheld'
                    when new.value is null then 'removed'
                    when old.value is null and old.status = 'withheld' then 'restored'
                    when old.value is null and new.as_of_date > last_of_metric.as_of_date then 'new_period'
                    when old.value is null then 'added'
                    else 'revised'
                end as change,
                old.value as old_value, old.numerator as old_numerator, old.denominator as old_denominator,
                old.method_version as old_method,
                new.value as new_value, new.numerator as new_numerator, new.denominator as new_denominator,
                new.method_version as new_method,
                new.as_of_date > coalesce(last_of_metric.as_of_date, (select max(as_of_date) from old)) as is_later
            from old
            full join new on {same} and old.as_of_date = new.as_of_date
            left join last_of_metric on coalesce(new.metric_id, old.metric_id) = last_of_metric.metric_id
            where round(old.value, 6) is distinct from round(new.value, 6)
        )
        select row_number() over (order by {", ".join(f"new.{name}" for name in (*place, "as_of_date"))}) as row_id,
            new.metric_id, new.as_of_date, new.geography_level, new.kato, new.area_type, new.step, new.unit,
            case when new.change = 'new_period' and before.value is null then 'added' else new.change end as change,
            case when new.change = 'new_period' then before.as_of_date else new.as_of_date end as previous_as_of_date,
            -- What is withheld now is not told by way of what it was.
            case when new.change <> 'withheld' then coalesce(new.old_value, before.value) end as old_value,
            coalesce(new.old_numerator, before.numerator) as old_numerator,
            coalesce(new.old_denominator, before.denominator) as old_denominator,
            coalesce(new.old_method, before.method_version) as old_method,
            new.new_value, new.new_numerator, new.new_denominator, new.new_method, new.is_later,
            -- The earlier date as the new release has it: what stands between a revision and a step in time.
            between_them.value as between_value, between_them.numerator as between_numerator,
            between_them.denominator as between_denominator
        from of_one_date as new
        left join last_of_key as old on new.change = 'new_period' and {same}
        left join old as before on {same.replace("old.", "before.")} and before.as_of_date = old.as_of_date
        left join (select * from new) as between_them on {same.replace("old.", "between_them.")}
            and between_them.as_of_date = coalesce(before.as_of_date, new.as_of_date)
        """
    )


def _metrics_changed(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Metrics with changes to be parted that are sums over settlements, in the order of RULES."""
    rows = connection.execute(
        "select distinct metric_id from revision_row where change in ('revised', 'new_period')"
    ).fetchall()
    found = {metric for (metric,) in rows}
    return [metric for metric in RULES if metric in found]


def _claims(connection: duckdb.DuckDBPyConnection, previous: Side, current: Side, measure: str) -> None:
    """Tables of what covers which settlement: as it was by the old rules and the new ones, and as it is."""
    metrics = ", ".join(f"'{metric}'" for metric, rule in RULES.items() if rule.measure == measure)
    connection.execute(
        f"""
        create or replace temp table revision_pair as
        select distinct previous_as_of_date as d0, as_of_date as d1 from revision_row
        where change in ('revised', 'new_period') and metric_id in ({metrics})
        """
    )
    reached = (
        "select as_of_date, settlement_kato, step, max(households_passed) as homes from ({}) group by all"
    )
    then = "and filings.as_of_date in (select d0 from revision_pair)"
    both = "and filings.as_of_date in (select d0 from revision_pair union select d1 from revision_pair)"
    old_rules = claims(previous.schema, measure)
    new_rules = claims(previous.schema, measure, rules=current.schema)
    connection.execute(
        f"create or replace temp table revision_old as {reached.format(f'{old_rules} {then}')};"
        f"create or replace temp table revision_old_by_new as {reached.format(f'{new_rules} {then}')};"
        f"create or replace temp table revision_new as {claims(current.schema, measure)} {both};"
        # Who filed for both dates: of the others nobody says that they built or retired anything.
        "create or replace temp table revision_filer as select distinct pairs.d0, pairs.d1, earlier.operator_id "
        f"from revision_pair as pairs inner join {current.schema}.fct_availability as earlier "
        "on pairs.d0 = earlier.as_of_date where exists ("
        f"select 1 from {current.schema}.fct_availability as later "
        "where later.as_of_date = pairs.d1 and later.operator_id = earlier.operator_id)"
    )


def _decompose(
    connection: duckdb.DuckDBPyConnection, previous: Side, current: Side, metric: str, rule: Rule
) -> None:
    """Append to revision_part the components of every changed number of one metric."""
    weight = rule.weight
    of_homes = weight == "households"
    scale = "100.0 * " if rule.is_share else ""

    def value(numerator: str, denominator: str) -> str:
        whole = f" / nullif({denominator}, 0)" if rule.is_share else ""
        return f"{scale}coalesce({numerator}, 0){whole}"

    def counted(covered: str, people: str) -> str:
        """What a settlement adds to the numerator."""
        return f"{covered}.homes" if of_homes else f"case when {covered}.step is not null then {people} end"

    reached = (
        "select d0, d1, settlement_kato, step, max(households_passed) as homes, bool_or(operator_id in ("
    )
    known = (
        "select operator_id from revision_filer as filers where filers.d0 = pairs.d0 and filers.d1 = pairs.d1"
    )
    gained = (
        "greatest(coalesce(now.homes, 0) - coalesce(was.homes, 0), 0)"
        if of_homes
        else "case when was.step is null and now.step is not null then people_then.weight end"
    )
    lost = (
        "greatest(coalesce(was.homes, 0) - coalesce(now.homes, 0), 0)"
        if of_homes
        else "case when was.step is not null and now.step is null then people_then.weight end"
    )
    connection.execute(
        f"""
        insert into revision_parts
        with pairs as (
            select distinct previous_as_of_date as d0, as_of_date as d1, step from revision_row
            where change in ('revised', 'new_period') and metric_id = '{metric}'
        ),
        moments as (select distinct d0, d1 from pairs),
        old_places as (
            select as_of_date, settlement_kato, region_kato, district_kato, is_rural, {weight} as weight
            from ({settlements(previous.schema)})
        ),
        new_places as (
            select as_of_date, settlement_kato, region_kato, district_kato, is_rural, {weight} as weight
            from ({settlements(current.schema)})
        ),
        was as (
            {reached}{known})) as is_known
            from revision_new as filings
            inner join moments as pairs on filings.as_of_date = pairs.d0 group by all
        ),
        now as (
            {reached}{known})) as is_known
            from revision_new as filings
            inner join moments as pairs on filings.as_of_date = pairs.d1 group by all
        ),
        by_old_map as (
            select pairs.d0, pairs.d1, pairs.step, places.region_kato, places.district_kato, places.is_rural,
                sum({counted("by_old", "places.weight")}) as by_old_rules,
                sum({counted("by_new", "places.weight")}) as by_new_rules,
                sum(places.weight) as whole
            from pairs
            inner join old_places as places on pairs.d0 = places.as_of_date
            left join revision_old as by_old on places.as_of_date = by_old.as_of_date
                and places.settlement_kato = by_old.settlement_kato and pairs.step = by_old.step
            left join revision_old_by_new as by_new on places.as_of_date = by_new.as_of_date
                and places.settlement_kato = by_new.settlement_kato and pairs.step = by_new.step
            group by all
        ),
        by_new_map as (
            select pairs.d0, pairs.d1, pairs.step, places.region_kato, places.district_kato, places.is_rural,
                sum(
                    case when old_places.settlement_kato is null then {counted("was", "places.weight")}
                    else {counted("by_new", "old_places.weight")} end
                ) as moved,
                sum(
                    case when old_places.settlement_kato is null then {counted("was", "places.weight")}
                    else {counted("by_new", "places.weight")} end
                ) as recounted,
                sum({counted("was", "places.weight")}) as corrected,
                sum({counted("was", "people_then.weight")}) as moved_on,
                sum(case when now.is_known then {gained} end) as built,
                sum(case when was.is_known then {lost} end) as retired,
                sum(case when old_places.settlement_kato is null then places.weight else old_places.weight end) as whole
            from pairs
            inner join new_places as places on pairs.d0 = places.as_of_date
            left join new_places as people_then on pairs.d1 = people_then.as_of_date
                and places.settlement_kato = people_then.settlement_kato
            left join old_places on pairs.d0 = old_places.as_of_date
                and places.settlement_kato = old_places.settlement_kato
            left join revision_old_by_new as by_new on places.as_of_date = by_new.as_of_date
                and places.settlement_kato = by_new.settlement_kato and pairs.step = by_new.step
            left join was on pairs.d0 = was.d0 and pairs.d1 = was.d1
                and places.settlement_kato = was.settlement_kato and pairs.step = was.step
            left join now on pairs.d0 = now.d0 and pairs.d1 = now.d1
                and places.settlement_kato = now.settlement_kato and pairs.step = now.step
            group by all
        ),
        levels as (
            select geography_level, area_type, area_rural
            from (values ('national'), ('region'), ('district')) as levels (geography_level)
            cross join {area_types(weight)} as kinds (area_type, area_rural)
        ),
        old_areas as (
            select d0, d1, step, geography_level, {_AREA} as kato, area_type, sum(by_old_rules) as by_old_rules,
                sum(by_new_rules) as by_new_rules, sum(whole) as whole
            from by_old_map as parts inner join levels on area_rural is null or area_rural = parts.is_rural group by all
        ),
        new_areas as (
            select d0, d1, step, geography_level, {_AREA} as kato, area_type, sum(moved) as moved,
                sum(recounted) as recounted, sum(corrected) as corrected, sum(moved_on) as moved_on,
                sum(built) as built, sum(retired) as retired, sum(whole) as whole
            from by_new_map as parts inner join levels on area_rural is null or area_rural = parts.is_rural group by all
        ),
        valued as (
            select changed.row_id, changed.as_of_date = changed.previous_as_of_date as is_one_date,
                {value("earlier.by_old_rules", "changed.old_denominator")} as published,
                {value("earlier.by_new_rules", "changed.old_denominator")} as by_method,
                {value("later.moved", "changed.old_denominator + later.whole - coalesce(earlier.whole, 0)")} as by_map,
                {value("later.recounted", "changed.between_denominator")} as by_people,
                {value("later.corrected", "changed.between_denominator")} as by_filings,
                {value("later.moved_on", "changed.new_denominator")} as by_time,
                {value("later.built", "changed.new_denominator")} as built,
                {value("later.retired", "changed.new_denominator")} as retired
            from revision_row as changed
            left join old_areas as earlier on {_same_area("earlier")}
            left join new_areas as later on {_same_area("later")}
            where changed.metric_id = '{metric}' and changed.change in ('revised', 'new_period')
        )
        select row_id, case when is_one_date then 0 else built end, case when is_one_date then 0 else -retired end,
            by_filings - by_people, by_method - published,
            by_people - by_map + case when is_one_date then 0 else by_time - by_filings end, by_map - by_method
        from valued
        where published is not null and by_map is not null and by_filings is not null and by_time is not null
        """
    )


_AREA = "case geography_level when 'national' then '000000000' when 'region' then region_kato else district_kato end"


def _same_area(areas: str) -> str:
    return (
        f"changed.previous_as_of_date = {areas}.d0 and changed.as_of_date = {areas}.d1 and changed.step = {areas}.step "
        f"and changed.geography_level = {areas}.geography_level and changed.kato = {areas}.kato "
        f"and changed.area_type = {areas}.area_type"
    )


def _causes(connection: duckdb.DuckDBPyConnection, previous: Side, current: Side) -> None:
    """Table revision_cause: what differs, for a metric and a date, between what the two releases rest on."""
    connection.execute(
        "create or replace temp table revision_cause (metric_id varchar, as_of_date date, cause varchar)"
    )
    for side in (previous, current):
        if not _has(
            connection, side.schema, "meta_lineage", ("metric_id", "as_of_date", "extract_id", "role")
        ):
            return
    # A model that reads more than it did rests on deliveries that were there before: these have not changed.
    in_force = "select extract_id, extract_kind, content_fingerprint from {}.meta_extract where is_current"
    connection.execute(
        f"""
        insert into revision_cause
        with old as ({in_force.format(previous.schema)}),
        new as ({in_force.format(current.schema)}),
        replaced as (
            select superseded_by as extract_id from {current.schema}.meta_extract where superseded_by is not null
            union
            select extract_id from {current.schema}.meta_extract where superseded_by is not null
        ),
        differing as (
            select coalesce(new.extract_id, old.extract_id) as extract_id,
                -- The fingerprint of a delivery moves with the code that reads it, so the same delivery is a cause only
                -- where the terms show that it was read otherwise.
                case when new.extract_id is not null and old.extract_id is not null then 'reread ' else '' end
                || case
                    when coalesce(new.extract_kind, old.extract_kind) in ({_texts(_CENSUS)}) then 'census'
                    when coalesce(new.extract_kind, old.extract_kind) in ({_texts(_MAP)}) then 'boundary'
                    when new.extract_id is not null and old.extract_id is not null then 'correction'
                    when coalesce(new.extract_id, old.extract_id) in (select extract_id from replaced)
                        then 'resubmission'
                    else 'late_filing'
                end as cause
            from old
            full join new on old.extract_id = new.extract_id
            where old.content_fingerprint is distinct from new.content_fingerprint
        ),
        resting as (
            select metric_id, as_of_date, extract_id, extract_kind, role from {previous.schema}.meta_lineage
            union
            select metric_id, as_of_date, extract_id, extract_kind, role from {current.schema}.meta_lineage
        )
        select distinct resting.metric_id, resting.as_of_date, differing.cause
        from resting
        inner join differing on resting.extract_id = differing.extract_id
        -- Of what is only read, maps and censuses change coverage; tests and grades do not.
        where resting.role = '{COUNTED}' or resting.extract_kind in ({_texts((*_CENSUS, *_MAP))})
        """
    )


def _rows(connection: duckdb.DuckDBPyConnection, previous: Side, current: Side) -> pa.Table:
    """The table as it is published: components in decimals, the residual from their sum."""
    ranks = "['method', 'census', 'boundary', 'resubmission', 'correction', 'late_filing', 'code']"
    is_new_code = "true" if previous.code_version != current.code_version else "false"
    named = ", ".join(f"cast({name} as {_DECIMALS}) as {name}" for name in COMPONENTS[:-1])
    answer = connection.execute(
        f"""
        with found as (
            select changed.row_id, list(distinct causes.cause) filter (causes.cause is not null) as causes
            from revision_row as changed
            left join revision_cause as causes on changed.metric_id = causes.metric_id
                and (causes.as_of_date is null or causes.as_of_date = changed.previous_as_of_date)
            group by changed.row_id
        ),
        listed as (
            select changed.*, parts.row_id is not null as has_parts,
                coalesce(parts.new_build, 0) as new_build, coalesce(parts.retirement, 0) as retirement,
                coalesce(parts.correction, 0) as correction, coalesce(parts.method, 0) as method,
                coalesce(parts.denominator, 0) as denominator, coalesce(parts.geography, 0) as geography,
                list_filter(
                    {ranks},
                    lambda cause: list_contains(coalesce(found.causes, []), cause)
                    or (
                        list_contains(coalesce(found.causes, []), 'reread ' || cause)
                        and case cause when 'census' then parts.denominator when 'boundary' then parts.geography
                            when 'correction' then parts.correction end <> 0
                    )
                    or (cause = 'method' and changed.old_method <> changed.new_method)
                    or (cause = 'code' and {is_new_code})
                ) as causes
            from revision_row as changed
            left join revision_parts as parts on changed.row_id = parts.row_id
            left join found on changed.row_id = found.row_id
        ),
        -- A revision of a number that is no sum over settlements is, as a whole, what its cause says.
        whole as (
            select row_id, coalesce(causes[1], 'unexplained') as first_cause,
                if(change = 'revised', new_value, between_value) - old_value as revised,
                case when change = 'new_period' and (
                    metric_id in ({_texts(_CENSUS)}) or (new_numerator is not null and between_numerator is not null)
                ) then new_value - between_value end as stepped,
                case
                    when change <> 'new_period' then 0
                    when metric_id in ({_texts(_CENSUS)}) then new_value - between_value
                    when unit = 'percent' and new_denominator <> 0
                        then coalesce(100.0 * between_numerator / new_denominator - between_value, 0)
                    else 0
                end as regrouped
            from listed where not has_parts and change in ('revised', 'new_period')
        ),
        parted as (
            select listed.* replace (
                listed.new_build + greatest(coalesce(whole.stepped - whole.regrouped, 0), 0) as new_build,
                listed.retirement + least(coalesce(whole.stepped - whole.regrouped, 0), 0) as retirement,
                listed.denominator + coalesce(case when whole.first_cause = 'census' then whole.revised end, 0)
                    + coalesce(case when whole.stepped is not null then whole.regrouped end, 0) as denominator,
                listed.geography + coalesce(case when whole.first_cause = 'boundary' then whole.revised end, 0)
                    as geography,
                listed.method + coalesce(case when whole.first_cause in ('method', 'code') then whole.revised end, 0)
                    as method,
                listed.correction + coalesce(
                    case
                        when whole.first_cause in ('resubmission', 'correction', 'late_filing') then whole.revised
                    end,
                    0
                ) as correction
            )
            from listed left join whole on listed.row_id = whole.row_id
        ),
        decimals as (
            select * replace ({named}),
                case when change in ('revised', 'new_period')
                    then cast(round(new_value, 6) as {_DECIMALS}) - cast(round(old_value, 6) as {_DECIMALS}) end
                    as difference
            from parted
        ),
        summed as (
            select *, difference - (new_build + retirement + correction + method + denominator + geography) as residual
            from decimals
        ),
        told as (
            select *,
                case
                    when change in ('withheld', 'restored') then 'gate'
                    when change = 'new_period' or (change = 'added' and is_later) then 'new_period'
                    when not has_parts or change <> 'revised' then coalesce(causes[1], 'unexplained')
                    else case greatest(abs(correction), abs(method), abs(denominator), abs(geography), abs(residual))
                        when abs(method) then case when old_method <> new_method then 'method' else 'code' end
                        when abs(geography) then 'boundary'
                        when abs(denominator)
                            then case when list_contains(causes, 'census') then 'census'
                            when list_contains(causes, 'boundary') then 'boundary'
                            else coalesce(causes[1], 'unexplained') end
                        when abs(correction) then coalesce(
                            list_filter(
                                causes, lambda cause: cause in ('resubmission', 'correction', 'late_filing', 'code')
                            )[1], 'unexplained'
                        )
                        else coalesce(causes[1], 'unexplained')
                    end
                end as cause
            from summed
        )
        select metric_id, as_of_date, geography_level, kato, area_type, nullif(step, '') as technology,
            '{current.publication_id}' as publication_id, '{previous.publication_id}' as previous_publication_id,
            change, previous_as_of_date, old_value, new_value, unit, difference, cause,
            case when change in ('withheld', 'restored') then 'gate'
                else array_to_string(list_concat([cause], list_filter(causes, lambda other: other <> cause)), ',') end
                as causes,
            {", ".join(f"if(difference is null, null, {name})::{_DECIMALS} as {name}" for name in COMPONENTS)}
        from told
        order by {", ".join(KEY)}
        """
    ).to_arrow_table()
    return answer.cast(_SCHEMA)


def _has_terms(connection: duckdb.DuckDBPyConnection, schema: str) -> bool:
    return all(_has(connection, schema, table, columns) for table, columns in NEEDS.items())


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str, columns: Sequence[str]) -> bool:
    try:
        described = connection.execute(f"describe select * from {schema}.{table}").fetchall()
    except duckdb.CatalogException:
        return False
    return set(columns) <= {name for name, *_ in described}


def _texts(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)
