select
    received.series_code,
    received.entity_iso,
    received.year,
    received.series_name,
    received.unit,
    received.value,
    received.value_note,
    received.value_source,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'itu_indicators'), key=['series_code', 'entity_iso', 'year']) }} as received
