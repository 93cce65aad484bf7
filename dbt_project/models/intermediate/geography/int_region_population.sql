with census as (
    select
        census_date,
        kato,
        level,
        area_type,
        population,
        is_undivided,
        population_source
    from {{ counts_by_area_type(ref('int_place_population'), 'population') }} as places
    where level in ('national', 'oblast', 'republican_city', 'district')
),

settled_districts as (
    select
        dates.census_date,
        settlements.region_kato,
        settlements.district_kato,
        settlements.is_rural,
        sum(people.population) as population,
        -- A village or town without a figure makes the sum incomplete; a winter camp does not.
        sum(case
            when people.population is null and (settlements.is_programme or not settlements.is_rural) then 1
            else 0
        end) as settlements_unknown,
        min(people.population_source) as first_source,
        max(people.population_source) as last_source
    from (
        select distinct census_date
        from {{ ref('int_settlement_people') }}
    ) as dates
    cross join {{ ref('int_settlement') }} as settlements
    left join {{ ref('int_settlement_people') }} as people
        on
            dates.census_date = people.census_date
            and settlements.settlement_kato = people.settlement_kato
    where not settlements.is_city_district
    group by
        dates.census_date, settlements.region_kato, settlements.district_kato, settlements.is_rural
),

settled_places as (
    select
        districts.census_date,
        areas.kato,
        areas.area_type,
        sum(districts.population) as population,
        sum(districts.settlements_unknown) as settlements_unknown,
        min(districts.first_source) as first_source,
        max(districts.last_source) as last_source
    from settled_districts as districts
    inner join {{ ref('int_coverage_area') }} as areas
        on
            districts.district_kato = areas.district_kato
            and districts.is_rural = areas.is_rural
    -- A republican city is its own district: it stands here once, as a region.
    where not (areas.geography_level = 'district' and districts.district_kato = districts.region_kato)
    group by districts.census_date, areas.kato, areas.area_type
),

-- Regions known only as they were before their division, with the parts they fell into. Urban and rural are
-- divided apart, and make up the whole, where both are known.
wholes as (
    select
        census_date,
        kato as whole_kato,
        coalesce(population_urban + population_rural = population_all, false) as has_areas,
        area_type,
        population,
        population_source
    from {{ counts_by_area_type(ref('int_place_population'), 'population') }} as places
    where is_undivided
),

part_census as (
    select
        splits.whole_kato,
        splits.part_kato,
        census.census_date,
        census.area_type,
        census.population,
        census.population_source,
        count(*) over (partition by splits.whole_kato, census.census_date, census.area_type) as parts_known,
        parts.part_count
    from {{ ref('region_split') }} as splits
    inner join (
        select
            whole_kato,
            count(*) as part_count
        from {{ ref('region_split') }}
        group by whole_kato
    ) as parts on splits.whole_kato = parts.whole_kato
    inner join census
        on
            splits.part_kato = census.kato
            and census.population is not null
            and not census.is_undivided
),

reference as (
    select
        known.whole_kato,
        known.part_kato,
        known.census_date,
        known.area_type,
        known.population,
        known.population_source
    from part_census as known
    inner join (
        select
            whole_kato,
            area_type,
            min(census_date) as census_date
        from part_census
        where parts_known = part_count
        group by whole_kato, area_type
    ) as earliest
        on
            known.whole_kato = earliest.whole_kato
            and known.area_type = earliest.area_type
            and known.census_date = earliest.census_date
),

parts as (
    select
        wholes.census_date,
        wholes.whole_kato,
        wholes.has_areas,
        wholes.area_type,
        splits.part_kato,
        wholes.population,
        wholes.population_source,
        reference.population as reference_population,
        reference.census_date as reference_date,
        settled_places.population as settled_population,
        sum(settled_places.population) over (
            partition by wholes.census_date, wholes.whole_kato, wholes.area_type
        ) as settled_whole
    from wholes
    inner join {{ ref('region_split') }} as splits
        on
            wholes.whole_kato = splits.whole_kato
            and wholes.census_date < splits.effective_from
    left join reference
        on
            wholes.whole_kato = reference.whole_kato
            and wholes.area_type = reference.area_type
            and splits.part_kato = reference.part_kato
    left join settled_places
        on
            wholes.census_date = settled_places.census_date
            and splits.part_kato = settled_places.kato
            and wholes.area_type = settled_places.area_type
    where wholes.population is not null
),

