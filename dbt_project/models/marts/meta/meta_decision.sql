select
    extract_id,
    decision,
    subject,
    reason,
    author,
    decided_on
from {{ ref('stg_decision') }}
