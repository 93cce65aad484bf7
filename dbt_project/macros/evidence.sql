{#- What evidence on the ground shares: squares about positions, windows of time, and intervals of shares. -#}

{#-
What counts as evidence, beside the seed evidence_rule; reasons and sources in docs/methods.md and method evidence_grade.
A macro and not variables of the project, so that what was built with other limits is built again.
- near_km: a village's houses lie within about this distance of its position; further out a test is of the road.
- window_days: a campaign of tests comes round once a year.
- min_tests: fewer are one stop of one car; of five, all have to agree to show, at 95 %, what most would (57 %).
- min_tile_tests, min_tile_devices: fewer may be one household's bad line.
- min_cell_samples: of fewer measurements the position is that of the phones.
- min_reliability_tests: a share of thirty has a 95 % interval of at most 34 points.
- z: two-sided 95 %.
-#}
{% macro evidence_limits() -%}
    {{ return({
        'near_km': 2, 'window_days': 365, 'min_tests': 5, 'min_tile_tests': 10, 'min_tile_devices': 3,
        'min_cell_samples': 3, 'min_reliability_tests': 30, 'z': 1.96
    }) }}
{%- endmacro %}

{#- Square of a quarter of a degree that a coordinate lies in: at least 15.7 km each way at the northern edge. -#}
{% macro square(coordinate) -%}
    cast(floor({{ coordinate }} * 4) as bigint)
{%- endmacro %}

{#- Whether a position lies in a square of int_settlement_square, to be joined on before distances are measured. -#}
{% macro in_square(points, squares) -%}
    {{ square(points ~ '.latitude') }} = {{ squares }}.north
    and {{ square(points ~ '.longitude') }} = {{ squares }}.east
{%- endmacro %}

{#- Kilometres between rows of two relations with latitude and longitude. -#}
{% macro kilometres_apart(one, other) -%}
    {{ kilometres_between(one ~ '.latitude', one ~ '.longitude', other ~ '.latitude', other ~ '.longitude') }}
{%- endmacro %}

{#- Whether something seen on a day counts at a date: it was seen in the window up to it. -#}
{% macro in_evidence_window(seen_on, date) -%}
    {{ seen_on }} <= {{ date }} and {{ days_between(seen_on, date) }} < {{ evidence_limits().window_days }}
{%- endmacro %}

{#-
Lower or upper end of the Wilson score interval of a share of tests, 0-100, to be asked for where there are tests: of none
it would say 0, since neither engine's greatest minds a NULL. Wilson (1927), as Brown,
Cai and DasGupta (2001) recommend for small numbers: unlike the plain interval it stays within 0 and 100.
-#}
{% macro wilson_pct(successes, trials, sign) -%}
    {%- set z = evidence_limits().z -%}
    100 * least(1e0, greatest(0e0,
        ({{ successes }} + {{ z * z / 2 }}e0 {{ sign }} {{ z }}e0 * sqrt(
            cast({{ successes }} as double) * ({{ trials }} - {{ successes }}) / nullif({{ trials }}, 0) + {{ z * z / 4 }}e0
        )) / (nullif({{ trials }}, 0) + {{ z * z }}e0)
    ))
{%- endmacro %}

{% macro wilson_low_pct(successes, trials) -%}
    {{ wilson_pct(successes, trials, '-') }}
{%- endmacro %}

{% macro wilson_high_pct(successes, trials) -%}
    {{ wilson_pct(successes, trials, '+') }}
{%- endmacro %}

{#- Whether, at 95 % confidence, most of enough tests are such. -#}
{% macro most_tests(such, tests) -%}
    coalesce({{ tests }} >= {{ evidence_limits().min_tests }} and {{ wilson_low_pct(such, tests) }} > 50, false)
{%- endmacro %}

{#- People of a row of coverage whose claim is corroborated or measured; 0 where nobody is covered. -#}
{% macro evidenced_people(coverage) -%}
    case
        when {{ coverage }}.population_covered = 0 then 0
        else round(
            {{ coverage }}.population_covered
            * ({{ coverage }}.evidence_corroborated_pct + {{ coverage }}.evidence_measured_pct) / 100
        )
    end
{%- endmacro %}
