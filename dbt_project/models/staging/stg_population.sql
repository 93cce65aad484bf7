select
    received.as_of_date,
    received.kato,
    received.area_type,
    received.population,
    received.filed_region,
    received.filed_district,
    received.filed_settlement,
    received.extract_id,
    received.source_sheet,
    received.source_row,
    received.source_title as population_source
from {{ preferred_rows(source('lake', 'population'), key=['as_of_date', 'kato', 'area_type']) }} as received
