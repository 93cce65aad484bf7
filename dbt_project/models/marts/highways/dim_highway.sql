select
    roads.as_of_date,
    roads.road_id,
    roads.road_name,
    roads.road_class,
    roads.road_length_km,
    roads.denominator_source,
    filed.outline_wkt
from {{ ref('int_highway') }} as roads
inner join {{ ref('stg_highway') }} as filed
    on
        roads.as_of_date = filed.as_of_date
        and roads.road_id = filed.road_id
