-- A filing by settlement stands where the operator did not file the settlement and technology by address. While the
-- first filing of a date is held, the last good one stands in.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_address_rollup', 'stg_operator_availability']
        }
    )
}}

with address_rows as (
    {{ with_stand_ins(ref('int_address_rollup'), orderable_columns('filings.{}')) }}
),

address_filings as (
    select
        as_of_date,
        settlement_kato,
        operator_id,
        technology,
        max(connection_level) as connection_level,
        max(max_download_mbps) as max_download_mbps,
        max(max_upload_mbps) as max_upload_mbps,
        cast(sum(households_passed) as bigint) as households_passed,
        cast(sum(households_connected) as bigint) as households_connected,
        {{ orderable_columns('cast(sum({}) as bigint)') }},
        max(extract_id) as extract_id
    from address_rows
    group by as_of_date, settlement_kato, operator_id, technology
),

settlement_filings as (
    {{ with_stand_ins(ref('stg_operator_availability')) }}
)

select
    as_of_date,
    settlement_kato,
    operator_id,
    technology,
    connection_level,
    max_download_mbps,
    max_upload_mbps,
    households_passed,
    households_connected,
    {{ orderable_columns('{}') }},
    extract_id
from address_filings
union all
select
    filings.as_of_date,
    filings.settlement_kato,
    filings.operator_id,
    filings.technology,
    filings.connection_level,
    filings.max_download_mbps,
    filings.max_upload_mbps,
    filings.households_passed,
    filings.households_connected,
    -- A filing by settlement does not say how many of its households can order which speed.
    {{ orderable_columns('cast(null as bigint)') }},
    filings.extract_id
from settlement_filings as filings
left join address_filings
    on
        filings.as_of_date = address_filings.as_of_date
        and filings.settlement_kato = address_filings.settlement_kato
        and filings.operator_id = address_filings.operator_id
        and filings.technology = address_filings.technology
where address_filings.extract_id is null
