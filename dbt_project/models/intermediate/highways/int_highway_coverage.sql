{%- set long_gap_km = 5 -%}
{%- set measures = [
    'official_length_km', 'geometry_length_km', 'road_length_km', 'km_covered', 'geometry_km_covered',
    'longest_gap_km', 'gaps', 'gaps_over_5km', 'denominator_source', 'denominator_as_of'
] -%}
with filings as (
    select
        areas.as_of_date,
        areas.operator_id,
        max(technologies.rank) as filed_rank
    from {{ ref('stg_operator_coverage_area') }} as areas
    inner join {{ ref('technology') }} as technologies
        on
            areas.technology = technologies.technology
            and technologies.family = 'mobile'
    where areas.environment = 'in_vehicle'
    group by areas.as_of_date, areas.operator_id
),

-- Dates of filings, and dates of lists of roads that no operator filed for: their lengths are known all the same.
readings as (
    select
        as_of_date,
        operator_id,
        filed_rank
    from filings
    union all
    select
        as_of_date,
        'any' as operator_id,
        max(filed_rank) as filed_rank
    from filings
    group by as_of_date
    union all
    select distinct
        roads.as_of_date,
        'any' as operator_id,
        0 as filed_rank
    from {{ ref('int_highway') }} as roads
    left join filings on roads.as_of_date = filings.as_of_date
    where filings.as_of_date is null
),

rows_of_roads as (
    select
        readings.as_of_date,
        roads.as_of_date as road_as_of,
        roads.road_id,
        roads.road_name,
        roads.road_class,
        roads.is_dual_carriageway,
        readings.operator_id,
        -- Of a technology better than those filed nothing is known.
        readings.filed_rank >= technologies.rank as is_filed,
        technologies.technology,
        technologies.rank as technology_rank,
        roads.official_length_km,
        roads.geometry_length_km,
        roads.road_length_km,
        roads.denominator_source
    from readings
    inner join {{ ref('int_highway') }} as roads on {{ road_stands('roads', 'readings.as_of_date') }}
    inner join {{ ref('technology') }} as technologies on technologies.family = 'mobile'
),

covered as (
    select
        reach.as_of_date,
        reach.road_id,
        reach.operator_id,
        reach.technology_rank,
        {{ exact_sum('cells.length_km') }} as km
    from {{ ref('int_highway_reach') }} as reach
    inner join {{ ref('int_highway') }} as roads
        on
            reach.road_id = roads.road_id
            and {{ road_stands('roads', 'reach.as_of_date') }}
    inner join {{ ref('int_highway_cell') }} as cells
        on
            roads.as_of_date = cells.as_of_date
            and reach.road_id = cells.road_id
            and reach.h3_cell = cells.h3_cell
    group by reach.as_of_date, reach.road_id, reach.operator_id, reach.technology_rank
),

-- A technology or a better one.
cumulated as (
    select
        rows_of_roads.as_of_date,
        rows_of_roads.road_id,
        rows_of_roads.operator_id,
        rows_of_roads.technology,
        -- Lengths of cells to nine decimals may add up to a trifle more than the road.
        least({{ exact_sum('covered.km') }}, max(rows_of_roads.road_length_km)) as km
    from rows_of_roads
    inner join covered
        on
            rows_of_roads.as_of_date = covered.as_of_date
            and rows_of_roads.road_id = covered.road_id
            and rows_of_roads.operator_id = covered.operator_id
            and rows_of_roads.technology_rank <= covered.technology_rank
    group by
        rows_of_roads.as_of_date, rows_of_roads.road_id, rows_of_roads.operator_id, rows_of_roads.technology
),

gaps as (
    select
        as_of_date,
        road_id,
        technology,
        max(length_km) as longest_gap_km,
        count(*) as gaps,
        sum(case when length_km > {{ long_gap_km }} then 1 else 0 end) as gaps_over_5km
    from {{ ref('int_highway_gap') }}
    group by as_of_date, road_id, technology
),

