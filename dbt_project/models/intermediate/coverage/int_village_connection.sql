-- Reads no census: a village is a village of the plan, however many live there.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_availability', 'int_filed_technology']
        }
    )
}}

with periods as (
    select
        as_of_date,
        max(case when family = 'fixed' then 1 else 0 end) as is_fixed_filed,
        max(case when family = 'satellite' then 1 else 0 end) as is_satellite_filed
    from {{ ref('int_filed_technology') }}
    group by as_of_date
),

levels as (
    select
        filings.as_of_date,
        filings.settlement_kato,
        max(case when technologies.family = 'fixed' then filings.connection_level end) as fixed_level,
        max(
            case
                when technologies.family = 'satellite' and filings.connection_level >= rules.service_level then 1
                else 0
            end
        ) as has_satellite
    from {{ ref('int_availability') }} as filings
    inner join {{ ref('dim_technology') }} as technologies on filings.technology = technologies.technology
    inner join {{ ref('coverage_rule') }} as rules on technologies.family = rules.family
    group by filings.as_of_date, filings.settlement_kato
),

villages as (
    select
        periods.as_of_date,
        settlements.settlement_kato,
        settlements.district_kato,
        settlements.is_rural,
        case when periods.is_fixed_filed = 1 then coalesce(levels.fixed_level, 0) end as fixed_level,
        case when periods.is_satellite_filed = 1 then coalesce(levels.has_satellite, 0) = 1 end as has_satellite
    from {{ ref('int_settlement') }} as settlements
    cross join periods
    left join levels
        on
            periods.as_of_date = levels.as_of_date
            and settlements.settlement_kato = levels.settlement_kato
    where settlements.is_programme
)

select
    villages.as_of_date,
    villages.settlement_kato,
    villages.district_kato,
    villages.is_rural,
    cast(villages.fixed_level as bigint) as fixed_level,
    villages.has_satellite,
    rungs.connection_level
from villages
left join {{ ref('connection_rung') }} as rungs
    on
        villages.fixed_level = rungs.fixed_level
        and (villages.fixed_level = 0 and coalesce(villages.has_satellite, false)) = rungs.is_satellite_only
