{#- Whole-number division, rounded down for operands that are not negative. -#}
{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient', 'qamtu')(dividend, divisor)) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%}
    (({{ dividend }}) div ({{ divisor }}))
{%- endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) -%}
    (({{ dividend }}) // ({{ divisor }}))
{%- endmacro %}

{#- The date a number of days after another. -#}
{% macro days_after(date, days) -%}
    {{ return(adapter.dispatch('days_after', 'qamtu')(date, days)) }}
{%- endmacro %}

{% macro default__days_after(date, days) -%}
    date_add({{ date }}, {{ days }})
{%- endmacro %}

{% macro duckdb__days_after(date, days) -%}
    ({{ date }} + {{ days }})
{%- endmacro %}

{#-
Sum of numbers with fractions, the same whatever order they are added in: each to nine decimals. A sum of doubles
depends in its last digits on which thread comes first, and equal deliveries would not give equal releases.
-#}
{% macro exact_sum(value) -%}
    cast(sum(cast({{ value }} as decimal(28, 9))) as double)
{%- endmacro %}
