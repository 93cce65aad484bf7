-- A region as it was before its division is no region of today's map.
select
    census_date,
    case
        when level = 'national' then 'national'
        when level = 'district' then 'district'
        else 'region'
    end as geography_level,
    kato,
    area_type,
    households,
    households_source as source
from {{ counts_by_area_type(ref('int_place_households'), 'households') }} as places
where
    level in ('national', 'oblast', 'republican_city', 'district')
    and not is_undivided
    and households is not null
