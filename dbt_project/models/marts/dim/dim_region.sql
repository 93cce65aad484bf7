select
    region_kato,
    level,
    parent_kato,
    iso_3166_2,
    name_en,
    name_ru,
    name_kk,
    valid_from,
    valid_to,
    valid_to is null as is_current
from {{ ref('region') }}
union all
select
    kato as region_kato,
    level,
    region_kato as parent_kato,
    cast(null as {{ dbt.type_string() }}) as iso_3166_2,
    name_en,
    name_ru,
    name_kk,
    cast(null as date) as valid_from,
    cast(null as date) as valid_to,
    true as is_current
from {{ ref('int_place') }}
where level = 'district'
