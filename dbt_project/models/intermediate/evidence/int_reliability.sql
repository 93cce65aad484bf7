-- A test lies inside what an operator declares where its cell is in an area filed for the quarter, or a settlement that
-- is filed with service is near; either for the technology tested or a better one.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_operator_reach', 'int_test_settlement', 'stg_drive_test', 'stg_operator_coverage_area',
                'stg_operator_coverage_area_cell'
            ]
        }
    )
}}

-- Areas run into millions of cells: only those of quarters and operators with tests are looked at.
with tested as (
    select distinct
        as_of_date,
        operator_id
    from {{ ref('stg_drive_test') }}
),

areas as (
    select distinct
        areas.as_of_date,
        areas.operator_id,
        ladder.technology,
        cells.h3_cell
    from {{ ref('stg_operator_coverage_area') }} as areas
    inner join {{ ref('stg_operator_coverage_area_cell') }} as cells
        on
            areas.extract_id = cells.extract_id
            and areas.source_row = cells.source_row
    inner join tested
        on
            areas.as_of_date = tested.as_of_date
            and areas.operator_id = tested.operator_id
    inner join {{ ref('int_technology_ladder') }} as ladder on areas.technology = ladder.filed_technology
),

settlements as (
    select distinct
        as_of_date,
        operator_id,
        technology,
        settlement_kato
    from {{ ref('int_operator_reach') }}
),

near_claim as (
    select distinct
        tests.as_of_date,
        tests.operator_id,
        tests.test_id
    from {{ ref('int_test_settlement') }} as tests
    inner join settlements
        on
            tests.as_of_date = settlements.as_of_date
            and tests.operator_id = settlements.operator_id
            and tests.technology = settlements.technology
            and tests.settlement_kato = settlements.settlement_kato
    where tests.km <= {{ evidence_limits().near_km }}
),

declared as (
    select
        tests.as_of_date,
        tests.operator_id,
        tests.technology,
        nearest.region_kato,
        tests.is_successful
    from {{ ref('stg_drive_test') }} as tests
    left join areas
        on
            tests.as_of_date = areas.as_of_date
            and tests.operator_id = areas.operator_id
            and tests.technology = areas.technology
            and {{ parent_of_resolution_9('tests.h3_cell') }} = areas.h3_cell
    left join near_claim
        on
            tests.as_of_date = near_claim.as_of_date
            and tests.operator_id = near_claim.operator_id
            and tests.test_id = near_claim.test_id
    left join {{ ref('int_test_settlement') }} as nearest
        on
            tests.as_of_date = nearest.as_of_date
            and tests.operator_id = nearest.operator_id
            and tests.test_id = nearest.test_id
            and nearest.is_nearest
    where areas.h3_cell is not null or near_claim.test_id is not null
),

placed as (
    select
        as_of_date,
        operator_id,
        technology,
        'national' as geography_level,
        '000000000' as kato,
        is_successful
    from declared
    union all
    select
        as_of_date,
        operator_id,
        technology,
        'region' as geography_level,
        region_kato as kato,
        is_successful
    from declared
    where region_kato is not null
),

counted as (
    select
        as_of_date,
        operator_id,
        geography_level,
        kato,
        technology,
        count(*) as tests,
        sum(is_successful) as tests_successful
    from placed
    group by as_of_date, operator_id, geography_level, kato, technology
    union all
    select
        as_of_date,
        'all' as operator_id,
        geography_level,
        kato,
        technology,
        count(*) as tests,
        sum(is_successful) as tests_successful
    from placed
    group by as_of_date, geography_level, kato, technology
),

judged as (
    select
        as_of_date,
        operator_id,
        geography_level,
        kato,
        technology,
        cast(tests as bigint) as tests,
        cast(tests_successful as bigint) as tests_successful,
        tests >= {{ evidence_limits().min_reliability_tests }} as is_enough
    from counted
)

select
    as_of_date,
    operator_id,
    geography_level,
    kato,
    technology,
    tests,
    tests_successful,
    case when is_enough then {{ percentage('tests_successful', 'tests') }} end as reliability_pct,
    case when is_enough then {{ wilson_low_pct('tests_successful', 'tests') }} end as reliability_low_pct,
    case when is_enough then {{ wilson_high_pct('tests_successful', 'tests') }} end as reliability_high_pct
from judged
