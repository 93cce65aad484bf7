select
    received.place_id,
    received.settlement_kato,
    received.place_name,
    received.place_type,
    received.latitude,
    received.longitude,
    received.h3_cell,
    received.population,
    received.filed_region,
    received.filed_district,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'settlement_positions'), key=['place_id']) }} as received
