with places as (
    select
        villages.as_of_date,
        areas.geography_level,
        case areas.geography_level
            when 'national' then '000000000'
            when 'region' then villages.region_kato
            else villages.district_kato
        end as kato,
        builders.contractor,
        villages.is_due,
        villages.is_connected,
        villages.slippage_days,
        villages.days_overdue,
        villages.is_due_in_quarter,
        villages.is_connected_in_quarter,
        villages.planned_households,
        villages.households_passed,
        villages.households_orderable,
        villages.households_connected,
        villages.population,
        villages.population_as_of,
        villages.denominator_source,
        villages.is_filed_by_operator
    from {{ ref('int_fibre_village') }} as villages
    cross join (
        select 'national' as geography_level
        union all
        select 'region' as geography_level
        union all
        select 'district' as geography_level
    ) as areas
    inner join (
        select distinct
            contractor as own_contractor,
            contractor
        from {{ ref('int_fibre_village') }}
        union all
        select distinct
            contractor as own_contractor,
            'all' as contractor
        from {{ ref('int_fibre_village') }}
    ) as builders on villages.contractor = builders.own_contractor
)

select
    as_of_date,
    geography_level,
    kato,
    contractor,
    count(*) as villages,
    cast(sum(case when is_due then 1 else 0 end) as bigint) as villages_planned,
    cast(sum(case when is_connected then 1 else 0 end) as bigint) as villages_connected,
    cast(sum(case when is_connected and is_filed_by_operator then 1 else 0 end) as bigint) as villages_confirmed,
    cast(sum(case when is_due_in_quarter then 1 else 0 end) as bigint) as villages_planned_in_quarter,
    cast(sum(case when is_connected_in_quarter then 1 else 0 end) as bigint) as villages_connected_in_quarter,
    cast(count(days_overdue) as bigint) as villages_overdue,
    avg(slippage_days) as slippage_days_mean,
    cast(max(slippage_days) as bigint) as slippage_days_max,
    avg(days_overdue) as days_overdue_mean,
    {{ complete_sum('planned_households') }} as households_in_plan,
    {{ complete_sum('planned_households', 'is_due') }} as households_planned,
    {{ known_sum('households_passed', 'is_connected') }} as households_passed,
    {{ known_sum('households_orderable', 'is_connected') }} as households_orderable,
    {{ known_sum('households_connected', 'is_connected') }} as households_connected,
    {{ complete_sum('population') }} as people,
    {{ complete_sum('population', 'is_due') }} as people_planned,
    {{ complete_sum('population', 'is_connected') }} as people_connected,
    min(denominator_source) as denominator_source,
    max(population_as_of) as denominator_as_of
from places
group by as_of_date, geography_level, kato, contractor
