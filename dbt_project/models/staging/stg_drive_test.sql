{{ config(meta = {'same_period': ['drive_tests', 'stg_extract']}) }}

select
    received.as_of_date,
    received.operator_id,
    received.test_id,
    received.tested_at,
    received.technology,
    received.latitude,
    received.longitude,
    received.h3_cell,
    received.signal_dbm,
    received.download_mbps,
    received.upload_mbps,
    received.latency_ms,
    received.is_successful,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'drive_tests') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
