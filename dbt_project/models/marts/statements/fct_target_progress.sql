-- A straight line drawn from the last twelve months, with the spread of the series' own steps around its
-- mean pace (a random walk with drift). No clock: the latest figure is the present.
{% set least_observations = 4 %}
{% set trailing_days = 366 %}
{% set interval_z = 1.2816 %}

with series as (
    select
        targets.target_id,
        figures.as_of_date,
        figures.value,
        figures.denominator,
        row_number() over (partition by targets.target_id order by figures.as_of_date desc) as recency,
        lag(figures.as_of_date) over (partition by targets.target_id order by figures.as_of_date) as previous_date,
        lag(figures.value) over (partition by targets.target_id order by figures.as_of_date) as previous_value,
        max(figures.as_of_date) over (partition by targets.target_id) as latest_date
    from {{ ref('int_target') }} as targets
    inner join {{ ref('fct_metric') }} as figures
        on
            targets.metric_id = figures.metric_id
            and targets.kato = figures.kato
            and targets.area_type = figures.area_type
            and coalesce(targets.technology, '') = coalesce(figures.technology, '')
            and targets.unit = figures.unit
    -- A republican city is listed as region and as district; one line of it is enough.
    where
        figures.geography_level != 'district'
        or figures.kato not in (select region_kato from {{ ref('dim_region') }} where level = 'republican_city')
),

latest as (
    select
        target_id,
        as_of_date,
        value,
        denominator
    from series
    where recency = 1
),

-- Where so many more were promised, what there was at the date that the promise starts from.
baseline as (
    select
        target_id,
        value as baseline_value
    from (
        select
            series.target_id,
            series.value,
            row_number() over (partition by series.target_id order by series.as_of_date desc) as place
        from series
        inner join {{ ref('int_target') }} as targets on series.target_id = targets.target_id
        where targets.baseline_date >= series.as_of_date
    ) as earlier
    where place = 1
),

year_back as (
    select
        target_id,
        as_of_date as start_date,
        value as start_value
    from (
        select
            target_id,
            as_of_date,
            value,
            row_number() over (partition by target_id order by as_of_date) as place
        from series
        where {{ days_between('as_of_date', 'latest_date') }} <= {{ trailing_days }}
    ) as recent
    where place = 1
),

history as (
    select
        target_id,
        count(*) as observations,
        {{ months_between_dates('min(as_of_date)', 'max(as_of_date)') }} as months,
        sum(value - previous_value)
        / nullif({{ months_between_dates('min(as_of_date)', 'max(as_of_date)') }}, 0) as mean_rate
    from series
    group by target_id
),

-- Variance of a step of one month: squared distance from the mean pace, each step weighted by its length.
spread as (
    select
        series.target_id,
        sum(
            power(
                (series.value - series.previous_value)
                - history.mean_rate * {{ months_between_dates('series.previous_date', 'series.as_of_date') }},
                2
            )
            / {{ months_between_dates('series.previous_date', 'series.as_of_date') }}
        )
        / nullif(max(history.observations) - 2, 0) as monthly_variance
    from series
    inner join history on series.target_id = history.target_id
    where series.previous_date is not null
    group by series.target_id
),

rates as (
    select
        targets.target_id,
        targets.system,
        targets.metric_id,
        targets.kato,
        targets.area_type,
        targets.technology,
        targets.unit,
        targets.target_value + case when targets.baseline_date is null then 0 else baseline.baseline_value end
            as target_value,
        targets.target_value as promised_value,
        targets.due_date,
        targets.baseline_date,
        targets.source_url,
        latest.as_of_date,
        latest.value,
        coalesce(history.observations, 0) as observations,
        history.months as observed_months,
        spread.monthly_variance,
        case when targets.unit = 'percent' then cast(100 as double) else latest.denominator end as ceiling,
        case
            when targets.due_date > latest.as_of_date
                then {{ months_between_dates('latest.as_of_date', 'targets.due_date') }}
        end as months_left,
        (latest.value - year_back.start_value)
        / nullif({{ months_between_dates('year_back.start_date', 'latest.as_of_date') }}, 0)
            as actual_monthly_rate
    from {{ ref('int_target') }} as targets
    left join latest on targets.target_id = latest.target_id
    left join year_back on targets.target_id = year_back.target_id
    left join history on targets.target_id = history.target_id
    left join spread on targets.target_id = spread.target_id
    left join baseline on targets.target_id = baseline.target_id
    -- Milestones have a state and no pace.
    where targets.metric_id != 'milestone_slippage_days'
),

