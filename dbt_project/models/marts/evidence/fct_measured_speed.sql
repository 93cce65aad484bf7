select
    speeds.as_of_date,
    speeds.network_type,
    speeds.download_mbps_mean,
    speeds.download_mbps_median,
    speeds.upload_mbps_mean,
    speeds.latency_ms_mean,
    speeds.tests,
    speeds.devices,
    extracts.source_title as source,
    speeds.extract_id,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('stg_national_speed') }} as speeds
inner join {{ ref('stg_extract') }} as extracts on speeds.extract_id = extracts.extract_id
