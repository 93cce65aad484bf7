"""5G in cities of the small country, and the faults its suite finds."""

from __future__ import annotations

URBAN = """
create table marts.fct_urban_5g as
with figures as (
    select * from (values
        ('710000000', true, 100.0e0, 98.0e0, 1000, 'one', 0.4e0),
        ('710000000', true, 100.0e0, 98.0e0, 1000, 'two', 0.2e0),
        ('710000000', true, 100.0e0, 98.0e0, 1000, 'any', 0.5e0),
        ('750000000', true, 60.0e0, 63.0e0, 2000, 'one', 0.1e0),
        ('750000000', true, 60.0e0, 63.0e0, 2000, 'two', 0.0e0),
        ('750000000', true, 60.0e0, 63.0e0, 2000, 'any', 0.1e0),
        ('790000000', false, null, 50.0e0, null, 'one', 0.2e0), ('790000000', false, null, 50.0e0, null, 'two', 0.2e0),
        ('790000000', false, null, 50.0e0, null, 'any', 0.3e0)
    ) as t (city_kato, is_5g_programme, official_area_km2, geometry_area_km2, population, operator_id, share)
),

each as (
    select
        *, 1 as cities, case when share > 0 then 1 else 0 end as cities_with_5g,
        coalesce(official_area_km2, geometry_area_km2) as area_km2,
        coalesce(official_area_km2, geometry_area_km2) * share as area_covered_km2,
        population * share as population_covered,
        case operator_id when 'one' then 4 when 'two' then 2 else 6 end as stations_5g
    from figures
),

summed as (
    select
        city_kato, is_5g_programme, operator_id, cities, cities_with_5g, official_area_km2, geometry_area_km2, area_km2,
        area_covered_km2, population, population_covered, stations_5g
    from each
    union all
    select
        'all', true, operator_id, sum(cities), sum(cities_with_5g), sum(official_area_km2), sum(geometry_area_km2),
        sum(area_km2), sum(area_covered_km2), sum(population), sum(population_covered), sum(stations_5g)
    from each
    where is_5g_programme
    group by operator_id
)

select
    date '2025-12-31' as as_of_date, *, area_covered_km2 * 100 / area_km2 as area_pct,
    population_covered * 100 / population as population_pct, date '2025-12-31' as denominator_as_of
from summed;
"""

_URBAN = "marts.fct_urban_5g"
_ASTANA = "city_kato = '710000000' and operator_id = 'any'"

URBAN_FAULTS: dict[str, dict[str, str]] = {
    "urban.city_areas_agree_with_official_ones": {
        "hectares": f"update {_URBAN} set official_area_km2 = 10000 where city_kato = '710000000'",
        "another outline": f"update {_URBAN} set geometry_area_km2 = 75 where city_kato = '710000000'",
    },
    "urban.shares_follow_from_areas": {
        "more than the city": f"update {_URBAN} set area_covered_km2 = 101, area_pct = 101 where {_ASTANA}",
        "of another area": f"update {_URBAN} set area_pct = 51 where {_ASTANA}",
        "of other people": f"update {_URBAN} set population_pct = 51 where {_ASTANA}",
        "less than nothing": f"update {_URBAN} set area_covered_km2 = -1, area_pct = -1 where {_ASTANA}",
        "unknown people": f"update {_URBAN} set population_pct = null where {_ASTANA}",
    },
    "urban.any_operator_lies_between_largest_and_sum": {
        "less than one": f"update {_URBAN} set area_covered_km2 = 39 where {_ASTANA}",
        "more than both": f"update {_URBAN} set area_covered_km2 = 61 where {_ASTANA}",
    },
    "urban.cities_make_the_whole": {
        "a city less": f"delete from {_URBAN} where city_kato = '750000000'",
        "an area": f"update {_URBAN} set area_covered_km2 = 0 where {_ASTANA}",
        "people": f"update {_URBAN} set population_covered = 0 where {_ASTANA}",
        "a city with 5G": f"update {_URBAN} set cities_with_5g = 3 where city_kato = 'all'",
    },
}
