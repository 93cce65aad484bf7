select
    cells.extract_id,
    cells.source_row,
    cells.as_of_date,
    cells.kato,
    cells.h3_cell,
    cells.share
from {{ source('lake', 'administrative_boundaries_cell') }} as cells
inner join {{ ref('stg_administrative_boundary') }} as received
    on
        cells.extract_id = received.extract_id
        and cells.source_row = received.source_row
