select
    as_of_date,
    dispute_id,
    kind,
    settlement_kato,
    h3_cell,
    operator_id,
    technology,
    status,
    filed_at,
    answer_due_at,
    answered_at,
    decided_at,
    -- By the date of the register, so that it stays true however late it is read.
    status = 'filed' and answered_at is null and answer_due_at < as_of_date as is_overdue,
    case
        when status = 'filed' and answered_at is null and answer_due_at < as_of_date
            then cast({{ days_between('answer_due_at', 'as_of_date') }} as bigint)
    end as days_overdue,
    source_title,
    extract_id
from {{ ref('stg_dispute') }}
