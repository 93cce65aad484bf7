-- Which technology an operator drew outdoors for a date: its map, and not its list of settlements, tells where.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_availability', 'int_settlement_cell', 'int_settlement_denominator',
                'stg_operator_coverage_area', 'stg_operator_coverage_area_cell'
            ]
        }
    )
}}

with maps as (
    select distinct
        as_of_date,
        operator_id,
        technology as filed_technology
    from {{ ref('stg_operator_coverage_area') }}
    where environment = 'outdoor'
),

steps_of_maps as (
    select
        maps.as_of_date,
        maps.operator_id,
        maps.filed_technology,
        ladder.technology
    from maps
    inner join {{ ref('int_technology_ladder') }} as ladder
        on
            maps.filed_technology = ladder.filed_technology
            and ladder.family = 'mobile'
),

mapped as (
    select distinct
        as_of_date,
        technology
    from steps_of_maps
),

in_areas as (
    select distinct
        areas.as_of_date,
        areas.technology as filed_technology,
        settlement_cells.settlement_kato,
        settlement_cells.h3_cell,
        settlement_cells.weight,
        settlement_cells.settlement_weight
    from {{ ref('stg_operator_coverage_area') }} as areas
    inner join {{ ref('stg_operator_coverage_area_cell') }} as cells
        on
            areas.extract_id = cells.extract_id
            and areas.source_row = cells.source_row
    inner join {{ ref('int_settlement_cell') }} as settlement_cells
        on
            areas.as_of_date = settlement_cells.as_of_date
            and cells.h3_cell = settlement_cells.h3_cell
    where areas.environment = 'outdoor'
),

drawn as (
    select
        as_of_date,
        technology,
        settlement_kato,
        cast(sum(weight) as double) / max(settlement_weight) as population_share
    from (
        select distinct
            in_areas.as_of_date,
            ladder.technology,
            in_areas.settlement_kato,
            in_areas.h3_cell,
            in_areas.weight,
            in_areas.settlement_weight
        from in_areas
        inner join {{ ref('int_technology_ladder') }} as ladder
            on
                in_areas.filed_technology = ladder.filed_technology
                and ladder.family = 'mobile'
    ) as cells
    group by as_of_date, technology, settlement_kato
),

claimed as (
    select
        filings.as_of_date,
        ladder.technology,
        filings.settlement_kato,
        max(case when maps.operator_id is null then 1 else 0 end) as is_claimed_without_map
    from {{ ref('int_availability') }} as filings
    inner join {{ ref('int_technology_ladder') }} as ladder
        on
            filings.technology = ladder.filed_technology
            and filings.connection_level >= ladder.presence_level
            and ladder.family = 'mobile'
    left join maps
        on
            filings.as_of_date = maps.as_of_date
            and filings.operator_id = maps.operator_id
            and filings.technology = maps.filed_technology
    group by filings.as_of_date, ladder.technology, filings.settlement_kato
),

placed as (
    select distinct
        as_of_date,
        settlement_kato
    from {{ ref('int_settlement_cell') }}
),

-- An operator that drew a technology and lists no settlements of it does not say which of those it covers whose place
-- nobody knows.
unlisted as (
    select distinct
        maps.as_of_date,
        maps.technology
    from steps_of_maps as maps
    left join {{ ref('int_availability') }} as lists
        on
            maps.as_of_date = lists.as_of_date
            and maps.operator_id = lists.operator_id
            and maps.filed_technology = lists.technology
    where lists.operator_id is null
),

unplaced as (
    select
        unlisted.as_of_date,
        unlisted.technology,
        settlements.settlement_kato
    from unlisted
    inner join {{ ref('int_settlement_denominator') }} as settlements on unlisted.as_of_date = settlements.as_of_date
    left join placed
        on
            settlements.as_of_date = placed.as_of_date
            and settlements.settlement_kato = placed.settlement_kato
    -- A district of a city is counted with its city.
    where placed.settlement_kato is null and not settlements.is_city_district
),

met as (
    select
        as_of_date,
        technology,
        settlement_kato
    from drawn
    union
    select
        as_of_date,
        technology,
        settlement_kato
    from claimed
    union
    select
        as_of_date,
        technology,
        settlement_kato
    from unplaced
)

select
    met.as_of_date,
    met.settlement_kato,
    met.technology,
    placed.settlement_kato is not null as has_cells,
    -- A settlement whose place nobody knows has no cells: it counts as a whole, as its operators say.
    case
        when placed.settlement_kato is null and claimed.settlement_kato is not null then 1e0
        else coalesce(drawn.population_share, 0e0)
    end as share_low,
    case
        when placed.settlement_kato is null or claimed.is_claimed_without_map = 1 then 1e0
        else coalesce(drawn.population_share, 0e0)
    end as share_high
from met
inner join mapped
    on
        met.as_of_date = mapped.as_of_date
        and met.technology = mapped.technology
left join drawn
    on
        met.as_of_date = drawn.as_of_date
        and met.technology = drawn.technology
        and met.settlement_kato = drawn.settlement_kato
left join claimed
    on
        met.as_of_date = claimed.as_of_date
        and met.technology = claimed.technology
        and met.settlement_kato = claimed.settlement_kato
left join placed
    on
        met.as_of_date = placed.as_of_date
        and met.settlement_kato = placed.settlement_kato
