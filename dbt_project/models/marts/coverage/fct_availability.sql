select
    as_of_date,
    settlement_kato,
    operator_id,
    technology,
    connection_level,
    max_download_mbps,
    max_upload_mbps,
    households_passed,
    households_connected,
    evidence_grade,
    extract_id,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_availability') }}
