{{ config(meta = {'same_period': ['disputes', 'stg_extract']}) }}

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
from {{ preferred_rows(source('lake', 'disputes'), ['as_of_date', 'dispute_id']) }} as preferred
