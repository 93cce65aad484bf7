-- With the eight squares about its own, a settlement meets every point within 15 km by an equality of two numbers.
select
    settlements.settlement_kato,
    settlements.region_kato,
    settlements.latitude,
    settlements.longitude,
    {{ square('settlements.latitude') }} + north.shift as north,
    {{ square('settlements.longitude') }} + east.shift as east
from {{ ref('int_settlement') }} as settlements
cross join (
    select -1 as shift
    union all
    select 0 as shift
    union all
    select 1 as shift
) as north
cross join (
    select -1 as shift
    union all
    select 0 as shift
    union all
    select 1 as shift
) as east
where settlements.latitude is not null and settlements.longitude is not null
