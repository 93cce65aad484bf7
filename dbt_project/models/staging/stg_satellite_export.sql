select
    received.as_of_date,
    received.contract_id,
    received.buyer_country,
    received.satellites_contracted,
    received.satellites_delivered,
    received.contracted_revenue,
    received.received_revenue,
    received.currency,
    received.usd_rate,
    received.usd_rate_date,
    received.status,
    received.extract_id,
    received.source_sheet,
    received.source_row
from {{ source('lake', 'satellite_exports') }} as received
inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
where extracts.is_current
