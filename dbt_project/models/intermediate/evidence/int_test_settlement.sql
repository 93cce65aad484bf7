-- Distances are measured once a position, and only those that are kept are put in order.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['stg_drive_test']
        }
    )
}}

with positions as (
    select distinct
        latitude,
        longitude
    from {{ ref('stg_drive_test') }}
),

measured as (
    select
        positions.latitude,
        positions.longitude,
        squares.settlement_kato,
        squares.region_kato,
        {{ kilometres_apart('positions', 'squares') }} as km
    from positions
    inner join {{ ref('int_settlement_square') }} as squares on {{ in_square('positions', 'squares') }}
),

closest as (
    select
        latitude,
        longitude,
        min(km) as km
    from measured
    group by latitude, longitude
),

ranked as (
    select
        measured.latitude,
        measured.longitude,
        measured.settlement_kato,
        measured.region_kato,
        measured.km,
        row_number() over (
            partition by measured.latitude, measured.longitude
            order by measured.km, measured.settlement_kato
        ) as nearness
    from measured
    inner join closest
        on
            measured.latitude = closest.latitude
            and measured.longitude = closest.longitude
            and (measured.km = closest.km or measured.km <= {{ evidence_limits().near_km }})
)

select
    tests.as_of_date,
    tests.operator_id,
    tests.test_id,
    tests.tested_at,
    tests.technology,
    tests.download_mbps,
    tests.upload_mbps,
    tests.is_successful = 1 as is_successful,
    ranked.settlement_kato,
    ranked.region_kato,
    ranked.km,
    ranked.nearness = 1 as is_nearest
from {{ ref('stg_drive_test') }} as tests
inner join ranked
    on
        tests.latitude = ranked.latitude
        and tests.longitude = ranked.longitude
where ranked.nearness = 1 or ranked.km <= {{ evidence_limits().near_km }}
