{#- The columns of every mart as the project declares them, in the order of the tables: what the dictionary shows. -#}

{#- A text as a SQL literal, NULL when it is empty. -#}
{% macro text_literal(text) -%}
    {%- set tidy = (text or '') | replace('\n', ' ') | trim -%}
    {%- if tidy == '' -%}
        cast(null as {{ dbt.type_string() }})
    {%- else -%}
        {{ dbt.string_literal(dbt.escape_single_quotes(tidy)) }}
    {%- endif -%}
{%- endmacro %}

{#-
One SELECT a column: table_name, ordinal_position, column_name, data_type, description_en, unit, access.
A column states its unit and access in `config.meta`; access is open unless it says otherwise.
-#}
{% macro mart_columns() -%}
{%- set marts = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.schema == 'marts' -%}
        {%- do marts.append(node) -%}
    {%- endfor -%}
{%- endif -%}
{%- set selects = [] -%}
{%- for node in marts | sort(attribute='name') -%}
    {%- for column in node.columns.values() -%}
        {%- set meta = column.config.meta if column.config is defined and column.config.meta else column.meta -%}
        {%- do selects.append(
            'select ' ~ text_literal(node.name) ~ ' as table_name, '
            ~ loop.index ~ ' as ordinal_position, '
            ~ text_literal(column.name) ~ ' as column_name, '
            ~ text_literal(column.data_type) ~ ' as data_type, '
            ~ text_literal(column.description) ~ ' as description_en, '
            ~ text_literal(meta.get('unit')) ~ ' as unit, '
            ~ text_literal(meta.get('access', 'open')) ~ ' as access'
        ) -%}
    {%- endfor -%}
{%- endfor -%}
{%- if selects -%}
{{ selects | join('\nunion all\n') }}
{%- else -%}
select
    cast(null as {{ dbt.type_string() }}) as table_name,
    0 as ordinal_position,
    cast(null as {{ dbt.type_string() }}) as column_name,
    cast(null as {{ dbt.type_string() }}) as data_type,
    cast(null as {{ dbt.type_string() }}) as description_en,
    cast(null as {{ dbt.type_string() }}) as unit,
    cast(null as {{ dbt.type_string() }}) as access
where 1 = 0
{%- endif -%}
{%- endmacro %}
