with ranked as (
    select
        received.series_code,
        received.entity_iso,
        received.year,
        received.series_name,
        received.unit,
        received.value,
        received.value_note,
        received.value_source,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.series_code, received.entity_iso, received.year
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'itu_indicators') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    series_code,
    entity_iso,
    year,
    series_name,
    unit,
    value,
    value_note,
    value_source,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
