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
        {%- for rows in due_rows(due) %}
        delete from {{ this }} where {{ rows }};
        insert into {{ this }} by name
        select made.* from (
            {{ compiled_code }}
        ) as made where {{ rows }};
        {%- else %}
        select 1 as nothing_due
        {%- endfor %}
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

{#- Conditions of the rows that are due. One date at a time: DuckDB carries an equality into joins, a list it does not. -#}
{% macro due_rows(due) -%}
    {%- if due.since -%}
        {{ return(["as_of_date >= date '" ~ due.since ~ "'"]) }}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for date in due.dates -%}
        {%- do rows.append("as_of_date = date '" ~ date ~ "'") -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}
