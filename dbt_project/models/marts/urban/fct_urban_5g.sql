select
    figures.as_of_date,
    figures.city_kato,
    figures.operator_id,
    settlements.name_ru as city_name_ru,
    figures.is_5g_programme,
    figures.cities,
    figures.cities_with_5g,
    stations.stations_5g,
    figures.official_area_km2,
    figures.geometry_area_km2,
    figures.area_km2,
    figures.area_covered_km2,
    figures.area_pct,
    figures.population,
    figures.population_covered,
    figures.population_pct,
    cast(targets.target_value as double) as target_pct,
    figures.denominator_source,
    figures.denominator_as_of,
    figures.population_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_urban_5g') }} as figures
left join {{ ref('int_urban_5g_station') }} as stations
    on
        figures.as_of_date = stations.as_of_date
        and figures.city_kato = stations.city_kato
        and figures.operator_id = stations.operator_id
left join {{ ref('int_settlement') }} as settlements on figures.city_kato = settlements.settlement_kato
left join {{ ref('int_target') }} as targets
    on
        targets.target_id = 's5_urban_5g_area_2027'
        and targets.metric_id = 'urban_5g_area_pct'
        and targets.unit = 'percent'
