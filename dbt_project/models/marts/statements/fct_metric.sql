with figures as (
    select
        'population_covered_pct' as metric_id,
        as_of_date,
        geography_level,
        kato,
        area_type,
        technology,
        population_covered_pct as value,
        population_covered as numerator,
        population as denominator,
        denominator_source,
        denominator_as_of
    from {{ ref('fct_coverage_by_technology') }}
    union all
    select
        'households_passed_pct' as metric_id,
        as_of_date,
        geography_level,
        kato,
        area_type,
        technology,
        households_passed_pct as value,
        households_passed as numerator,
        households as denominator,
        denominator_source,
        denominator_as_of
    from {{ ref('fct_coverage_by_technology') }}
    union all
    select
        'settlements_mobile_covered' as metric_id,
        covered.as_of_date,
        covered.geography_level,
        covered.kato,
        'rural' as area_type,
        covered.technology,
        cast(covered.villages_covered as double) as value,
        covered.villages_covered as numerator,
        covered.villages as denominator,
        covered.denominator_source,
        covered.denominator_as_of
    from {{ ref('fct_coverage_by_technology') }} as covered
    inner join {{ ref('dim_technology') }} as technologies on covered.technology = technologies.technology
    where
        covered.area_type = 'all'
        and technologies.family = 'mobile'
        and covered.villages > 0
    union all
    select
        'settlements_mobile_covered_pct' as metric_id,
        covered.as_of_date,
        covered.geography_level,
        covered.kato,
        'rural' as area_type,
        covered.technology,
        covered.villages_covered_pct as value,
        covered.villages_covered as numerator,
        covered.villages as denominator,
        covered.denominator_source,
        covered.denominator_as_of
    from {{ ref('fct_coverage_by_technology') }} as covered
    inner join {{ ref('dim_technology') }} as technologies on covered.technology = technologies.technology
    where
        covered.area_type = 'all'
        and technologies.family = 'mobile'
        and covered.villages > 0
    union all
    select
        'population_speed_tier_pct' as metric_id,
        as_of_date,
        geography_level,
        kato,
        area_type,
        speed_tier as technology,
        population_covered_pct as value,
        population_covered as numerator,
        population as denominator,
        denominator_source,
        denominator_as_of
    from {{ ref('fct_coverage_by_speed_tier') }}
    union all
    select
        'settlements_speed_tier_pct' as metric_id,
        as_of_date,
        geography_level,
        kato,
        'rural' as area_type,
        speed_tier as technology,
        villages_covered_pct as value,
        villages_covered as numerator,
        villages as denominator,
        denominator_source,
        denominator_as_of
    from {{ ref('fct_coverage_by_speed_tier') }}
    where
        area_type = 'all'
        and villages > 0
    union all
    select
        'settlements_connected' as metric_id,
        connection.as_of_date,
        connection.geography_level,
        connection.kato,
        'rural' as area_type,
        connection.connection_level as technology,
        cast(connection.villages_at_or_above as double) as value,
        connection.villages_at_or_above as numerator,
        connection.villages as denominator,
        connection.denominator_source,
        connection.denominator_as_of
    from {{ ref('fct_rural_connection') }} as connection
    inner join {{ ref('connection_rung') }} as rungs on connection.connection_level = rungs.connection_level
    where rungs.fixed_level > 0
    union all
    select
        'settlements_connected_pct' as metric_id,
        connection.as_of_date,
        connection.geography_level,
        connection.kato,
        'rural' as area_type,
        connection.connection_level as technology,
        connection.villages_at_or_above_pct as value,
        connection.villages_at_or_above as numerator,
        connection.villages as denominator,
        connection.denominator_source,
        connection.denominator_as_of
    from {{ ref('fct_rural_connection') }} as connection
    inner join {{ ref('connection_rung') }} as rungs on connection.connection_level = rungs.connection_level
    where rungs.fixed_level > 0
),

-- A republican city is region and district at once, as in the coverage facts.
people as (
    select
        census_date,
        geography_level,
        kato,
        area_type,
        population,
        source
    from {{ ref('int_region_population') }}
    where population is not null
    union all
    select
        counts.census_date,
        'district' as geography_level,
        counts.kato,
        counts.area_type,
        counts.population,
        counts.source
    from {{ ref('int_region_population') }} as counts
    inner join {{ ref('dim_region') }} as cities
        on
            counts.kato = cities.region_kato
            and cities.level = 'republican_city'
            and cities.is_current
    where counts.population is not null
),

census_maturity as (
    select
        counts.as_of_date,
        max(case when extracts.data_maturity = 'provisional' then 1 else 0 end) as is_provisional
    from (select distinct as_of_date, extract_id from {{ ref('stg_population') }}) as counts
    inner join {{ ref('stg_extract') }} as extracts on counts.extract_id = extracts.extract_id
    group by counts.as_of_date
),

valued as (
    select
        figures.metric_id,
        figures.as_of_date,
        figures.geography_level,
        figures.kato,
        figures.area_type,
        figures.technology,
        figures.value,
        cast(figures.numerator as double) as numerator,
        cast(figures.denominator as double) as denominator,
        figures.denominator_source,
        figures.denominator_as_of,
        maturity.data_maturity
    from figures
    inner join {{ ref('int_filing_maturity') }} as maturity on figures.as_of_date = maturity.as_of_date
    where figures.value is not null
    union all
    select
        'population' as metric_id,
        people.census_date as as_of_date,
        people.geography_level,
        people.kato,
        people.area_type,
        cast(null as {{ dbt.type_string() }}) as technology,
        cast(people.population as double) as value,
        cast(null as double) as numerator,
        cast(null as double) as denominator,
        people.source as denominator_source,
        people.census_date as denominator_as_of,
        case when coalesce(census_maturity.is_provisional, 0) = 1 then 'provisional' else 'final' end
            as data_maturity
    from people
    left join census_maturity on people.census_date = census_maturity.as_of_date
    union all
    select
        'itu_population_covered_pct' as metric_id,
        reported.as_of_date,
        'national' as geography_level,
        '000000000' as kato,
        'all' as area_type,
        reported.technology,
        reported.population_covered_pct as value,
        cast(null as double) as numerator,
        cast(null as double) as denominator,
        'As reported by ITU; its source gives no denominator' as denominator_source,
        reported.as_of_date as denominator_as_of,
        coalesce(extracts.data_maturity, 'final') as data_maturity
    from {{ ref('int_itu_population_covered') }} as reported
    inner join {{ ref('stg_extract') }} as extracts on reported.extract_id = extracts.extract_id
)

select
    valued.metric_id,
    valued.as_of_date,
    valued.geography_level,
    valued.kato,
    valued.area_type,
    valued.technology,
    valued.value,
    metrics.unit,
    valued.numerator,
    valued.denominator,
    valued.denominator_source,
    valued.denominator_as_of,
    valued.data_maturity,
    methods.version as method_version,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from valued
inner join {{ ref('dim_metric') }} as metrics on valued.metric_id = metrics.metric_id
inner join {{ ref('dim_method') }} as methods on metrics.method_id = methods.method_id
