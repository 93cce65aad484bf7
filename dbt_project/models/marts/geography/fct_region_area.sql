select
    as_of_date,
    geography_level,
    kato,
    name_en,
    parts,
    is_on_current_map,
    official_area_km2,
    geometry_area_km2,
    cell_area_km2 as area_km2,
    {{ percentage('(cell_area_km2 - geometry_area_km2)', 'geometry_area_km2') }} as method_error_pct,
    {{ percentage('(geometry_area_km2 - official_area_km2)', 'official_area_km2') }} as official_difference_pct,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_region_area') }}
