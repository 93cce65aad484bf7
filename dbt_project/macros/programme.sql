{#- What the registers of the programme share: the last word on an entry, and names as two spellings of them agree. -#}

{#- A name in small letters without punctuation, spaces and ё: 'ИС  "Учёт"' and 'ИС «Учет»' are one. -#}
{% macro name_key(name) -%}
    translate(lower({{ name }}), 'ё «»"“”„.,:;()–—-_/№ ', 'е')
{%- endmacro %}

{#- The last day of the quarter a date lies in. -#}
{% macro quarter_end(date) -%}
    {{ return(adapter.dispatch('quarter_end', 'qamtu')(date)) }}
{%- endmacro %}

{% macro default__quarter_end(date) -%}
    last_day(date_trunc('quarter', {{ date }}) + interval 2 month)
{%- endmacro %}

{% macro spark__quarter_end(date) -%}
    last_day(add_months(trunc({{ date }}, 'QUARTER'), 2))
{%- endmacro %}

{#-
When each filing of a register was made and what stands for an entry at that date: its row of that filing or, where
a filing lacks it, of the last one before. Yields CTEs `filings` and `standing` (entries' rows with `filing_date`).
Expects a CTE `entries` with as_of_date and the key.
-#}
{% macro last_word(keys) -%}
filings as (
    select distinct as_of_date from entries
),

spans as (
    select
        {% for key in keys %}{{ key }},
        {% endfor -%}
        as_of_date,
        lead(as_of_date) over (partition by {{ keys | join(', ') }} order by as_of_date) as next_filed
    from entries
),

standing as (
    select
        filings.as_of_date as filing_date,
        {% for key in keys %}spans.{{ key }},
        {% endfor -%}
        spans.as_of_date
    from filings
    inner join spans
        on
            filings.as_of_date >= spans.as_of_date
            and (spans.next_filed is null or filings.as_of_date < spans.next_filed)
)
{%- endmacro %}

{#-
People by household that two statements come to, where one gives households and the other people of one programme; NULL
elsewhere. Reads statements and related of fct_statement_check.
-#}
{% macro stated_household_size() -%}
    case
        when
            statements.as_of_date = related.as_of_date
            and coalesce(statements.baseline_date, statements.as_of_date)
                = coalesce(related.baseline_date, related.as_of_date)
            then
                case
                    when statements.unit = 'households' and related.unit = 'people'
                        then related.stated_value / statements.stated_value
                    when statements.unit = 'people' and related.unit = 'households'
                        then statements.stated_value / related.stated_value
                end
    end
{%- endmacro %}

{#- Whether that size lies so far from the nation's that the two cannot be one population: by a quarter or more. -#}
{% macro household_size_is_odd() -%}
    coalesce(
        {{ stated_household_size() }} >= 1.25e0 * statements.reference_people / statements.reference_households
        or {{ stated_household_size() }} <= 0.8e0 * statements.reference_people / statements.reference_households,
        false
    )
{%- endmacro %}

{#- The sentences of fct_statement_check.explanation on what the programme promises for a later date. -#}

{% macro explain_household_size() -%}
    case
        when judged.is_odd_household
            then
                'One of the two makes ' || {{ ratio_text(stated_household_size()) }} || ' people a household; the nation has '
                || {{ count_text('statements.reference_people') }} || ' people in '
                || {{ count_text('statements.reference_households') }} || ' households, '
                || {{ ratio_text('statements.reference_people / statements.reference_households') }} || ' a household. '
                || 'Of that size '
                || case
                    when statements.unit = 'households'
                        then
                            {{ figure_text('statements.stated_value', 'statements.unit') }} || ' hold '
                            || {{ count_text('statements.stated_value * statements.reference_people / statements.reference_households') }}
                            || ' people, not ' || {{ count_text('related.stated_value') }}
                    else
                        {{ figure_text('statements.stated_value', 'statements.unit') }} || ' live in '
                        || {{ count_text('statements.stated_value * statements.reference_households / statements.reference_people') }}
                        || ' households, not ' || {{ count_text('related.stated_value') }}
                end
                || ': the two numbers are of different populations.'
    end
{%- endmacro %}

{% macro explain_not_due() -%}
    case
        when judged.is_odd_household and answers.latest_date < statements.as_of_date
            then
                'Neither is due before ' || {{ date_text('statements.as_of_date') }}
                || '; the latest figure is of ' || {{ date_text('answers.latest_date') }}
                || ': ' || {{ figure_text('answers.latest_value', 'statements.unit') }} || '.'
    end
{%- endmacro %}

{% macro explain_latest_reading() -%}
    case
        when
            judged.verdict = 'unverifiable'
            and answers.latest_date < statements.as_of_date
            and answers.latest_measured_value != answers.latest_value
            then
                'Read as ' || statements.definition_measured || ': '
                || {{ figure_text('answers.latest_measured_value', 'statements.unit') }} || '.'
    end
{%- endmacro %}

{% macro explain_since() -%}
    case
        when
            statements.as_of_date > statements.stated_at
            and answers.claimed_date < answers.latest_date
            then
                'On ' || {{ date_text('answers.latest_date') }} || ' it is '
                || {{ figure_text('answers.latest_value', 'statements.unit') }}
                || coalesce(
                    ', read as ' || statements.definition_measured || ' '
                    || {{ figure_text('answers.latest_measured_value', 'statements.unit') }},
                    ''
                )
                || '.'
    end
{%- endmacro %}

{#-
One measure in the form of fct_metric, as a SELECT over a relation of a programme model. Places, kind of area and
technology are the nation's unless given; `source` and `source_date` say where the whole comes from.
-#}
{% macro programme_figure(
    relation, metric_id, extract_kind, value, where='true', place=["'national'", "'000000000'", "'all'"], technology=none,
    numerator=none, denominator=none, source=none, source_date=none
) -%}
    select
        '{{ metric_id }}' as metric_id,
        '{{ extract_kind }}' as extract_kind,
        as_of_date,
        {{ place[0] }} as geography_level,
        {{ place[1] }} as kato,
        {{ place[2] }} as area_type,
        cast({{ technology or 'null' }} as {{ dbt.type_string() }}) as technology,
        cast({{ value }} as double) as value,
        cast({{ numerator or 'null' }} as double) as numerator,
        cast({{ denominator or 'null' }} as double) as denominator,
        cast({{ source or 'null' }} as {{ dbt.type_string() }}) as denominator_source,
        cast({{ source_date or 'null' }} as date) as denominator_as_of
    from {{ relation }}
    where {{ where }}
{%- endmacro %}

{#-
Sum of a count over those rows of a group for which the condition holds, 0 where it holds for none. Of a sum with an
unknown part nothing is known but that it is larger: NULL where the count of one of those rows is unknown.
-#}
{% macro known_sum(count, condition) -%}
    cast(
        case
            when sum(case when {{ condition }} and {{ count }} is null then 1 else 0 end) = 0
                then coalesce(sum(case when {{ condition }} then {{ count }} end), 0)
        end as bigint
    )
{%- endmacro %}

{#- As known_sum, but NULL where the count of any row of the group is unknown, whether the condition holds or not. -#}
{% macro complete_sum(count, condition='true') -%}
    cast(
        case when count({{ count }}) = count(*) then sum(case when {{ condition }} then {{ count }} else 0 end) end
        as bigint
    )
{%- endmacro %}

{#- A measure of fibre to villages, over all contractors. -#}
{% macro fibre_figure(metric_id, value, whole=none, source=none, source_date=none) -%}
    {{ programme_figure(
        ref('int_fibre_rollout'), metric_id, 'rural_connection_plan', value, "contractor = 'all'",
        ['geography_level', 'kato', "'rural'"], "'fttp'", value if whole else none, whole, source, source_date
    ) }}
{%- endmacro %}

{#- A measure of satellites for export, over all contracts. -#}
{% macro satellite_figure(metric_id, value) -%}
    {{ programme_figure(ref('int_satellite_total'), metric_id, 'satellite_exports', value) }}
{%- endmacro %}

{#- A share of the systems approved since the rule, over all agencies. -#}
{% macro qaztech_figure(technology, value, whole) -%}
    {{ programme_figure(
        ref('int_government_share'), 'government_systems_qaztech_pct', 'government_systems', value,
        "agency = 'all' and scope = 'since_rule'", technology="'" ~ technology ~ "'", numerator='systems_on_qaztech',
        denominator=whole, source="'Register of government information systems, approved since the rule'",
        source_date='as_of_date'
    ) }}
{%- endmacro %}

{#- A measure of crowd-sourced speed tests over the country, by kind of network. -#}
{% macro speed_figure(metric_id, value) -%}
    {{ programme_figure(
        ref('stg_national_speed'), metric_id, 'national_speed_series', value, technology='network_type'
    ) }}
{%- endmacro %}
