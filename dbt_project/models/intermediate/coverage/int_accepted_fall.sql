-- What an accepted delivery lacks, its operator need not have: in the regions found wanting, and in the nation.
with accepted as (
    select distinct
        extract_id,
        region_kato
    from {{ ref('stg_suspicion') }}
    where is_accepted
),

filed as (
    select distinct
        as_of_date,
        operator_id,
        extract_id
    from {{ ref('int_availability') }}
)

select distinct
    filed.as_of_date,
    filed.operator_id,
    'region' as geography_level,
    regions.region_kato as kato
from accepted
inner join filed on accepted.extract_id = filed.extract_id
-- What is missing of a technology, or of the whole, may be missing in any region.
inner join {{ ref('dim_region') }} as regions
    on
        (accepted.region_kato = regions.region_kato or accepted.region_kato is null)
        and regions.is_current
        and regions.level != 'district'
union all
select distinct
    filed.as_of_date,
    filed.operator_id,
    'national' as geography_level,
    '000000000' as kato
from accepted
inner join filed on accepted.extract_id = filed.extract_id
