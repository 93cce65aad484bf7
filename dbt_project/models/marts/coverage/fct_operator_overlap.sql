-- Nobody covers whom nobody claims to cover: the group of zero operators is what is left of the area. Where people of
-- covered settlements whom nobody counted could decide it, what is left is unknown, and so is every group.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_area_denominator', 'int_filed_technology', 'int_settlement_denominator', 'int_settlement_reach'
            ]
        }
    )
}}

with covered_by_district as (
    select
        covered.as_of_date,
        settlements.district_kato,
        settlements.is_rural,
        covered.technology,
        covered.operators,
        sum(settlements.population) as population,
        sum(case when settlements.population is null and {{ is_inhabited('settlements') }} then 1 else 0 end)
            as population_unknown,
        sum(case when {{ is_inhabited('settlements') }} then 1 else 0 end) as settlements
    from {{ ref('int_settlement_reach') }} as covered
    inner join {{ ref('int_settlement_denominator') }} as settlements
        on
            covered.as_of_date = settlements.as_of_date
            and covered.settlement_kato = settlements.settlement_kato
    group by
        covered.as_of_date, settlements.district_kato, settlements.is_rural, covered.technology, covered.operators
),

covered_by_area as (
    select
        districts.as_of_date,
        areas.geography_level,
        areas.kato,
        areas.area_type,
        districts.technology,
        districts.operators,
        sum(districts.population) as population,
        sum(districts.population_unknown) as population_unknown,
        sum(districts.settlements) as settlements
    from covered_by_district as districts
    inner join {{ ref('int_coverage_area') }} as areas
        on
            districts.district_kato = areas.district_kato
            and districts.is_rural = areas.is_rural
    group by
        districts.as_of_date, areas.geography_level, areas.kato, areas.area_type,
        districts.technology, districts.operators
),

covered_by_any as (
    select
        as_of_date,
        geography_level,
        kato,
        area_type,
        technology,
        sum(population) as population,
        sum(population_unknown) as population_unknown,
        sum(settlements) as settlements
    from covered_by_area
    group by as_of_date, geography_level, kato, area_type, technology
),

filed as (
    select
        as_of_date,
        technology,
        count(*) as operators_filing
    from {{ ref('int_filed_technology') }}
    group by as_of_date, technology
),

counts as (
    select 0 as operators_exactly
    union
    select row_number() over (partition by as_of_date, technology order by operator_id) as operators_exactly
    from {{ ref('int_filed_technology') }}
),

cells as (
    select
        denominators.as_of_date,
        denominators.geography_level,
        denominators.kato,
        denominators.area_type,
        filed.technology,
        counts.operators_exactly,
        denominators.population,
        case
            when denominators.population is null or {{ is_undecided('covered_by_any', 'denominators') }} then null
            when counts.operators_exactly = 0
                then denominators.population - coalesce(covered_by_any.population, 0)
            else coalesce(covered_by_area.population, 0)
        end as population_exactly,
        {{ union_method('covered_by_any', 'denominators') }} as union_method,
        denominators.settlements,
        case
            when counts.operators_exactly = 0
                then denominators.settlements - coalesce(covered_by_any.settlements, 0)
            else coalesce(covered_by_area.settlements, 0)
        end as settlements_exactly,
        denominators.denominator_source,
        denominators.denominator_as_of
    from {{ ref('int_area_denominator') }} as denominators
    inner join filed on denominators.as_of_date = filed.as_of_date
    inner join counts on filed.operators_filing >= counts.operators_exactly
    left join covered_by_area
        on
            denominators.as_of_date = covered_by_area.as_of_date
            and denominators.geography_level = covered_by_area.geography_level
            and denominators.kato = covered_by_area.kato
            and denominators.area_type = covered_by_area.area_type
            and filed.technology = covered_by_area.technology
            and counts.operators_exactly = covered_by_area.operators
    left join covered_by_any
        on
            denominators.as_of_date = covered_by_any.as_of_date
            and denominators.geography_level = covered_by_any.geography_level
            and denominators.kato = covered_by_any.kato
            and denominators.area_type = covered_by_any.area_type
            and filed.technology = covered_by_any.technology
)

select
    as_of_date,
    geography_level,
    kato,
    area_type,
    technology,
    cast(operators_exactly as bigint) as operators_exactly,
    cast(population as bigint) as population,
    cast(population_exactly as bigint) as population_exactly,
    {{ percentage('population_exactly', 'population') }} as population_exactly_pct,
    cast(settlements as bigint) as settlements,
    cast(settlements_exactly as bigint) as settlements_exactly,
    {{ percentage('settlements_exactly', 'settlements') }} as settlements_exactly_pct,
    union_method,
    denominator_source,
    denominator_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from cells
