"""What each expectation is there for: changes of finished tables (`small_marts`), each of which must make it fire.

Belongs here: the faults of coverage and filings, and the list of all faults by check. Does not belong here: whether
they are found (`test_expectations_suites`, `tests/faults/gates.py`).
"""

from __future__ import annotations

from tests.unit.cell_marts import CELL_FAULTS
from tests.unit.evidence_marts import EVIDENCE_FAULTS
from tests.unit.highway_marts import HIGHWAY_FAULTS
from tests.unit.programme_marts import PROGRAMME_FAULTS
from tests.unit.reference_marts import REFERENCE_FAULTS
from tests.unit.urban_marts import URBAN_FAULTS

LATEST = "as_of_date = date '2025-12-31'"
NATION = f"geography_level = 'national' and area_type = 'all' and {LATEST}"
TECHNOLOGY, TIER = "marts.fct_coverage_by_technology", "marts.fct_coverage_by_speed_tier"
OPERATOR, OVERLAP = "marts.fct_coverage_by_operator", "marts.fct_operator_overlap"
RURAL, FILINGS = "marts.fct_rural_connection", "intermediate.int_availability"
PEOPLE = "intermediate.int_region_population"
VILLAGES, METRIC = "intermediate.int_village_coverage", "marts.fct_metric"
HOUSEHOLDS = "intermediate.int_settlement_households"

