with ranked as (
    select
        received.as_of_date,
        received.road_id,
        received.road_name,
        received.road_class,
        received.official_length_km,
        received.is_dual_carriageway,
        received.geometry_type,
        received.length_km,
        received.vertices,
        received.geometry_repair,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.as_of_date, received.road_id
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'highways') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    as_of_date,
    road_id,
    road_name,
    road_class,
    official_length_km,
    is_dual_carriageway,
    geometry_type,
    length_km,
    vertices,
    geometry_repair,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
