with address_filings as (
    select
        as_of_date,
        settlement_kato,
        operator_id,
        technology,
        max(connection_level) as connection_level,
        max(max_download_mbps) as max_download_mbps,
        max(max_upload_mbps) as max_upload_mbps,
        sum(households_passed) as households_passed,
        sum(households_connected) as households_connected,
        max(extract_id) as extract_id
    from {{ ref('int_address_rollup') }}
    group by as_of_date, settlement_kato, operator_id, technology
),

filings as (
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
        extract_id,
        1 as preference
    from address_filings
    union all
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
        extract_id,
        2 as preference
    from {{ ref('stg_operator_availability') }}
),

ordered as (
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
        extract_id,
        row_number() over (
            partition by as_of_date, settlement_kato, operator_id, technology
            order by preference, extract_id
        ) as place
    from filings
)

select
    as_of_date,
    settlement_kato,
    operator_id,
    technology,
    cast(connection_level as bigint) as connection_level,
    cast(max_download_mbps as double) as max_download_mbps,
    cast(max_upload_mbps as double) as max_upload_mbps,
    cast(households_passed as bigint) as households_passed,
    cast(households_connected as bigint) as households_connected,
    'claimed' as evidence_grade,
    extract_id
from ordered
where place = 1
