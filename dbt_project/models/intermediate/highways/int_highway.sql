-- A geometry that holds both carriageways is twice as long as its road.
with roads as (
    select
        as_of_date,
        lead(as_of_date) over (partition by road_id order by as_of_date) as next_as_of_date,
        road_id,
        road_name,
        road_class,
        coalesce(is_dual_carriageway = 1, false) as is_dual_carriageway,
        official_length_km,
        length_km as line_length_km,
        length_km / case when is_dual_carriageway = 1 then 2 else 1 end as geometry_length_km,
        vertices,
        extract_id,
        source_row
    from {{ ref('stg_highway') }}
)

select
    as_of_date,
    next_as_of_date,
    road_id,
    road_name,
    road_class,
    is_dual_carriageway,
    official_length_km,
    geometry_length_km,
    line_length_km,
    coalesce(official_length_km, geometry_length_km) as road_length_km,
    {{ percentage('(geometry_length_km - official_length_km)', 'official_length_km') }} as geometry_difference_pct,
    case when official_length_km is not null then 'Official length of the road' else 'Length of the geometry' end
        as denominator_source,
    vertices,
    extract_id,
    source_row
from roads
where line_length_km > 0
