with census_dates as (
    select distinct census_date
    from {{ ref('int_place_households') }}
),

districts as (
    select
        census_date,
        kato as district_kato,
        region_kato,
        households_all,
        households_urban,
        households_rural,
        households_source,
        coalesce(households_urban + households_rural = households_all, false) as has_areas
    from {{ ref('int_place_households') }}
    where level = 'district' and households_all is not null
),

-- What is left of a region for its districts without a figure.
regions as (
    select
        places.census_date,
        places.kato as region_kato,
        places.households_all - coalesce(sum(districts.households_all), 0) as households_all,
        places.households_urban - coalesce(sum(districts.households_urban), 0) as households_urban,
        places.households_rural - coalesce(sum(districts.households_rural), 0) as households_rural,
        places.households_source,
        coalesce(places.households_urban + places.households_rural = places.households_all, false)
        and coalesce(min(case when districts.has_areas then 1 else 0 end), 1) = 1
            as has_areas
    from {{ ref('int_place_households') }} as places
    left join districts
        on
            places.census_date = districts.census_date
            and places.kato = districts.region_kato
    where
        places.level = 'oblast'
        and places.households_all is not null
        and not places.is_undivided
    group by
        places.census_date, places.kato, places.households_all, places.households_urban, places.households_rural,
        places.households_source
),

-- Every settlement in the pool that its figure comes out of: its district's, else its region's, and there the
-- pool of its kind of area where urban and rural households are known and add up.
pooled as (
    select
        census_dates.census_date,
        settlements.settlement_kato,
        counted.households_all as counted_households,
        case
            when counted.households_all is not null then counted.households_source
            when districts.district_kato is not null
                then districts.households_source || ' (district total, shared out)'
            else regions.households_source || ' (region total, shared out)'
        end as households_source,
        people.population,
        coalesce(districts.district_kato, regions.region_kato) as pool_kato,
        case
            when not coalesce(districts.has_areas, regions.has_areas) then 'all'
            when settlements.is_rural then 'rural'
            else 'urban'
        end as pool_area,
        case
            when not coalesce(districts.has_areas, regions.has_areas)
                then coalesce(districts.households_all, regions.households_all)
            when districts.district_kato is not null and settlements.is_rural then districts.households_rural
            when districts.district_kato is not null then districts.households_urban
            when settlements.is_rural then regions.households_rural
            else regions.households_urban
        end as pool_households
    from census_dates
    cross join {{ ref('int_settlement') }} as settlements
    left join {{ ref('int_place_households') }} as counted
        on
            census_dates.census_date = counted.census_date
            and settlements.settlement_kato = counted.kato
    left join districts
        on
            census_dates.census_date = districts.census_date
            and settlements.district_kato = districts.district_kato
    left join regions
        on
            census_dates.census_date = regions.census_date
            and settlements.region_kato = regions.region_kato
    left join {{ ref('int_settlement_people') }} as people
        on
            census_dates.census_date = people.census_date
            and settlements.settlement_kato = people.settlement_kato
    where not settlements.is_city_district
),

remainders as (
    select
        census_date,
        pool_kato,
        pool_area,
        cast(max(pool_households) - coalesce(sum(counted_households), 0) as bigint) as remaining_households
    from pooled
    where pool_kato is not null
    group by census_date, pool_kato, pool_area
),

members as (
    select
        pooled.census_date,
        pooled.pool_kato,
        pooled.pool_area,
        pooled.settlement_kato,
        pooled.households_source,
        remainders.remaining_households,
        coalesce(pooled.population, 0) as weight
    from pooled
    inner join remainders
        on
            pooled.census_date = remainders.census_date
            and pooled.pool_kato = remainders.pool_kato
            and pooled.pool_area = remainders.pool_area
    where
        pooled.counted_households is null
        and remainders.remaining_households >= 0
),

shared as (
    {{ largest_remainder(
        relation='members',
        pool=['census_date', 'pool_kato', 'pool_area'],
        columns=['settlement_kato', 'households_source'],
        total='remaining_households',
        weight='weight',
        tie=['settlement_kato'],
        share='households'
    ) | indent(4) }}
)

select
    census_date,
    settlement_kato,
    cast(counted_households as bigint) as households,
    'census' as households_method,
    households_source
from pooled
where counted_households is not null
union all
select
    census_date,
    settlement_kato,
    cast(households as bigint) as households,
    'estimated' as households_method,
    households_source
from shared
where households is not null
