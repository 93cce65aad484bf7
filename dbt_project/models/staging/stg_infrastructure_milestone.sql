select
    received.as_of_date,
    received.project_id,
    received.milestone_id,
    received.project_name,
    received.milestone_name,
    received.planned_date,
    received.forecast_date,
    received.actual_date,
    received.evidence,
    received.status,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'infrastructure_milestones') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
