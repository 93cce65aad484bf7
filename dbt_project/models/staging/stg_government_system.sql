select
    received.as_of_date,
    received.system_id,
    received.system_name_ru,
    received.agency,
    received.approval_date,
    received.platform,
    received.is_exempt,
    received.exemption_reason,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'government_systems') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
