with ranked as (
    select
        received.place_id,
        received.settlement_kato,
        received.place_name,
        received.place_type,
        received.latitude,
        received.longitude,
        received.h3_cell,
        received.population,
        received.filed_region,
        received.filed_district,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.place_id
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'settlement_positions') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    place_id,
    settlement_kato,
    place_name,
    place_type,
    latitude,
    longitude,
    h3_cell,
    population,
    filed_region,
    filed_district,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
