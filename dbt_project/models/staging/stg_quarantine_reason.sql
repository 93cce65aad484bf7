select
    extract_id,
    rule,
    column_name,
    row_count
from {{ source('lake', 'quarantine_reason') }}
