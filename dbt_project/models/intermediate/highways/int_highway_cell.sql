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
)

select
    cells.as_of_date,
    cells.road_id,
    cells.h3_cell,
    cells.length_km,
    cells.start_km,
    case
        when not cells.is_alongside
            then
                coalesce(
                    lead(cells.start_km) over (
                        partition by cells.as_of_date, cells.road_id, cells.is_alongside
                        order by cells.start_km, cells.h3_cell
                    ),
                    cells.road_length_km
                )
    end as end_km,
    cells.is_alongside,
    cells.latitude,
    cells.longitude,
    ranked.settlement_kato as nearest_settlement_kato,
    ranked.name_ru as nearest_settlement_name_ru,
    ranked.district_kato as nearest_settlement_district_kato,
    ranked.km as nearest_settlement_km
from cells
left join ranked on cells.h3_cell = ranked.h3_cell and ranked.nearness = 1
