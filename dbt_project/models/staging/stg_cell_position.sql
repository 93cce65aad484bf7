select
    received.as_of_date,
    received.radio,
    received.mcc,
    received.net,
    received.area,
    received.cell,
    received.latitude,
    received.longitude,
    received.h3_cell,
    received.range_m,
    received.samples,
    received.updated_on,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'cell_positions') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
