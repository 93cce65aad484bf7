select
    as_of_date,
    settlement_kato,
    cast(population as bigint) as population,
    population_as_of,
    cast(households as bigint) as households,
    households_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_settlement_denominator') }}
