{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['fct_coverage_by_operator', 'fct_coverage_by_technology', 'int_cell_coverage']
        }
    )
}}

with by_settlement as (
    select
        figures.as_of_date,
        figures.geography_level,
        figures.kato,
        figures.area_type,
        figures.technology,
        figures.population,
        figures.population_covered,
        figures.denominator_source,
        figures.denominator_as_of
    from {{ ref('fct_coverage_by_technology') }} as figures
    inner join {{ ref('dim_technology') }} as technologies
        on
            figures.technology = technologies.technology
            and technologies.family = 'mobile'
    where figures.operators_max is not null
),

-- Of several operators, one whose figure is unknown leaves the sum unknown, and the largest a lower bound still.
operators as (
    select
        as_of_date,
        geography_level,
        kato,
        area_type,
        technology,
        count(*) as operators,
        max(population_covered) as largest,
        case when count(population_covered) = count(*) then sum(population_covered) end as total
    from {{ ref('fct_coverage_by_operator') }}
    group by as_of_date, geography_level, kato, area_type, technology
),

figures as (
    select
        by_settlement.as_of_date,
        by_settlement.geography_level,
        by_settlement.kato,
        by_settlement.area_type,
        by_settlement.technology,
        'exact_settlement' as union_method,
        'population_covered_pct' as metric_id,
        operators.operators,
        by_settlement.population,
        by_settlement.population_covered,
        by_settlement.population_covered as population_covered_low,
        by_settlement.population_covered as population_covered_high,
        cast(null as double) as population_without_cells,
        by_settlement.denominator_source,
        by_settlement.denominator_as_of
    from by_settlement
    left join operators
        on
            by_settlement.as_of_date = operators.as_of_date
            and by_settlement.geography_level = operators.geography_level
            and by_settlement.kato = operators.kato
            and by_settlement.area_type = operators.area_type
            and by_settlement.technology = operators.technology
    union all
    select
        as_of_date,
        geography_level,
        kato,
        area_type,
        technology,
        'exact_cell' as union_method,
        'population_covered_cell_pct' as metric_id,
        operators,
        population,
        population_covered,
        population_covered_low,
        population_covered_high,
        population_without_cells,
        denominator_source,
        denominator_as_of
    from {{ ref('int_cell_coverage') }}
    union all
    select
        by_settlement.as_of_date,
        by_settlement.geography_level,
        by_settlement.kato,
        by_settlement.area_type,
        by_settlement.technology,
        'itu_max' as union_method,
        'population_covered_largest_pct' as metric_id,
        operators.operators,
        by_settlement.population,
        operators.largest as population_covered,
        operators.largest as population_covered_low,
        cast(null as double) as population_covered_high,
        cast(null as double) as population_without_cells,
        by_settlement.denominator_source,
        by_settlement.denominator_as_of
    from by_settlement
    inner join operators
        on
            by_settlement.as_of_date = operators.as_of_date
            and by_settlement.geography_level = operators.geography_level
            and by_settlement.kato = operators.kato
            and by_settlement.area_type = operators.area_type
            and by_settlement.technology = operators.technology
    union all
    select
        by_settlement.as_of_date,
        by_settlement.geography_level,
        by_settlement.kato,
        by_settlement.area_type,
        by_settlement.technology,
        'bounds' as union_method,
        'population_covered_bounds_pct' as metric_id,
        operators.operators,
        by_settlement.population,
        cast(null as double) as population_covered,
        operators.largest as population_covered_low,
        least(operators.total, by_settlement.population) as population_covered_high,
        cast(null as double) as population_without_cells,
        by_settlement.denominator_source,
        by_settlement.denominator_as_of
    from by_settlement
    inner join operators
        on
            by_settlement.as_of_date = operators.as_of_date
            and by_settlement.geography_level = operators.geography_level
            and by_settlement.kato = operators.kato
            and by_settlement.area_type = operators.area_type
            and by_settlement.technology = operators.technology
)

select
    as_of_date,
    geography_level,
    kato,
    area_type,
    technology,
    union_method,
    metric_id,
    cast(operators as bigint) as operators,
    population,
    cast(population_covered as double) as population_covered,
    {{ percentage('population_covered', 'population') }} as population_covered_pct,
    {{ percentage('population_covered_low', 'population') }} as population_covered_low_pct,
    {{ percentage('population_covered_high', 'population') }} as population_covered_high_pct,
    population_without_cells,
    denominator_source,
    denominator_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from figures
