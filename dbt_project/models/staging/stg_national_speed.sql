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
    received.source_row
from {{ preferred_rows(source('lake', 'national_speed_series'), key=['as_of_date', 'network_type']) }} as received
