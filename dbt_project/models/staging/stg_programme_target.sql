select
    received.target_id,
    received.system,
    received.metric_id,
    received.kato,
    received.area_type,
    received.technology,
    received.target_value,
    received.unit,
    received.due_date,
    received.source_url,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'programme_targets'), key=['target_id']) }} as received