-- What was announced for dates on the way: the start, steps, other targets of the same measure, and the end.
announced as (
    select
        target_id,
        path_date,
        max(path_value) as path_value
    from (
        select
            steps.target_id,
            steps.as_of_date as path_date,
            steps.announced_value as path_value
        from {{ ref('programme_path') }} as steps
        -- A target that is filed anew may be due before a step that was announced on the way to the old one.
        inner join {{ ref('int_target') }} as targets
            on
                steps.target_id = targets.target_id
                and targets.is_measured_as_announced
                and steps.as_of_date < targets.due_date
        union all
        select
            targets.target_id,
            targets.baseline_date as path_date,
            baseline.baseline_value as path_value
        from {{ ref('int_target') }} as targets
        inner join baseline on targets.target_id = baseline.target_id
        where targets.baseline_date is not null
        union all
        select
            targets.target_id,
            others.due_date as path_date,
            others.target_value as path_value
        from {{ ref('int_target') }} as targets
        inner join {{ ref('int_target') }} as others
            on
                targets.metric_id = others.metric_id
                and targets.kato = others.kato
                and targets.area_type = others.area_type
                and coalesce(targets.technology, '') = coalesce(others.technology, '')
                and targets.unit = others.unit
                and targets.due_date > others.due_date
        where others.baseline_date is null
        union all
        select
            target_id,
            due_date as path_date,
            target_value as path_value
        from rates
        where target_value is not null
    ) as points
    group by target_id, path_date
),

-- Where no path can be drawn, why.
starts as (
    select
        targets.target_id,
        min(announced.path_date) as path_start,
        max(case when steps.target_id is not null and not targets.is_measured_as_announced then 1 else 0 end)
            as has_other_steps
    from {{ ref('int_target') }} as targets
    left join announced
        on
            targets.target_id = announced.target_id
            and targets.due_date > announced.path_date
    left join {{ ref('programme_path') }} as steps on targets.target_id = steps.target_id
    group by targets.target_id
),

segments as (
    select
        target_id,
        path_date,
        path_value,
        lead(path_date) over (partition by target_id order by path_date) as next_date,
        lead(path_value) over (partition by target_id order by path_date) as next_value,
        first_value(path_date) over (partition by target_id order by path_date) as first_date,
        first_value(path_value) over (partition by target_id order by path_date) as first_announced
    from announced
),

-- A target announced without a start has no path before its due date.
paths as (
    select
        rates.target_id,
        segments.path_value
        + coalesce(
            (segments.next_value - segments.path_value)
            * {{ days_between('segments.path_date', 'rates.as_of_date') }}
            / {{ days_between('segments.path_date', 'segments.next_date') }},
            0
        ) as announced_value,
        case
            when rates.as_of_date >= rates.due_date then rates.target_value
            else
                segments.first_announced
                + (rates.target_value - segments.first_announced)
                * {{ days_between('segments.first_date', 'rates.as_of_date') }}
                / {{ days_between('segments.first_date', 'rates.due_date') }}
        end as straight_line_value
    from rates
    inner join segments
        on
            rates.target_id = segments.target_id
            and rates.as_of_date >= segments.path_date
            and (segments.next_date is null or rates.as_of_date < segments.next_date)
),

lines as (
    select
        target_id,
        system,
        metric_id,
        kato,
        area_type,
        technology,
        unit,
        target_value,
        promised_value,
        due_date,
        baseline_date,
        source_url,
        as_of_date,
        value,
        observations,
        ceiling,
        actual_monthly_rate,
        case when value >= target_value then 0 else (target_value - value) / months_left end
            as required_monthly_rate,
        case
            when observations >= {{ least_observations }}
                then value + actual_monthly_rate * months_left
        end as projected_value,
        case
            when observations >= {{ least_observations }}
                then
                    {{ interval_z }}e0
                    * sqrt(monthly_variance * (months_left + months_left * months_left / observed_months))
        end as projected_spread
    from rates
),

