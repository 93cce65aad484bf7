-- Districts and regions as filed; the nation is the sum of its regions.
with parts as (
    select
        as_of_date,
        level as geography_level,
        kato,
        name_en,
        official_area_km2,
        area_km2 as geometry_area_km2,
        cell_area_km2
    from {{ ref('stg_administrative_boundary') }}
),

-- A region as it was before its division is no region of today's map, though its code is.
divided as (
    select distinct
        wholes.as_of_date,
        wholes.kato
    from parts as wholes
    inner join {{ ref('region_split') }} as splits
        on
            wholes.kato = splits.whole_kato
            and wholes.as_of_date < splits.effective_from
    left join parts as new_regions
        on
            wholes.as_of_date = new_regions.as_of_date
            and splits.part_kato = new_regions.kato
    where new_regions.kato is null
),

summed as (
    select
        as_of_date,
        geography_level,
        kato,
        name_en,
        cast(1 as bigint) as parts,
        official_area_km2,
        geometry_area_km2,
        cell_area_km2
    from parts
    union all
    select
        as_of_date,
        'national' as geography_level,
        '000000000' as kato,
        'Kazakhstan' as name_en,
        cast(count(*) as bigint) as parts,
        case when count(official_area_km2) = count(*) then {{ exact_sum('official_area_km2') }} end
            as official_area_km2,
        {{ exact_sum('geometry_area_km2') }} as geometry_area_km2,
        {{ exact_sum('cell_area_km2') }} as cell_area_km2
    from parts
    where geography_level = 'region'
    group by as_of_date
)

select
    summed.as_of_date,
    summed.geography_level,
    summed.kato,
    summed.name_en,
    summed.parts,
    summed.kato = '000000000' or (places.kato is not null and divided.kato is null) as is_on_current_map,
    summed.official_area_km2,
    summed.geometry_area_km2,
    summed.cell_area_km2
from summed
left join {{ ref('int_place') }} as places on summed.kato = places.kato
left join divided
    on
        summed.as_of_date = divided.as_of_date
        and summed.kato = divided.kato
