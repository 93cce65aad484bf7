-- The technology itself asks for its own speed; a speed tier for the tier's, whatever the technology.
select
    technology,
    'technology' as service,
    min_download_mbps,
    cast(0 as double) as min_upload_mbps
from {{ ref('evidence_rule') }}
union all
select
    rules.technology,
    tiers.speed_tier as service,
    tiers.min_download_mbps,
    coalesce(tiers.min_upload_mbps, 0) as min_upload_mbps
from {{ ref('evidence_rule') }} as rules
cross join {{ ref('dim_speed_tier') }} as tiers
