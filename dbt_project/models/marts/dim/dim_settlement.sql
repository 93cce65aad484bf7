with latest_census as (
    select
        settlement_kato,
        max(case when population is not null then census_date end) as population_as_of,
        max(case when households is not null then census_date end) as households_as_of
    from {{ ref('int_settlement_population') }}
    group by settlement_kato
)

select
    settlements.settlement_kato,
    settlements.name_ru,
    settlements.name_kk,
    settlements.name_en,
    settlements.settlement_type,
    settlements.kato_level,
    settlements.is_city_district,
    settlements.is_rural,
    settlements.is_programme,
    settlements.region_kato,
    settlements.district_kato,
    settlements.latitude,
    settlements.longitude,
    settlements.h3_cell,
    people.population,
    people.census_date as population_as_of,
    people.population_method,
    households.households,
    settlements.valid_from,
    cast(null as date) as valid_to,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_settlement') }} as settlements
left join latest_census on settlements.settlement_kato = latest_census.settlement_kato
left join {{ ref('int_settlement_population') }} as people
    on
        latest_census.settlement_kato = people.settlement_kato
        and latest_census.population_as_of = people.census_date
left join {{ ref('int_settlement_population') }} as households
    on
        latest_census.settlement_kato = households.settlement_kato
        and latest_census.households_as_of = households.census_date
