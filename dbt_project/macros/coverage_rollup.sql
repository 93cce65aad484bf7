{#- What identifies a kept rollup: the content of the delivery and the version of the rollup's arithmetic. -#}
{% macro rollup_key(content_fingerprint) -%}
    {{ content_fingerprint }} || '/1'
{%- endmacro %}

{#- Removes kept rollups of deliveries that are no longer current or whose accepted rows changed. -#}
{% macro forget_stale_rollups(relation, incremental) -%}
    {%- if incremental -%}
        delete from {{ relation }}
        where rollup_key not in (
            select {{ rollup_key('content_fingerprint') }}
            from {{ ref('stg_extract') }}
            where is_current and extract_kind = 'operator_address_availability'
        )
    {%- endif -%}
{%- endmacro %}
