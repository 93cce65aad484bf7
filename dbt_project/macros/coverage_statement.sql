{#-
Whether a computed figure bears out a stated one. How far the two may lie apart depends on how the number was
given: '=' and the bounds allow rounding to a whole percent (0.5 points) and no more for counts; '≈' allows one
point, or 2 percent of the count. NULL when either is unknown.
-#}
{% macro statement_holds(computed, stated, qualifier, unit) -%}
    case {{ qualifier }}
        when '>=' then {{ computed }} >= {{ stated }} - case when {{ unit }} = 'percent' then 0.5e0 else 0 end
        when '<=' then {{ computed }} <= {{ stated }} + case when {{ unit }} = 'percent' then 0.5e0 else 0 end
        when '=' then abs({{ computed }} - {{ stated }}) <= case when {{ unit }} = 'percent' then 0.5e0 else 0 end
        else abs({{ computed }} - {{ stated }})
            <= case when {{ unit }} = 'percent' then 1e0 else 0.02e0 * {{ stated }} end
    end
{%- endmacro %}

{#-
The sentences of fct_statement_check.explanation, one macro each; NULL where a sentence has nothing to say. They
read the relations statements, judged, answers, repeated, related and progress of that model.
-#}

{% macro explain_finding() -%}
    case
        when statements.metric_id is null
            then
                'Not measured yet: the measure arrives with its extracts'
                || coalesce(' (' || statements.missing_extracts || ')', '') || '.'
        when judged.verdict = 'unverifiable' and answers.latest_date is null
            then 'Cannot be checked: no figure of this measure can be computed from the extracts received.'
        when judged.verdict = 'unverifiable' and statements.as_of_date > answers.latest_date
            then
                case
                    when statements.as_of_date > statements.stated_at then 'Not due yet: it speaks of '
                    else 'Cannot be checked yet: it speaks of '
                end
                || {{ date_text('statements.as_of_date') }}
                || '; the latest figure is of ' || {{ date_text('answers.latest_date') }}
                || ': ' || {{ figure_text('answers.latest_value', 'statements.unit') }} || '.'
        when judged.verdict = 'unverifiable'
            then 'Cannot be checked: there is no figure for ' || {{ date_text('statements.as_of_date') }} || '.'
        when judged.verdict = 'confirmed'
            then
                'Holds: computed for ' || {{ date_text('answers.claimed_date') }}
                || ', ' || {{ figure_text('judged.computed_value', 'statements.unit') }} || '.'
        when judged.verdict = 'definition_mismatch' and judged.is_odd_household
            then
                'Cannot speak of the same people as the statement of ' || {{ date_text('related.stated_at') }}
                || ', which gave ' || {{ figure_text('related.stated_value', 'related.unit') }}
                || ' for ' || {{ date_text('related.as_of_date') }} || '.'
        when judged.verdict = 'definition_mismatch' and judged.is_at_odds and answers.measured_value is null
            then
                'Cannot be the same measure as the statement of ' || {{ date_text('related.stated_at') }}
                || ', which gave ' || {{ figure_text('related.stated_value', 'related.unit') }}
                || ' for ' || {{ date_text('related.as_of_date') }} || '.'
        when judged.verdict = 'definition_mismatch'
            then
                'The number counts something else than the words say, namely ' || statements.definition_measured
                || ': ' || {{ figure_text('answers.measured_value', 'statements.unit') }}
                || ' on ' || {{ date_text('answers.measured_date') }}
                || '. The words mean ' || statements.definition_claimed
                || coalesce(
                    ': ' || {{ figure_text('judged.computed_value', 'statements.unit') }} || '.',
                    ', for which there is no figure.'
                )
        when judged.verdict = 'stale'
            then
                'An old number with a new date: ' || {{ figure_text('statements.stated_value', 'statements.unit') }}
                || ' was stated on ' || {{ date_text('repeated.stated_at') }}
                || ' for ' || {{ date_text('repeated.as_of_date') }} || ' already.'
                || coalesce(
                    ' Computed for ' || {{ date_text('answers.claimed_date') }} || ': '
                    || {{ figure_text('judged.computed_value', 'statements.unit') }} || '.',
                    ''
                )
        else
            'Does not hold: stated ' || {{ figure_text('statements.stated_value', 'statements.unit') }}
            || ', computed for ' || {{ date_text('answers.claimed_date') }}
            || ' ' || {{ figure_text('judged.computed_value', 'statements.unit') }} || ', '
            || case
                when statements.unit = 'percent'
                    then {{ decimal_text('abs(judged.computed_value - statements.stated_value)') }} || ' points'
                else {{ count_text('abs(judged.computed_value - statements.stated_value)') }}
            end
            || case when judged.computed_value > statements.stated_value then ' more.' else ' less.' end
    end
{%- endmacro %}

{% macro explain_other_reading() -%}
    case
        when judged.verdict in ('contradicted', 'stale') and answers.measured_value != judged.computed_value
            then
                'Read as ' || statements.definition_measured || ': '
                || {{ figure_text('answers.measured_value', 'statements.unit') }} || '.'
    end
{%- endmacro %}

{% macro explain_share() -%}
    case
        when statements.unit = 'settlements' and statements.baseline_date is null
            then
                'Of ' || {{ count_text('answers.claimed_denominator') }} || ' villages the computed figure is '
                || {{ decimal_text(percentage('judged.computed_value', 'answers.claimed_denominator')) }} || ' %.'
    end
{%- endmacro %}

{% macro explain_sum() -%}
    'Added to the ' || {{ figure_text('answers.baseline_value', 'statements.unit') }}
    || ' of ' || {{ date_text('answers.baseline_found_date') }}
    || ' it makes ' || {{ figure_text('answers.baseline_value + statements.stated_value', 'statements.unit') }}
    || coalesce(
        ', '
        || {{ decimal_text(percentage('(answers.baseline_value + statements.stated_value)', 'answers.baseline_denominator')) }}
        || ' % of ' || {{ count_text('answers.baseline_denominator') }},
        ''
    )
    || '.'
{%- endmacro %}

{% macro explain_related() -%}
    case
        when not (judged.is_at_odds and judged.verdict = 'definition_mismatch')
            then
                'Compare the statement of ' || {{ date_text('related.stated_at') }} || ' (' || related.speaker || '): '
                || {{ figure_text('related.stated_value', 'related.unit') }}
                || case when related.baseline_date is null then ' for ' else ' more by ' end
                || {{ date_text('related.as_of_date') }} || '.'
    end
{%- endmacro %}

{% macro explain_outlook() -%}
    case
        when progress.value is not null and progress.unit = 'days'
            then
                'Promised by ' || {{ date_text('progress.due_date') }} || ': ' || replace(progress.status, '_', ' ')
                || '; by the dates filed for ' || {{ date_text('progress.as_of_date') }} || ' '
                || case
                    when progress.projected_value > progress.target_value
                        then {{ count_text('progress.projected_value - progress.target_value') }} || ' days late.'
                    else {{ count_text('progress.target_value - progress.projected_value') }} || ' days to spare.'
                end
        when progress.value is not null
            then
                'Target ' || {{ figure_text('progress.target_value', 'progress.unit') }}
                || ' by ' || {{ date_text('progress.due_date') }}
                || ': ' || replace(progress.status, '_', ' ')
                || coalesce(
                    '; at the pace of the last twelve months '
                    || {{ figure_text('progress.projected_value', 'progress.unit') }}
                    || ' (' || {{ figure_text('progress.projected_low', 'progress.unit') }}
                    || ' to ' || {{ figure_text('progress.projected_high', 'progress.unit') }}
                    || '), needed a month ' || {{ decimal_text('progress.required_monthly_rate') }}
                    || ', achieved ' || {{ decimal_text('progress.actual_monthly_rate') }},
                    ''
                )
                || '.'
    end
{%- endmacro %}
