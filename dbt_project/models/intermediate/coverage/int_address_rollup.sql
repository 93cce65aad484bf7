-- One pass over the address rows, kept by delivery: only deliveries that are new, or whose accepted rows
-- changed, are read again. The figure after the slash in rollup_key is the version of this model's
-- arithmetic; raise it with the arithmetic, so that kept rows of the old one are replaced.
{{
    config(
        materialized = 'incremental' if target.type == 'duckdb' else 'table',
        incremental_strategy = 'append',
        on_schema_change = 'fail',
        pre_hook = "{{ forget_stale_rollups(this, is_incremental()) }}"
    )
}}

with due as (
    select
        extract_id,
        {{ rollup_key('content_fingerprint') }} as rollup_key
    from {{ ref('stg_extract') }}
    where
        is_current
        and extract_kind = 'operator_address_availability'
        {% if is_incremental() %}
            and {{ rollup_key('content_fingerprint') }} not in (select kept.rollup_key from {{ this }} as kept)
        {% endif %}
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
        count(*) as addresses,
        sum(case when connection_level >= 2 then 1 else 0 end) as households_passed,
        sum(case when connection_level >= 4 then 1 else 0 end) as households_connected
    from {{ ref('stg_operator_address_availability') }}
    where extract_id in (select due.extract_id from due)
    group by extract_id, as_of_date, operator_id, settlement_kato, technology
)

select
    settlements.extract_id,
    due.rollup_key,
    settlements.as_of_date,
    settlements.operator_id,
    settlements.settlement_kato,
    settlements.technology,
    cast(settlements.connection_level as bigint) as connection_level,
    settlements.max_download_mbps,
    settlements.max_upload_mbps,
    cast(settlements.addresses as bigint) as addresses,
    cast(settlements.households_passed as bigint) as households_passed,
    cast(settlements.households_connected as bigint) as households_connected
from settlements
inner join due on settlements.extract_id = due.extract_id
