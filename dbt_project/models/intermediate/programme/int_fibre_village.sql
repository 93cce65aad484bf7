-- The plan's own rows by fibre, each with what operators file for the village on the date of the plan.
with plan as (
    select
        as_of_date,
        settlement_kato,
        coalesce(contractor, 'not named') as contractor,
        planned_date,
        min(as_of_date) over (partition by settlement_kato) as first_as_of,
        actual_date,
        planned_households,
        households_passed,
        households_orderable,
        households_connected
    from {{ ref('stg_rural_connection_plan') }}
    where technology = 'fttp'
),

first_plan as (
    select
        settlement_kato,
        planned_date as first_planned_date
    from plan
    where as_of_date = first_as_of
),

filed as (
    select distinct
        as_of_date,
        settlement_kato
    from {{ ref('int_availability') }}
    where technology = 'fttp' and connection_level >= 1
),

dated as (
    select
        plan.as_of_date,
        plan.settlement_kato,
        settlements.region_kato,
        settlements.district_kato,
        plan.contractor,
        plan.planned_date,
        first_plan.first_planned_date,
        coalesce(plan.planned_date <= plan.as_of_date, false) as is_due,
        coalesce(plan.actual_date <= plan.as_of_date, false) as is_connected,
        plan.actual_date,
        plan.planned_households,
        plan.households_passed,
        plan.households_orderable,
        plan.households_connected,
        people.population,
        people.population_as_of,
        people.denominator_source,
        filed.settlement_kato is not null as is_filed_by_operator
    from plan
    inner join first_plan on plan.settlement_kato = first_plan.settlement_kato
    inner join {{ ref('int_settlement') }} as settlements on plan.settlement_kato = settlements.settlement_kato
    left join {{ ref('int_settlement_denominator') }} as people
        on
            plan.as_of_date = people.as_of_date
            and plan.settlement_kato = people.settlement_kato
    left join filed
        on
            plan.as_of_date = filed.as_of_date
            and plan.settlement_kato = filed.settlement_kato
)

select
    as_of_date,
    settlement_kato,
    region_kato,
    district_kato,
    contractor,
    planned_date,
    first_planned_date,
    case when is_connected then actual_date end as actual_date,
    is_due,
    is_connected,
    -- Against the date first planned: a plan that moves its dates does not become punctual by it.
    cast(case when is_connected then {{ days_between('first_planned_date', 'actual_date') }} end as bigint)
        as slippage_days,
    cast(
        case
            when not is_connected and first_planned_date < as_of_date
                then {{ days_between('first_planned_date', 'as_of_date') }}
        end as bigint
    ) as days_overdue,
    {{ quarter_end('planned_date') }} = {{ quarter_end('as_of_date') }} as is_due_in_quarter,
    coalesce(is_connected and {{ quarter_end('actual_date') }} = {{ quarter_end('as_of_date') }}, false)
        as is_connected_in_quarter,
    planned_households,
    households_passed,
    households_orderable,
    households_connected,
    population,
    population_as_of,
    denominator_source,
    is_filed_by_operator
from dated
