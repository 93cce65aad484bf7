-- Which measure of villages is which metric.
with village_metrics as (
    select
        'technology' as measure,
        'settlements_mobile_covered' as count_metric_id,
        'settlements_mobile_covered_pct' as share_metric_id
    union all
    select
        'connection_level' as measure,
        'settlements_connected' as count_metric_id,
        'settlements_connected_pct' as share_metric_id
    union all
    select
        'speed_tier' as measure,
        cast(null as {{ dbt.type_string() }}) as count_metric_id,
        'settlements_speed_tier_pct' as share_metric_id
),

figures as (
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
        households_source as denominator_source,
        households_as_of as denominator_as_of
    from {{ ref('fct_coverage_by_technology') }}
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
    -- Of a date and technology without evidence on record nothing is known; where it bears out no claim the share is 0.
    select
        'population_evidenced_pct' as metric_id,
        coverage.as_of_date,
        coverage.geography_level,
        coverage.kato,
        coverage.area_type,
        coverage.technology,
        {{ percentage(evidenced_people('coverage'), 'coverage.population') }} as value,
        {{ evidenced_people('coverage') }} as numerator,
        coverage.population as denominator,
        coverage.denominator_source,
        coverage.denominator_as_of
    from {{ ref('fct_coverage_by_technology') }} as coverage
    inner join {{ ref('int_evidence_filed') }} as filed
        on
            coverage.as_of_date = filed.as_of_date
            and coverage.technology = filed.technology
    union all
    select
        metrics.count_metric_id as metric_id,
        villages.as_of_date,
        villages.geography_level,
        villages.kato,
        'rural' as area_type,
        villages.step as technology,
        cast(villages.villages_covered as double) as value,
        villages.villages_covered as numerator,
        villages.villages as denominator,
        villages.villages_source as denominator_source,
        villages.villages_as_of as denominator_as_of
    from {{ ref('int_village_coverage') }} as villages
    inner join village_metrics as metrics on villages.measure = metrics.measure
    left join {{ ref('dim_technology') }} as technologies on villages.step = technologies.technology
    where metrics.count_metric_id is not null and (villages.measure != 'technology' or technologies.family = 'mobile')
    union all
    select
        metrics.share_metric_id as metric_id,
        villages.as_of_date,
        villages.geography_level,
        villages.kato,
        'rural' as area_type,
        villages.step as technology,
        villages.villages_covered_pct as value,
        villages.villages_covered as numerator,
        villages.villages as denominator,
        villages.villages_source as denominator_source,
        villages.villages_as_of as denominator_as_of
    from {{ ref('int_village_coverage') }} as villages
    inner join village_metrics as metrics on villages.measure = metrics.measure
    left join {{ ref('dim_technology') }} as technologies on villages.step = technologies.technology
    where villages.measure != 'technology' or technologies.family = 'mobile'
),

-- What the bureau counts, as it publishes it.
counted as (
    select
        'population' as metric_id,
        census_date,
        geography_level,
        kato,
        area_type,
        population as value,
        source
    from {{ ref('int_region_population') }}
    where population is not null
    union all
    select
        'households' as metric_id,
        census_date,
        geography_level,
        kato,
        area_type,
        households as value,
        source
    from {{ ref('int_region_households') }}
),

-- A republican city is region and district at once, as in the coverage facts.
census as (
    select
        metric_id,
        census_date,
        geography_level,
        kato,
        area_type,
        value,
        source
    from counted
    union all
    select
        counted.metric_id,
        counted.census_date,
        'district' as geography_level,
        counted.kato,
        counted.area_type,
        counted.value,
        counted.source
    from counted
    inner join {{ ref('dim_region') }} as cities
        on
            counted.kato = cities.region_kato
            and cities.level = 'republican_city'
            and cities.is_current
),

census_maturity as (
    select
        deliveries.metric_id,
        deliveries.as_of_date,
        max(case when extracts.data_maturity = 'provisional' then 1 else 0 end) as is_provisional
    from (
        select distinct
            'population' as metric_id,
            as_of_date,
            extract_id
        from {{ ref('stg_population') }}
        union all
        select distinct
            'households' as metric_id,
            as_of_date,
            extract_id
        from {{ ref('stg_households') }}
    ) as deliveries
    inner join {{ ref('stg_extract') }} as extracts on deliveries.extract_id = extracts.extract_id
    group by deliveries.metric_id, deliveries.as_of_date
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
        census.metric_id,
        census.census_date as as_of_date,
        census.geography_level,
        census.kato,
        census.area_type,
        cast(null as {{ dbt.type_string() }}) as technology,
        cast(census.value as double) as value,
        cast(null as double) as numerator,
        cast(null as double) as denominator,
        census.source as denominator_source,
        census.census_date as denominator_as_of,
        case when coalesce(census_maturity.is_provisional, 0) = 1 then 'provisional' else 'final' end
            as data_maturity
    from census
    left join census_maturity
        on
            census.metric_id = census_maturity.metric_id
            and census.census_date = census_maturity.as_of_date
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
    union all
    select
        metric_id,
        as_of_date,
        geography_level,
        kato,
        area_type,
        technology,
        value,
        numerator,
        denominator,
        denominator_source,
        denominator_as_of,
        data_maturity
    from {{ ref('int_programme_metric') }}
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
