with measured as (
    select
        tests.as_of_date,
        tests.operator_id,
        tests.test_id,
        tests.tested_at,
        tests.technology,
        tests.download_mbps,
        tests.upload_mbps,
        tests.is_successful = 1 as is_successful,
        tests.h3_cell,
        squares.settlement_kato,
        squares.region_kato,
        {{ kilometres_apart('tests', 'squares') }} as km
    from {{ ref('stg_drive_test') }} as tests
    inner join {{ ref('int_settlement_square') }} as squares on {{ in_square('tests', 'squares') }}
),

ranked as (
    select
        as_of_date,
        operator_id,
        test_id,
        tested_at,
        technology,
        download_mbps,
        upload_mbps,
        is_successful,
        h3_cell,
        settlement_kato,
        region_kato,
        km,
        row_number() over (partition by as_of_date, operator_id, test_id order by km, settlement_kato) as nearness
    from measured
)

select
    as_of_date,
    operator_id,
    test_id,
    tested_at,
    technology,
    download_mbps,
    upload_mbps,
    is_successful,
    h3_cell,
    settlement_kato,
    region_kato,
    km,
    nearness = 1 as is_nearest
from ranked
where nearness = 1 or km <= {{ evidence_limits().near_km }}
