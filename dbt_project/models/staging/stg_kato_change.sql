select
    received.retired_kato,
    received.current_kato,
    received.effective_from,
    received.change_type,
    received.source_url,
    received.note,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'kato_changes'), key=['retired_kato', 'effective_from']) }} as received
