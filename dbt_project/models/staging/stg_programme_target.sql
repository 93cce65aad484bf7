with ranked as (
    select
        received.target_id,
        received.system,
        received.metric_id,
        received.kato,
        received.area_type,
        received.technology,
        received.target_value,
        received.unit,
        received.due_date,
        received.source_url,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.target_id
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'programme_targets') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    target_id,
    system,
    metric_id,
    kato,
    area_type,
    technology,
    target_value,
    unit,
    due_date,
    source_url,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
