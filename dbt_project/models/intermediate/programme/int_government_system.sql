-- One system under several ids is counted once: the entry that was approved first, then the lowest id.
with ranked as (
    select
        systems.as_of_date,
        systems.system_id,
        systems.system_name_ru,
        systems.agency,
        systems.approval_date,
        {{ quarter_end('systems.approval_date') }} as approval_quarter,
        systems.platform,
        systems.is_exempt = 1 as is_exempt,
        systems.exemption_reason,
        systems.approval_date >= rules.valid_from as is_new,
        rules.valid_from as rule_valid_from,
        first_value(systems.system_id) over (
            partition by systems.as_of_date, {{ name_key('systems.agency') }}, {{ name_key('systems.system_name_ru') }}
            order by systems.approval_date, systems.system_id
        ) as counted_system_id,
        systems.extract_id
    from {{ ref('stg_government_system') }} as systems
    cross join {{ ref('programme_rule') }} as rules
    where rules.rule_id = 'qaztech_only'
)

select
    as_of_date,
    system_id,
    system_name_ru,
    agency,
    approval_date,
    approval_quarter,
    platform,
    is_exempt,
    exemption_reason,
    is_new,
    rule_valid_from,
    case when counted_system_id != system_id then counted_system_id end as duplicate_of_system_id,
    extract_id
from ranked
