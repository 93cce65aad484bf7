{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_availability']
        }
    )
}}

with filed as (
    select distinct
        as_of_date,
        operator_id,
        technology
    from {{ ref('int_availability') }}
)

select distinct
    filed.as_of_date,
    filed.operator_id,
    ladder.technology,
    ladder.family,
    ladder.counts_households
from filed
inner join {{ ref('int_technology_ladder') }} as ladder on filed.technology = ladder.filed_technology
