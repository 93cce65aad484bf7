{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_operator_reach']
        }
    )
}}

select
    as_of_date,
    settlement_kato,
    technology,
    cast(count(*) as bigint) as operators,
    cast(max(households_passed) as bigint) as households_passed,
    cast(max(evidence_rank) as bigint) as evidence_rank
from {{ ref('int_operator_reach') }}
group by as_of_date, settlement_kato, technology
