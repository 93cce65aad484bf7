with reached as (
    select
        areas.as_of_date,
        roads.road_id,
        road_cells.h3_cell,
        areas.operator_id,
        max(technologies.rank) as technology_rank
    from {{ ref('stg_operator_coverage_area') }} as areas
    inner join {{ ref('technology') }} as technologies
        on
            areas.technology = technologies.technology
            and technologies.family = 'mobile'
    inner join {{ ref('stg_operator_coverage_area_cell') }} as area_cells
        on
            areas.extract_id = area_cells.extract_id
            and areas.source_row = area_cells.source_row
    inner join {{ ref('int_highway_cell') }} as road_cells on area_cells.h3_cell = road_cells.h3_cell
    inner join {{ ref('int_highway') }} as roads
        on
            road_cells.as_of_date = roads.as_of_date
            and road_cells.road_id = roads.road_id
            and {{ road_stands('roads', 'areas.as_of_date') }}
    where areas.environment = 'in_vehicle'
    group by areas.as_of_date, roads.road_id, road_cells.h3_cell, areas.operator_id
)

select
    as_of_date,
    road_id,
    h3_cell,
    operator_id,
    technology_rank
from reached
union all
select
    as_of_date,
    road_id,
    h3_cell,
    'any' as operator_id,
    max(technology_rank) as technology_rank
from reached
group by as_of_date, road_id, h3_cell
