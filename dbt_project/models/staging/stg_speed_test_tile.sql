{{ config(meta = {'same_period': ['speed_test_tiles', 'stg_extract']}) }}

select
    received.as_of_date,
    received.network_type,
    received.quadkey,
    received.avg_d_kbps,
    received.avg_u_kbps,
    received.avg_lat_ms,
    received.tests,
    received.devices,
    received.latitude,
    received.longitude,
    received.h3_cell,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'speed_test_tiles') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
