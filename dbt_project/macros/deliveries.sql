{#- Which of the rows received count: what the staging models share. -#}

{#-
The rows of current deliveries, one per key, to stand after FROM. Of rows with the same key that one counts whose
source ranks first, then the one received last, then the last of its filing: a total order, so that the same
deliveries always give the same rows. Has the columns of `relation`, source_title and layout_id of the delivery, and preference.

- relation: accepted rows of an extract kind, a source of the lake
- key: columns of the key
-#}
{% macro preferred_rows(relation, key) -%}
    (
        select ranked.*
        from (
            select
                rows_received.*,
                extracts.source_title,
                extracts.layout_id,
                row_number() over (
                    partition by
                        {% for column in key %}rows_received.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
                    order by
                        extracts.source_rank asc,
                        extracts.received_order desc,
                        rows_received.extract_id desc,
                        rows_received.source_row desc
                ) as preference
            from {{ relation }} as rows_received
            inner join {{ ref('stg_extract') }} as extracts on rows_received.extract_id = extracts.extract_id
            where extracts.is_current
        ) as ranked
        where ranked.preference = 1
    )
{%- endmacro %}

{#-
Rows of operators' filings under their own date, and once more under the dates for which they stand in.

- filings: a model with the columns of a filing by settlement
- more: SQL of further columns of it, as `filings.<column>`; none by default
-#}
{% macro with_stand_ins(filings, more='') -%}
    {%- for stands_in in (false, true) %}
        select
            {{ 'stand_ins' if stands_in else 'filings' }}.as_of_date,
            filings.settlement_kato,
            filings.operator_id,
            filings.technology,
            filings.connection_level,
            filings.max_download_mbps,
            filings.max_upload_mbps,
            filings.households_passed,
            filings.households_connected,
            {{ more ~ ',' if more }}
            filings.extract_id
        from {{ filings }} as filings
        {% if stands_in -%}
            inner join {{ ref('stg_stand_in') }} as stand_ins on filings.extract_id = stand_ins.extract_id
        {%- else -%}
            union all
        {%- endif %}
    {%- endfor %}
{%- endmacro %}
