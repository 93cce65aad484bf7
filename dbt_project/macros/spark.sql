{#-
What Apache Spark needs besides the models: the lake and standing tables as tables of its catalog, and places where
dbt-spark does not take what DuckDB does. Nothing here says what a figure means.
-#}

{#- The name Spark has for a type as contracts and seeds write it: a text without a length is its `string`. -#}
{% macro spark_type(data_type) -%}
    {{ 'string' if data_type | lower in ('varchar', 'text') else data_type }}
{%- endmacro %}

{#- Where rows of a source of the lake, there called `~`, lie: the folder, or the one file, that DuckDB's
`external_location` reads. -#}
{% macro lake_path(source) -%}
    {%- set read = source.config.meta.external_location | replace('{name}', source.name) -%}
    {{ env_var('QAMTU_LAKE') }}{{ modules.re.search("'~([^'*]+?)/?(?:[*][^']*)?'", read).group(1) }}
{%- endmacro %}

{#-
Makes Spark know the lake, the folder of each schema, and the tables of an earlier build that stand; removes from its
catalog those that do not. For `dbt run-operation`, before a build: a session forgets its tables when it ends.

- folder: where tables are written, one folder a schema
- standing, fallen: names `schema.table`
-#}
{% macro open_spark(folder, standing, fallen) -%}
    {%- do run_query('create schema if not exists lake') -%}
    {%- for source in graph.sources.values() -%}
        {%- set columns = [] -%}
        {%- for column in source.columns.values() -%}
            {%- do columns.append(adapter.quote(column.name) ~ ' ' ~ spark_type(column.data_type)) -%}
        {%- endfor -%}
        {%- do run_query('drop table if exists lake.' ~ source.name) -%}
        {#- With the columns told, files without a column give NULL for it, as DuckDB's union by name does. -#}
        {%- do run_query(
            'create table lake.' ~ source.name ~ ' (' ~ columns | join(', ') ~ ') using parquet'
            ~ " options (recursiveFileLookup = 'true') location '" ~ lake_path(source) ~ "'"
        ) -%}
    {%- endfor -%}
    {%- for schema in ('seeds', 'staging', 'intermediate', 'marts') -%}
        {%- do run_query('create schema if not exists ' ~ schema ~ " location '" ~ folder ~ '/' ~ schema ~ "'") -%}
    {%- endfor -%}
    {%- for table in fallen -%}
        {%- do run_query('drop table if exists ' ~ table) -%}
    {%- endfor -%}
    {%- for table in standing -%}
        {%- do run_query(
            'create table if not exists ' ~ table ~ " using parquet location '" ~ folder ~ '/' ~ table | replace('.', '/') ~ "'"
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{#- The contract's columns as an empty query, in Spark's names of types. -#}
{% macro spark__get_empty_schema_sql(columns) -%}
    select
    {%- for column in columns.values() %}
        cast(null as {{ spark_type(column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- A seed's table, in Spark's names of types. -#}
{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set types = model.config.column_types -%}
    {%- call statement('_') -%}
        create table {{ this.render() }} (
            {%- for name in agate_table.column_names %}
            {{ adapter.quote(name) }} {{ spark_type(types[name]) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) using parquet
    {%- endcall -%}
{%- endmacro %}

{#- A seed's rows as literals: dbt-spark's own bindings turn an empty cell into the word None, and an apostrophe ends a text. -#}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model.config.column_types -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set cells = [] -%}
        {%- for cell in row -%}
            {%- do cells.append('null' if cell is none else "'" ~ cell | replace('\\', '\\\\') | replace("'", "\\'") ~ "'") -%}
        {%- endfor -%}
        {%- do rows.append('(' ~ cells | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set sql -%}
        insert into {{ this.render() }}
        select
            {%- for name in agate_table.column_names %}
            cast({{ name }} as {{ spark_type(types[name]) }}){{ ',' if not loop.last }}
            {%- endfor %}
        from values
            {{ rows | join(',\n            ') }} as given ({{ agate_table.column_names | join(', ') }})
    {%- endset -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{%- endmacro %}

{#- Whether Spark answers: for `dbt run-operation`, when something failed. -#}
{% macro ask_spark() -%}
    {%- do run_query('select 1') -%}
{%- endmacro %}
