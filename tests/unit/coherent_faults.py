"""Faults told alike by every table that could contradict them, so that one expectation alone can see each.

Belongs here: one such fault for each expectation whose faults in `suite_faults` and its neighbours other expectations
see too: without it, this fault would be published. Does not belong here: whether that is so (`tests/faults/gates.py`).
"""

from __future__ import annotations

from tests.unit.suite_faults import (
    FILINGS,
    LATEST,
    NATION,
    OPERATOR,
    OVERLAP,
    PEOPLE,
    RURAL,
    TECHNOLOGY,
    TIER,
)

_CENSUS = "census_date = date '2026-01-01'"
_PLACES = "intermediate.int_settlement_people"
_PLAN = "staging.stg_rural_connection_plan"
_FOUND, _CLAIMS = "intermediate.int_availability_evidence", "marts.fct_availability"
_HIGHWAYS, _GAPS = "marts.fct_highway_coverage", "marts.fct_highway_gap"
_CITIES, _METHODS = "marts.fct_urban_5g", "marts.fct_coverage_by_method"
_NO_EVIDENCE = (
    "evidence_claimed_pct = null, evidence_corroborated_pct = null, evidence_measured_pct = null, "
    "evidence_disputed_pct = null"
)
_HOUSEHOLD_SHARES = (
    f"update {TECHNOLOGY} set households_passed_pct = households_passed * 100.0e0 / nullif(households, 0)"
)
_OTHER_TECHNOLOGY = "set technology = case technology when '2g' then '4g' else '2g' end"


def _all(*statements: str) -> str:
    return "; ".join(statements)


def _nobody(table: str, service: str) -> str:
    return (
        f"update {table} set population_covered = 0, "
        f"population_covered_pct = case when population > 0 then 0 end, {_NO_EVIDENCE} where {LATEST} and {service}"
    )


def _reaches(technology: str, operators: int) -> str:
    """Everybody is covered by so many operators in the last quarter."""
    return (
        f"update {OVERLAP} set population_exactly = case operators_exactly when {operators} then population else 0 "
        f"end, population_exactly_pct = case operators_exactly when {operators} then 100 else 0 end "
        f"where {LATEST} and technology = '{technology}' and population > 0"
    )


def _nobody_by(technology: str) -> str:
    service = f"technology = '{technology}'"
    return _all(_nobody(TECHNOLOGY, service), _nobody(OPERATOR, service), _reaches(technology, 0))


def _everybody(table: str, technology: str) -> str:
    return (
        f"update {table} set population_covered = population, "
        "population_covered_pct = case when population > 0 then 100 end, evidence_claimed_pct = 100, "
        "evidence_corroborated_pct = 0, evidence_measured_pct = 0, evidence_disputed_pct = 0 "
        f"where {LATEST} and technology = '{technology}'"
    )


def _no_households(table: str) -> str:
    return (
        f"update {table} set households_passed = 0, households_passed_pct = case when households > 0 then 0 end "
        f"where {LATEST} and technology = 'fttp' and households_passed is not null"
    )


