{#-
A table that is kept by period: of the dates that are due, rows are removed and made anew by the model's own SQL; the
rest stands. `due_periods` names, for a model, the dates; without it, or without a table, all of it is built. Who is
due, and why the rest may stand: orchestration/periods.py. The model's SQL knows nothing of it.
-#}
{% materialization by_period, adapter='duckdb' -%}
    {%- set due = var('due_periods', {}).get(model.name) -%}
    {%- set standing = load_cached_relation(this) -%}
    {%- if due is none or standing is none or not standing.is_table -%}
        {{ return(materialization_table_duckdb()) }}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        {%- if due.dates or due.since %}
        delete from {{ this }} where {{ is_due(due) }};
        insert into {{ this }} by name
        select made.* from (
            {{ compiled_code }}
        ) as made where {{ is_due(due) }}
        {%- else %}
        select 1 as nothing_due
        {%- endif %}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this]}) }}
{%- endmaterialization %}

{#- Spark builds all of it: nothing there says yet what stands. -#}
{% materialization by_period, adapter='spark' -%}
    {{ return(materialization_table_spark()) }}
{%- endmaterialization %}

{#- Whether a row's date is among those that are due. -#}
{% macro is_due(due) -%}
    {%- if due.since -%}
        as_of_date >= date '{{ due.since }}'
    {%- else -%}
        as_of_date in ({% for date in due.dates %}date '{{ date }}'{{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro %}
