with places as (
    select distinct
        region_kato,
        district_kato,
        is_rural
    from {{ ref('int_settlement') }}
),

levels as (
    select 'national' as geography_level
    union all
    select 'region' as geography_level
    union all
    select 'district' as geography_level
)

select
    levels.geography_level,
    case levels.geography_level
        when 'national' then '000000000'
        when 'region' then places.region_kato
        else places.district_kato
    end as kato,
    kinds.area_type,
    places.district_kato,
    places.is_rural
from places
cross join levels
cross join {{ area_types() }} as kinds
where
    kinds.area_type = 'all'
    or (kinds.area_type = 'rural') = places.is_rural