COHERENT_FAULTS: dict[str, dict[str, str]] = {
    "change.mobile_coverage_does_not_fall": {"4G gone in every table": _nobody_by("4g")},
    "change.fixed_and_satellite_coverage_does_not_fall": {
        "satellites gone in every table": _nobody_by("geo_satellite"),
    },
    "change.speed_tiers_do_not_fall": {
        "the fastest tier gone everywhere": _nobody(TIER, "speed_tier = 'ultra_100'"),
    },
    "change.households_passed_do_not_fall": {
        "fibre passes nobody any more": _all(_no_households(TECHNOLOGY), _no_households(OPERATOR)),
    },
    "change.coverage_does_not_leap": {
        "DSL for everybody": _all(
            _everybody(TECHNOLOGY, "dsl"), _everybody(OPERATOR, "dsl"), _reaches("dsl", 1)
        ),
    },
    "change.villages_of_the_plan_are_stable": {
        "a plan that was received without a district": _all(
            f"delete from {_PLAN} where {LATEST} and settlement_kato like '1020%'",
            "update staging.stg_row_account as account set rows_accepted = plan.received, "
            "rows_read = plan.received + account.rows_quarantined + account.rows_duplicate from ("
            f"select extract_id, count(*) as received from {_PLAN} group by extract_id"
            ") as plan where account.extract_id = plan.extract_id",
        ),
    },
    "cells.areas_do_not_reach_beyond_claims": {
        "a wrong projection, with bounds": (
            f"update {_METHODS} set population_covered_pct = 91, population_covered_low_pct = 91, "
            "population_covered_high_pct = 91 where union_method = 'exact_cell' and kato = '710000000'"
        ),
    },
    "evidence.few_claims_are_disputed": {
        "tests of another network": _all(
            f"update {_FOUND} set evidence_grade = 'disputed', tests_met = 0, tests_failed = 6 where tests = 6",
            f"update {_CLAIMS} as claims set evidence_grade = found.evidence_grade from {_FOUND} as found "
            "where claims.as_of_date = found.as_of_date and claims.settlement_kato = found.settlement_kato "
            "and claims.operator_id = found.operator_id and claims.technology = found.technology "
            "and found.service = 'technology'",
        ),
    },
    "filings.no_region_is_lost": {
        "a small region of a large operator": _all(
            f"insert into {FILINGS} select * replace ('99' || substr(settlement_kato, 3) as settlement_kato) "
            f"from {FILINGS} where operator_id = 'arman' and settlement_kato between '101000001' and '101000010'",
            f"delete from {FILINGS} where {LATEST} and settlement_kato like '99%'",
        ),
    },
    "filings.served_settlements_stay_served": {
        "a few of one technology": (
            f"delete from {FILINGS} where operator_id = 'dala' and {LATEST} "
            "and settlement_kato between '101000001' and '101000018'"
        ),
    },
    "highways.any_operator_lies_between_largest_and_sum": {
        "operators that cover nothing": (
            f"update {_HIGHWAYS} set km_covered = 0, covered_pct = 0 "
            "where operator_id <> 'any' and technology = '4g'"
        ),
    },
    "highways.better_technology_covers_no_more": {
        "2G and 4G swapped": _all(
            f"update {_HIGHWAYS} {_OTHER_TECHNOLOGY}", f"update {_GAPS} {_OTHER_TECHNOLOGY}"
        ),
    },
    "highways.coverage_and_gaps_make_the_road": {
        "every gap a little shorter": _all(
            f"update {_GAPS} set length_km = length_km - 0.1",
            f"update {_HIGHWAYS} set longest_gap_km = longest_gap_km - 0.1",
        ),
    },
    "highways.coverage_does_not_drop": {
        "half of every road, and longer gaps": _all(
            f"update {_HIGHWAYS} set km_covered = km_covered / 2, covered_pct = covered_pct / 2 where {LATEST}",
            f"update {_HIGHWAYS} set longest_gap_km = (road_length_km - km_covered) / 2, "
            "gaps_over_5km = case when road_length_km - km_covered > 10 then 2 else 0 end "
            f"where {LATEST} and road_name is not null and operator_id = 'any'",
            f"update {_GAPS} as gap set length_km = road.longest_gap_km, end_km = gap.start_km + road.longest_gap_km "
            f"from {_HIGHWAYS} as road where road.operator_id = 'any' and road.{LATEST} "
            "and road.as_of_date = gap.as_of_date and road.road_id = gap.road_id "
            "and road.technology = gap.technology",
        ),
    },
    "ladder.covered_by_none_is_the_rest": {
        "one that somebody covers counted as uncovered": (
            f"update {OVERLAP} set population_exactly = population_exactly + 1 - 2 * operators_exactly, "
            "population_exactly_pct = (population_exactly + 1 - 2 * operators_exactly) * 100.0e0 / population "
            f"where operators_exactly in (0, 1) and technology = 'geo_satellite' and {NATION}"
        ),
    },
    "ladder.mobile_technologies_are_cumulative": {
        "4G in settlements without 3G": _all(
            f"update {TECHNOLOGY} set settlements_covered = settlements where technology = '4g'",
            f"update {OPERATOR} set settlements_covered = settlements where technology = '4g'",
        ),
    },
    "ladder.rungs_are_cumulative": {
        "all people on top": (
            f"update {RURAL} set population_at_or_above = population where connection_level = 'level_4'"
        ),
    },
    "ladder.speed_tiers_are_nested": {
        "all households at the highest speed": (
            f"update {TIER} set households_passed = households, "
            "households_passed_pct = case when households > 0 then 100 end where speed_tier = 'ultra_100'"
        ),
    },
    "population.districts_sum_to_their_region": {
        "one more in a village and its district": _all(
            f"update {PEOPLE} set population = population + 1 where kato = '102000000' and area_type <> 'urban' "
            f"and {_CENSUS}",
            f"update {_PLACES} set population = population + 1 where settlement_kato = '102000007' and {_CENSUS}",
        ),
    },
    "population.everybody_lives_in_a_settlement": {
        "villages nobody counted": _all(
            f"update {_PLACES} set population_method = 'census'",
            f"update {_PLACES} set population = null where settlement_kato like '10100001%'",
        ),
    },
    "population.households_are_known_where_they_are_passed": {
        "a region left out, with its share": (
            f"update {TECHNOLOGY} set households = null, households_passed_pct = null "
            f"where kato = '710000000' and {LATEST}"
        ),
    },
    "population.households_are_of_a_size": {
        "four times the people everywhere": _all(
            f"update {_PLACES} set population = population * 4",
            f"update {PEOPLE} set population = population * 4",
        ),
    },
    "population.people_do_not_move_that_fast": {
        "twice the people in the last census": _all(
            f"update {PEOPLE} set population = population * 2 where {_CENSUS}",
            f"update {_PLACES} set population = population * 2 where {_CENSUS}",
        ),
    },
    "population.urban_and_rural_make_all": {
        "one townsman less in a city and the nation": (
            f"update {PEOPLE} set population = population - 1 "
            "where kato in ('000000000', '710000000') and area_type = 'urban'"
        ),
    },
    "population.villages_are_not_empty": {
        "a rural district counted in its first village": _all(
            f"update {_PLACES} set population_method = 'census'",
            f"update {_PLACES} as first set population = first.population + others.population from ("
            f"select census_date, sum(population) as population from {_PLACES} "
            "where settlement_kato between '101000001' and '101000009' group by census_date"
            ") as others where first.settlement_kato = '101000010' and first.census_date = others.census_date",
            f"update {_PLACES} set population = 0 where settlement_kato between '101000001' and '101000009'",
        ),
    },
    "shares.households_passed_within_census": {
        "addresses for households, districts unknown": _all(
            f"update {TECHNOLOGY} set households_passed = households_passed * 8, "
            "households = case geography_level when 'district' then null else households end",
            _HOUSEHOLD_SHARES,
        ),
    },
    "shares.households_passed_within_census_of_district": {
        "addresses for households in one region": _all(
            f"update {TECHNOLOGY} as nation set households_passed = nation.households_passed "
            f"+ 5 * region.households_passed from {TECHNOLOGY} as region "
            "where nation.kato = '000000000' and region.kato = '100000000' "
            "and nation.as_of_date = region.as_of_date and nation.area_type = region.area_type "
            "and nation.technology = region.technology",
            f"update {TECHNOLOGY} set households_passed = households_passed * 6 where kato like '10%'",
            _HOUSEHOLD_SHARES,
        ),
    },
    "shares.operator_covered_is_part_of_whole": {
        "a village where there is none": (
            f"update {OPERATOR} set villages_covered = 1 where villages = 0 and {LATEST}"
        ),
    },
    "shares.operator_shares_lie_in_bounds": {
        "evidence beyond 100": (
            f"update {OPERATOR} set evidence_claimed_pct = 101, evidence_measured_pct = -1 where {NATION}"
        ),
    },
    "shares.technology_covered_is_part_of_whole": {
        "ten times the settlements, no operator": _all(
            f"delete from {OPERATOR} where technology = 'dsl'",
            f"update {TECHNOLOGY} set settlements_covered = settlements_covered * 10 where technology = 'dsl'",
        ),
    },
    "shares.technology_evidence_adds_up": {
        "a grade nobody counts, of fibre": (
            f"update {TECHNOLOGY} set evidence_claimed_pct = 90 where {NATION} and technology = 'fttp'"
        ),
    },
    "shares.technology_shares_lie_in_bounds": {
        "negative households, with their share": (
            f"update {TECHNOLOGY} set households_passed = -households_passed, "
            "households_passed_pct = -households_passed_pct where technology = 'dsl'"
        ),
    },
    "shares.tier_covered_is_part_of_whole": {
        "ten times the settlements": f"update {TIER} set settlements_covered = settlements_covered * 10",
    },
    "shares.tier_shares_follow_from_counts": {
        "a share of other households": f"update {TIER} set households_passed_pct = 3 where {NATION}",
    },
    "shares.tier_shares_lie_in_bounds": {
        "evidence beyond 100": (
            f"update {TIER} set evidence_claimed_pct = 101, evidence_measured_pct = -1 where {NATION}"
        ),
    },
    "statements.a_confirmed_statement_is_true": {
        "two points off, with the difference": (
            "update marts.fct_statement_check set computed_value = 97.0, difference = 97.0 - stated_value "
            "where statement_id = 's1'"
        ),
    },
    "totals.every_region_has_a_figure": {
        "people of a region unknown": (
            f"update {TECHNOLOGY} set population = null, population_covered = null, population_covered_pct = null "
            f"where kato = '710000000' and {LATEST}"
        ),
    },
    "totals.tier_parts_make_the_whole": {
        "a settlement of one region less": (
            f"update {TIER} set settlements_covered = settlements_covered - 1 "
            "where kato = '710000000' and geography_level = 'region'"
        ),
    },
    "urban.any_operator_lies_between_largest_and_sum": {
        "operators that cover nothing": (
            f"update {_CITIES} set area_covered_km2 = 0, area_pct = 0 where operator_id <> 'any'"
        ),
    },
}
