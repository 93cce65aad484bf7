select
    received.as_of_date,
    received.settlement_kato,
    received.technology,
    received.planned_date,
    received.actual_date,
    received.planned_level,
    received.contractor,
    received.planned_households,
    received.households_passed,
    received.households_orderable,
    received.households_connected,
    received.filed_region,
    received.filed_district,
    received.filed_settlement,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'rural_connection_plan') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
