select
    preferred.as_of_date,
    preferred.dispute_id,
    preferred.kind,
    preferred.settlement_kato,
    preferred.h3_cell,
    preferred.operator_id,
    preferred.technology,
    preferred.status,
    preferred.filed_at,
    preferred.answer_due_at,
    preferred.answered_at,
    preferred.decided_at,
    preferred.layout_id as register_id,
    preferred.source_title,
    preferred.extract_id,
    preferred.source_sheet,
    preferred.source_row
from (
    select
        received.*,
        extracts.layout_id,
        extracts.source_title,
        row_number() over (
            partition by received.as_of_date, received.dispute_id
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'disputes') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
) as preferred
where preferred.preference = 1
