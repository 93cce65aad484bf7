select
    extract_id,
    compared_with,
    as_of_date,
    rule,
    region_kato,
    category,
    measure,
    kept_pct,
    is_accepted
from {{ source('lake', 'suspicion') }}
