select
    received.as_of_date,
    received.kato,
    received.area_type,
    received.households,
    received.filed_region,
    received.filed_district,
    received.filed_settlement,
    received.extract_id,
    received.source_sheet,
    received.source_row,
    received.source_title as households_source
from {{ preferred_rows(source('lake', 'households'), key=['as_of_date', 'kato', 'area_type']) }} as received
