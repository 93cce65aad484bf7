with counted as (
    select
        places.census_date,
        settlements.settlement_kato,
        places.population_all as population,
        places.population_source
    from {{ ref('int_place_population') }} as places
    inner join {{ ref('int_settlement') }} as settlements on places.kato = settlements.settlement_kato
    where
        places.population_all is not null
        and not settlements.is_city_district
),

-- Every settlement of a district with a known total, in the pool of its kind of area where the district's
-- urban and rural people are known and add up, else in one pool for the whole district.
pooled as (
    select
        districts.census_date,
        settlements.district_kato,
        settlements.settlement_kato,
        settlements.is_programme,
        settlements.position_population,
        counted.population as counted_population,
        districts.population_source,
        case
            when districts.population_urban + districts.population_rural <> districts.population_all then 'all'
            when districts.population_urban is null or districts.population_rural is null then 'all'
            when settlements.is_rural then 'rural'
            else 'urban'
        end as pool_area,
        case
            when districts.population_urban + districts.population_rural <> districts.population_all
                then districts.population_all
            when districts.population_urban is null or districts.population_rural is null then districts.population_all
            when settlements.is_rural then districts.population_rural
            else districts.population_urban
        end as pool_population
    from {{ ref('int_place_population') }} as districts
    inner join {{ ref('int_settlement') }} as settlements on districts.kato = settlements.district_kato
    left join counted
        on
            districts.census_date = counted.census_date
            and settlements.settlement_kato = counted.settlement_kato
    where
        districts.level = 'district'
        and districts.population_all is not null
        and not settlements.is_city_district
),

remainders as (
    select
        census_date,
        district_kato,
        pool_area,
        cast(
            max(pool_population) - coalesce(sum(counted_population), 0)
            as bigint
        ) as remaining_population,
        -- A village of the programme whose size nobody knows is taken to be as large as those that are known.
        greatest(
            1,
            coalesce(
                {{ whole_quotient(
                    'sum(case when is_programme and counted_population is null then position_population end)',
                    "nullif(sum(case when is_programme and counted_population is null"
                    ~ " and position_population is not null then 1 else 0 end), 0)"
                ) }},
                1
            )
        ) as usual_weight
    from pooled
    group by census_date, district_kato, pool_area
),

weighed as (
    select
        pooled.census_date,
        pooled.district_kato,
        pooled.pool_area,
        pooled.settlement_kato,
        pooled.population_source,
        remainders.remaining_population,
        cast(
            case
                when pooled.position_population is not null then pooled.position_population
                when pooled.is_programme then remainders.usual_weight
                else 0
            end as bigint
        ) as known_weight
    from pooled
    inner join remainders
        on
            pooled.census_date = remainders.census_date
            and pooled.district_kato = remainders.district_kato
            and pooled.pool_area = remainders.pool_area
    where
        pooled.counted_population is null
        -- Settlements counted higher than their district: the sources disagree, nothing can be shared out.
        and remainders.remaining_population >= 0
),

members as (
    select
        census_date,
        district_kato,
        pool_area,
        settlement_kato,
        population_source,
        remaining_population,
        case
            when sum(known_weight) over (partition by census_date, district_kato, pool_area) = 0 then 1
            else known_weight
        end as weight
    from weighed
),

shared as (
    {{ largest_remainder(
        relation='members',
        pool=['census_date', 'district_kato', 'pool_area'],
        columns=['settlement_kato', 'population_source'],
        total='remaining_population',
        weight='weight',
        tie=['settlement_kato'],
        share='population'
    ) | indent(4) }}
)

select
    census_date,
    settlement_kato,
    cast(population as bigint) as population,
    'census' as population_method,
    population_source
from counted
union all
select
    census_date,
    settlement_kato,
    cast(population as bigint) as population,
    'estimated' as population_method,
    population_source || ' (district total, shared out)' as population_source
from shared
