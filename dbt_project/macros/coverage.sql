{#- What the coverage facts share: percentages, days between dates, numbers in words, and the one shape of all three. -#}

{#- Share of the whole on the scale 0-100; NULL when the whole is zero or unknown. -#}
{% macro percentage(numerator, denominator) -%}
    cast({{ numerator }} as double) * 100 / nullif({{ denominator }}, 0)
{%- endmacro %}

{#- Whole days from `start_date` to `end_date`; negative when the end lies before the start. -#}
{% macro days_between(start_date, end_date) -%}
    {{ return(adapter.dispatch('days_between', 'qamtu')(start_date, end_date)) }}
{%- endmacro %}

{% macro default__days_between(start_date, end_date) -%}
    date_diff('day', {{ start_date }}, {{ end_date }})
{%- endmacro %}

{% macro spark__days_between(start_date, end_date) -%}
    datediff({{ end_date }}, {{ start_date }})
{%- endmacro %}

{#- Months of 30.4375 days from `start_date` to `end_date`, with fractions. -#}
{% macro months_between_dates(start_date, end_date) -%}
    ({{ days_between(start_date, end_date) }} / 30.4375e0)
{%- endmacro %}

{#- A whole number in words of a report: 2606 -> '2,606'. -#}
{% macro count_text(value) -%}
    {{ return(adapter.dispatch('count_text', 'qamtu')(value)) }}
{%- endmacro %}

{% macro default__count_text(value) -%}
    format('{:,}', cast(round({{ value }}) as bigint))
{%- endmacro %}

{% macro spark__count_text(value) -%}
    format_number(cast(round({{ value }}) as bigint), 0)
{%- endmacro %}

{#- A number to so many decimals, halves upwards. By hand: engines round and write 81.25 to one decimal differently. -#}
{% macro rounded(value, decimals) -%}
    floor(cast({{ value }} as double) * {{ 10 ** decimals }} + 0.5e0) / {{ 10 ** decimals }}
{%- endmacro %}

{#- A number with one decimal: 42.174 -> '42.2'. -#}
{% macro decimal_text(value) -%}
    {{ return(adapter.dispatch('fixed_text', 'qamtu')(value, 1)) }}
{%- endmacro %}

{#- A number with two decimals: 3.6600 -> '3.66'. -#}
{% macro ratio_text(value) -%}
    {{ return(adapter.dispatch('fixed_text', 'qamtu')(value, 2)) }}
{%- endmacro %}

{% macro default__fixed_text(value, decimals) -%}
    printf('%.{{ decimals }}f', {{ rounded(value, decimals) }})
{%- endmacro %}

{#- Spark would write a NULL as a word. -#}
{% macro spark__fixed_text(value, decimals) -%}
    case
        when {{ value }} is not null then format_string('%.{{ decimals }}f', {{ rounded(value, decimals) }})
    end
{%- endmacro %}

{#- A date in words of a report: '2025-12-31'. -#}
{% macro date_text(value) -%}
    cast({{ value }} as {{ dbt.type_string() }})
{%- endmacro %}

{#- A figure with its unit: '2,606 villages', '84.0 %'. NULL stays NULL. -#}
{% macro figure_text(value, unit) -%}
    case
        when {{ unit }} = 'percent' then {{ decimal_text(value) }} || ' %'
        when {{ unit }} = 'settlements' then {{ count_text(value) }} || ' villages'
        else {{ count_text(value) }} || ' ' || {{ unit }}
    end
{%- endmacro %}

{#-
Whether a settlement row of int_settlement_denominator is counted as a settlement: somebody lives there, or, where
the population is unknown, it is a village of the programme, a town or a city. A siding without a figure is not.
-#}
{% macro is_inhabited(relation) -%}
    coalesce({{ relation }}.population > 0, {{ relation }}.is_programme or not {{ relation }}.is_rural)
{%- endmacro %}

{#-
Whether people of covered settlements whom nobody counted could decide the figure of an area: the people whom the
census places in no settlement are more than half a percent of it. `covered` has population_unknown, the number of
such settlements; `area` is of the shape of int_area_denominator.
-#}
{% macro is_undecided(covered, area) -%}
    ({{ covered }}.population_unknown > 0 and {{ area }}.population_unplaced * 200 > {{ area }}.population)
{%- endmacro %}

{#- How the operators of an area were united; a lower bound where some people covered could not be counted. -#}
{% macro union_method(covered, area) -%}
    case
        when {{ covered }}.population_unknown > 0 and {{ area }}.population_unplaced > 0 then 'bounds'
        else 'exact_settlement'
    end
{%- endmacro %}

{#-
The shape that fct_coverage_by_technology, _by_speed_tier and _by_operator share: where something is
available, summed from settlements to every area, with zero where nobody covers and NULL where nobody filed.

Expects two CTEs before it:
- covered: as_of_date, settlement_kato, <keys>, operators, households_passed, households_unknown, evidence_rank;
  one row per settlement that is covered; households_unknown is 1 where the area's count would lack its own
- filed: as_of_date, <keys>, is_filed, counts_households; one row per period and key that gets a cell in
  every area; is_filed says whether anyone filed it, counts_households whether households can be passed
Yields the CTEs and the final SELECT. Settlements are summed to districts once; areas add up districts.
-#}
{% macro coverage_by_area(keys) -%}
{%- set key_columns = keys | join(', ') -%}
grades as (
    select
        max(case when evidence_grade = 'claimed' then evidence_rank end) as claimed_rank,
        max(case when evidence_grade = 'corroborated' then evidence_rank end) as corroborated_rank,
        max(case when evidence_grade = 'measured' then evidence_rank end) as measured_rank,
        max(case when evidence_grade = 'disputed' then evidence_rank end) as disputed_rank
    from {{ ref('evidence_grade') }}
),

covered_by_district as (
    select
        covered.as_of_date,
        settlements.district_kato,
        settlements.is_rural,
        {% for key in keys %}covered.{{ key }},
        {% endfor -%}
        sum(settlements.population) as population_covered,
        sum(case when settlements.population is null and {{ is_inhabited('settlements') }} then 1 else 0 end)
            as population_unknown,
        sum(case when covered.evidence_rank = grades.claimed_rank then settlements.population else 0 end)
            as population_claimed,
        sum(case when covered.evidence_rank = grades.corroborated_rank then settlements.population else 0 end)
            as population_corroborated,
        sum(case when covered.evidence_rank = grades.measured_rank then settlements.population else 0 end)
            as population_measured,
        sum(case when covered.evidence_rank = grades.disputed_rank then settlements.population else 0 end)
            as population_disputed,
        sum(covered.households_passed) as households_passed,
        sum(covered.households_unknown) as households_unknown,
        sum(case when {{ is_inhabited('settlements') }} then 1 else 0 end) as settlements_covered,
        sum(case when settlements.is_programme then 1 else 0 end) as villages_covered,
        max(covered.operators) as operators_max
    from covered
    inner join {{ ref('int_settlement_denominator') }} as settlements
        on
            covered.as_of_date = settlements.as_of_date
            and covered.settlement_kato = settlements.settlement_kato
    cross join grades
    group by covered.as_of_date, settlements.district_kato, settlements.is_rural
        {%- for key in keys %}, covered.{{ key }}{% endfor %}
),

covered_by_area as (
    select
        districts.as_of_date,
        areas.geography_level,
        areas.kato,
        areas.area_type,
        {% for key in keys %}districts.{{ key }},
        {% endfor -%}
        sum(districts.population_covered) as population_covered,
        sum(districts.population_unknown) as population_unknown,
        sum(districts.population_claimed) as population_claimed,
        sum(districts.population_corroborated) as population_corroborated,
        sum(districts.population_measured) as population_measured,
        sum(districts.population_disputed) as population_disputed,
        sum(districts.households_passed) as households_passed,
        sum(districts.households_unknown) as households_unknown,
        sum(districts.settlements_covered) as settlements_covered,
        sum(districts.villages_covered) as villages_covered,
        max(districts.operators_max) as operators_max
    from covered_by_district as districts
    inner join {{ ref('int_coverage_area') }} as areas
        on
            districts.district_kato = areas.district_kato
            and districts.is_rural = areas.is_rural
    group by districts.as_of_date, areas.geography_level, areas.kato, areas.area_type
        {%- for key in keys %}, districts.{{ key }}{% endfor %}
),

cells as (
    select
        denominators.as_of_date,
        denominators.geography_level,
        denominators.kato,
        denominators.area_type,
        {% for key in keys %}filed.{{ key }},
        {% endfor -%}
        denominators.population,
        case
            when not filed.is_filed or denominators.population is null then null
            when covered_by_area.kato is null then 0
            when {{ is_undecided('covered_by_area', 'denominators') }} then null
            else covered_by_area.population_covered
        end as population_covered,
        {{ union_method('covered_by_area', 'denominators') }} as union_method,
        covered_by_area.population_claimed,
        covered_by_area.population_corroborated,
        covered_by_area.population_measured,
        covered_by_area.population_disputed,
        case when filed.counts_households then denominators.households end as households,
        case
            when not filed.is_filed or not filed.counts_households or covered_by_area.households_unknown > 0 then null
            when covered_by_area.kato is null then 0
            else covered_by_area.households_passed
        end as households_passed,
        denominators.settlements,
        case when filed.is_filed then coalesce(covered_by_area.settlements_covered, 0) end as settlements_covered,
        denominators.villages,
        case when filed.is_filed then coalesce(covered_by_area.villages_covered, 0) end as villages_covered,
        case when filed.is_filed then coalesce(covered_by_area.operators_max, 0) end as operators_max,
        denominators.denominator_source,
        denominators.denominator_as_of,
        case when filed.counts_households then denominators.households_source end as households_source,
        case when filed.counts_households then denominators.households_as_of end as households_as_of,
        denominators.villages_source,
        denominators.villages_as_of
    from {{ ref('int_area_denominator') }} as denominators
    inner join filed on denominators.as_of_date = filed.as_of_date
    left join covered_by_area
        on
            denominators.as_of_date = covered_by_area.as_of_date
            and denominators.geography_level = covered_by_area.geography_level
            and denominators.kato = covered_by_area.kato
            and denominators.area_type = covered_by_area.area_type
            {% for key in keys %}and filed.{{ key }} = covered_by_area.{{ key }}
            {% endfor %}
)

select
    as_of_date,
    geography_level,
    kato,
    area_type,
    {{ key_columns }},
    cast(population as bigint) as population,
    cast(population_covered as bigint) as population_covered,
    {{ percentage('population_covered', 'population') }} as population_covered_pct,
    cast(households as bigint) as households,
    cast(households_passed as bigint) as households_passed,
    {{ percentage('households_passed', 'households') }} as households_passed_pct,
    cast(settlements as bigint) as settlements,
    cast(settlements_covered as bigint) as settlements_covered,
    cast(operators_max as bigint) as operators_max,
    union_method,
    {{ percentage('population_claimed', 'population_covered') }} as evidence_claimed_pct,
    {{ percentage('population_corroborated', 'population_covered') }} as evidence_corroborated_pct,
    {{ percentage('population_measured', 'population_covered') }} as evidence_measured_pct,
    {{ percentage('population_disputed', 'population_covered') }} as evidence_disputed_pct,
    cast(villages as bigint) as villages,
    cast(villages_covered as bigint) as villages_covered,
    {{ percentage('villages_covered', 'villages') }} as villages_covered_pct,
    denominator_source,
    denominator_as_of,
    households_source,
    households_as_of,
    villages_source,
    villages_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from cells
{%- endmacro %}

{#- The value held between 0 and the ceiling; NULL stays NULL, and a NULL ceiling does not bind. -#}
{% macro clamp(value, ceiling) -%}
    case
        when {{ value }} < 0 then 0
        when {{ value }} > {{ ceiling }} then {{ ceiling }}
        else {{ value }}
    end
{%- endmacro %}

{#- Columns orderable_<tier>: the sum of `addresses` that can order the tier, at both of its speeds. -#}
{% macro count_orderable() -%}
    {%- for tier in var('speed_tiers') -%}
        sum(
            case
                when
                    connection_level >= 3
                    and max_download_mbps >= {{ tier.min_download_mbps | default(0) }}
                    {% if tier.min_upload_mbps %}and max_upload_mbps >= {{ tier.min_upload_mbps }}{% endif %}
                    then addresses
                else 0
            end
        ) as orderable_{{ tier.speed_tier }}{{ ',' if not loop.last }}
    {% endfor -%}
{%- endmacro %}

{#- Columns orderable_<tier>, each by the expression, in which {} stands for the name of the column. -#}
{% macro orderable_columns(expression) -%}
    {%- for tier in var('speed_tiers') -%}
        {%- set column = 'orderable_' ~ tier.speed_tier -%}
        {{ expression | replace('{}', column) }} as {{ column }}{{ ',\n' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The column orderable_<tier> of the relation for the tier in `speed_tier`; NULL for a tier that nobody counted. -#}
{% macro orderable_of_tier(relation, speed_tier) -%}
    case {{ speed_tier }}
        {%- for tier in var('speed_tiers') %}
        when '{{ tier.speed_tier }}' then {{ relation }}.orderable_{{ tier.speed_tier }}
        {%- endfor %}
    end
{%- endmacro %}

{#- The list of villages that counts, and its date: one row, NULL without a plan. Reads stg_extract. -#}
{% macro village_list() -%}
    select
        max(source_title) as title,
        max(as_of_date) as as_of_date
    from {{ ref('stg_extract') }}
    where is_current and extract_kind = 'rural_connection_plan'
{%- endmacro %}

{#- Where the villages come from, in words. `relation` is of the shape of village_list(). -#}
{% macro village_list_title(relation) -%}
    case
        when {{ relation }}.as_of_date is null then 'Rural settlements of KATO ending in 00, a proxy for counted villages'
        else coalesce({{ relation }}.title, 'Rural connection plan')
    end
{%- endmacro %}
