with counted as (
    select
        as_of_date,
        agency,
        approval_quarter,
        is_new,
        rule_valid_from,
        case when platform = 'qaztech' then 1 else 0 end as on_qaztech,
        case when platform != 'qaztech' and is_exempt then 1 else 0 end as exempt
    from {{ ref('int_government_system') }}
    where duplicate_of_system_id is null
),

spread as (
    select
        as_of_date,
        agency,
        'quarter' as scope,
        approval_quarter,
        rule_valid_from,
        is_new,
        on_qaztech,
        exempt
    from counted
    union all
    select
        as_of_date,
        agency,
        'since_rule' as scope,
        as_of_date as approval_quarter,
        rule_valid_from,
        is_new,
        on_qaztech,
        exempt
    from counted
    where is_new
),

by_agency as (
    select
        spread.as_of_date,
        owners.agency,
        spread.scope,
        spread.approval_quarter,
        spread.rule_valid_from,
        count(*) as systems,
        sum(spread.on_qaztech) as systems_on_qaztech,
        sum(spread.exempt) as systems_exempt
    from spread
    inner join (
        select distinct
            agency as own_agency,
            agency
        from counted
        union all
        select distinct
            agency as own_agency,
            'all' as agency
        from counted
    ) as owners on spread.agency = owners.own_agency
    group by spread.as_of_date, owners.agency, spread.scope, spread.approval_quarter, spread.rule_valid_from
)

select
    as_of_date,
    agency,
    scope,
    approval_quarter,
    rule_valid_from,
    -- A quarter belongs to the rule when it ends after the rule took force.
    approval_quarter >= rule_valid_from as is_under_rule,
    cast(systems as bigint) as systems,
    cast(systems_on_qaztech as bigint) as systems_on_qaztech,
    cast(systems_exempt as bigint) as systems_exempt,
    cast(systems - systems_on_qaztech - systems_exempt as bigint) as systems_unexplained,
    {{ percentage('systems_on_qaztech', 'systems') }} as systems_on_qaztech_pct,
    {{ percentage('systems_on_qaztech', '(systems - systems_exempt)') }} as systems_on_qaztech_unexempt_pct
from by_agency
