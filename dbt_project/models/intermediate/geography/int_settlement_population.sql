select
    coalesce(people.settlement_kato, households.settlement_kato) as settlement_kato,
    coalesce(people.census_date, households.census_date) as census_date,
    people.population,
    people.population_method,
    people.population_source,
    households.households,
    households.households_method,
    households.households_source
from {{ ref('int_settlement_people') }} as people
full outer join {{ ref('int_settlement_households') }} as households
    on
        people.settlement_kato = households.settlement_kato
        and people.census_date = households.census_date
