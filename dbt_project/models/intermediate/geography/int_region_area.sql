{#- An edition bears the first day of its year: its map may be of a later day of it. -#}
{%- set edition_days = 366 -%}
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

-- Maps that an edition may show: that of its date, and those that came into force within its year.
map_dates as (
    select distinct
        as_of_date,
        as_of_date as map_date
    from parts
    where geography_level = 'region'
    union
    select
        editions.as_of_date,
        regions.valid_from as map_date
    from parts as editions
    inner join {{ ref('region') }} as regions
        on
            editions.as_of_date < regions.valid_from
            and {{ days_between('editions.as_of_date', 'regions.valid_from') }} < {{ edition_days }}
    where editions.geography_level = 'region'
),

maps as (
    select
        map_dates.as_of_date,
        map_dates.map_date,
        count(*) as regions_on_map,
        sum(case when parts.kato is null then 1 else 0 end) as regions_missing
    from map_dates
    inner join {{ ref('region') }} as regions
        on
            (regions.valid_from is null or map_dates.map_date >= regions.valid_from)
            and (regions.valid_to is null or map_dates.map_date < regions.valid_to)
    left join parts
        on
            map_dates.as_of_date = parts.as_of_date
            and regions.region_kato = parts.kato
            and parts.geography_level = 'region'
    group by map_dates.as_of_date, map_dates.map_date
),

filed as (
    select
        as_of_date,
        count(*) as regions_filed
    from parts
    where geography_level = 'region'
    group by as_of_date
),

-- The map that an edition comes nearest to.
completeness as (
    select
        as_of_date,
        regions_missing,
        regions_foreign
    from (
        select
            maps.as_of_date,
            maps.regions_missing,
            filed.regions_filed - (maps.regions_on_map - maps.regions_missing) as regions_foreign,
            row_number() over (
                partition by maps.as_of_date
                order by
                    maps.regions_missing + filed.regions_filed - (maps.regions_on_map - maps.regions_missing),
                    maps.map_date
            ) as place
        from maps
        inner join filed on maps.as_of_date = filed.as_of_date
    ) as compared
    where place = 1
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
    summed.cell_area_km2,
    case when summed.kato = '000000000' then cast(completeness.regions_missing as bigint) end as regions_missing,
    case when summed.kato = '000000000' then cast(completeness.regions_foreign as bigint) end as regions_foreign,
    summed.kato != '000000000' or completeness.regions_missing + completeness.regions_foreign = 0 as is_complete
from summed
left join completeness on summed.as_of_date = completeness.as_of_date
left join {{ ref('int_place') }} as places on summed.kato = places.kato
left join divided
    on
        summed.as_of_date = divided.as_of_date
        and summed.kato = divided.kato
