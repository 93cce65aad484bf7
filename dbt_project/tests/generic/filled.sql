{#- Every one of the columns has a value in every row; else one row with the number of empty cells by column. -#}
{% test filled(model, columns) %}
select
    {{ columns | join(', ') }}
from (
    select
        {%- for column in columns %}
        count(*) - count({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
) as empty_cells
where {{ columns | join(' + ') }} > 0
{% endtest %}