roads as (
    select
        rows_of_roads.as_of_date,
        rows_of_roads.road_class,
        rows_of_roads.road_id,
        rows_of_roads.road_name,
        rows_of_roads.operator_id,
        rows_of_roads.technology,
        rows_of_roads.is_dual_carriageway,
        rows_of_roads.official_length_km,
        rows_of_roads.geometry_length_km,
        rows_of_roads.road_length_km,
        rows_of_roads.denominator_source,
        rows_of_roads.road_as_of as denominator_as_of,
        case when rows_of_roads.is_filed then coalesce(cumulated.km, 0) end as km_covered,
        case
            when rows_of_roads.is_filed
                then
                    coalesce(cumulated.km, 0) * rows_of_roads.geometry_length_km / rows_of_roads.road_length_km
        end as geometry_km_covered,
        case when rows_of_roads.is_filed and rows_of_roads.operator_id = 'any' then coalesce(gaps.longest_gap_km, 0) end
            as longest_gap_km,
        case when rows_of_roads.is_filed and rows_of_roads.operator_id = 'any' then coalesce(gaps.gaps, 0) end as gaps,
        case when rows_of_roads.is_filed and rows_of_roads.operator_id = 'any' then coalesce(gaps.gaps_over_5km, 0) end
            as gaps_over_5km
    from rows_of_roads
    left join cumulated
        on
            rows_of_roads.as_of_date = cumulated.as_of_date
            and rows_of_roads.road_id = cumulated.road_id
            and rows_of_roads.operator_id = cumulated.operator_id
            and rows_of_roads.technology = cumulated.technology
    left join gaps
        on
            rows_of_roads.as_of_date = gaps.as_of_date
            and rows_of_roads.road_id = gaps.road_id
            and rows_of_roads.technology = gaps.technology
),

totals as (
    select
        roads.as_of_date,
        classes.road_class,
        case when classes.road_class = 'all' then 'all' else 'all_' || classes.road_class end as road_id,
        roads.operator_id,
        roads.technology,
        count(*) as roads,
        case
            when count(roads.official_length_km) = count(*) then {{ exact_sum('roads.official_length_km') }}
        end as official_length_km,
        {{ exact_sum('roads.geometry_length_km') }} as geometry_length_km,
        {{ exact_sum('roads.road_length_km') }} as road_length_km,
        case
            when count(roads.official_length_km) = count(*) then 'Official lengths of the roads'
            else 'Official lengths of the roads, or of their geometries'
        end as denominator_source,
        max(roads.denominator_as_of) as denominator_as_of,
        {{ exact_sum('roads.km_covered') }} as km_covered,
        {{ exact_sum('roads.geometry_km_covered') }} as geometry_km_covered,
        max(roads.longest_gap_km) as longest_gap_km,
        sum(roads.gaps) as gaps,
        sum(roads.gaps_over_5km) as gaps_over_5km
    from roads
    inner join (
        select distinct
            road_class as own_class,
            road_class
        from {{ ref('int_highway') }}
        union all
        select distinct
            road_class as own_class,
            'all' as road_class
        from {{ ref('int_highway') }}
    ) as classes on roads.road_class = classes.own_class
    group by roads.as_of_date, classes.road_class, roads.operator_id, roads.technology
),

roads_and_totals as (
    select
        as_of_date,
        road_class,
        road_id,
        road_name,
        operator_id,
        technology,
        is_dual_carriageway,
        1 as roads,
        {{ measures | join(',\n        ') }}
    from roads
    union all
    select
        as_of_date,
        road_class,
        road_id,
        cast(null as {{ dbt.type_string() }}) as road_name,
        operator_id,
        technology,
        cast(null as boolean) as is_dual_carriageway,
        roads,
        {{ measures | join(',\n        ') }}
    from totals
)

select
    as_of_date,
    road_class,
    road_id,
    road_name,
    operator_id,
    technology,
    is_dual_carriageway,
    cast(roads as bigint) as roads,
    official_length_km,
    geometry_length_km,
    road_length_km,
    km_covered,
    geometry_km_covered,
    {{ percentage('km_covered', 'road_length_km') }} as covered_pct,
    longest_gap_km,
    cast(gaps as bigint) as gaps,
    cast(gaps_over_5km as bigint) as gaps_over_5km,
    denominator_source,
    denominator_as_of
from roads_and_totals
