select
    boundaries.as_of_date,
    boundaries.level as geography_level,
    boundaries.kato,
    boundaries.name_en,
    areas.is_on_current_map,
    boundaries.outline_wkt
from {{ ref('stg_administrative_boundary') }} as boundaries
inner join {{ ref('int_region_area') }} as areas
    on
        boundaries.as_of_date = areas.as_of_date
        and boundaries.level = areas.geography_level
        and boundaries.kato = areas.kato
