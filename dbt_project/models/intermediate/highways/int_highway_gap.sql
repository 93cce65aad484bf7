-- Of a technology better than any that was filed nothing is known.
with filings as (
    select
        areas.as_of_date,
        max(technologies.rank) as filed_rank
    from {{ ref('stg_operator_coverage_area') }} as areas
    inner join {{ ref('technology') }} as technologies
        on
            areas.technology = technologies.technology
            and technologies.family = 'mobile'
    where areas.environment = 'in_vehicle'
    group by areas.as_of_date
),

states as (
    select
        filings.as_of_date,
        roads.road_id,
        technologies.technology,
        cells.h3_cell,
        cells.start_km,
        cells.end_km,
        cells.stretch,
        cells.length_km,
        cells.latitude,
        cells.longitude,
        cells.nearest_settlement_kato,
        cells.nearest_settlement_name_ru,
        cells.nearest_settlement_district_kato,
        cells.nearest_settlement_km,
        coalesce(reach.technology_rank >= technologies.rank, false) as is_covered
    from filings
    inner join {{ ref('int_highway') }} as roads on {{ road_stands('roads', 'filings.as_of_date') }}
    inner join {{ ref('int_highway_cell') }} as cells
        on
            roads.as_of_date = cells.as_of_date
            and roads.road_id = cells.road_id
            and not cells.is_alongside
    inner join {{ ref('technology') }} as technologies
        on
            technologies.family = 'mobile'
            and filings.filed_rank >= technologies.rank
    left join {{ ref('int_highway_reach') }} as reach
        on
            filings.as_of_date = reach.as_of_date
            and roads.road_id = reach.road_id
            and cells.h3_cell = reach.h3_cell
            and reach.operator_id = 'any'
),

-- Cells without coverage have the same number of covered cells before them as long as they follow one another on one
-- stretch of the road.
runs as (
    select
        as_of_date,
        road_id,
        technology,
        h3_cell,
        start_km,
        end_km,
        stretch,
        length_km,
        latitude,
        longitude,
        nearest_settlement_kato,
        nearest_settlement_name_ru,
        nearest_settlement_district_kato,
        nearest_settlement_km,
        is_covered,
        sum(case when is_covered then 1 else 0 end) over (
            partition by as_of_date, road_id, technology
            order by start_km, h3_cell
            rows between unbounded preceding and current row
        ) as covered_before
    from states
),

gaps as (
    select
        as_of_date,
        road_id,
        technology,
        covered_before,
        h3_cell,
        start_km,
        end_km,
        stretch,
        length_km,
        latitude,
        longitude,
        nearest_settlement_kato,
        nearest_settlement_name_ru,
        nearest_settlement_district_kato,
        nearest_settlement_km,
        row_number() over (
            partition by as_of_date, road_id, technology, stretch, covered_before
            order by coalesce(nearest_settlement_km, 1e9), start_km, h3_cell
        ) as nearness,
        row_number() over (
            partition by as_of_date, road_id, technology, stretch, covered_before
            order by start_km, h3_cell
        ) as place_from_start,
        row_number() over (
            partition by as_of_date, road_id, technology, stretch, covered_before
            order by start_km desc, h3_cell desc
        ) as place_from_end
    from runs
    where not is_covered
)

select
    as_of_date,
    road_id,
    technology,
    cast(
        row_number() over (
            partition by as_of_date, road_id, technology
            order by min(start_km), stretch
        ) as bigint
    ) as gap_number,
    min(start_km) as start_km,
    max(end_km) as end_km,
    {{ exact_sum('length_km') }} as length_km,
    count(*) as cells,
    max(case when place_from_start = 1 then latitude end) as start_latitude,
    max(case when place_from_start = 1 then longitude end) as start_longitude,
    max(case when place_from_end = 1 then latitude end) as end_latitude,
    max(case when place_from_end = 1 then longitude end) as end_longitude,
    max(case when nearness = 1 then nearest_settlement_kato end) as nearest_settlement_kato,
    max(case when nearness = 1 then nearest_settlement_name_ru end) as nearest_settlement_name_ru,
    max(case when nearness = 1 then nearest_settlement_district_kato end) as nearest_settlement_district_kato,
    max(case when nearness = 1 then nearest_settlement_km end) as nearest_settlement_km
from gaps
group by as_of_date, road_id, technology, stretch, covered_before
