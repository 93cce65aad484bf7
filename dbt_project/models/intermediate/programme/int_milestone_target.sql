-- A milestone has no pace: whether it comes in time is what its sender expects, held against the date announced.
with latest as (
    select max(as_of_date) as as_of_date
    from {{ ref('int_milestone') }}
),

milestones as (
    select
        milestones.as_of_date,
        milestones.project_id,
        milestones.project_id || '.' || milestones.milestone_id as milestone,
        milestones.milestone_status,
        milestones.first_planned_date,
        milestones.expected_date,
        milestones.actual_date,
        milestones.slippage_days,
        max(case when milestones.actual_date is null and milestones.slippage_days > 0 then 1 else 0 end)
            over (partition by milestones.project_id) as has_late_step,
        max(case when milestones.actual_date is null and milestones.days_overdue > 0 then 1 else 0 end)
            over (partition by milestones.project_id) as has_overdue_step
    from {{ ref('int_milestone') }} as milestones
    inner join latest on milestones.as_of_date = latest.as_of_date
),

observations as (
    select
        project_id || '.' || milestone_id as milestone,
        count(*) as observations
    from {{ ref('int_milestone') }}
    group by project_id, milestone_id
)

select
    targets.target_id,
    targets.metric_id,
    milestones.as_of_date,
    cast(milestones.slippage_days as double) as value,
    -- On the scale of the figure: days from the first planned date to the date announced.
    cast(
        coalesce({{ days_between('milestones.first_planned_date', 'targets.due_date') }}, targets.target_value)
        as double
    ) as target_value,
    targets.due_date,
    cast(milestones.slippage_days as double) as projected_value,
    case
        when milestones.milestone is null then 'insufficient_data'
        when milestones.actual_date <= targets.due_date then 'achieved'
        when milestones.milestone_status = 'cancelled' or milestones.expected_date > targets.due_date then 'off_track'
        when milestones.has_late_step = 1 or milestones.has_overdue_step = 1 then 'at_risk'
        else 'on_track'
    end as status,
    targets.system,
    targets.kato,
    targets.area_type,
    targets.technology,
    targets.unit,
    coalesce(observations.observations, 0) as observations,
    targets.source_url
from {{ ref('int_target') }} as targets
left join milestones on targets.technology = milestones.milestone
left join observations on targets.technology = observations.milestone
where targets.metric_id = 'milestone_slippage_days'
