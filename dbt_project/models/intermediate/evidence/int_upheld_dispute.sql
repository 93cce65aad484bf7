-- The last register of each source up to a date speaks for it: it lists all disputes that stand, however old.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_availability'],
            'up_to_period': ['stg_dispute']
        }
    )
}}

with registers as (
    select
        dates.as_of_date,
        disputes.register_id,
        max(disputes.as_of_date) as filed_for
    from (select distinct as_of_date from {{ ref('int_availability') }}) as dates
    inner join {{ ref('stg_dispute') }} as disputes on dates.as_of_date >= disputes.as_of_date
    group by dates.as_of_date, disputes.register_id
),

upheld as (
    select
        registers.as_of_date,
        disputes.settlement_kato,
        disputes.h3_cell,
        disputes.operator_id,
        disputes.technology
    from registers
    inner join {{ ref('stg_dispute') }} as disputes
        on
            registers.register_id = disputes.register_id
            and registers.filed_for = disputes.as_of_date
    -- A claim made before the decision is not touched by it.
    where disputes.status = 'upheld' and disputes.decided_at <= registers.as_of_date
)

select distinct
    upheld.as_of_date,
    coalesce(upheld.settlement_kato, settlements.settlement_kato) as settlement_kato,
    upheld.operator_id,
    upheld.technology
from upheld
-- A dispute about a cell is about the settlements whose position lies in it.
left join {{ ref('int_settlement') }} as settlements
    on
        upheld.settlement_kato is null
        and upheld.h3_cell = {{ parent_of_resolution_9('settlements.h3_cell') }}
where coalesce(upheld.settlement_kato, settlements.settlement_kato) is not null