weighed_parts as (
    select
        census_date,
        whole_kato,
        has_areas,
        area_type,
        part_kato,
        population,
        -- Settlements that add up to the whole are the division itself; else the earliest census of the parts.
        coalesce(case when settled_whole = population then settled_population else reference_population end, 0)
            as weight,
        case when settled_whole = population then 'settlement_sum' else 'estimated_split' end as method,
        case
            when settled_whole = population then population_source
            else
                population_source || ' (old map, divided as on '
                || cast(reference_date as {{ dbt.type_string() }}) || ')'
        end as source
    from parts
),

shared_parts as (
    {{ largest_remainder(
        relation='weighed_parts',
        pool=['census_date', 'whole_kato', 'area_type'],
        columns=['has_areas', 'part_kato', 'method', 'source'],
        total='population',
        weight='weight',
        tie=['part_kato'],
        share='population'
    ) | indent(4) }}
),

area_sums as (
    select
        census_date,
        part_kato,
        sum(population) as population,
        min(method) as method,
        min(source) as source
    from shared_parts
    where area_type <> 'all' and has_areas
    group by census_date, part_kato
    having count(population) = 2
),

divided as (
    select
        shared_parts.census_date,
        shared_parts.part_kato as kato,
        shared_parts.area_type,
        case
            when shared_parts.area_type = 'all' then coalesce(area_sums.population, shared_parts.population)
            else shared_parts.population
        end as population,
        case
            when shared_parts.area_type = 'all' then coalesce(area_sums.method, shared_parts.method)
            else shared_parts.method
        end as method,
        case
            when shared_parts.area_type = 'all' then coalesce(area_sums.source, shared_parts.source)
            else shared_parts.source
        end as source
    from shared_parts
    left join area_sums
        on
            shared_parts.census_date = area_sums.census_date
            and shared_parts.part_kato = area_sums.part_kato
    where shared_parts.area_type = 'all' or area_sums.part_kato is not null
),

region_figures as (
    select
        census_date,
        kato,
        area_type,
        population,
        population_source
    from census
    where
        level in ('oblast', 'republican_city')
        and population is not null
        and not is_undivided
    union all
    select
        census_date,
        kato,
        area_type,
        population,
        source as population_source
    from divided
    where population is not null
),

figures as (
    select
        1 as preference,
        census_date,
        kato,
        area_type,
        population,
        'census' as method,
        population_source as source
    from census
    where population is not null and not is_undivided
    union all
    select
        2 as preference,
        census_date,
        kato,
        area_type,
        population,
        method,
        source
    from divided
    where population is not null
    union all
    select
        3 as preference,
        region_figures.census_date,
        '000000000' as kato,
        region_figures.area_type,
        sum(region_figures.population) as population,
        'census' as method,
        min(region_figures.population_source) as source
    from region_figures
    group by region_figures.census_date, region_figures.area_type
    having
        count(*) = (
            select count(*)
            from {{ ref('int_place') }}
            where level in ('oblast', 'republican_city')
        )
    union all
    select
        4 as preference,
        census_date,
        kato,
        area_type,
        population,
        'settlement_sum' as method,
        case when first_source = last_source then first_source else first_source || '; ' || last_source end as source
    from settled_places
    where settlements_unknown = 0 and population is not null
),

preferred as (
    select
        census_date,
        kato,
        area_type,
        population,
        method,
        source,
        row_number() over (partition by census_date, kato, area_type order by preference) as preference
    from figures
)

select
    preferred.census_date,
    case
        when preferred.kato = '000000000' then 'national'
        when substr(preferred.kato, 3, 7) = '0000000' then 'region'
        else 'district'
    end as geography_level,
    preferred.kato,
    preferred.area_type,
    cast(preferred.population as bigint) as population,
    preferred.method,
    preferred.source
from preferred
where preferred.preference = 1