# What each expectation is there for: one or more faults, each of which must make it fire.
FAULTS: dict[str, dict[str, str]] = {
    "shares.technology_shares_lie_in_bounds": {
        "101 percent": f"update {TECHNOLOGY} set population_covered_pct = 101 where {NATION} and technology = '4g'",
        "a negative share": f"update {TECHNOLOGY} set villages_covered_pct = -1 where {NATION} and technology = '4g'",
        "negative households": f"update {TECHNOLOGY} set households_passed_pct = -1 where {NATION}",
        "evidence over 100": f"update {TECHNOLOGY} set evidence_measured_pct = 100.5 where {NATION}",
    },
    "shares.technology_covered_is_part_of_whole": {
        "people beyond census": f"update {TECHNOLOGY} set population_covered = population + 1 where {NATION}",
        "settlements": f"update {TECHNOLOGY} set settlements_covered = settlements + 1 where {NATION}",
        "villages": f"update {TECHNOLOGY} set villages_covered = villages + 1 where {NATION}",
    },
    "shares.technology_shares_follow_from_counts": {
        "a share of other people": f"update {TECHNOLOGY} set population = population * 2 where {NATION}",
        "unknown turned nought": f"update {TECHNOLOGY} set households_passed_pct = 0 where households_passed is null",
        "a share without its count": f"update {TECHNOLOGY} set villages_covered = null where {NATION}",
    },
    "shares.technology_evidence_adds_up": {
        "a grade nobody counts": f"update {TECHNOLOGY} set evidence_claimed_pct = 90 where {NATION}",
    },
    "shares.tier_shares_lie_in_bounds": {
        "101 percent": f"update {TIER} set population_covered_pct = 101 where {NATION}",
        "a negative share": f"update {TIER} set population_covered_pct = -0.1 where {NATION}",
    },
    "shares.tier_covered_is_part_of_whole": {
        "people beyond census": f"update {TIER} set population_covered = population + 1 where {NATION}",
    },
    "shares.tier_shares_follow_from_counts": {
        "a share of other people": f"update {TIER} set population_covered = population_covered - 1 where {NATION}",
    },
    "shares.tier_evidence_adds_up": {
        "a grade counted twice": (
            f"update {TIER} set evidence_disputed_pct = 3 where {NATION} and speed_tier = 'ultra_100'"
        ),
    },
    "shares.operator_shares_lie_in_bounds": {
        "101 percent": f"update {OPERATOR} set population_covered_pct = 101 where {NATION}",
    },
    "shares.operator_covered_is_part_of_whole": {
        "people beyond census": f"update {OPERATOR} set population_covered = population + 1 where {NATION}",
    },
    "shares.operator_shares_follow_from_counts": {
        "a share of other people": f"update {OPERATOR} set population = population + 500 where {NATION}",
    },
    "shares.operator_evidence_adds_up": {
        "a grade nobody counts": f"update {OPERATOR} set evidence_claimed_pct = 50 where {NATION}",
    },
    "shares.metric_shares_follow_from_counts": {
        "another cell's counts": f"update marts.fct_metric set numerator = numerator - 5 where {NATION} and value > 0",
    },
    "shares.rural_shares_follow_from_counts": {
        "more than all villages": f"update {RURAL} set villages_at_level = villages + 1 where {LATEST}",
        "another share": f"update {RURAL} set villages_at_or_above_pct = 50 where connection_level = 'level_0'",
        "more than all people": f"update {RURAL} set population_at_or_above = population + 1 where {LATEST}",
    },
    "shares.itu_shares_lie_in_bounds": {
        "over 100": "update intermediate.int_itu_population_covered set population_covered_pct = 100.4",
    },
    "shares.households_passed_within_census": {
        "addresses for households": (
            f"update {TECHNOLOGY} set households_passed_pct = 111 where {NATION} and technology = 'fttp'"
        ),
    },
    "shares.households_passed_within_census_of_district": {
        "one district": f"update {TECHNOLOGY} set households_passed_pct = 101 where kato = '101000000'",
    },
    "ladder.mobile_technologies_are_cumulative": {
        "4G beyond 3G": (
            f"update {TECHNOLOGY} as upper set population_covered = lower.population_covered + 1 "
            f"from {TECHNOLOGY} as lower where upper.technology = '4g' and lower.technology = '3g' "
            "and upper.as_of_date = lower.as_of_date and upper.kato = lower.kato and upper.area_type = lower.area_type "
            "and upper.geography_level = lower.geography_level and upper.kato = '101000000'"
        ),
        "2G without villages": f"update {TECHNOLOGY} set villages_covered = 0 where technology = '2g'",
    },
    "ladder.speed_tiers_are_nested": {
        "a faster tier reaches more": (
            f"update {TIER} set population_covered = population where {NATION} and speed_tier = 'ultra_100'"
        ),
        "a faster tier for more households": (
            f"update {TIER} set households_passed = households where {NATION} and speed_tier = 'ultra_100'"
        ),
    },
    "shares.denominators_name_their_own_source": {
        "people for villages": (
            f"update {METRIC} set denominator_source = 'Census of people (sample)' where metric_id like 'settlements%'"
        ),
        "people for households": (
            f"update {METRIC} set denominator_source = 'Census of people (sample)' where metric_id like 'households%'"
        ),
        "no source": f"update {METRIC} set denominator_source = null where metric_id = 'population_covered_pct'",
        "a delivery that no longer counts": (
            "update marts.meta_extract set is_current = false where extract_kind = 'households'"
        ),
    },
    "ladder.rungs_are_cumulative": {
        "more on top": f"update {RURAL} set villages_at_or_above = villages where connection_level = 'level_4'",
    },
    "ladder.every_village_stands_on_one_rung": {
        "on two rungs": (
            f"update {RURAL} set villages_at_level = villages_at_level + 1 where connection_level = 'level_2'"
        ),
        "people of none": f"update {RURAL} set population_at_level = 0 where connection_level = 'level_0'",
    },
    "ladder.any_operator_lies_between_largest_and_sum": {
        "the largest is larger": f"update {OPERATOR} set population_covered = population where technology = '4g'",
        "the sum for the union": f"update {TECHNOLOGY} set population_covered = population where technology = 'dsl'",
        "settlements beyond": f"update {TECHNOLOGY} set settlements_covered = settlements where technology = 'dsl'",
    },
    "ladder.exactly_n_operators_add_up": {
        "blank for nought": f"delete from {OVERLAP} where operators_exactly = 0",
        "counted twice": (
            f"update {OVERLAP} set population_exactly = population_exactly + 1 where operators_exactly = 2"
        ),
        "shares": f"update {OVERLAP} set population_exactly_pct = 0 where operators_exactly = 0 and {NATION}",
    },
    "ladder.covered_by_none_is_the_rest": {
        "another union": f"update {TECHNOLOGY} set population_covered = population_covered - 1 where {NATION}",
    },
    "change.mobile_coverage_does_not_fall": {
        "falls in the nation": (
            f"update {TECHNOLOGY} set population_covered_pct = population_covered_pct - 6 where {NATION} "
            "and technology = '4g'"
        ),
        "unknown after known": (
            f"update {TECHNOLOGY} set population_covered_pct = null, settlements_covered = null where {NATION} "
            "and technology = '3g'"
        ),
        "falls in one region": (
            f"update {TECHNOLOGY} set population_covered_pct = population_covered_pct - 8 where {LATEST} "
            "and geography_level = 'region' and kato = '100000000' and area_type = 'all' and technology = '4g'"
        ),
    },
    "change.fixed_and_satellite_coverage_does_not_fall": {
        "falls in the nation": (
            f"update {TECHNOLOGY} set population_covered_pct = population_covered_pct - 6 where {NATION} "
            "and technology = 'fttp'"
        ),
    },
    "change.speed_tiers_do_not_fall": {
        "falls in the nation": f"update {TIER} set population_covered_pct = population_covered_pct - 6 where {NATION}",
    },
    "change.villages_stay_reached": {
        "lost a rung": (
            f"update {VILLAGES} set villages_covered_pct = villages_covered_pct - 6 where {LATEST} "
            "and geography_level = 'national' and step = 'level_2'"
        ),
        "lost 4G in one region": (
            f"update {VILLAGES} set villages_covered_pct = villages_covered_pct - 6 where {LATEST} "
            "and kato = '100000000' and step = '4g'"
        ),
        "a tier nobody filed": f"delete from {VILLAGES} where {LATEST} and step = 'decent_10_1'",
    },
    "change.households_passed_do_not_fall": {
        "a hundredth in a city": (
            f"update {TECHNOLOGY} set households_passed = households_passed // 100 where {LATEST} "
            "and kato = '710000000' and technology = 'fttp'"
        ),
        "unknown after known": (
            f"update {TECHNOLOGY} set households_passed = null where {NATION} and technology = 'fttp'"
        ),
    },
    "change.coverage_does_not_leap": {
        "2G written for 4G": (
            f"update {TECHNOLOGY} set population_covered_pct = 100 where {NATION} and technology = 'dsl'"
        ),
    },
    "change.villages_of_the_plan_are_stable": {
        "lost": (
            "delete from staging.stg_rural_connection_plan where as_of_date = date '2025-12-31' "
            "and settlement_kato like '1020%'"
        ),
        "added": (
            "insert into staging.stg_rural_connection_plan select as_of_date, settlement_kato || 'x', technology, "
            "extract_id from staging.stg_rural_connection_plan where as_of_date = date '2025-12-31'"
        ),
    },
    "change.no_settlement_is_retired": {
        "merged, still there": (
            "update staging.stg_kato_change set retired_kato = '101000005' where change_type = 'merged'"
        ),
    },
    "deliveries.row_accounts_add_up": {
        "a row lost": "update staging.stg_row_account set rows_read = rows_read + 1 where extract_id = 'address-1'",
        "a row invented": "update staging.stg_row_account set rows_accepted = rows_accepted + 1",
    },
    "deliveries.every_delivery_has_an_account": {
        "no account": "delete from staging.stg_row_account where extract_id = 'arman-2'",
    },
    "deliveries.accepted_availability_arrives": {
        "a file of the lake is gone": "delete from staging.stg_operator_availability where extract_id = 'arman-2'",
        "a row too many": "insert into staging.stg_operator_availability values ('arman-2')",
    },
    "deliveries.accepted_addresses_arrive": {
        "kept rows of an earlier reading": "insert into intermediate.int_address_rollup values ('address-1', 1)",
        "nothing arrived": "delete from intermediate.int_address_rollup",
    },
    "deliveries.accepted_plan_arrives": {
        "a village is gone": (
            "delete from staging.stg_rural_connection_plan where settlement_kato = '101000003' "
            "and as_of_date = date '2025-12-31'"
        ),
    },
    "deliveries.little_is_quarantined": {
        "a quarter": "update marts.meta_row_account set rows_quarantined = rows_read / 4 where extract_id = 'arman-2'",
    },
    "deliveries.every_file_is_read": {
        "unmatched": "insert into marts.meta_extract (file_name, outcome) values ('тарифы.csv', 'unmatched')",
        "two layouts": "insert into marts.meta_extract (file_name, outcome) values ('a.csv', 'ambiguous')",
    },
    "deliveries.no_delivery_is_held": {
        "held": "update marts.meta_extract set outcome = 'held', is_current = false where extract_id = 'arman-2'",
    },
    "deliveries.no_file_is_rejected": {
        "rejected": "update marts.meta_extract set superseded_by = null where outcome = 'rejected'",
    },
    "filings.every_operator_files_again": {
        "no filing": f"delete from {FILINGS} where operator_id = 'sayran' and {LATEST}",
        "a gap": f"delete from {FILINGS} where operator_id = 'sayran' and as_of_date = date '2025-09-30'",
    },
    "filings.no_region_is_lost": {
        "region missing": (
            f"delete from {FILINGS} where operator_id = 'arman' and settlement_kato like '10%' and {LATEST}"
        ),
        "one settlement left": (
            f"delete from {FILINGS} where operator_id = 'arman' and settlement_kato like '10%' "
            f"and settlement_kato <> '101000001' and {LATEST}"
        ),
        "a third missing": (
            f"delete from {FILINGS} where operator_id = 'dala' and {LATEST} "
            "and settlement_kato between '101000001' and '101000040'"
        ),
    },
    "filings.households_of_a_settlement_do_not_jump": {
        "a hundredth of a city": (
            f"update {FILINGS} set households_passed = households_passed // 100 where {LATEST} "
            "and settlement_kato = '710000000' and technology = 'fttp'"
        ),
        "a hundred times a village": (
            f"update {FILINGS} set households_passed = case when {LATEST} then 20000 else 200 end "
            "where settlement_kato = '101000008' and technology = 'fttp'"
        ),
        "nought of a city": (
            f"update {FILINGS} set households_passed = 0 where {LATEST} and settlement_kato = '710000000'"
        ),
    },
    "filings.served_settlements_stay_served": {
        "codes swapped": (
            f"update {FILINGS} set settlement_kato = replace(settlement_kato, '10100', '10109') "
            f"where operator_id = 'arman' and {LATEST}"
        ),
    },
    "filings.speeds_do_not_jump": {
        "kbit/s": (
            f"update {FILINGS} set max_download_mbps = max_download_mbps * 1000 where operator_id = "
            f"'dala' and {LATEST}"
        ),
        "a lost decimal mark": f"update {FILINGS} set max_upload_mbps = max_upload_mbps * 100 where {LATEST}",
        "Gbit/s": f"update {FILINGS} set max_download_mbps = max_download_mbps / 1000 where {LATEST}",
    },
    "filings.speeds_are_physically_possible": {
        "kbit/s from the first filing on": f"update {FILINGS} set max_download_mbps = 20000 where technology = '4g'",
        "upload": f"update {FILINGS} set max_upload_mbps = 5000 where technology = 'dsl'",
    },
    "filings.unknown_is_not_nought": {
        "speeds": f"update {FILINGS} set max_download_mbps = 0 where operator_id = 'arman' and {LATEST}",
        "households": f"update {FILINGS} set households_passed = 0 where technology = 'fttp' and {LATEST}",
    },
    "filings.connected_are_among_passed": {
        "more connected": f"update {FILINGS} set households_connected = households_passed + 1 where technology = 'dsl'",
    },
    "filings.no_filing_is_sent_twice": {
        "stale filing under a new date": (
            f"delete from {FILINGS} where operator_id = 'arman' and {LATEST}; "
            f"insert into {FILINGS} select * replace (date '2025-12-31' as as_of_date) from {FILINGS} "
            "where operator_id = 'arman' and as_of_date = date '2025-09-30'"
        ),
        "a stale filing with one cell changed": (
            f"delete from {FILINGS} where operator_id = 'arman' and {LATEST}; "
            f"insert into {FILINGS} select * replace (date '2025-12-31' as as_of_date) from {FILINGS} "
            "where operator_id = 'arman' and as_of_date = date '2025-09-30'; "
            f"update {FILINGS} set max_download_mbps = 7 where operator_id = 'arman' and {LATEST} "
            "and settlement_kato = '101000001' and technology = '4g'"
        ),
    },
    "filings.no_satellite_filing_is_sent_twice": {
        "stale filing under a new date": (
            f"delete from {FILINGS} where operator_id = 'koktem' and {LATEST}; "
            f"insert into {FILINGS} select * replace (date '2025-12-31' as as_of_date) from {FILINGS} "
            "where operator_id = 'koktem' and as_of_date = date '2025-09-30'"
        ),
    },
    "filings.no_operator_files_for_another": {
        "doubled operator": (
            f"delete from {FILINGS} where operator_id = 'sayran' and {LATEST}; "
            f"insert into {FILINGS} select * replace ('sayran' as operator_id) from {FILINGS} "
            f"where operator_id = 'arman' and {LATEST}"
        ),
        "one network under two ids": (
            f"insert into {FILINGS} select * replace ('arman_mobil' as operator_id) from {FILINGS} "
            f"where operator_id = 'arman' and {LATEST}"
        ),
        # In the small country nothing but this speed tells the one's filing from a part of the other's.
        "an operator that sends what the other filed": (
            f"update {FILINGS} set max_download_mbps = max_download_mbps + 5 "
            f"where operator_id = 'sayran' and technology = '4g' and {LATEST}"
        ),
    },
    "population.regions_sum_to_the_nation": {
        "a region misread": f"update {PEOPLE} set population = population + 1 where kato = '710000000'",
        "the nation misread": f"update {PEOPLE} set population = population * 2 where geography_level = 'national'",
    },
    "population.regions_are_complete": {
        "a region is missing": (
            f"delete from {PEOPLE} where kato = '710000000' and census_date = date '2026-01-01'"
        ),
    },
    "population.urban_and_rural_make_all": {
        "swapped": f"update {PEOPLE} set population = population - 1 where kato = '101000000' and area_type = 'rural'",
    },
    "population.districts_sum_to_their_region": {
        "a district under another region": f"update {PEOPLE} set population = 1 where kato = '102000000'",
    },
    "population.settlements_sum_to_their_district": {
        "a village too large": (
            "update intermediate.int_settlement_people set population = population + 1 "
            "where settlement_kato = '101000007' and census_date = date '2026-01-01'"
        ),
        "an estimate that loses people": (
            "update intermediate.int_settlement_people set population = population - 1 "
            "where settlement_kato = '101000009' and census_date = date '2026-01-01'"
        ),
        "counted higher than the district": (
            "update intermediate.int_settlement_people set population_method = 'census', population = population + 9"
        ),
    },
    "population.everybody_lives_in_a_settlement": {
        "a town the classifier lacks": (
            "update intermediate.int_settlement_people set population = 1 where settlement_kato = '101000140'"
        ),
    },
    "population.people_do_not_move_that_fast": {
        "a slipped digit": (
            f"update {PEOPLE} set population = population * 10 where kato = '100000000' and census_date "
            "= date '2026-01-01'"
        ),
        "a fifth gone": (
            f"update {PEOPLE} set population = population * 8 // 10 where kato = '710000000' "
            "and census_date = date '2025-01-01'"
        ),
    },
    "population.villages_are_not_empty": {
        "unknown turned nought": (
            "update intermediate.int_settlement_people set population = 0 where settlement_kato like '1010%'"
        ),
    },
    "population.households_are_of_a_size": {
        "thousands": "update intermediate.int_settlement_households set households = 1 where households > 1",
        "people for households": (
            "update intermediate.int_settlement_households set households = households * 4"
        ),
    },
    "population.households_sum_to_control_totals": {
        "a region left out": f"delete from {HOUSEHOLDS} where settlement_kato = '710000000'",
        "a district left out": f"delete from {HOUSEHOLDS} where settlement_kato like '1020%'",
        "unknown settlements": f"update {HOUSEHOLDS} set households = null where settlement_kato like '1010%'",
        "a town too large": f"update {HOUSEHOLDS} set households = households + 99 where settlement_kato = '101000020'",
    },
    "population.households_are_known_where_they_are_passed": {
        "a region left out": f"update {TECHNOLOGY} set households = null where kato = '710000000' and {LATEST}",
    },
    "population.settlements_make_the_denominator": {
        "a district without people": (
            "update intermediate.int_settlement_denominator set population = null where settlement_kato like '1020%'"
        ),
        "people counted twice": (
            "update intermediate.int_settlement_denominator set population = population * 2 "
            "where settlement_kato = '710000000'"
        ),
        "a covered village that nobody counted": (
            f"update {TECHNOLOGY} set population_covered = null where {NATION} and technology = '4g'; "
            "update intermediate.int_settlement_denominator set population = null where settlement_kato = '101000001'"
        ),
    },
    "population.denominators_are_of_their_time": {
        "a later census": f"update {TECHNOLOGY} set denominator_as_of = date '2027-01-01'",
        "an old census": f"update {TECHNOLOGY} set denominator_as_of = date '2021-01-01'",
    },
    "statements.computed_statements_have_a_verdict": {
        "no verdict": "update marts.fct_statement_check set verdict = 'unverifiable' where statement_id = 's1'",
    },
    "statements.differences_are_differences": {
        "sign": "update marts.fct_statement_check set difference = -difference",
        "unknown": "update marts.fct_statement_check set difference = null where statement_id = 's1'",
    },
    "statements.a_confirmed_statement_is_true": {
        "two points off": "update marts.fct_statement_check set computed_value = 97.0 where statement_id = 's1'",
        "a bound missed": "update marts.fct_statement_check set computed_value = 90 where statement_id = 's3'",
        "a bound missed by one": "update marts.fct_statement_check set computed_value = 99 where statement_id = 's3'",
        "a count off by one": "update marts.fct_statement_check set computed_value = 2605 where statement_id = 's6'",
        "about, 3 percent off": "update marts.fct_statement_check set computed_value = 103 where statement_id = 's5'",
    },
    "statements.projections_lie_in_their_interval": {
        "above": "update marts.fct_target_progress set projected_value = projected_high + 1",
        "beyond all": "update marts.fct_target_progress set projected_high = 104 where unit = 'percent'",
        "negative": "update marts.fct_target_progress set projected_low = -1",
    },
    "statements.distances_from_the_path_are_differences": {
        "sign": "update marts.fct_target_progress set announced_difference = -announced_difference",
        "unknown": "update marts.fct_target_progress set straight_line_difference = null where target_id = 't1'",
        "two ends": (
            "update marts.fct_target_progress set straight_line_value = 4000, straight_line_difference = -1394 "
            "where target_id = 't2'"
        ),
    },
    "totals.technology_parts_make_the_whole": {
        "a region less": (
            f"update {TECHNOLOGY} set population_covered = population_covered - 1 where kato = '710000000' "
            "and geography_level = 'region' and area_type = 'all'"
        ),
        "a denominator": f"update {TECHNOLOGY} set households = households + 1 where {NATION} and technology = '4g'",
        "known parts beyond the whole": (
            f"update {TECHNOLOGY} set population_covered = case when kato = '102000000' then null else population end "
            f"where {LATEST} and geography_level = 'district'"
        ),
        "a district twice": f"update {TECHNOLOGY} set settlements = settlements * 2 where kato = '101000000'",
        "rural left out": f"update {TECHNOLOGY} set villages_covered = 0 where area_type = 'rural'",
    },
    "totals.tier_parts_make_the_whole": {
        "a region less": (
            f"update {TIER} set population_covered = 0 where kato = '710000000' and geography_level = "
            "'region'"
        ),
    },
    "totals.rural_parts_make_the_whole": {
        "a district less": f"update {RURAL} set villages_at_or_above = 0 where kato = '102000000'",
        "the plan of one region": f"update {RURAL} set villages_planned = 0 where kato = '100000000'",
    },
    "totals.village_counts_hold_together": {
        "more than there are": f"update {VILLAGES} set villages_covered = villages + 1 where {LATEST} and step = '2g'",
        "4G beyond 3G": f"update {VILLAGES} set villages_covered = villages where {LATEST} and step = '4g'",
        "a rung beyond the one below": (
            f"update {VILLAGES} set villages_covered = villages where {LATEST} and step = 'level_4'"
        ),
        "a district less": f"update {VILLAGES} set villages_covered = 0 where kato = '102000000' and step = 'dsl'",
        "a share of other villages": f"update {VILLAGES} set villages_covered_pct = 50 where step = 'mobile_norm_5'",
    },
    "totals.village_counts_agree": {
        "technology": f"update {TECHNOLOGY} set villages_covered = villages_covered + 1 where {NATION}",
        "tier": f"update {TIER} set villages_covered = null where {NATION}",
        "rung": f"delete from {RURAL} where connection_level = 'level_2' and {LATEST}",
    },
    "totals.every_region_has_a_figure": {
        "a region missing": f"delete from {TECHNOLOGY} where kato = '710000000' and {LATEST}",
        "its people unknown": f"update {TECHNOLOGY} set population = null where kato = '710000000' and {LATEST}",
    },
}

FAULTS |= PROGRAMME_FAULTS | HIGHWAY_FAULTS | URBAN_FAULTS | EVIDENCE_FAULTS | CELL_FAULTS | REFERENCE_FAULTS
