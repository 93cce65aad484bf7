select
    extract_id,
    decision,
    subject,
    reason,
    author,
    decided_on
from {{ source('lake', 'decision') }}
