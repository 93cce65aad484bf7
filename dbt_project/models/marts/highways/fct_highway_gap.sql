select
    gaps.as_of_date,
    gaps.road_id,
    gaps.technology,
    cast(gaps.gap_number as bigint) as gap_number,
    roads.road_name,
    roads.road_class,
    gaps.start_km,
    gaps.end_km,
    gaps.length_km,
    gaps.start_latitude,
    gaps.start_longitude,
    gaps.end_latitude,
    gaps.end_longitude,
    row_number() over (
        partition by gaps.as_of_date, gaps.road_id, gaps.technology
        order by gaps.length_km desc, gaps.gap_number asc
    ) = 1 as is_longest_of_road,
    gaps.length_km > 5 as is_over_5km,
    gaps.nearest_settlement_kato,
    gaps.nearest_settlement_name_ru,
    gaps.nearest_settlement_district_kato,
    gaps.nearest_settlement_km,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_highway_gap') }} as gaps
inner join {{ ref('int_highway') }} as roads
    on
        gaps.road_id = roads.road_id
        and {{ road_stands('roads', 'gaps.as_of_date') }}
