-- What is on record for a date, whether it bears out a claim or not: without any, nothing is known of a technology.
with periods as (
    select distinct as_of_date
    from {{ ref('int_filed_technology') }}
),

heard as (
    select
        sites.as_of_date,
        ladder.technology
    from {{ ref('stg_operator_site') }} as sites
    inner join {{ ref('int_technology_ladder') }} as ladder on sites.technology = ladder.filed_technology
    where sites.on_air_date <= sites.as_of_date
    union
    select
        periods.as_of_date,
        ladder.technology
    from {{ ref('stg_cell_position') }} as cells
    inner join {{ ref('radio_technology') }} as radios on cells.radio = radios.radio
    inner join {{ ref('int_technology_ladder') }} as ladder on radios.technology = ladder.filed_technology
    inner join periods
        on
            {{ in_evidence_window('cells.as_of_date', 'periods.as_of_date') }}
            and {{ in_evidence_window('cells.updated_on', 'periods.as_of_date') }}
    where cells.samples >= {{ evidence_limits().min_cell_samples }}
    union
    select
        periods.as_of_date,
        ladder.technology
    from {{ ref('stg_drive_test') }} as tests
    inner join {{ ref('int_technology_ladder') }} as ladder on tests.technology = ladder.filed_technology
    inner join periods on {{ in_evidence_window('tests.tested_at', 'periods.as_of_date') }}
    union
    select
        periods.as_of_date,
        rules.technology
    from {{ ref('stg_speed_test_tile') }} as tiles
    inner join {{ ref('evidence_rule') }} as rules on tiles.network_type = rules.tile_network
    inner join periods on {{ in_evidence_window('tiles.as_of_date', 'periods.as_of_date') }}
)

select
    as_of_date,
    technology
from heard
