{{ config(meta = {'same_period': ['operator_address_availability', 'stg_extract']}) }}

select
    received.as_of_date,
    received.operator_id,
    received.location_id,
    received.settlement_kato,
    received.technology,
    received.connection_level,
    received.max_download_mbps,
    received.max_upload_mbps,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'operator_address_availability') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
