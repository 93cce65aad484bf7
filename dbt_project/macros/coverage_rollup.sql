{#- Removes kept rollups of deliveries that are no longer current or whose accepted rows changed. -#}
{% macro forget_stale_rollups(relation, incremental) -%}
    {%- if incremental -%}
        delete from {{ relation }}
        where content_fingerprint not in (
            select content_fingerprint
            from {{ ref('stg_extract') }}
            where is_current and extract_kind = 'operator_address_availability'
        )
    {%- endif -%}
{%- endmacro %}
