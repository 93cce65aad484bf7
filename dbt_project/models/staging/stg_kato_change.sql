with ranked as (
    select
        received.retired_kato,
        received.current_kato,
        received.effective_from,
        received.change_type,
        received.source_url,
        received.note,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.retired_kato, received.effective_from
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'kato_changes') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    retired_kato,
    current_kato,
    effective_from,
    change_type,
    source_url,
    note,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
