select
    speed_tier,
    rank,
    min_download_mbps,
    min_upload_mbps,
    name_en,
    is_headline,
    source
from {{ ref('speed_tier') }}