bounded as (
    select
        target_id,
        system,
        metric_id,
        kato,
        area_type,
        technology,
        unit,
        target_value,
        promised_value,
        due_date,
        baseline_date,
        source_url,
        as_of_date,
        value,
        observations,
        actual_monthly_rate,
        required_monthly_rate,
        {{ clamp('projected_value', 'ceiling') }} as projected_value,
        {{ clamp('projected_value - projected_spread', 'ceiling') }} as projected_low,
        {{ clamp('projected_value + projected_spread', 'ceiling') }} as projected_high
    from lines
)

select
    bounded.target_id,
    bounded.metric_id,
    bounded.as_of_date,
    bounded.value,
    coalesce(bounded.target_value, bounded.promised_value) as target_value,
    bounded.due_date,
    bounded.required_monthly_rate,
    bounded.actual_monthly_rate,
    bounded.projected_value,
    bounded.projected_low,
    bounded.projected_high,
    paths.announced_value,
    bounded.value - paths.announced_value as announced_difference,
    paths.straight_line_value,
    bounded.value - paths.straight_line_value as straight_line_difference,
    case
        when bounded.value is null or bounded.target_value is null then 'insufficient_data'
        when bounded.value >= bounded.target_value then 'achieved'
        when bounded.due_date <= bounded.as_of_date then 'off_track'
        when bounded.projected_value is null then 'insufficient_data'
        when bounded.projected_value >= bounded.target_value then 'on_track'
        when bounded.projected_high >= bounded.target_value then 'at_risk'
        else 'off_track'
    end as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason,
    bounded.system,
    bounded.kato,
    bounded.area_type,
    bounded.technology,
    bounded.unit,
    cast(bounded.observations as bigint) as observations,
    bounded.source_url,
    nullif(
        concat_ws(
            ' ',
            case
                when bounded.as_of_date is null and metrics.unit != bounded.unit
                    then
                        'The target is in ' || bounded.unit || ' and its measure in ' || metrics.unit
                        || ': one is not held against the other.'
                when bounded.as_of_date is null then 'There is no figure of the measure.'
                when bounded.due_date <= bounded.as_of_date then 'The due date has passed: nothing is projected.'
                when bounded.observations < {{ least_observations }}
                    then
                        'The history is too short to project it: ' || {{ count_text('bounded.observations') }}
                        || ' of the {{ least_observations }} values that are needed.'
                when bounded.projected_value is null
                    then 'No other value of the last year: there is no pace to project.'
            end,
            case
                when starts.has_other_steps = 1
                    then
                        'Steps on the way were announced in another measure or unit than the target was filed in: '
                        || 'they are no part of its path.'
            end,
            case
                when bounded.as_of_date is null or paths.announced_value is not null then null
                when bounded.target_value is null
                    then
                        'What there was on ' || {{ date_text('bounded.baseline_date') }}
                        || ' is not known, so that the increase has no start.'
                when starts.path_start is not null
                    then
                        'The announced path begins on ' || {{ date_text('starts.path_start') }}
                        || ', after the latest figure.'
                else
                    'No start and no step on the way was announced: before the due date there is no path '
                    || 'to hold it against.'
            end
        ),
        ''
    ) as explanation
from bounded
inner join starts on bounded.target_id = starts.target_id
left join {{ ref('dim_metric') }} as metrics on bounded.metric_id = metrics.metric_id
left join paths on bounded.target_id = paths.target_id
union all
select
    target_id,
    metric_id,
    as_of_date,
    value,
    target_value,
    due_date,
    cast(null as double) as required_monthly_rate,
    cast(null as double) as actual_monthly_rate,
    projected_value,
    cast(null as double) as projected_low,
    cast(null as double) as projected_high,
    cast(null as double) as announced_value,
    cast(null as double) as announced_difference,
    cast(null as double) as straight_line_value,
    cast(null as double) as straight_line_difference,
    status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason,
    system,
    kato,
    area_type,
    technology,
    unit,
    observations,
    source_url,
    case
        when as_of_date is null then 'There is no figure of the measure.'
        else 'A milestone has a date and no pace: it is held against what its sender expects, and has no path.'
    end as explanation
from {{ ref('int_milestone_target') }}
