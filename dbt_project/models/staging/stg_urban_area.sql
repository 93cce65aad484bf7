select
    received.as_of_date,
    received.city_kato,
    received.is_5g_programme,
    received.official_area_km2,
    received.geometry_type,
    received.area_km2,
    received.vertices,
    received.geometry_repair,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'urban_areas'), key=['as_of_date', 'city_kato']) }} as received
