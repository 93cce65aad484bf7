-- A nation without one of its regions is no nation: its areas are withheld, and parts tells how many it has.
with areas as (
    select
        as_of_date,
        geography_level,
        kato,
        name_en,
        parts,
        is_on_current_map,
        case when is_complete then official_area_km2 end as official_area_km2,
        case when is_complete then geometry_area_km2 end as geometry_area_km2,
        case when is_complete then cell_area_km2 end as area_km2,
        regions_missing,
        regions_foreign,
        is_complete
    from {{ ref('int_region_area') }}
)

select
    as_of_date,
    geography_level,
    kato,
    name_en,
    parts,
    is_on_current_map,
    official_area_km2,
    geometry_area_km2,
    area_km2,
    {{ percentage('(area_km2 - geometry_area_km2)', 'geometry_area_km2') }} as method_error_pct,
    {{ percentage('(geometry_area_km2 - official_area_km2)', 'official_area_km2') }} as official_difference_pct,
    case when is_complete then 'published' else 'withheld' end as status,
    case
        when not is_complete
            then
                'of the regions on the map of its date the edition lacks ' || {{ count_text('regions_missing') }}
                || ', and has ' || {{ count_text('regions_foreign') }} || ' that are not on it'
    end as withheld_reason
from areas
