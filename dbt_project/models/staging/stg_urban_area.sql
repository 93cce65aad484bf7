with ranked as (
    select
        received.as_of_date,
        received.city_kato,
        received.is_5g_programme,
        received.official_area_km2,
        received.geometry_type,
        received.area_km2,
        received.vertices,
        received.geometry_repair,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.as_of_date, received.city_kato
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'urban_areas') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    as_of_date,
    city_kato,
    is_5g_programme,
    official_area_km2,
    geometry_type,
    area_km2,
    vertices,
    geometry_repair,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
