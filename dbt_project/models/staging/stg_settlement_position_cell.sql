select
    cells.extract_id,
    cells.source_row,
    cells.place_id,
    cells.h3_cell,
    cells.ring
from {{ source('lake', 'settlement_positions_cell') }} as cells
inner join {{ ref('stg_settlement_position') }} as received
    on
        cells.extract_id = received.extract_id
        and cells.source_row = received.source_row
