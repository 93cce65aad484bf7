"""A country of some 300 settlements in the tables that expectations read, with nothing wrong in it.

Two regions (an oblast of two districts, a republican city), two mobile operators and a fixed one, three periods.
Every area is summed from settlements here by SQL of its own, so that the suites are tested against what the tables
mean, not against the project's models.
"""

from __future__ import annotations

import duckdb

from tests.unit.cell_marts import CELLS
from tests.unit.evidence_marts import EVIDENCE
from tests.unit.highway_marts import HIGHWAYS
from tests.unit.programme_marts import PROGRAMME
from tests.unit.reference_marts import REFERENCE
from tests.unit.urban_marts import URBAN

_SETTLEMENTS = """
create table intermediate.int_settlement as
select
    settlement_kato, district_kato, region_kato, is_rural, is_rural as is_programme, number,
    100 + number as population, 30 + number // 4 as households
from (
    select
        '1010' || lpad(range::varchar, 5, '0') as settlement_kato, '101000000' as district_kato,
        '100000000' as region_kato, range % 20 <> 0 as is_rural, range as number
    from range(1, 161)
    union all
    select '1020' || lpad(range::varchar, 5, '0'), '102000000', '100000000', range % 20 <> 0, range
    from range(1, 141)
    union all
    select '710000000', '710000000', '710000000', false, 30000
)
"""

_REFERENCE = """
create table marts.dim_technology as
select * from (values
    ('dsl', 'fixed', 1, false), ('fttp', 'fixed', 4, false), ('2g', 'mobile', 1, true), ('3g', 'mobile', 2, true),
    ('4g', 'mobile', 3, true), ('geo_satellite', 'satellite', 1, false)
) as t (technology, family, rank, is_cumulative);
create table marts.dim_speed_tier as
select * from (values
    ('mobile_norm_5', 5.0, null), ('decent_10_1', 10.0, 1.0), ('high_speed_30', 30.0, null), ('ultra_100', 100.0, null)
) as t (speed_tier, min_download_mbps, min_upload_mbps);
create table marts.dim_region as
select * from (values
    ('100000000', 'oblast', '000000000', 'Abai', true), ('710000000', 'republican_city', '000000000', 'Astana', true),
    ('101000000', 'district', '100000000', 'First', true), ('102000000', 'district', '100000000', 'Second', true),
    ('630000000', 'oblast', '000000000', 'East Kazakhstan before its division', false)
) as t (region_kato, level, parent_kato, name_en, is_current);
create table intermediate.int_place as
select settlement_kato as kato, '2026-07-17' as edition from intermediate.int_settlement;
create table staging.stg_kato_change as
select * from (values
    ('199999999', '101000001', date '2022-06-08', 'merged'), ('101000002', '101000003', date '2027-01-01', 'merged'),
    ('101000004', '101000004', date '2022-06-08', 'renamed')
) as t (retired_kato, current_kato, effective_from, change_type);
create table staging.stg_rural_connection_plan as
select edition as as_of_date, settlement_kato, 'fttp' as technology, 'plan-' || year(edition) as extract_id
from intermediate.int_settlement, (values (date '2024-12-31'), (date '2025-12-31')) as e (edition)
where is_programme and not (edition = date '2025-12-31' and number = 1);
"""

_CENSUS = """
create table census as
select date, growth
from (values (date '2024-01-01', 0), (date '2025-01-01', 1), (date '2026-01-01', 2)) as t (date, growth);
create table intermediate.int_settlement_people as
select
    census.date as census_date, settlement_kato, population + growth as population,
    case when number % 3 = 0 then 'estimated' else 'census' end as population_method
from intermediate.int_settlement cross join census;
create table intermediate.int_settlement_denominator as
select
    periods.as_of_date, settlements.settlement_kato, settlements.region_kato, settlements.district_kato,
    people.population
from (values (date '2025-06-30'), (date '2025-09-30'), (date '2025-12-31')) as periods (as_of_date)
cross join intermediate.int_settlement as settlements
inner join intermediate.int_settlement_people as people
    on people.settlement_kato = settlements.settlement_kato and people.census_date = date '2026-01-01';
create table intermediate.int_settlement_households as
select census.date as census_date, settlement_kato, households from intermediate.int_settlement cross join census;
create table intermediate.int_region_population as
select
    people.census_date, areas.geography_level, areas.kato, areas.area_type, sum(people.population)::bigint as population
from intermediate.int_settlement_people as people
inner join areas using (settlement_kato)
where not (areas.geography_level = 'district' and areas.kato = '710000000')
group by all;
create table intermediate.int_place_households as
select
    households.census_date, areas.kato,
    case
        when areas.kato = '710000000' then 'republican_city' when areas.geography_level = 'region' then 'oblast'
        else areas.geography_level
    end as level,
    sum(households.households)::bigint as households_all, false as is_undivided
from intermediate.int_settlement_households as households
inner join areas using (settlement_kato)
where areas.area_type = 'all' and not (areas.geography_level = 'district' and areas.kato = '710000000')
group by households.census_date, areas.kato, areas.geography_level;
"""

