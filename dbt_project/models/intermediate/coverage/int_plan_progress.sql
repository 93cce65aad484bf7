-- The edition of the plan in force on a date is the latest of that date or before it; what a later edition
-- says about an earlier date is not used, so that slippage between editions stays visible.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_filed_technology']
        }
    )
}}

with periods as (
    select distinct as_of_date from {{ ref('int_filed_technology') }}
),

editions as (
    select
        periods.as_of_date,
        max(plan.as_of_date) as plan_as_of
    from periods
    inner join (select distinct as_of_date from {{ ref('stg_rural_connection_plan') }}) as plan
        on periods.as_of_date >= plan.as_of_date
    group by periods.as_of_date
)

select
    editions.as_of_date,
    plan.settlement_kato,
    editions.plan_as_of,
    cast(max(
        case
            when technologies.family = 'fixed' and plan.planned_date <= editions.as_of_date then plan.planned_level
        end
    ) as bigint) as planned_level,
    cast(max(
        case
            when technologies.family = 'fixed' and plan.actual_date <= editions.as_of_date then plan.planned_level
        end
    ) as bigint) as actual_level,
    max(
        case
            when technologies.family = 'satellite' and plan.planned_date <= editions.as_of_date then 1
            else 0
        end
    ) = 1 as is_satellite_planned,
    max(
        case
            when technologies.family = 'satellite' and plan.actual_date <= editions.as_of_date then 1
            else 0
        end
    ) = 1 as is_satellite_actual
from editions
inner join {{ ref('stg_rural_connection_plan') }} as plan on editions.plan_as_of = plan.as_of_date
inner join {{ ref('dim_technology') }} as technologies on plan.technology = technologies.technology
group by editions.as_of_date, plan.settlement_kato, editions.plan_as_of
