{% set figure_days = 92 %}
{% set present_days = 31 %}

with statements as (
    select
        statement_id,
        system,
        quote,
        speaker,
        stated_at,
        as_of_date,
        baseline_date,
        metric_id,
        kato,
        area_type,
        technology,
        qualifier,
        stated_value,
        unit,
        source_url,
        definition_claimed,
        definition_measured,
        measured_metric_id,
        measured_technology,
        repeats_statement_id,
        related_statement_id,
        target_id,
        missing_extracts,
        note,
        reference_people,
        reference_households,
        reference_roads_km,
        reference_republican_km,
        reference_oblast_km
    from {{ ref('int_statement') }}
),

-- What is looked up for a statement: the figure its words mean, the figure its number may come from, the figure
-- it starts from, and the latest one there is.
questions as (
    select
        statement_id,
        'claimed' as role,
        metric_id,
        technology,
        kato,
        area_type,
        unit,
        as_of_date,
        -- A milestone is kept or missed on its day; what is expected of it before is a forecast.
        case when metric_id = 'milestone_slippage_days' then 0 else {{ figure_days }} end as oldest_days
    from statements
    union all
    select
        statement_id,
        'measured' as role,
        measured_metric_id as metric_id,
        measured_technology as technology,
        kato,
        area_type,
        unit,
        as_of_date,
        {{ figure_days }} as oldest_days
    from statements
    union all
    select
        statement_id,
        'baseline' as role,
        metric_id,
        technology,
        kato,
        area_type,
        unit,
        baseline_date as as_of_date,
        {{ figure_days }} as oldest_days
    from statements
    union all
    select
        statement_id,
        'latest_measured' as role,
        measured_metric_id as metric_id,
        measured_technology as technology,
        kato,
        area_type,
        unit,
        cast('9999-12-31' as date) as as_of_date,
        9999999 as oldest_days
    from statements
    union all
    select
        statement_id,
        'latest' as role,
        metric_id,
        technology,
        kato,
        area_type,
        unit,
        cast('9999-12-31' as date) as as_of_date,
        9999999 as oldest_days
    from statements
),

found as (
    select
        questions.statement_id,
        questions.role,
        figures.as_of_date,
        figures.value,
        figures.denominator,
        row_number() over (
            partition by questions.statement_id, questions.role
            order by figures.as_of_date desc, figures.geography_level
        ) as recency
    from questions
    inner join {{ ref('fct_metric') }} as figures
        on
            questions.metric_id = figures.metric_id
            and questions.kato = figures.kato
            and questions.area_type = figures.area_type
            and coalesce(questions.technology, '') = coalesce(figures.technology, '')
            and questions.unit = figures.unit
            and questions.as_of_date >= figures.as_of_date
            and questions.oldest_days >= {{ days_between('figures.as_of_date', 'questions.as_of_date') }}
),

answers as (
    select
        statement_id,
        max(case when role = 'claimed' then value end) as claimed_value,
        max(case when role = 'claimed' then denominator end) as claimed_denominator,
        max(case when role = 'claimed' then as_of_date end) as claimed_date,
        max(case when role = 'measured' then value end) as measured_value,
        max(case when role = 'measured' then as_of_date end) as measured_date,
        max(case when role = 'baseline' then value end) as baseline_value,
        max(case when role = 'baseline' then denominator end) as baseline_denominator,
        max(case when role = 'baseline' then as_of_date end) as baseline_found_date,
        max(case when role = 'latest_measured' then value end) as latest_measured_value,
        max(case when role = 'latest' then value end) as latest_value,
        max(case when role = 'latest' then as_of_date end) as latest_date
    from found
    where recency = 1
    group by statement_id
),