_AREAS = """
create table areas as
select settlement_kato, geography_level, kato, area_type
from intermediate.int_settlement
cross join lateral (
    values ('national', '000000000'), ('region', region_kato), ('district', district_kato)
) as places (geography_level, kato)
cross join lateral (values ('all'), (case when is_rural then 'rural' else 'urban' end)) as kinds (area_type);
"""

_FILINGS = """
create table periods as
select * from (values (date '2025-06-30', 0), (date '2025-09-30', 1), (date '2025-12-31', 2)) as t (as_of_date, step);
create table networks as
select * from (values
    ('arman', '2g', 150, 1.0, 0.2, 1.0), ('arman', '3g', 130, 1.0, 4.0, 1.0), ('arman', '4g', 100, 1.0, 20.0, 5.0),
    ('sayran', '2g', 120, 1.0, 0.2, 1.0), ('sayran', '3g', 100, 1.0, 4.0, 1.0), ('sayran', '4g', 80, 1.0, 15.0, 5.0),
    ('dala', 'fttp', 60, 1.0, 100.0, 50.0), ('dala', 'dsl', 30, 1.0, 12.0, 1.0),
    ('koktem', 'geo_satellite', 40, 1.0, 15.0, 2.0)
) as t (operator_id, technology, reach, share, download, upload);
create table intermediate.int_availability as
select
    periods.as_of_date, settlements.settlement_kato, networks.operator_id, networks.technology,
    case when settlements.number % 5 = 0 then 4 else 3 end::bigint as connection_level,
    networks.download + case when (settlements.number + periods.step) % 10 = 0 then 0.1 else 0 end::double
        as max_download_mbps,
    networks.upload::double as max_upload_mbps,
    case when networks.operator_id = 'dala' then settlements.households // 2 end::bigint as households_passed,
    case when networks.operator_id = 'dala' then settlements.households // 3 end::bigint as households_connected,
    networks.operator_id || '-' || periods.step as extract_id
from intermediate.int_settlement as settlements
cross join networks
cross join periods
where settlements.number <= networks.reach + periods.step or (settlements.number = 30000 and networks.reach > 50);
create table intermediate.int_address_rollup as
select 'address-1' as extract_id, 7::bigint as addresses union all select 'address-1', 5;
create table intermediate.int_itu_population_covered as
select * from (values ('4g', 2024, 91.6e0), ('3g', 2024, 97.7e0)) as t (technology, year, population_covered_pct);
"""


