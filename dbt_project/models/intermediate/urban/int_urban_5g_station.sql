with cities as (
    select
        as_of_date,
        lead(as_of_date) over (partition by city_kato order by as_of_date) as next_as_of_date,
        city_kato,
        is_5g_programme = 1 as is_5g_programme,
        extract_id,
        source_row
    from {{ ref('stg_urban_area') }}
),

city_cells as (
    select
        cities.as_of_date,
        cities.next_as_of_date,
        cities.city_kato,
        cities.is_5g_programme,
        cells.h3_cell
    from cities
    inner join {{ ref('stg_urban_area_cell') }} as cells
        on
            cities.extract_id = cells.extract_id
            and cities.source_row = cells.source_row
),

lists as (
    select distinct
        as_of_date,
        operator_id
    from {{ ref('stg_operator_site') }}
),

stations as (
    select
        sites.as_of_date,
        sites.operator_id,
        cells.city_kato,
        cells.is_5g_programme,
        count(distinct sites.site_id) as stations
    from {{ ref('stg_operator_site') }} as sites
    inner join city_cells as cells
        on
            sites.h3_cell = cells.h3_cell
            and {{ road_stands('cells', 'sites.as_of_date') }}
    where sites.technology = '5g' and sites.on_air_date <= sites.as_of_date
    group by sites.as_of_date, sites.operator_id, cells.city_kato, cells.is_5g_programme
),

-- Where an operator with areas of 5G lists no stations, those of any operator are not known.
readings as (
    select
        figures.as_of_date,
        figures.city_kato,
        figures.operator_id,
        case when lists.operator_id is not null then coalesce(sum(stations.stations), 0) end as stations
    from {{ ref('int_urban_5g') }} as figures
    left join lists
        on
            figures.as_of_date = lists.as_of_date
            and figures.operator_id = lists.operator_id
    left join stations
        on
            figures.as_of_date = stations.as_of_date
            and figures.operator_id = stations.operator_id
            and (
                figures.city_kato = stations.city_kato
                or (figures.city_kato = 'all' and stations.is_5g_programme)
            )
    where figures.operator_id <> 'any'
    group by figures.as_of_date, figures.city_kato, figures.operator_id, lists.operator_id
)

select
    as_of_date,
    city_kato,
    operator_id,
    cast(stations as bigint) as stations_5g
from readings
where stations is not null
union all
select
    as_of_date,
    city_kato,
    'any' as operator_id,
    cast(sum(stations) as bigint) as stations_5g
from readings
group by as_of_date, city_kato
having count(stations) = count(*)
