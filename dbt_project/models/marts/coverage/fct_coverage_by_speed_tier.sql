{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_area_denominator', 'int_availability', 'int_settlement_denominator', 'int_settlement_speed_reach'
            ]
        }
    )
}}

with covered as (
    select
        as_of_date,
        settlement_kato,
        speed_tier,
        operators,
        households_orderable as households_passed,
        case when households_orderable is null then 1 else 0 end as households_unknown,
        evidence_rank
    from {{ ref('int_settlement_speed_reach') }}
),

periods as (
    select
        as_of_date,
        max(case when max_download_mbps is null then 0 else 1 end) = 1 as is_filed
    from {{ ref('int_availability') }}
    group by as_of_date
),

filed as (
    select
        periods.as_of_date,
        tiers.speed_tier,
        true as counts_households,
        periods.is_filed
    from periods
    cross join {{ ref('dim_speed_tier') }} as tiers
),

{{ coverage_by_area(['speed_tier']) }}
