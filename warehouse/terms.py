"""Terms of the coverage figures: which settlements are claimed, and what each counts with, from a release alone.

Belongs here: SQL over released tables that says again what the coverage models sum. `explain` lists the terms of one
figure with it, `revision` says which of them changed. Does not belong here: figures that are no sum over settlements.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Tables and columns that the terms need; a release made before they were part of it has no terms.
NEEDS = {
    "fct_availability": ("connection_level", "extract_id"),
    "fct_settlement_population": ("population", "households"),
    "dim_technology": ("presence_level", "service_level"),
    "dim_settlement": ("is_programme", "is_rural", "region_kato", "district_kato"),
    "dim_speed_tier": ("min_download_mbps", "min_upload_mbps"),
}


@dataclass(frozen=True)
class Rule:
    """How a metric counts settlements.

    `measure`: technology, speed_tier or connection_level, what the metric's technology column names. `weight`: people,
    households or villages, what a settlement counts with. `is_share`: whether the value is a percentage.
    """

    measure: str
    weight: str
    is_share: bool


RULES = {
    "population_covered_pct": Rule("technology", "people", True),
    "population_speed_tier_pct": Rule("speed_tier", "people", True),
    "households_passed_pct": Rule("technology", "households", True),
    "settlements_mobile_covered": Rule("technology", "villages", False),
    "settlements_mobile_covered_pct": Rule("technology", "villages", True),
    "settlements_connected": Rule("connection_level", "villages", False),
    "settlements_connected_pct": Rule("connection_level", "villages", True),
    "settlements_speed_tier_pct": Rule("speed_tier", "villages", True),
}


def claims(schema: str, measure: str, rules: str | None = None) -> str:
    """SELECT of the filings that make a settlement count.

    Grain: as_of_date, settlement_kato, step (technology, tier or rung), operator_id, filed_technology.

    Args:
        schema: released tables with the filings, as SQL.
        measure: what `step` names.
        rules: released tables with the thresholds, where they are another release's.
    """
    rules = rules or schema
    columns = (
        "filings.as_of_date, filings.settlement_kato, {step} as step, filings.operator_id, "
        "filings.technology as filed_technology, filings.connection_level, filings.max_download_mbps, "
        "filings.max_upload_mbps, {homes} as households_passed, filings.extract_id"
    )
    homes = "case when filed.family = 'fixed' then filings.households_passed end"
    read = (
        f"from {schema}.fct_availability as filings "
        f"inner join {rules}.dim_technology as filed on filings.technology = filed.technology"
    )
    if measure == "technology":
        return (
            f"select {columns.format(step='ladder.technology', homes=homes)} {read} "
            f"inner join {rules}.dim_technology as ladder on filed.family = ladder.family "
            "and (filed.technology = ladder.technology or (ladder.is_cumulative and filed.rank > ladder.rank)) "
            "where filings.connection_level >= ladder.presence_level"
        )
    if measure == "speed_tier":
        return (
            f"select {columns.format(step='tiers.speed_tier', homes='null::bigint')} {read} "
            f"inner join {rules}.dim_speed_tier as tiers on filings.max_download_mbps >= tiers.min_download_mbps "
            "and (coalesce(tiers.min_upload_mbps, 0) = 0 or filings.max_upload_mbps >= tiers.min_upload_mbps) "
            "where filings.connection_level >= filed.service_level"
        )
    if measure == "connection_level":
        return (
            f"select {columns.format(step='rungs.step', homes='null::bigint')} {read} "
            "inner join (values ('level_1', 1), ('level_2', 2), ('level_3', 3), ('level_4', 4)) as rungs (step, level) "
            "on filings.connection_level >= rungs.level where filed.family = 'fixed'"
        )
    raise ValueError(f"no measure is called {measure!r}")


def settlements(schema: str) -> str:
    """SELECT of what each settlement counts with, and where it lies.

    Grain: as_of_date, settlement_kato; people, households, villages (1 for a village of the programme, else 0).
    """
    return (
        "select counts.as_of_date, counts.settlement_kato, places.region_kato, places.district_kato, "
        "places.is_rural, counts.population::double as people, counts.households::double as households, "
        "places.is_programme::int::double as villages "
        f"from {schema}.fct_settlement_population as counts "
        f"inner join {schema}.dim_settlement as places on counts.settlement_kato = places.settlement_kato"
    )


def area_types(weight: str) -> str:
    """Rows of VALUES (area_type, is_rural): which settlements belong to an area type; NULL: all of them.

    Counts of villages stand under `rural` and take in every village of the programme.
    """
    if weight == "villages":
        return "(values ('rural', null::boolean))"
    return "(values ('all', null::boolean), ('rural', true), ('urban', false))"
