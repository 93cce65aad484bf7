"""Evidence in the small country, and the faults its suite finds."""

from __future__ import annotations

EVIDENCE = """
create table intermediate.int_availability_evidence as
select
    claims.as_of_date, claims.settlement_kato, claims.operator_id, claims.technology, services.service,
    settlements.number % 3 = 0 as has_site, settlements.number % 4 = 1 as has_cell,
    case when settlements.number % 4 = 2 then 6 else 0 end::bigint as tests,
    case when settlements.number % 20 = 2 then 0 when settlements.number % 4 = 2 then 6 else 0 end::bigint as tests_met,
    case when settlements.number % 20 = 2 then 6 else 0 end::bigint as tests_failed,
    settlements.number % 60 = 5 as is_dispute_upheld, settlements.number % 24 = 3 as is_met_by_tiles,
    services.service <> 'technology' or settlements.number % 48 = 3 as is_told_by_tiles,
    case
        when settlements.number % 60 = 5 or settlements.number % 20 = 2 then 'disputed'
        when settlements.number % 4 = 2 then 'measured'
        when settlements.number % 24 = 3 and (services.service <> 'technology' or settlements.number % 48 = 3)
            then 'measured'
        else 'corroborated'
    end as evidence_grade
from intermediate.int_availability as claims
inner join intermediate.int_settlement as settlements using (settlement_kato)
cross join (values ('technology'), ('mobile_norm_5')) as services (service)
where
    claims.technology = '4g'
    and (settlements.number % 3 = 0 or settlements.number % 4 in (1, 2));
create table marts.fct_availability as
select
    claims.as_of_date, claims.settlement_kato, claims.operator_id, claims.technology, claims.connection_level,
    coalesce(evidence.evidence_grade, 'claimed') as evidence_grade
from intermediate.int_availability as claims
left join intermediate.int_availability_evidence as evidence
    on
        claims.as_of_date = evidence.as_of_date and claims.settlement_kato = evidence.settlement_kato
        and claims.operator_id = evidence.operator_id and claims.technology = evidence.technology
        and evidence.service = 'technology';
insert into marts.fct_metric
select
    'population_evidenced_pct', as_of_date, geography_level, kato, area_type, technology, 0, 'percent', 0, population,
    'Census of people (sample)'
from marts.fct_coverage_by_technology where technology = '4g' and population_covered is not null;
create table marts.fct_reliability as
with counted as (
    select * from (values
        ('arman', 'national', '000000000', 200, 190), ('arman', 'region', '100000000', 120, 114),
        ('arman', 'region', '710000000', 70, 67), ('sayran', 'national', '000000000', 60, 50),
        ('sayran', 'region', '100000000', 20, 15), ('sayran', 'region', '710000000', 40, 35)
    ) as t (operator_id, geography_level, kato, tests, tests_successful)
),

every as (
    select * from counted
    union all
    select 'all', geography_level, kato, sum(tests), sum(tests_successful) from counted group by all
)

select
    date '2025-12-31' as as_of_date, operator_id, geography_level, kato, '4g' as technology, tests::bigint as tests,
    tests_successful::bigint as tests_successful,
    case when tests >= 30 then tests_successful * 100.0e0 / tests end as reliability_pct,
    case when tests >= 30 then greatest(0, tests_successful * 100.0e0 / tests - 8) end as reliability_low_pct,
    case when tests >= 30 then least(100, tests_successful * 100.0e0 / tests + 3) end as reliability_high_pct,
    case when tests < 30 then 'too few tests' end as withheld_reason
from every;
create table staging.stg_operator_site as
select
    dates.as_of_date, 'arman' as operator_id, 'A-' || range as site_id, '4g' as technology,
    50 + range / 100 as latitude, 70.0e0 as longitude, date '2020-01-01' + range::int as on_air_date
from range(40), (values (date '2025-09-30'), (date '2025-12-31')) as dates (as_of_date);
create table staging.stg_drive_test as
select
    date '2025-12-31' as as_of_date, 'arman' as operator_id, 't' || range as test_id, '4g' as technology,
    case when range % 9 > 0 then 5 + range % 17 end::double as download_mbps
from range(60);
create table staging.stg_speed_test_tile as
select
    date '2025-12-31' as as_of_date, 'mobile' as network_type,
    '12133231311111' || lpad(range::varchar, 2, '0') as quadkey, 20 + range as tests, 5 + range as devices
from range(4);
"""