def _coverage(name: str, keys: str, reached: str) -> str:
    """One coverage mart: `reached` gives as_of_date, settlement_kato, the keys, operators and households_passed."""
    return f"""
    create table marts.{name} as
    with wholes as (
        select
            periods.as_of_date, areas.geography_level, areas.kato, areas.area_type,
            sum(people.population)::bigint as population, sum(households.households)::bigint as households,
            count(*) as settlements, sum(settlements.is_programme::int)::bigint as villages
        from periods
        cross join areas
        inner join intermediate.int_settlement as settlements using (settlement_kato)
        inner join intermediate.int_settlement_people as people
            on people.settlement_kato = areas.settlement_kato and people.census_date = date '2026-01-01'
        inner join intermediate.int_settlement_households as households
            on households.settlement_kato = areas.settlement_kato and households.census_date = date '2026-01-01'
        group by all
    ),

    reached as ({reached}),

    covered as (
        select
            reached.as_of_date, areas.geography_level, areas.kato, areas.area_type, {keys},
            sum(people.population)::bigint as population_covered,
            sum(reached.households_passed)::bigint as households_passed,
            count(*) as settlements_covered, sum(settlements.is_programme::int)::bigint as villages_covered,
            max(reached.operators)::bigint as operators_max
        from reached
        inner join areas using (settlement_kato)
        inner join intermediate.int_settlement as settlements using (settlement_kato)
        inner join intermediate.int_settlement_people as people
            on people.settlement_kato = areas.settlement_kato and people.census_date = date '2026-01-01'
        group by all
    ),

    keys as (select distinct {keys} from reached)

    select
        wholes.as_of_date, wholes.geography_level, wholes.kato, wholes.area_type, {keys}, wholes.population,
        coalesce(covered.population_covered, 0) as population_covered,
        coalesce(covered.population_covered, 0) * 100.0e0 / wholes.population as population_covered_pct,
        wholes.households, covered.households_passed,
        covered.households_passed * 100.0e0 / wholes.households as households_passed_pct,
        wholes.settlements, coalesce(covered.settlements_covered, 0) as settlements_covered,
        coalesce(covered.operators_max, 0) as operators_max,
        case when covered.population_covered > 0 then 100.0e0 end as evidence_claimed_pct,
        case when covered.population_covered > 0 then 0.0e0 end as evidence_corroborated_pct,
        case when covered.population_covered > 0 then 0.0e0 end as evidence_measured_pct,
        case when covered.population_covered > 0 then 0.0e0 end as evidence_disputed_pct,
        wholes.villages, coalesce(covered.villages_covered, 0) as villages_covered,
        coalesce(covered.villages_covered, 0) * 100.0e0 / nullif(wholes.villages, 0) as villages_covered_pct,
        date '2025-01-01' as denominator_as_of
    from wholes
    cross join keys
    left join covered using (as_of_date, geography_level, kato, area_type, {keys})
    """


_REACH = """
select filings.as_of_date, filings.settlement_kato, filings.operator_id, reached.technology,
    max(filings.households_passed) as households_passed, 1 as operators
from intermediate.int_availability as filings
inner join marts.dim_technology as filed on filings.technology = filed.technology
inner join marts.dim_technology as reached
    on
        reached.technology = filed.technology
        or (reached.is_cumulative and filed.is_cumulative and filed.rank > reached.rank)
group by all
"""

_OVERLAP = f"""
create table marts.fct_operator_overlap as
with reach as ({_REACH}),
numbers as (
    select as_of_date, settlement_kato, technology, count(*) as operators from reach group by all
),
cells as (
    select
        wholes.as_of_date, wholes.geography_level, wholes.kato, wholes.area_type, wholes.technology,
        wholes.population, wholes.settlements, exactly.operators_exactly,
        coalesce(sum(people.population), 0)::bigint as population_exactly,
        count(people.population) as settlements_exactly
    from marts.fct_coverage_by_technology as wholes
    cross join (values (0), (1), (2)) as exactly (operators_exactly)
    inner join areas using (geography_level, kato, area_type)
    left join numbers
        on
            numbers.as_of_date = wholes.as_of_date and numbers.technology = wholes.technology
            and numbers.settlement_kato = areas.settlement_kato
    left join intermediate.int_settlement_people as people
        on
            people.settlement_kato = areas.settlement_kato and people.census_date = date '2026-01-01'
            and coalesce(numbers.operators, 0) = exactly.operators_exactly
    group by all
)
select
    *, population_exactly * 100.0e0 / population as population_exactly_pct,
    settlements_exactly * 100.0e0 / settlements as settlements_exactly_pct
from cells
"""

