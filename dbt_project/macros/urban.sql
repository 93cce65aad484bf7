{#-
The cell of resolution 8 that a cell of resolution 9 lies in, as text: the resolution is the second digit of the index,
and its ninth digit, bits 18 to 20, becomes 7 like all that follow.
-#}
{% macro parent_of_resolution_9(cell) -%}
    '88' || substr({{ cell }}, 3, 7) || translate(substr({{ cell }}, 10, 1), '02468ace', '13579bdf') || 'fffff'
{%- endmacro %}

{#- A measure of 5G in cities over all cities of the programme and any operator. -#}
{% macro urban_figure(metric_id, value, numerator, denominator, source='denominator_source', source_date='denominator_as_of') -%}
    {{ programme_figure(
        ref('int_urban_5g'), metric_id, 'operator_coverage_areas', value, "city_kato = 'all' and operator_id = 'any'",
        ["'national'", "'000000000'", "'urban'"], technology="'5g'", numerator=numerator, denominator=denominator,
        source=source, source_date=source_date
    ) }}
{%- endmacro %}
