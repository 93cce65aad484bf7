{{ config(meta = {'same_period': ['operator_sites', 'stg_extract']}) }}

select
    received.as_of_date,
    received.operator_id,
    received.site_id,
    received.technology,
    received.band_mhz,
    received.latitude,
    received.longitude,
    received.h3_cell,
    received.licensed_date,
    received.on_air_date,
    received.environment,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'operator_sites') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
