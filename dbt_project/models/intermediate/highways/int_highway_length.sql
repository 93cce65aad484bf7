with roads as (
    select
        dates.as_of_date,
        roads.road_class,
        roads.official_length_km,
        roads.geometry_length_km,
        roads.road_length_km
    from (select distinct as_of_date from {{ ref('int_highway') }}) as dates
    inner join {{ ref('int_highway') }} as roads on {{ road_stands('roads', 'dates.as_of_date') }}
)

select
    roads.as_of_date,
    classes.road_class,
    count(*) as roads,
    {{ exact_sum('roads.road_length_km') }} as road_length_km,
    case when count(roads.official_length_km) = count(*) then {{ exact_sum('roads.official_length_km') }} end
        as official_length_km,
    {{ exact_sum('roads.geometry_length_km') }} as geometry_length_km
from roads
inner join (
    select distinct
        road_class as own_class,
        road_class
    from roads
    union all
    select distinct
        road_class as own_class,
        'all' as road_class
    from roads
) as classes on roads.road_class = classes.own_class
group by roads.as_of_date, classes.road_class
