select
    extract_id,
    rows_read,
    rows_accepted,
    rows_quarantined,
    rows_duplicate,
    rows_skipped
from {{ ref('stg_row_account') }}
