with ranked as (
    select
        received.statement_id,
        received.system,
        received.quote,
        received.speaker,
        received.stated_at,
        received.as_of_date,
        received.metric_id,
        received.kato,
        received.area_type,
        received.technology,
        received.qualifier,
        received.stated_value,
        received.unit,
        received.source_url,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.statement_id
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'public_statements') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    statement_id,
    system,
    quote,
    speaker,
    stated_at,
    as_of_date,
    metric_id,
    kato,
    area_type,
    technology,
    qualifier,
    stated_value,
    unit,
    source_url,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
