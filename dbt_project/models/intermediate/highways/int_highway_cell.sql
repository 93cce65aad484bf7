{#- Cells that a line enters one after the other touch, or have one between them that it cuts at a corner. -#}
{%- set break_km = 2.5 -%}
with cells as (
    select
        roads.as_of_date,
        roads.road_id,
        cells.h3_cell,
        -- Kilometres of the road, not of its drawing: the drawing is stretched or shrunk to the official length.
        cells.length_km * roads.road_length_km / roads.line_length_km as length_km,
        cells.start_km * roads.road_length_km / roads.geometry_length_km as start_km,
        -- What only the second carriageway enters lies beside the road, not further along it.
        roads.is_dual_carriageway and cells.start_km >= roads.geometry_length_km as is_alongside,
        roads.road_length_km,
        cells.latitude,
        cells.longitude
    from {{ ref('int_highway') }} as roads
    inner join {{ ref('stg_highway_cell') }} as cells
        on
            roads.extract_id = cells.extract_id
            and roads.source_row = cells.source_row
),

-- Settlements by squares of a degree; those of a cell's own square and of the eight about it are measured. A place of
-- the map that no code is known for is a settlement too; a lone dwelling is not.
squares as (
    select
        places.place_id,
        settlements.settlement_kato,
        coalesce(settlements.name_ru, places.place_name) as name_ru,
        places.district_kato,
        places.latitude,
        places.longitude,
        cast(floor(places.latitude) as bigint) + north.shift as north,
        cast(floor(places.longitude) as bigint) + east.shift as east
    from {{ ref('int_place_position') }} as places
    left join {{ ref('int_settlement') }} as settlements on places.settlement_kato = settlements.settlement_kato
    cross join (
        select -1 as shift
        union all
        select 0 as shift
        union all
        select 1 as shift
    ) as north
    cross join (
        select -1 as shift
        union all
        select 0 as shift
        union all
        select 1 as shift
    ) as east
    where
        places.latitude is not null
        and places.longitude is not null
        and (settlements.settlement_kato is not null or coalesce(places.place_type, '') <> 'isolated_dwelling')
),

measured as (
    select
        places.h3_cell,
        squares.place_id,
        squares.settlement_kato,
        squares.name_ru,
        squares.district_kato,
        {{ kilometres_between('places.latitude', 'places.longitude', 'squares.latitude', 'squares.longitude') }} as km
    from (
        select distinct
            h3_cell,
            latitude,
            longitude
        from cells
    ) as places
    inner join squares
        on
            cast(floor(places.latitude) as bigint) = squares.north
            and cast(floor(places.longitude) as bigint) = squares.east
),

ranked as (
    select
        h3_cell,
        settlement_kato,
        name_ru,
        district_kato,
        km,
        row_number() over (partition by h3_cell order by km, place_id) as nearness
    from measured
),

followed as (
    select
        as_of_date,
        road_id,
        h3_cell,
        length_km,
        start_km,
        is_alongside,
        road_length_km,
        latitude,
        longitude,
        lead(start_km) over along as next_start_km,
        lead(latitude) over along as next_latitude,
        lead(longitude) over along as next_longitude
    from cells
    window along as (partition by as_of_date, road_id, is_alongside order by start_km, h3_cell)
),

-- Where the next cell is not near, the drawing breaks off, or returns through cells it has been in already.
broken as (
    select
        as_of_date,
        road_id,
        h3_cell,
        length_km,
        start_km,
        is_alongside,
        road_length_km,
        latitude,
        longitude,
        next_start_km,
        coalesce(
            {{ kilometres_between('latitude', 'longitude', 'next_latitude', 'next_longitude') }} > {{ break_km }}, false
        ) as is_break_after
    from followed
)

select
    cells.as_of_date,
    cells.road_id,
    cells.h3_cell,
    cells.length_km,
    cells.start_km,
    case
        when cells.is_alongside then null
        when cells.is_break_after then least(cells.next_start_km, cells.start_km + cells.length_km)
        else coalesce(cells.next_start_km, cells.road_length_km)
    end as end_km,
    case
        when not cells.is_alongside
            then
                cast(1 + coalesce(
                    sum(case when cells.is_break_after then 1 else 0 end) over (
                        partition by cells.as_of_date, cells.road_id, cells.is_alongside
                        order by cells.start_km, cells.h3_cell
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as bigint)
    end as stretch,
    cells.is_alongside,
    cells.latitude,
    cells.longitude,
    ranked.settlement_kato as nearest_settlement_kato,
    ranked.name_ru as nearest_settlement_name_ru,
    ranked.district_kato as nearest_settlement_district_kato,
    ranked.km as nearest_settlement_km
from broken as cells
left join ranked on cells.h3_cell = ranked.h3_cell and ranked.nearness = 1
