-- Address filings are read through their rollup: the rows themselves run into hundreds of millions.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['stg_operator_availability', 'int_address_rollup']
        }
    )
}}

with periods as (
    select distinct as_of_date from {{ ref('stg_operator_availability') }}
    union
    select distinct as_of_date from {{ ref('int_address_rollup') }}
    union
    select distinct as_of_date from {{ ref('stg_rural_connection_plan') }}
),

-- For each period and settlement the latest census up to the day after the period (1 January follows
-- 31 December), else the earliest there is.
census_choice as (
    select
        periods.as_of_date,
        counts.settlement_kato,
        coalesce(
            max(case
                when counts.population is not null and counts.census_date <= {{ days_after('periods.as_of_date', 1) }}
                    then counts.census_date
            end),
            min(case when counts.population is not null then counts.census_date end)
        ) as population_as_of,
        coalesce(
            max(case
                when counts.households is not null and counts.census_date <= {{ days_after('periods.as_of_date', 1) }}
                    then counts.census_date
            end),
            min(case when counts.households is not null then counts.census_date end)
        ) as households_as_of
    from periods
    cross join {{ ref('int_settlement_population') }} as counts
    group by periods.as_of_date, counts.settlement_kato
)

select
    periods.as_of_date,
    settlements.settlement_kato,
    settlements.region_kato,
    settlements.district_kato,
    settlements.is_rural,
    settlements.is_programme,
    settlements.is_city_district,
    -- A district of a city is counted with its city.
    case when settlements.is_city_district then 0 else people.population end as population,
    people.census_date as population_as_of,
    people.population_method,
    people.population_source as denominator_source,
    case when settlements.is_city_district then 0 else households.households end as households,
    households.census_date as households_as_of,
    households.households_source
from periods
cross join {{ ref('int_settlement') }} as settlements
left join census_choice
    on
        periods.as_of_date = census_choice.as_of_date
        and settlements.settlement_kato = census_choice.settlement_kato
left join {{ ref('int_settlement_population') }} as people
    on
        census_choice.settlement_kato = people.settlement_kato
        and census_choice.population_as_of = people.census_date
left join {{ ref('int_settlement_population') }} as households
    on
        census_choice.settlement_kato = households.settlement_kato
        and census_choice.households_as_of = households.census_date
