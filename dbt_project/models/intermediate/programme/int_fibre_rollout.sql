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
    -- Of a sum with an unknown part nothing is known but that it is larger.
    cast(case when count(planned_households) = count(*) then sum(planned_households) end as bigint)
        as households_in_plan,
    cast(
        case
            when count(planned_households) = count(*)
                then sum(case when is_due then planned_households else 0 end)
        end as bigint
    ) as households_planned,
    cast(
        case
            when sum(case when is_connected and households_passed is null then 1 else 0 end) = 0
                then coalesce(sum(case when is_connected then households_passed end), 0)
        end as bigint
    ) as households_passed,
    cast(
        case
            when sum(case when is_connected and households_orderable is null then 1 else 0 end) = 0
                then coalesce(sum(case when is_connected then households_orderable end), 0)
        end as bigint
    ) as households_orderable,
    cast(
        case
            when sum(case when is_connected and households_connected is null then 1 else 0 end) = 0
                then coalesce(sum(case when is_connected then households_connected end), 0)
        end as bigint
    ) as households_connected,
    cast(case when count(population) = count(*) then sum(population) end as bigint) as people,
    cast(
        case when count(population) = count(*) then sum(case when is_due then population else 0 end) end as bigint
    ) as people_planned,
    cast(
        case when count(population) = count(*) then sum(case when is_connected then population else 0 end) end
        as bigint
    ) as people_connected,
    min(denominator_source) as denominator_source,
    max(population_as_of) as denominator_as_of
from places
group by as_of_date, geography_level, kato, contractor
