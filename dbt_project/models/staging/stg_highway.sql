select
    received.as_of_date,
    received.road_id,
    received.road_name,
    received.road_class,
    received.official_length_km,
    received.is_dual_carriageway,
    received.geometry_type,
    received.length_km,
    received.vertices,
    received.geometry_repair,
    received.outline_wkt,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ preferred_rows(source('lake', 'highways'), key=['as_of_date', 'road_id']) }} as received
