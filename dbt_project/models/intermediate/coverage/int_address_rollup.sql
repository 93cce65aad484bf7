-- One pass over the address rows, kept by delivery: only deliveries that are new, or whose accepted rows
-- changed, are read again. Rows that other code made are never kept: the build drops the table first.
{{
    config(
        materialized = 'incremental' if target.type == 'duckdb' else 'table',
        incremental_strategy = 'append',
        on_schema_change = 'fail',
        pre_hook = "{{ forget_stale_rollups(this, is_incremental()) }}",
        meta = {
            'same_period': ['stg_extract', 'stg_operator_address_availability'],
            'deliveries_of': ['operator_address_availability']
        }
    )
}}

with due as (
    select
        extract_id,
        content_fingerprint
    from {{ ref('stg_extract') }}
    where
        is_current
        and extract_kind = 'operator_address_availability'
        {% if is_incremental() %}
            and content_fingerprint not in (select kept.content_fingerprint from {{ this }} as kept)
        {% endif %}
),

-- There are few kinds of service in a settlement: counting addresses of each kind first, and judging kinds then,
-- halves the time of judging every address.
kinds as (
    select
        extract_id,
        as_of_date,
        operator_id,
        settlement_kato,
        technology,
        connection_level,
        max_download_mbps,
        max_upload_mbps,
        count(*) as addresses
    from {{ ref('stg_operator_address_availability') }}
    where extract_id in (select due.extract_id from due)
    group by
        extract_id,
        as_of_date,
        operator_id,
        settlement_kato,
        technology,
        connection_level,
        max_download_mbps,
        max_upload_mbps
),

settlements as (
    select
        extract_id,
        as_of_date,
        operator_id,
        settlement_kato,
        technology,
        max(connection_level) as connection_level,
        coalesce(
            max(case when connection_level >= 3 then max_download_mbps end), max(max_download_mbps)
        ) as max_download_mbps,
        coalesce(
            max(case when connection_level >= 3 then max_upload_mbps end), max(max_upload_mbps)
        ) as max_upload_mbps,
        sum(addresses) as addresses,
        {{ count_orderable() }},
        sum(case when connection_level >= 2 then addresses else 0 end) as households_passed,
        sum(case when connection_level >= 4 then addresses else 0 end) as households_connected
    from kinds
    group by extract_id, as_of_date, operator_id, settlement_kato, technology
)

select
    settlements.extract_id,
    due.content_fingerprint,
    settlements.as_of_date,
    settlements.operator_id,
    settlements.settlement_kato,
    settlements.technology,
    cast(settlements.connection_level as bigint) as connection_level,
    settlements.max_download_mbps,
    settlements.max_upload_mbps,
    cast(settlements.addresses as bigint) as addresses,
    {{ orderable_columns('cast(settlements.{} as bigint)') }},
    cast(settlements.households_passed as bigint) as households_passed,
    cast(settlements.households_connected as bigint) as households_connected
from settlements
inner join due on settlements.extract_id = due.extract_id
