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
Rows of VALUES, one a column: table_name, ordinal_position, column_name, data_type, description_en, unit, access.
A column states its unit and access in `config.meta`; access is open unless it says otherwise.
-#}
{% macro mart_columns() -%}
{%- set marts = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.schema == 'marts' -%}
        {%- do marts.append(node) -%}
    {%- endfor -%}
{%- endif -%}
{%- set rows = [] -%}
{%- for node in marts | sort(attribute='name') -%}
    {%- for column in node.columns.values() -%}
        {%- set meta = column.config.meta if column.config is defined and column.config.meta else column.meta -%}
        {%- do rows.append(
            '(' ~ [
                text_literal(node.name),
                loop.index,
                text_literal(column.name),
                text_literal(column.data_type),
                text_literal(column.description),
                text_literal(meta.get('unit')),
                text_literal(meta.get('access', 'open'))
            ] | join(', ') ~ ')'
        ) -%}
    {%- endfor -%}
{%- endfor -%}
{#- While the project is only parsed there is no graph to read. -#}
{{ rows | join(',\n') if rows else "('', 0, '', '', '', '', '')" }}
{%- endmacro %}
