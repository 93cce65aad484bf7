{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_area_denominator', 'int_settlement_cell_reach', 'int_settlement_denominator',
                'stg_operator_coverage_area'
            ]
        }
    )
}}

with districts as (
    select
        reach.as_of_date,
        reach.technology,
        settlements.district_kato,
        settlements.is_rural,
        -- Whole people of each settlement: sums do not depend on the order they are taken in.
        sum(cast(round(settlements.population * reach.share_low) as bigint)) as population_low,
        sum(cast(round(settlements.population * reach.share_high) as bigint)) as population_high,
        sum(case when reach.has_cells then 0 else settlements.population end) as population_without_cells,
        sum(
            case
                when settlements.population is null and reach.share_high > 0 and {{ is_inhabited('settlements') }}
                    then 1
                else 0
            end
        ) as settlements_unknown
    from {{ ref('int_settlement_cell_reach') }} as reach
    inner join {{ ref('int_settlement_denominator') }} as settlements
        on
            reach.as_of_date = settlements.as_of_date
            and reach.settlement_kato = settlements.settlement_kato
    group by reach.as_of_date, reach.technology, settlements.district_kato, settlements.is_rural
),

areas as (
    select
        districts.as_of_date,
        districts.technology,
        areas.geography_level,
        areas.kato,
        areas.area_type,
        sum(districts.population_low) as population_low,
        sum(districts.population_high) as population_high,
        sum(districts.population_without_cells) as population_without_cells,
        sum(districts.settlements_unknown) as settlements_unknown
    from districts
    inner join {{ ref('int_coverage_area') }} as areas
        on
            districts.district_kato = areas.district_kato
            and districts.is_rural = areas.is_rural
    group by districts.as_of_date, districts.technology, areas.geography_level, areas.kato, areas.area_type
),

operators as (
    select
        maps.as_of_date,
        ladder.technology,
        count(distinct maps.operator_id) as operators
    from {{ ref('stg_operator_coverage_area') }} as maps
    inner join {{ ref('int_technology_ladder') }} as ladder
        on
            maps.technology = ladder.filed_technology
            and ladder.family = 'mobile'
    where maps.environment = 'outdoor'
    group by maps.as_of_date, ladder.technology
),

bounded as (
    select
        denominators.as_of_date,
        denominators.geography_level,
        denominators.kato,
        denominators.area_type,
        operators.technology,
        operators.operators,
        denominators.population,
        case when denominators.population is not null then coalesce(areas.population_low, 0) end
            as population_covered_low,
        -- Where people of covered settlements are not known they are at most those whom no settlement holds.
        case
            when denominators.population is not null
                then
                    coalesce(areas.population_high, 0)
                    + case when areas.settlements_unknown > 0 then denominators.population_unplaced else 0 end
        end as population_covered_high,
        case when denominators.population is not null then coalesce(areas.population_without_cells, 0) end
            as population_without_cells,
        denominators.denominator_source,
        denominators.denominator_as_of
    from {{ ref('int_area_denominator') }} as denominators
    inner join operators on denominators.as_of_date = operators.as_of_date
    left join areas
        on
            denominators.as_of_date = areas.as_of_date
            and denominators.geography_level = areas.geography_level
            and denominators.kato = areas.kato
            and denominators.area_type = areas.area_type
            and operators.technology = areas.technology
)

select
    as_of_date,
    geography_level,
    kato,
    area_type,
    technology,
    cast(operators as bigint) as operators,
    cast(population as bigint) as population,
    -- The bounds may lie apart by half a percent of the people, as in every figure of population covered.
    cast(
        case when (population_covered_high - population_covered_low) * 200 <= population then population_covered_low end
        as double
    ) as population_covered,
    cast(population_covered_low as double) as population_covered_low,
    cast(population_covered_high as double) as population_covered_high,
    cast(population_without_cells as double) as population_without_cells,
    denominator_source,
    denominator_as_of
from bounded
