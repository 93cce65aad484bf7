-- A station counts at the date its list is for; a cell that volunteers heard, at every filing within the window.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_filed_technology', 'stg_operator_site']
        }
    )
}}

with stations as (
    select
        as_of_date,
        'site' as station_kind,
        operator_id,
        technology,
        latitude,
        longitude
    from {{ ref('stg_operator_site') }}
    where on_air_date <= as_of_date
    union all
    select
        periods.as_of_date,
        'cell' as station_kind,
        networks.operator_id,
        radios.technology,
        cells.latitude,
        cells.longitude
    from {{ ref('stg_cell_position') }} as cells
    inner join {{ ref('mobile_network') }} as networks
        on
            cells.mcc = networks.mcc
            and cells.net = networks.net
    inner join {{ ref('radio_technology') }} as radios on cells.radio = radios.radio
    inner join (select distinct as_of_date from {{ ref('int_filed_technology') }}) as periods
        on
            {{ in_evidence_window('cells.as_of_date', 'periods.as_of_date') }}
            and {{ in_evidence_window('cells.updated_on', 'periods.as_of_date') }}
    where cells.samples >= {{ evidence_limits().min_cell_samples }}
),

-- The distance to a place is measured once, however many technologies and dates it is filed for.
positions as (
    select distinct
        latitude,
        longitude
    from stations
),

near as (
    select
        positions.latitude,
        positions.longitude,
        squares.settlement_kato,
        {{ kilometres_apart('positions', 'squares') }} as km
    from positions
    inner join {{ ref('int_settlement_square') }} as squares on {{ in_square('positions', 'squares') }}
)

select
    stations.as_of_date,
    stations.station_kind,
    stations.operator_id,
    stations.technology,
    near.settlement_kato,
    min(near.km) as nearest_km
from stations
inner join {{ ref('evidence_rule') }} as rules on stations.technology = rules.technology
inner join near
    on
        stations.latitude = near.latitude
        and stations.longitude = near.longitude
        and rules.station_reach_km >= near.km
group by stations.as_of_date, stations.station_kind, stations.operator_id, stations.technology, near.settlement_kato
