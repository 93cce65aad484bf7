with cities as (
    select
        as_of_date,
        lead(as_of_date) over (partition by city_kato order by as_of_date) as next_as_of_date,
        city_kato,
        is_5g_programme = 1 as is_5g_programme,
        official_area_km2,
        area_km2 as geometry_area_km2,
        extract_id,
        source_row
    from {{ ref('stg_urban_area') }}
),

-- Only operators that filed areas of 5G for the date count; of the others nothing is known.
filings as (
    select distinct
        as_of_date,
        operator_id
    from {{ ref('stg_operator_coverage_area') }}
    where environment = 'outdoor' and technology = '5g'
),

readings as (
    select
        as_of_date,
        operator_id
    from filings
    union all
    select distinct
        as_of_date,
        'any' as operator_id
    from filings
),

reached as (
    select distinct
        areas.as_of_date,
        areas.operator_id,
        cells.h3_cell
    from {{ ref('stg_operator_coverage_area') }} as areas
    inner join {{ ref('stg_operator_coverage_area_cell') }} as cells
        on
            areas.extract_id = cells.extract_id
            and areas.source_row = cells.source_row
    where areas.environment = 'outdoor' and areas.technology = '5g'
),

city_cells as (
    select
        cities.as_of_date,
        cities.city_kato,
        cells.h3_cell,
        {{ parent_of_resolution_9('cells.h3_cell') }} as parent_cell
    from cities
    inner join {{ ref('stg_urban_area_cell') }} as cells
        on
            cities.extract_id = cells.extract_id
            and cities.source_row = cells.source_row
),

city_sizes as (
    select
        as_of_date,
        city_kato,
        count(*) as cells
    from city_cells
    group by as_of_date, city_kato
),

reached_by as (
    select
        as_of_date,
        operator_id,
        h3_cell
    from reached
    union all
    select distinct
        as_of_date,
        'any' as operator_id,
        h3_cell
    from reached
),

covered as (
    select
        reached_by.as_of_date,
        reached_by.operator_id,
        city_cells.as_of_date as city_as_of,
        city_cells.city_kato,
        count(*) as cells
    from reached_by
    inner join city_cells on reached_by.h3_cell = city_cells.parent_cell
    group by reached_by.as_of_date, reached_by.operator_id, city_cells.as_of_date, city_cells.city_kato
),

measured as (
    select
        readings.as_of_date,
        readings.operator_id,
        cities.city_kato,
        cities.is_5g_programme,
        cities.official_area_km2,
        cities.geometry_area_km2,
        coalesce(cities.official_area_km2, cities.geometry_area_km2) as area_km2,
        city_sizes.cells,
        coalesce(covered.cells, 0) as cells_covered,
        people.population,
        people.population_as_of,
        cities.as_of_date as city_as_of
    from readings
    inner join cities on {{ road_stands('cities', 'readings.as_of_date') }}
    inner join city_sizes
        on
            cities.as_of_date = city_sizes.as_of_date
            and cities.city_kato = city_sizes.city_kato
    left join covered
        on
            readings.as_of_date = covered.as_of_date
            and readings.operator_id = covered.operator_id
            and cities.as_of_date = covered.city_as_of
            and cities.city_kato = covered.city_kato
    left join {{ ref('int_settlement_denominator') }} as people
        on
            readings.as_of_date = people.as_of_date
            and cities.city_kato = people.settlement_kato
),

shared as (
    select
        as_of_date,
        operator_id,
        city_kato,
        is_5g_programme,
        official_area_km2,
        geometry_area_km2,
        area_km2,
        cells,
        cells_covered,
        area_km2 * cells_covered / cells as area_covered_km2,
        population,
        -- People are spread evenly over the cells of their city.
        population * cast(cells_covered as double) / cells as population_covered,
        population_as_of,
        city_as_of
    from measured
),

pooled as (
    select
        as_of_date,
        operator_id,
        count(*) as cities,
        sum(case when cells_covered > 0 then 1 else 0 end) as cities_with_5g,
        case when count(official_area_km2) = count(*) then {{ exact_sum('official_area_km2') }} end
            as official_area_km2,
        {{ exact_sum('geometry_area_km2') }} as geometry_area_km2,
        {{ exact_sum('area_km2') }} as area_km2,
        sum(cells) as cells,
        sum(cells_covered) as cells_covered,
        {{ exact_sum('area_covered_km2') }} as area_covered_km2,
        case when count(population) = count(*) then sum(population) end as population,
        case when count(population) = count(*) then {{ exact_sum('population_covered') }} end as population_covered,
        max(population_as_of) as population_as_of,
        max(city_as_of) as city_as_of
    from shared
    where is_5g_programme
    group by as_of_date, operator_id
)

select
    as_of_date,
    city_kato,
    operator_id,
    is_5g_programme,
    cast(1 as bigint) as cities,
    cast(case when cells_covered > 0 then 1 else 0 end as bigint) as cities_with_5g,
    official_area_km2,
    geometry_area_km2,
    area_km2,
    cast(cells as bigint) as cells,
    cast(cells_covered as bigint) as cells_covered,
    area_covered_km2,
    {{ percentage('area_covered_km2', 'area_km2') }} as area_pct,
    cast(population as bigint) as population,
    population_covered,
    {{ percentage('population_covered', 'population') }} as population_pct,
    case when official_area_km2 is not null then 'Official area of the city' else 'Area of the geometry' end
        as denominator_source,
    city_as_of as denominator_as_of,
    population_as_of
from shared
union all
select
    as_of_date,
    'all' as city_kato,
    operator_id,
    true as is_5g_programme,
    cast(cities as bigint) as cities,
    cast(cities_with_5g as bigint) as cities_with_5g,
    official_area_km2,
    geometry_area_km2,
    area_km2,
    cast(cells as bigint) as cells,
    cast(cells_covered as bigint) as cells_covered,
    area_covered_km2,
    {{ percentage('area_covered_km2', 'area_km2') }} as area_pct,
    cast(population as bigint) as population,
    population_covered,
    {{ percentage('population_covered', 'population') }} as population_pct,
    case
        when official_area_km2 is not null then 'Official areas of the cities'
        else 'Official areas of the cities, or of their geometries'
    end as denominator_source,
    city_as_of as denominator_as_of,
    population_as_of
from pooled
