-- A source of positions may name neither code nor district. Where the place lies says the district, and its name inside
-- the district the settlement, when both are alone with it there (decision 0002).
with latest as (
    select max(as_of_date) as as_of_date
    from {{ ref('stg_administrative_boundary') }}
    where level = 'district'
),

district_cells as (
    select
        cells.h3_cell,
        -- Districts of a republican city are counted with it.
        min(
            case
                when substr(districts.kato, 1, 2) > '70' then substr(districts.kato, 1, 2) || '0000000'
                else districts.kato
            end
        ) as district_kato
    from {{ ref('stg_administrative_boundary') }} as districts
    inner join latest on districts.as_of_date = latest.as_of_date
    inner join {{ ref('stg_administrative_boundary_cell') }} as cells
        on
            districts.extract_id = cells.extract_id
            and districts.source_row = cells.source_row
    -- A republican city may stand with its districts, or as a region alone.
    where districts.level = 'district' or substr(districts.kato, 1, 2) > '70'
    group by cells.h3_cell
),

located as (
    select
        positions.place_id,
        positions.settlement_kato,
        positions.place_name,
        positions.place_type,
        positions.latitude,
        positions.longitude,
        positions.h3_cell,
        positions.population,
        district_cells.district_kato,
        {{ plain_letters('positions.place_name') }} as name_key
    from {{ ref('stg_settlement_position') }} as positions
    left join district_cells on {{ parent_of_resolution_9('positions.h3_cell') }} = district_cells.h3_cell
),

settlements as (
    select
        kato,
        district_kato,
        {{ plain_letters('plain_name_ru') }} as name_ru_key,
        {{ plain_letters('plain_name_kk') }} as name_kk_key
    from {{ ref('int_place') }}
    where
        level in ('settlement', 'republican_city')
        or (level = 'sub_district' and name_ru like 'г.%' and name_ru not like 'г.а.%')
),

names as (
    select
        kato,
        district_kato,
        name_ru_key as name_key
    from settlements
    union
    select
        kato,
        district_kato,
        name_kk_key as name_key
    from settlements
),

alike as (
    select
        located.place_id,
        names.kato,
        count(*) over (partition by located.place_id) as settlements_of_place,
        count(*) over (partition by names.kato) as places_of_settlement
    from located
    inner join names
        on
            located.district_kato = names.district_kato
            and located.name_key = names.name_key
    where located.settlement_kato is null
),

told as (
    select
        place_id,
        kato
    from alike
    where settlements_of_place = 1 and places_of_settlement = 1
)

select
    located.place_id,
    coalesce(located.settlement_kato, told.kato) as settlement_kato,
    case
        when located.settlement_kato is not null then 'filed'
        when told.kato is not null then 'name_in_district'
    end as code_from,
    coalesce(known.region_kato, substr(located.district_kato, 1, 2) || '0000000') as region_kato,
    coalesce(known.district_kato, located.district_kato) as district_kato,
    located.district_kato as cell_district_kato,
    located.place_name,
    located.place_type,
    located.latitude,
    located.longitude,
    located.h3_cell,
    located.population
from located
left join told on located.place_id = told.place_id
left join {{ ref('int_place') }} as known on coalesce(located.settlement_kato, told.kato) = known.kato
