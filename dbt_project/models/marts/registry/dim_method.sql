select
    method_id,
    title,
    formula,
    version,
    source,
    source_url,
    caveats,
    decision
from {{ ref('method') }}