compared as (
    select
        statements.statement_id,
        case
            when statements.baseline_date is null then answers.claimed_value
            else answers.claimed_value - answers.baseline_value
        end as computed_value,
        coalesce(
            repeated.stated_value = statements.stated_value
            and repeated.stated_at < statements.stated_at
            and repeated.as_of_date < statements.as_of_date,
            false
        ) as is_repeat,
        -- Two numbers for one date, or a running total that fell, cannot be one measure taken rightly. A plan is none.
        coalesce(
            statements.unit != 'percent'
            and related.metric_id = statements.metric_id
            and related.technology = statements.technology
            and related.baseline_date is null
            and statements.baseline_date is null
            and {{ days_between('statements.stated_at', 'statements.as_of_date') }} <= {{ present_days }}
            and (
                (related.as_of_date = statements.as_of_date and related.stated_value != statements.stated_value)
                or (related.as_of_date < statements.as_of_date and related.stated_value > statements.stated_value)
            ),
            false
        )
        or {{ household_size_is_odd() }} as is_at_odds,
        {{ household_size_is_odd() }} as is_odd_household
    from statements
    left join answers on statements.statement_id = answers.statement_id
    left join statements as repeated on statements.repeats_statement_id = repeated.statement_id
    left join statements as related on statements.related_statement_id = related.statement_id
),

judged as (
    select
        statements.statement_id,
        compared.computed_value,
        compared.is_at_odds,
        compared.is_odd_household,
        case
            when statements.metric_id is null then 'unverifiable'
            when
                not compared.is_repeat
                and {{ statement_holds(
                    'compared.computed_value', 'statements.stated_value', 'statements.qualifier', 'statements.unit'
                ) }}
                then 'confirmed'
            when
                statements.definition_claimed != statements.definition_measured
                and {{ statement_holds(
                    'answers.measured_value', 'statements.stated_value', 'statements.qualifier', 'statements.unit'
                ) }}
                then 'definition_mismatch'
            when compared.is_repeat then 'stale'
            when compared.computed_value is null and compared.is_at_odds then 'definition_mismatch'
            when compared.computed_value is null then 'unverifiable'
            else 'contradicted'
        end as verdict
    from statements
    inner join compared on statements.statement_id = compared.statement_id
    left join answers on statements.statement_id = answers.statement_id
),

explained as (
    select
        statements.statement_id,
        {{ explain_finding() }} as finding,
        {{ explain_household_size() }} as household_size,
        {{ explain_roads() }} as length_of_roads,
        {{ explain_not_due() }} as not_due,
        {{ explain_latest_reading() }} as latest_reading,
        {{ explain_other_reading() }} as other_reading,
        {{ explain_share() }} as share_of_villages,
        {{ explain_sum() }} as sum_so_far,
        {{ explain_since() }} as since_then,
        {{ explain_related() }} as other_statement,
        {{ explain_outlook() }} as outlook
    from statements
    inner join judged on statements.statement_id = judged.statement_id
    left join answers on statements.statement_id = answers.statement_id
    left join statements as repeated on statements.repeats_statement_id = repeated.statement_id
    left join statements as related on statements.related_statement_id = related.statement_id
    left join {{ ref('fct_target_progress') }} as progress on statements.target_id = progress.target_id
)

select
    statements.statement_id,
    statements.system,
    statements.quote,
    statements.speaker,
    statements.stated_at,
    statements.as_of_date,
    statements.metric_id,
    statements.qualifier,
    statements.stated_value,
    judged.computed_value,
    judged.computed_value - statements.stated_value as difference,
    judged.verdict,
    concat_ws(
        ' ',
        explained.finding,
        explained.household_size,
        explained.length_of_roads,
        explained.not_due,
        explained.latest_reading,
        explained.share_of_villages,
        explained.other_reading,
        explained.sum_so_far,
        explained.since_then,
        explained.other_statement,
        explained.outlook,
        statements.note
    ) as explanation,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason,
    statements.unit,
    answers.claimed_date as computed_as_of,
    statements.definition_claimed,
    statements.definition_measured,
    answers.measured_value,
    statements.source_url
from statements
inner join judged on statements.statement_id = judged.statement_id
inner join explained on statements.statement_id = explained.statement_id
left join answers on statements.statement_id = answers.statement_id
