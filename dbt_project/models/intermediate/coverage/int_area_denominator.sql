{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_settlement_denominator'],
            'deliveries_of': ['rural_connection_plan']
        }
    )
}}

{%- set measures = [
    'population', 'settlements_unknown', 'households', 'households_unknown', 'settlements', 'villages',
    'population_as_of', 'households_as_of', 'first_source', 'last_source', 'first_households_source',
    'last_households_source'
] -%}
with districts as (
    select
        settlements.as_of_date,
        settlements.district_kato,
        settlements.is_rural,
        sum(settlements.population) as population,
        sum(case when settlements.population is null and {{ is_inhabited('settlements') }} then 1 else 0 end)
            as settlements_unknown,
        sum(settlements.households) as households,
        sum(case when settlements.households is null and {{ is_inhabited('settlements') }} then 1 else 0 end)
            as households_unknown,
        sum(case when {{ is_inhabited('settlements') }} then 1 else 0 end) as settlements,
        sum(case when settlements.is_programme then 1 else 0 end) as villages,
        -- The census that counts is the latest up to the day after the period; a settlement first counted later
        -- does not move its area to that later census.
        max(
            case
                when settlements.population_as_of <= {{ days_after('settlements.as_of_date', 1) }}
                    then settlements.population_as_of
            end
        ) as population_as_of,
        min(settlements.population_as_of) as earliest_as_of,
        max(
            case
                when settlements.households_as_of <= {{ days_after('settlements.as_of_date', 1) }}
                    then settlements.households_as_of
            end
        ) as households_as_of,
        min(settlements.households_as_of) as earliest_households_as_of,
        min(settlements.denominator_source) as first_source,
        max(settlements.denominator_source) as last_source,
        min(settlements.households_source) as first_households_source,
        max(settlements.households_source) as last_households_source
    from {{ ref('int_settlement_denominator') }} as settlements
    group by settlements.as_of_date, settlements.district_kato, settlements.is_rural
),

areas as (
    select
        districts.as_of_date,
        areas.geography_level,
        areas.kato,
        areas.area_type,
        sum(districts.population) as population,
        sum(districts.settlements_unknown) as settlements_unknown,
        sum(districts.households) as households,
        sum(districts.households_unknown) as households_unknown,
        sum(districts.settlements) as settlements,
        sum(districts.villages) as villages,
        coalesce(max(districts.population_as_of), min(districts.earliest_as_of)) as population_as_of,
        coalesce(max(districts.households_as_of), min(districts.earliest_households_as_of)) as households_as_of,
        min(districts.first_source) as first_source,
        max(districts.last_source) as last_source,
        min(districts.first_households_source) as first_households_source,
        max(districts.last_households_source) as last_households_source
    from districts
    inner join {{ ref('int_coverage_area') }} as areas
        on
            districts.district_kato = areas.district_kato
            and districts.is_rural = areas.is_rural
    group by districts.as_of_date, areas.geography_level, areas.kato, areas.area_type
),

-- People whom the census counts in a district as urban or rural although today's map lists no such settlement
-- there: without their area the districts would not add up to the region. Nobody can claim to cover them.
unplaced as (
    select
        areas.as_of_date,
        areas.geography_level,
        areas.kato,
        published.area_type,
        published.population,
        0 as settlements_unknown,
        cast(null as bigint) as households,
        0 as households_unknown,
        0 as settlements,
        0 as villages,
        areas.population_as_of,
        areas.households_as_of,
        published.source as first_source,
        published.source as last_source,
        areas.first_households_source,
        areas.last_households_source
    from areas
    inner join {{ ref('int_region_population') }} as published
        on
            areas.population_as_of = published.census_date
            and areas.kato = published.kato
    left join areas as placed
        on
            areas.as_of_date = placed.as_of_date
            and areas.kato = placed.kato
            and published.area_type = placed.area_type
    where
        areas.geography_level = 'district'
        and areas.area_type = 'all'
        and published.population > 0
        and placed.kato is null
),

all_areas as (
    select
        as_of_date,
        geography_level,
        kato,
        area_type,
        {{ measures | join(',\n        ') }}
    from areas
    union all
    select
        as_of_date,
        geography_level,
        kato,
        area_type,
        {{ measures | join(',\n        ') }}
    from unplaced
),

known as (
    select
        areas.as_of_date,
        areas.geography_level,
        areas.kato,
        areas.area_type,
        coalesce(
            published.population,
            case when areas.settlements_unknown = 0 then areas.population end
        ) as population,
        areas.population as population_of_settlements,
        coalesce(
            published_households.households,
            case when areas.households_unknown = 0 then areas.households end
        ) as households,
        areas.settlements,
        areas.villages,
        case
            when published.population is not null then published.source
            when areas.first_source = areas.last_source then areas.first_source
            else areas.first_source || '; ' || areas.last_source
        end as denominator_source,
        areas.population_as_of as denominator_as_of,
        case
            when published_households.households is not null then published_households.source
            when areas.first_households_source = areas.last_households_source then areas.first_households_source
            else areas.first_households_source || '; ' || areas.last_households_source
        end as households_source,
        areas.households_as_of
    from all_areas as areas
    left join {{ ref('int_region_population') }} as published
        on
            areas.population_as_of = published.census_date
            and areas.kato = published.kato
            and areas.area_type = published.area_type
    left join {{ ref('int_region_households') }} as published_households
        on
            areas.households_as_of = published_households.census_date
            and areas.kato = published_households.kato
            and areas.area_type = published_households.area_type
),

villages_listed as (
    {{ village_list() | indent(4) }}
)

select
    known.as_of_date,
    known.geography_level,
    known.kato,
    known.area_type,
    cast(known.population as bigint) as population,
    cast(
        case
            when known.population > coalesce(known.population_of_settlements, 0)
                then known.population - coalesce(known.population_of_settlements, 0)
            when known.population is not null then 0
        end as bigint
    ) as population_unplaced,
    cast(known.households as bigint) as households,
    cast(known.settlements as bigint) as settlements,
    cast(known.villages as bigint) as villages,
    known.denominator_source,
    known.denominator_as_of,
    case when known.households is not null then known.households_source end as households_source,
    case when known.households is not null then known.households_as_of end as households_as_of,
    case when known.villages > 0 then {{ village_list_title('villages_listed') }} end as villages_source,
    case when known.villages > 0 then coalesce(villages_listed.as_of_date, known.as_of_date) end as villages_as_of
from known
cross join villages_listed
-- A village that the census leaves without people is still a village of the programme.
where
    known.population > 0
    or (known.settlements > 0 and known.population is null)
    or known.villages > 0
