select
    as_of_date,
    agency,
    scope,
    approval_quarter,
    rule_valid_from,
    is_under_rule,
    systems,
    systems_on_qaztech,
    systems_exempt,
    systems_unexplained,
    systems_on_qaztech_pct,
    systems_on_qaztech_unexempt_pct,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_government_share') }}
