{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_plan_progress', 'int_settlement_denominator', 'int_village_connection'],
            'deliveries_of': ['rural_connection_plan']
        }
    )
}}

with villages as (
    select
        connection.as_of_date,
        connection.district_kato,
        connection.is_rural,
        people.population,
        connection.connection_level,
        connection.fixed_level,
        plan.plan_as_of,
        plan.planned_level,
        plan.actual_level,
        plan.is_satellite_planned,
        plan.is_satellite_actual
    from {{ ref('int_village_connection') }} as connection
    left join {{ ref('int_settlement_denominator') }} as people
        on
            connection.as_of_date = people.as_of_date
            and connection.settlement_kato = people.settlement_kato
    left join {{ ref('int_plan_progress') }} as plan
        on
            connection.as_of_date = plan.as_of_date
            and connection.settlement_kato = plan.settlement_kato
),

plans as (
    select
        as_of_date,
        max(plan_as_of) as plan_as_of
    from {{ ref('int_plan_progress') }}
    group by as_of_date
),

districts as (
    select
        villages.as_of_date,
        villages.district_kato,
        villages.is_rural,
        rungs.connection_level,
        rungs.rung_order,
        count(*) as villages,
        count(villages.connection_level) as villages_filed,
        sum(case when villages.connection_level = rungs.connection_level then 1 else 0 end) as villages_at_level,
        sum(case when villages.fixed_level >= rungs.fixed_level then 1 else 0 end) as villages_at_or_above,
        sum(villages.population) as population,
        sum(case when villages.population is null then 1 else 0 end) as villages_uncounted,
        sum(case when villages.connection_level = rungs.connection_level then villages.population else 0 end)
            as population_at_level,
        sum(case when villages.fixed_level >= rungs.fixed_level then villages.population else 0 end)
            as population_at_or_above,
        sum(
            case
                when not rungs.is_satellite_only then case when villages.planned_level >= rungs.fixed_level then 1 end
                when villages.is_satellite_planned and villages.planned_level is null then 1
            end
        ) as villages_planned,
        sum(
            case
                when not rungs.is_satellite_only then case when villages.actual_level >= rungs.fixed_level then 1 end
                when villages.is_satellite_actual and villages.actual_level is null then 1
            end
        ) as villages_actual,
        max(case when rungs.is_satellite_only then 1 else 0 end) as is_satellite_only
    from villages
    cross join {{ ref('connection_rung') }} as rungs
    group by
        villages.as_of_date, villages.district_kato, villages.is_rural, rungs.connection_level, rungs.rung_order
),

areas as (
    select
        districts.as_of_date,
        areas.geography_level,
        areas.kato,
        districts.connection_level,
        sum(districts.villages) as villages,
        sum(districts.villages_filed) as villages_filed,
        sum(districts.villages_at_level) as villages_at_level,
        sum(districts.villages_at_or_above) as villages_at_or_above,
        sum(districts.population) as population,
        sum(districts.villages_uncounted) as villages_uncounted,
        sum(districts.population_at_level) as population_at_level,
        sum(districts.population_at_or_above) as population_at_or_above,
        coalesce(sum(districts.villages_planned), 0) as villages_planned,
        coalesce(sum(districts.villages_actual), 0) as villages_actual,
        max(districts.is_satellite_only) as is_satellite_only
    from districts
    inner join {{ ref('int_coverage_area') }} as areas
        on
            districts.district_kato = areas.district_kato
            and districts.is_rural = areas.is_rural
    where areas.area_type = 'all'
    group by districts.as_of_date, areas.geography_level, areas.kato, districts.connection_level
),

programme as (
    {{ village_list() | indent(4) }}
)

select
    areas.as_of_date,
    areas.geography_level,
    areas.kato,
    areas.connection_level,
    cast(areas.villages as bigint) as villages,
    cast(case when areas.villages_filed > 0 then areas.villages_at_level end as bigint) as villages_at_level,
    case when areas.villages_filed > 0 then {{ percentage('areas.villages_at_level', 'areas.villages') }} end
        as villages_at_level_pct,
    cast(
        case when areas.villages_filed > 0 and areas.is_satellite_only = 0 then areas.villages_at_or_above end
        as bigint
    ) as villages_at_or_above,
    case
        when areas.villages_filed > 0 and areas.is_satellite_only = 0
            then {{ percentage('areas.villages_at_or_above', 'areas.villages') }}
    end as villages_at_or_above_pct,
    -- Where one village was not counted, how many people all of them have is not known.
    cast(case when areas.villages_uncounted = 0 then areas.population end as bigint) as population,
    cast(
        case when areas.villages_uncounted = 0 and areas.villages_filed > 0 then areas.population_at_level end
        as bigint
    ) as population_at_level,
    cast(
        case
            when areas.villages_uncounted = 0 and areas.villages_filed > 0 and areas.is_satellite_only = 0
                then areas.population_at_or_above
        end as bigint
    ) as population_at_or_above,
    cast(case when plans.plan_as_of is not null then areas.villages_planned end as bigint) as villages_planned,
    cast(case when plans.plan_as_of is not null then areas.villages_actual end as bigint)
        as villages_actual_by_plan,
    cast(case when plans.plan_as_of is not null then areas.villages_actual - areas.villages_planned end as bigint)
        as villages_ahead_of_plan,
    plans.plan_as_of,
    {{ village_list_title('programme') }} as denominator_source,
    coalesce(programme.as_of_date, areas.as_of_date) as denominator_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from areas
cross join programme
left join plans on areas.as_of_date = plans.as_of_date
