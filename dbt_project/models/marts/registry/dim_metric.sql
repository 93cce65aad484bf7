select
    metric_id,
    name_en,
    name_ru,
    name_kk,
    description,
    unit,
    system,
    source_table,
    required_extracts,
    method_id,
    is_headline
from {{ ref('metric') }}
