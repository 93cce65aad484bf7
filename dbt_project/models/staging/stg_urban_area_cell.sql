select
    cells.extract_id,
    cells.source_row,
    cells.as_of_date,
    cells.city_kato,
    cells.h3_cell,
    cells.share
from {{ source('lake', 'urban_areas_cell') }} as cells
inner join {{ ref('stg_urban_area') }} as received
    on
        cells.extract_id = received.extract_id
        and cells.source_row = received.source_row
