-- What was on record when the words were spoken, or at the date they speak of if that lies before.
{% set oldest_days = 730 %}

with recorded as (
    select
        statements.statement_id,
        statements.system,
        statements.stated_at,
        statements.stated_value,
        statements.unit as stated_unit,
        figures.metric_id,
        figures.technology,
        figures.as_of_date,
        figures.value,
        figures.unit,
        row_number() over (
            partition by statements.statement_id, figures.technology
            order by figures.as_of_date desc
        ) as recency
    from {{ ref('int_statement') }} as statements
    inner join {{ ref('fct_metric') }} as figures
        on
            figures.metric_id = 'itu_population_covered_pct'
            and figures.as_of_date <= statements.stated_at
            and figures.as_of_date <= statements.as_of_date
            and {{ days_between('figures.as_of_date', 'statements.stated_at') }} <= {{ oldest_days }}
    where statements.has_benchmark
)

select
    statement_id,
    technology,
    system,
    stated_at,
    stated_value,
    stated_unit,
    metric_id,
    as_of_date,
    value,
    unit,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from recorded
where recency = 1
