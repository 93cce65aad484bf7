select
    cells.extract_id,
    cells.source_row,
    cells.as_of_date,
    cells.road_id,
    cells.h3_cell,
    cells.length_km,
    cells.start_km,
    cells.latitude,
    cells.longitude
from {{ source('lake', 'highways_cell') }} as cells
inner join {{ ref('stg_highway') }} as received
    on
        cells.extract_id = received.extract_id
        and cells.source_row = received.source_row
