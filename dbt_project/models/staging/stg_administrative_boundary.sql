with ranked as (
    select
        received.as_of_date,
        received.kato,
        received.level,
        received.name_en,
        received.geometry_type,
        received.official_area_km2,
        received.area_km2,
        received.cell_area_km2,
        received.vertices,
        received.geometry_repair,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.as_of_date, received.kato
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'administrative_boundaries') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    as_of_date,
    kato,
    level,
    name_en,
    geometry_type,
    official_area_km2,
    area_km2,
    cell_area_km2,
    vertices,
    geometry_repair,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
