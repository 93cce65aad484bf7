{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_area_denominator', 'int_filed_technology', 'int_operator_reach', 'int_settlement_denominator'
            ]
        }
    )
}}

with covered as (
    select
        as_of_date,
        settlement_kato,
        operator_id,
        technology,
        cast(1 as bigint) as operators,
        households_passed,
        0 as households_unknown,
        evidence_rank
    from {{ ref('int_operator_reach') }}
),

filed as (
    select
        as_of_date,
        operator_id,
        technology,
        counts_households,
        true as is_filed
    from {{ ref('int_filed_technology') }}
),

{{ coverage_by_area(['operator_id', 'technology']) }}
