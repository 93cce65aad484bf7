select
    as_of_date,
    system_id,
    system_name_ru,
    agency,
    approval_date,
    platform,
    case
        when duplicate_of_system_id is not null then 'duplicate'
        when is_exempt then 'exempt'
        else 'unexplained'
    end as exception_kind,
    exemption_reason,
    duplicate_of_system_id,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason,
    extract_id
from {{ ref('int_government_system') }}
where duplicate_of_system_id is not null or (is_new and platform != 'qaztech')
