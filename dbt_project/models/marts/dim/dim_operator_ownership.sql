select
    operator_id,
    valid_from,
    valid_to,
    date_precision,
    owner,
    owner_share_pct,
    brands,
    source
from {{ ref('operator_ownership') }}
