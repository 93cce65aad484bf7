-- A row that a filing lacks, or that was refused, is not forgotten: what was filed last stands, and says since when.
with entries as (
    select
        as_of_date,
        project_id,
        milestone_id,
        project_name,
        milestone_name,
        planned_date,
        forecast_date,
        actual_date,
        evidence,
        status as milestone_status,
        extract_id
    from {{ ref('stg_infrastructure_milestone') }}
),

{{ last_word(['project_id', 'milestone_id']) }},

moves as (
    select
        as_of_date,
        project_id,
        milestone_id,
        first_value(planned_date) over (
            partition by project_id, milestone_id
            order by as_of_date
            rows between unbounded preceding and unbounded following
        ) as first_planned_date,
        lag(planned_date) over (partition by project_id, milestone_id order by as_of_date) as previous_planned_date,
        lag(forecast_date) over (partition by project_id, milestone_id order by as_of_date) as previous_forecast_date
    from entries
),

told as (
    select
        standing.filing_date as as_of_date,
        entries.project_id,
        entries.milestone_id,
        entries.project_name,
        entries.milestone_name,
        entries.milestone_status,
        entries.planned_date,
        moves.first_planned_date,
        entries.forecast_date,
        entries.actual_date,
        entries.evidence,
        standing.as_of_date as filed_as_of,
        coalesce(
            standing.as_of_date = standing.filing_date and entries.planned_date != moves.previous_planned_date, false
        ) as is_moved,
        coalesce(entries.forecast_date, date '1900-01-01') = coalesce(moves.previous_forecast_date, date '1900-01-01')
            as is_forecast_unchanged,
        moves.previous_planned_date,
        entries.extract_id,
        -- What is open at the end of a day is reached on the next at the earliest.
        case
            when entries.actual_date is not null then entries.actual_date
            when coalesce(entries.forecast_date, entries.planned_date) > standing.filing_date
                then coalesce(entries.forecast_date, entries.planned_date)
            else {{ days_after('standing.filing_date', 1) }}
        end as expected_date
    from standing
    inner join entries
        on
            standing.as_of_date = entries.as_of_date
            and standing.project_id = entries.project_id
            and standing.milestone_id = entries.milestone_id
    inner join moves
        on
            entries.as_of_date = moves.as_of_date
            and entries.project_id = moves.project_id
            and entries.milestone_id = moves.milestone_id
)

select
    as_of_date,
    project_id,
    milestone_id,
    project_name,
    milestone_name,
    milestone_status,
    planned_date,
    first_planned_date,
    previous_planned_date,
    forecast_date,
    actual_date,
    evidence,
    case when milestone_status != 'cancelled' then cast(expected_date as date) end as expected_date,
    cast(
        case when milestone_status != 'cancelled' then {{ days_between('first_planned_date', 'expected_date') }} end
        as bigint
    ) as slippage_days,
    cast(
        case
            when milestone_status = 'cancelled' then null
            when actual_date is null and first_planned_date < as_of_date
                then {{ days_between('first_planned_date', 'as_of_date') }}
            else 0
        end as bigint
    ) as days_overdue,
    is_moved,
    is_moved and is_forecast_unchanged as is_moved_silently,
    filed_as_of,
    extract_id
from told
