select
    technology,
    family,
    rank,
    is_cumulative,
    name_en,
    source
from {{ ref('technology') }}
