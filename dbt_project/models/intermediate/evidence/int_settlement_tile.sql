{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_filed_technology'],
            'up_to_period': ['stg_speed_test_tile']
        }
    )
}}

with periods as (
    select distinct as_of_date
    from {{ ref('int_filed_technology') }}
),

near as (
    select
        tiles.as_of_date as tile_date,
        tiles.network_type,
        tiles.avg_d_kbps,
        tiles.avg_u_kbps,
        tiles.tests,
        tiles.devices,
        squares.settlement_kato,
        {{ kilometres_apart('tiles', 'squares') }} as km,
        row_number() over (
            partition by tiles.as_of_date, tiles.network_type, tiles.quadkey
            order by {{ kilometres_apart('tiles', 'squares') }}, squares.settlement_kato
        ) as nearness
    from {{ ref('stg_speed_test_tile') }} as tiles
    inner join {{ ref('int_settlement_square') }} as squares on {{ in_square('tiles', 'squares') }}
)

select
    periods.as_of_date,
    near.settlement_kato,
    near.network_type,
    cast(sum(near.tests) as bigint) as tests,
    -- A device may have tested in several tiles and quarters: the largest number is certain.
    cast(max(near.devices) as bigint) as devices,
    sum(near.avg_d_kbps * cast(near.tests as double)) / sum(near.tests) / 1000 as download_mbps,
    sum(near.avg_u_kbps * cast(near.tests as double)) / sum(near.tests) / 1000 as upload_mbps
from near
inner join periods on {{ in_evidence_window('near.tile_date', 'periods.as_of_date') }}
-- A tile says nothing of the village after next: its tests are those of the nearest place.
where near.nearness = 1 and near.km <= {{ evidence_limits().near_km }}
group by periods.as_of_date, near.settlement_kato, near.network_type
having
    sum(near.tests) >= {{ evidence_limits().min_tile_tests }}
    and max(near.devices) >= {{ evidence_limits().min_tile_devices }}
