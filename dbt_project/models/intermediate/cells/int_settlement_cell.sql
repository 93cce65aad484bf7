{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_settlement_denominator', 'stg_operator_coverage_area']
        }
    )
}}

with dates as (
    select distinct as_of_date
    from {{ ref('stg_operator_coverage_area') }}
    where environment = 'outdoor'
),

people as (
    select
        settlements.as_of_date,
        settlements.settlement_kato,
        settlements.is_rural,
        settlements.population
    from {{ ref('int_settlement_denominator') }} as settlements
    inner join dates on settlements.as_of_date = dates.as_of_date
    -- A district of a city is counted with its city.
    where not settlements.is_city_district
),

cities as (
    select
        as_of_date,
        lead(as_of_date) over (partition by city_kato order by as_of_date) as next_as_of_date,
        city_kato,
        extract_id,
        source_row
    from {{ ref('stg_urban_area') }}
),

-- A city with an outline: the cells of resolution 8 weigh as many of its cells of resolution 9 as lie in them.
outlined as (
    select
        people.as_of_date,
        people.settlement_kato,
        {{ parent_of_resolution_9('cells.h3_cell') }} as h3_cell,
        count(*) as weight
    from people
    inner join cities
        on
            people.settlement_kato = cities.city_kato
            and {{ road_stands('cities', 'people.as_of_date') }}
    inner join {{ ref('stg_urban_area_cell') }} as cells
        on
            cities.extract_id = cells.extract_id
            and cities.source_row = cells.source_row
    group by people.as_of_date, people.settlement_kato, {{ parent_of_resolution_9('cells.h3_cell') }}
),

-- Any other settlement: as many rings about its position as its people need. Of unknown people, the cell itself.
extents as (
    select
        people.as_of_date,
        people.settlement_kato,
        coalesce(max(sizes.rings), 0) as rings
    from people
    left join {{ ref('settlement_extent') }} as sizes
        on
            people.is_rural = sizes.is_rural
            and people.population >= sizes.population_from
    left join outlined
        on
            people.as_of_date = outlined.as_of_date
            and people.settlement_kato = outlined.settlement_kato
    where outlined.settlement_kato is null
    group by people.as_of_date, people.settlement_kato
),

weighed as (
    select
        as_of_date,
        settlement_kato,
        h3_cell,
        weight,
        'outline' as cells_from
    from outlined
    union all
    select
        extents.as_of_date,
        extents.settlement_kato,
        cells.h3_cell,
        1 as weight,
        'position' as cells_from
    from extents
    inner join {{ ref('int_settlement') }} as settlements on extents.settlement_kato = settlements.settlement_kato
    inner join {{ ref('stg_settlement_position_cell') }} as cells
        on
            settlements.place_id = cells.place_id
            and extents.rings >= cells.ring
)

select
    as_of_date,
    settlement_kato,
    h3_cell,
    cells_from,
    -- Whole numbers, so that sums of shares are the same in whatever order they are taken.
    cast(weight as bigint) as weight,
    cast(sum(weight) over (partition by as_of_date, settlement_kato) as bigint) as settlement_weight
from weighed
