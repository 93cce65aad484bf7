select
    received.edition,
    received.kato,
    received.name_ru,
    received.name_kk,
    received.type_code,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'kato_classifier'), key=['edition', 'kato']) }} as received
