select
    received.as_of_date,
    received.kato,
    received.level,
    received.name_en,
    received.geometry_type,
    received.official_area_km2,
    received.area_km2,
    received.cell_area_km2,
    received.vertices,
    received.geometry_repair,
    received.outline_wkt,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'administrative_boundaries'), key=['as_of_date', 'kato']) }} as received