_RURAL = """
create table marts.fct_rural_connection as
with levels as (
    select
        periods.as_of_date, settlements.settlement_kato, settlements.population,
        coalesce(max(filings.connection_level), 0) as level
    from periods
    cross join intermediate.int_settlement as settlements
    left join intermediate.int_availability as filings
        on
            filings.as_of_date = periods.as_of_date and filings.settlement_kato = settlements.settlement_kato
            and filings.operator_id = 'dala'
    where settlements.is_programme
    group by all
)
select
    levels.as_of_date, areas.geography_level, areas.kato, rungs.connection_level, count(*) as villages,
    sum((level = rung and not rungs.satellite)::int)::bigint as villages_at_level,
    sum((level = rung and not rungs.satellite)::int) * 100.0e0 / count(*) as villages_at_level_pct,
    case when not rungs.satellite then sum((level >= rung)::int) end::bigint as villages_at_or_above,
    case when not rungs.satellite then sum((level >= rung)::int) * 100.0e0 / count(*) end as villages_at_or_above_pct,
    sum(levels.population)::bigint as population,
    sum(case when level = rung and not rungs.satellite then levels.population else 0 end)::bigint
        as population_at_level,
    case when not rungs.satellite then sum(case when level >= rung then levels.population else 0 end) end::bigint
        as population_at_or_above,
    10::bigint * count(*) as villages_planned, 5::bigint * count(*) as villages_actual_by_plan
from levels
inner join areas on levels.settlement_kato = areas.settlement_kato and areas.area_type = 'all'
cross join (values
    ('level_0', 0, false), ('level_1', 1, false), ('level_2', 2, false), ('level_3', 3, false), ('level_4', 4, false),
    ('satellite_only', 0, true)
) as rungs (connection_level, rung, satellite)
group by levels.as_of_date, areas.geography_level, areas.kato, rungs.connection_level, rungs.rung, rungs.satellite
"""

_REST = """
create table intermediate.int_area_denominator as
select distinct as_of_date, geography_level, kato, area_type, population from marts.fct_coverage_by_technology;
create table intermediate.int_village_coverage as
select as_of_date, geography_level, kato, 'technology' as measure, technology as step, villages, villages_covered,
    villages_covered_pct
from marts.fct_coverage_by_technology
where area_type = 'all' and villages > 0
union all
select as_of_date, geography_level, kato, 'speed_tier', speed_tier, villages, villages_covered, villages_covered_pct
from marts.fct_coverage_by_speed_tier
where area_type = 'all' and villages > 0
union all
select as_of_date, geography_level, kato, 'connection_level', connection_level, villages, villages_at_or_above,
    villages_at_or_above_pct
from marts.fct_rural_connection
where connection_level not in ('level_0', 'satellite_only');
create table marts.fct_metric as
select
    'population_covered_pct' as metric_id, as_of_date, geography_level, kato, area_type, technology,
    population_covered_pct as value, 'percent' as unit, population_covered::double as numerator,
    population::double as denominator, 'Census of people (sample)' as denominator_source
from marts.fct_coverage_by_technology
union all
select
    'households_passed_pct', as_of_date, geography_level, kato, area_type, technology, households_passed_pct,
    'percent', households_passed, households, 'Census of households (district total, shared out)'
from marts.fct_coverage_by_technology
where households_passed is not null
union all
select
    'settlements_mobile_covered_pct', as_of_date, geography_level, kato, 'rural', step, villages_covered_pct,
    'percent', villages_covered, villages, 'Plan'
from intermediate.int_village_coverage
where measure = 'technology';
create table marts.fct_statement_check as
select * from (values
    ('s1', 'population_covered_pct', '=', 'percent', 99.0, 99.2, 0.2, 'confirmed', 'published'),
    ('s2', 'settlements_connected', '=', 'settlements', 2606.0, 663.0, -1943.0, 'definition_mismatch', 'published'),
    ('s3', 'settlements_connected', '>=', 'settlements', 100.0, 120.0, 20.0, 'confirmed', 'published'),
    ('s5', 'settlements_connected', '≈', 'settlements', 100.0, 101.5, 1.5, 'confirmed', 'published'),
    ('s6', 'settlements_connected', '=', 'settlements', 2606.0, 2606.0, 0.0, 'confirmed', 'published'),
    ('s4', null, '=', 'km', 40000.0, null, null, 'unverifiable', 'published')
) as t (statement_id, metric_id, qualifier, unit, stated_value, computed_value, difference, verdict, status);
create table marts.fct_target_progress as
select * from (values
    (
        't1', 'percent', 98.0, 99.0, 100.0, 97.5, 99.0, date '2025-12-31', date '2027-12-31', 97.0, 0.5, 96.5, 1.0
    ),
    (
        't2', 'settlements', 2879.3, 2903.0, 2926.7, 2606.0, 4506.0, date '2025-12-31', date '2025-06-30', 4506.0,
        -1900.0, 4506.0, -1900.0
    ),
    ('t3', 'percent', null, null, null, null, 99.0, null, date '2027-12-31', null, null, null, null)
) as t (
    target_id, unit, projected_low, projected_value, projected_high, value, target_value, as_of_date, due_date,
    announced_value, announced_difference, straight_line_value, straight_line_difference
);
create table staging.stg_operator_availability as
select extract_id from intermediate.int_availability where operator_id <> 'koktem';
create table staging.stg_extract as
select distinct extract_id, 'operator_availability' as extract_kind, 'sample' as sender,
    extract_id || '.csv' as file_name,
    'accepted' as outcome, true as is_current, null::varchar as superseded_by, null::varchar as rule,
    'Filing' as source_title
from staging.stg_operator_availability
union all
select distinct extract_id, 'rural_connection_plan', 'ministry', extract_id || '.xlsx', 'accepted', true, null, null,
    'Plan'
from staging.stg_rural_connection_plan
union all
select 'address-1', 'operator_address_availability', 'sample', 'a.csv', 'accepted_with_quarantine', true, null, null,
    'Filing'
union all
select 'rejected-1', 'households', 'bureau', 'h1.csv', 'rejected', false, 'households-2', 'missing_column', null
union all
select 'ignored-1', null, null, 'LICENSE', 'ignored', false, null, 'no_delivery', null
union all
select 'people-1', 'population', 'bureau', 'p1.csv', 'accepted', true, null, null, 'Census of people'
union all
select 'households-2', 'households', 'bureau', 'h2.csv', 'accepted', true, null, null, 'Census of households';
create table staging.stg_row_account as
select
    extracts.extract_id,
    coalesce(availability.n, plan.n, case when extracts.extract_id = 'address-1' then 12 else 30 end)::bigint
        as rows_accepted
from staging.stg_extract as extracts
left join (select extract_id, count(*) as n from staging.stg_operator_availability group by all) as availability
    on extracts.extract_id = availability.extract_id
left join (select extract_id, count(*) as n from staging.stg_rural_connection_plan group by all) as plan
    on extracts.extract_id = plan.extract_id;
alter table staging.stg_row_account add column rows_quarantined bigint default 2;
alter table staging.stg_row_account add column rows_duplicate bigint default 1;
alter table staging.stg_row_account add column rows_read bigint;
update staging.stg_row_account set rows_read = rows_accepted + rows_quarantined + rows_duplicate;
create table marts.meta_extract as select *, null::varchar as message from staging.stg_extract;
create table staging.stg_stand_in (extract_id varchar, as_of_date date);
create table staging.stg_suspicion (extract_id varchar, is_accepted boolean);
create table intermediate.int_accepted_fall (
    as_of_date date, operator_id varchar, geography_level varchar, kato varchar
);
create table marts.meta_row_account as select * from staging.stg_row_account;
"""


