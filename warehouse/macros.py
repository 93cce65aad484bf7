"""Questions that analysts ask most, as table macros in `coverage.duckdb`.

Belongs here: their SQL and what they answer. Does not belong here: figures of their own; a macro selects what is there.

A macro reads the tables of the file it stands in: open the file, or `use` it when it is attached.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from warehouse.sql import literal


@dataclass(frozen=True)
class Macro:
    """A table macro: `call` with its parameters, what it answers, its SELECT."""

    name: str
    parameters: str
    answers: str
    sql: str


_NATION = "'000000000'"
_DAY = """coalesce(
            day, (select max(latest.as_of_date) from marts.fct_metric as latest where latest.metric_id = metric)
        )"""
_PLACES = """(
            select region_kato as place_kato, name_en, name_ru, name_kk from marts.dim_region where is_current
            union all
            select '000000000', 'Kazakhstan', 'Казахстан', 'Қазақстан'
        )"""

MACROS = (
    Macro(
        "figure",
        f"metric, technology := null, day := null, place := {_NATION}, area := 'all'",
        "One published number with numerator, denominator, source and status: a metric, by a technology, tier or rung, "
        "on a day (the latest by default), of a place (the nation by default).",
        f"""
        select figures.as_of_date, figures.value, figures.unit, figures.numerator, figures.denominator,
            figures.denominator_source, figures.denominator_as_of, figures.data_maturity, figures.status,
            figures.withheld_reason
        from marts.fct_metric as figures
        where figures.metric_id = metric and figures.technology is not distinct from technology and figures.kato = place
            and figures.area_type = area and figures.as_of_date = {_DAY}
        -- A republican city is region and district at once, with the same figures.
        order by figures.geography_level desc limit 1
        """,
    ),
    Macro(
        "regions",
        "metric, technology := null, day := null, area := 'all'",
        "A metric in every region, the highest first, with names in three languages.",
        f"""
        select figures.kato, places.name_en, places.name_ru, places.name_kk, figures.as_of_date, figures.value,
            figures.unit, figures.numerator, figures.denominator, figures.status
        from marts.fct_metric as figures
        inner join {_PLACES} as places on figures.kato = places.place_kato
        where figures.metric_id = metric and figures.technology is not distinct from technology
            and figures.area_type = area and figures.geography_level = 'region' and figures.as_of_date = {_DAY}
        order by figures.value desc nulls last, figures.kato
        """,
    ),
    Macro(
        "districts",
        "metric, region, technology := null, day := null, area := 'all'",
        "A metric in every district of a region (its KATO code), the highest first.",
        f"""
        select figures.kato, places.name_en, places.name_ru, places.name_kk, figures.as_of_date, figures.value,
            figures.unit, figures.numerator, figures.denominator, figures.status
        from marts.fct_metric as figures
        inner join marts.dim_region as places on figures.kato = places.region_kato and places.is_current
        where figures.metric_id = metric and figures.technology is not distinct from technology
            and figures.area_type = area and figures.geography_level = 'district' and figures.as_of_date = {_DAY}
            and region in (places.parent_kato, places.region_kato)
        order by figures.value desc nulls last, figures.kato
        """,
    ),
    Macro(
        "trend",
        f"metric, technology := null, place := {_NATION}, area := 'all'",
        "A metric over time, with the change since the date before.",
        """
        select series.as_of_date, series.value,
            series.value - lag(series.value) over (order by series.as_of_date) as change_since_previous, series.unit,
            series.numerator, series.denominator, series.status
        from (
            select distinct on (figures.as_of_date) figures.*
            from marts.fct_metric as figures
            where figures.metric_id = metric and figures.technology is not distinct from technology
                and figures.kato = place and figures.area_type = area
            order by figures.as_of_date, figures.geography_level desc
        ) as series
        order by series.as_of_date
        """,
    ),
    Macro(
        "villages_without",
        "technology, day, region := null",
        "Villages of the programme where nobody files the technology or, if mobile, a better one, with their people; "
        "the largest first. `region` is a KATO code, all regions by default.",
        """
        select places.settlement_kato, places.name_ru, places.name_kk, places.region_kato, places.district_kato,
            places.latitude, places.longitude, counts.population
        from marts.dim_settlement as places
        inner join marts.fct_settlement_population as counts
            on places.settlement_kato = counts.settlement_kato and counts.as_of_date = day
        where places.is_programme and (region is null or places.region_kato = region)
            and places.settlement_kato not in (
                select filings.settlement_kato
                from marts.fct_availability as filings
                inner join marts.dim_technology as filed on filings.technology = filed.technology
                inner join marts.dim_technology as asked
                    on asked.technology = technology and filed.family = asked.family
                    and (filed.technology = asked.technology or (asked.is_cumulative and filed.rank > asked.rank))
                where filings.as_of_date = day and filings.connection_level >= asked.presence_level
            )
        order by counts.population desc nulls last, places.settlement_kato
        """,
    ),
    Macro(
        "files_behind",
        "metric, day",
        "The deliveries that the numbers of a metric and date rest on: sender, file and SHA-256.",
        """
        select lineage.role, extracts.sender, extracts.extract_kind, extracts.file_name, extracts.sha256,
            extracts.as_of_date, lineage.extract_id
        from marts.meta_lineage as lineage
        inner join marts.meta_extract as extracts on lineage.extract_id = extracts.extract_id
        where lineage.metric_id = metric and (lineage.as_of_date is null or lineage.as_of_date = day)
        order by lineage.role, extracts.sender, extracts.extract_kind, lineage.extract_id
        """,
    ),
    Macro(
        "revisions_of",
        f"metric, technology := null, place := {_NATION}, area := 'all'",
        "What this release changed of a number, against the release before, with cause and parts.",
        """
        select changed.as_of_date, changed.previous_as_of_date, changed.change, changed.cause, changed.old_value,
            changed.new_value, changed.difference, changed.new_build, changed.retirement, changed.correction,
            changed.method, changed.denominator, changed.geography, changed.residual
        from marts.fct_revision as changed
        where changed.metric_id = metric and changed.technology is not distinct from technology
            and changed.kato = place and changed.area_type = area
        order by changed.as_of_date, changed.geography_level
        """,
    ),
)


def create_macros(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Create every macro in the file that the connection opened; returns their names.

    A file without a table or column that a macro reads, as after a build that failed in part, goes without the macro.
    """
    made = []
    for macro in MACROS:
        try:
            connection.execute(f"create macro marts.{macro.name}({macro.parameters}) as table {macro.sql}")
        except (duckdb.BinderException, duckdb.CatalogException):
            continue
        connection.execute(f"comment on macro table marts.{macro.name} is {literal(macro.answers)}")
        made.append(macro.name)
    return made
