with districts as (
    select
        settlements.as_of_date,
        settlements.district_kato,
        settlements.is_rural,
        sum(settlements.population) as population,
        sum(case when settlements.population is null and {{ is_inhabited('settlements') }} then 1 else 0 end)
            as settlements_unknown,
        sum(settlements.households) as households,
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
        min(settlements.denominator_source) as first_source,
        max(settlements.denominator_source) as last_source
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
        sum(districts.settlements) as settlements,
        sum(districts.villages) as villages,
        coalesce(max(districts.population_as_of), min(districts.earliest_as_of)) as population_as_of,
        min(districts.first_source) as first_source,
        max(districts.last_source) as last_source
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
        0 as settlements,
        0 as villages,
        areas.population_as_of,
        published.source as first_source,
        published.source as last_source
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
        population,
        settlements_unknown,
        households,
        settlements,
        villages,
        population_as_of,
        first_source,
        last_source
    from areas
    union all
    select
        as_of_date,
        geography_level,
        kato,
        area_type,
        population,
        settlements_unknown,
        households,
        settlements,
        villages,
        population_as_of,
        first_source,
        last_source
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
        areas.households,
        areas.settlements,
        areas.villages,
        case
            when published.population is not null then published.source
            when areas.first_source = areas.last_source then areas.first_source
            else areas.first_source || '; ' || areas.last_source
        end as denominator_source,
        areas.population_as_of as denominator_as_of
    from all_areas as areas
    left join {{ ref('int_region_population') }} as published
        on
            areas.population_as_of = published.census_date
            and areas.kato = published.kato
            and areas.area_type = published.area_type
)

select
    as_of_date,
    geography_level,
    kato,
    area_type,
    cast(population as bigint) as population,
    cast(households as bigint) as households,
    cast(settlements as bigint) as settlements,
    cast(villages as bigint) as villages,
    denominator_source,
    denominator_as_of
from known
-- A village that the census leaves without people is still a village of the programme.
where
    population > 0
    or (settlements > 0 and population is null)
    or villages > 0
