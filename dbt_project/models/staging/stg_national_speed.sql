with ranked as (
    select
        received.as_of_date,
        received.network_type,
        received.download_mbps_mean,
        received.upload_mbps_mean,
        received.latency_ms_mean,
        received.download_mbps_median,
        received.tests,
        received.devices,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.as_of_date, received.network_type
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'national_speed_series') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    as_of_date,
    network_type,
    download_mbps_mean,
    upload_mbps_mean,
    latency_ms_mean,
    download_mbps_median,
    tests,
    devices,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