def small_marts() -> duckdb.DuckDBPyConnection:
    """A connection to the country, in memory."""
    connection = duckdb.connect()
    for schema in ("staging", "intermediate", "marts"):
        connection.execute(f"create schema {schema}")
    connection.execute(_SETTLEMENTS)
    connection.execute(_AREAS)
    connection.execute(_REFERENCE)
    connection.execute(_CENSUS)
    connection.execute(_FILINGS)
    any_operator = f"""
        select as_of_date, settlement_kato, technology, max(households_passed) as households_passed,
            count(*) as operators
        from ({_REACH}) group by all
    """
    tiers = """
        select filings.as_of_date, filings.settlement_kato, tiers.speed_tier,
            max(filings.households_passed) as households_passed, count(distinct filings.operator_id) as operators
        from intermediate.int_availability as filings
        inner join marts.dim_speed_tier as tiers
            on
                filings.max_download_mbps >= tiers.min_download_mbps
                and filings.max_upload_mbps >= coalesce(tiers.min_upload_mbps, 0)
        group by all
    """
    connection.execute(_coverage("fct_coverage_by_technology", "technology", any_operator))
    connection.execute(_coverage("fct_coverage_by_operator", "operator_id, technology", _REACH))
    connection.execute(_coverage("fct_coverage_by_speed_tier", "speed_tier", tiers))
    connection.execute(_OVERLAP)
    connection.execute(_RURAL)
    connection.execute(_REST)
    connection.execute(PROGRAMME)
    connection.execute(HIGHWAYS)
    connection.execute(URBAN)
    connection.execute(EVIDENCE)
    connection.execute(CELLS)
    connection.execute(REFERENCE)
    return connection