_FOUND, _CLAIMS = "intermediate.int_availability_evidence", "marts.fct_availability"
_TESTS, _SITES = "marts.fct_reliability", "staging.stg_operator_site"
_ARMAN = "operator_id = 'arman' and kato = '000000000'"
_URBAN, _LATEST = "marts.fct_urban_5g", "as_of_date = date '2025-12-31'"

EVIDENCE_FAULTS: dict[str, dict[str, str]] = {
    "evidence.grades_follow_from_what_was_found": {
        "measured without tests": f"update {_FOUND} set tests = 0, tests_met = 0 where evidence_grade = 'measured'",
        "measured by four": f"update {_FOUND} set tests = 4, tests_met = 4 where evidence_grade = 'measured'",
        "disputed by success": f"update {_FOUND} set tests_met = 6, tests_failed = 0 where evidence_grade = 'disputed'",
        "upheld and not heard": f"update {_FOUND} set evidence_grade = 'corroborated' where is_dispute_upheld",
        "corroborated by nobody": f"update {_FOUND} set has_site = false, has_cell = false, is_met_by_tiles = false",
        "measured by tiles that cannot tell": f"update {_FOUND} set is_told_by_tiles = false where is_met_by_tiles",
        "a grade nobody knows": f"update {_FOUND} set evidence_grade = 'proved'",
        "more than were made": f"update {_FOUND} set tests_failed = 7 where evidence_grade = 'disputed'",
    },
    "evidence.grades_stand_where_claims_are": {
        "a grade lost": f"update {_CLAIMS} set evidence_grade = 'claimed' where technology = '4g'",
        "a grade from nowhere": f"update {_CLAIMS} set evidence_grade = 'measured' where technology = 'dsl'",
        "of what is not service": f"update {_CLAIMS} set connection_level = 1 where evidence_grade = 'measured'",
    },
    "evidence.few_claims_are_disputed": {
        "another network": f"update {_FOUND} set evidence_grade = 'disputed' where tests = 6",
    },
    "evidence.evidenced_people_are_those_of_the_shares": {
        "all of them": "update marts.fct_metric set value = 50 where metric_id = 'population_evidenced_pct'",
        "disputed ones too": (
            "update marts.fct_coverage_by_technology set evidence_claimed_pct = 40, evidence_measured_pct = 60 "
            "where technology = '4g' and population_covered > 0"
        ),
    },
    "evidence.reliability_follows_from_its_tests": {
        "of other tests": f"update {_TESTS} set reliability_pct = 50 where {_ARMAN}",
        "more successes than tests": f"update {_TESTS} set tests_successful = 201 where {_ARMAN}",
        "outside its interval": f"update {_TESTS} set reliability_low_pct = 96 where {_ARMAN}",
        "an interval beyond 100": f"update {_TESTS} set reliability_high_pct = 101 where {_ARMAN}",
        "no share of many tests": f"update {_TESTS} set reliability_pct = null where {_ARMAN}",
        "a share of few tests": f"update {_TESTS} set reliability_pct = 75 where tests = 20",
        "few tests without a reason": f"update {_TESTS} set withheld_reason = null where tests = 20",
    },
    "evidence.tests_of_operators_and_regions_make_the_whole": {
        "an operator less": f"delete from {_TESTS} where operator_id = 'sayran'",
        "a test in two regions": f"update {_TESTS} set tests = tests + 50 where kato = '100000000'",
        "other successes": f"update {_TESTS} set tests_successful = 0 where {_ARMAN}",
    },
    "evidence.dates_of_stations_do_not_move_silently": {
        "back": f"update {_SITES} set on_air_date = date '2019-01-01' where site_id = 'A-7' and {_LATEST}",
    },
    "evidence.stations_do_not_pile_up": {
        "the office": f"update {_SITES} set latitude = 51.1 where site_id in ('A-1', 'A-2', 'A-3', 'A-4')",
    },
    "evidence.test_speeds_are_spread": {
        "filled in": "update staging.stg_drive_test set download_mbps = 5 where download_mbps is not null",
    },
    "evidence.tiles_hold_no_more_devices_than_tests": {
        "exchanged": "update staging.stg_speed_test_tile set tests = devices, devices = tests",
    },
    "evidence.stations_of_cities_make_the_whole": {
        "counted twice": f"update {_URBAN} set stations_5g = 7 where city_kato = '710000000' and operator_id = 'any'",
        "a city less": f"update {_URBAN} set stations_5g = 0 where city_kato = 'all'",
    },
}
