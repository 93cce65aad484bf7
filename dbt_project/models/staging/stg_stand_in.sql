select
    extract_id,
    as_of_date,
    content_fingerprint
from {{ source('lake', 'stand_in') }}
