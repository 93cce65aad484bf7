{#-
Kilometres between two places in degrees, on a sphere of 6371.0088 km (haversine), to a micrometre: sines of two engines
differ in their last digit, which would put places that are equally near in another order.
-#}
{% macro kilometres_between(latitude, longitude, other_latitude, other_longitude) -%}
    round(2 * 6371.0088e0 * asin(
        sqrt(
            least(
                1e0,
                power(sin(radians({{ other_latitude }} - {{ latitude }}) / 2), 2)
                + cos(radians({{ latitude }})) * cos(radians({{ other_latitude }}))
                * power(sin(radians({{ other_longitude }} - {{ longitude }}) / 2), 2)
            )
        )
    ), 9)
{%- endmacro %}

{#-
Whether a row of int_highway stands at a date: it is the last that was filed of the road by then. Expects both to be
relations or columns of the query.
-#}
{% macro road_stands(roads, date) -%}
    {{ date }} >= {{ roads }}.as_of_date
    and ({{ roads }}.next_as_of_date is null or {{ date }} < {{ roads }}.next_as_of_date)
{%- endmacro %}

{#- A measure of highways over all roads and any operator. -#}
{% macro highway_figure(metric_id, value, numerator=none, denominator=none) -%}
    {{ programme_figure(
        ref('int_highway_coverage'), metric_id, 'operator_coverage_areas', value,
        "road_id = 'all' and operator_id = 'any'", technology='technology', numerator=numerator, denominator=denominator,
        source='denominator_source' if denominator else none, source_date='denominator_as_of' if denominator else none
    ) }}
{%- endmacro %}

{#- The reconciliation of a stated length of highways with the published lengths of roads (fct_statement_check). -#}
{% macro explain_roads() -%}
    case
        when statements.unit = 'km' and statements.metric_id = 'highway_km_covered'
            then
                {{ figure_text('statements.stated_value', 'statements.unit') }} || ' are '
                || {{ decimal_text(percentage('statements.stated_value', 'statements.reference_roads_km')) }} || ' % of the '
                || {{ figure_text('statements.reference_roads_km', 'statements.unit') }} || ' of public roads; roads of the republic ('
                || {{ figure_text('statements.reference_republican_km', 'statements.unit') }} || ') and of oblasts ('
                || {{ figure_text('statements.reference_oblast_km', 'statements.unit') }} || ') make '
                || {{ figure_text('statements.reference_republican_km + statements.reference_oblast_km', 'statements.unit') }}
                || ', so that the words leave at least '
                || {{ figure_text(
                    'statements.reference_republican_km + statements.reference_oblast_km - statements.stated_value',
                    'statements.unit'
                ) }}
                || ' of them out.'
    end
{%- endmacro %}
