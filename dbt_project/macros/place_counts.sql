{#-
Counts by place and kind of area (people or households) set side by side, one row per date and place of the
current map, and completed by arithmetic where two of the three kinds are known: all = urban + rural. A republican
city is urban throughout. The nation keeps its code 000000000.

- relation: staging model with as_of_date, kato, area_type, the count and its source
- count: name of the count; yields <count>_all, <count>_urban, <count>_rural, <count>_source and is_undivided
-#}
{% macro place_counts(relation, count) -%}
with filed as (
    select
        as_of_date as census_date,
        kato,
        max(case when area_type = 'all' then {{ count }} end) as filed_all,
        max(case when area_type = 'urban' then {{ count }} end) as filed_urban,
        max(case when area_type = 'rural' then {{ count }} end) as filed_rural,
        -- One source a place and date: the one of the total where there is a total.
        coalesce(
            max(case when area_type = 'all' then {{ count }}_source end),
            min({{ count }}_source)
        ) as {{ count }}_source
    from {{ relation }}
    group by as_of_date, kato
),

-- A figure of a region as it was before its division: a part of it has no figure of its own yet.
undivided as (
    select distinct
        wholes.census_date,
        wholes.kato
    from filed as wholes
    inner join {{ ref('region_split') }} as splits
        on
            wholes.kato = splits.whole_kato
            and wholes.census_date < splits.effective_from
    left join filed as parts
        on
            wholes.census_date = parts.census_date
            and splits.part_kato = parts.kato
    where parts.kato is null
),

placed as (
    select
        filed.census_date,
        filed.kato,
        coalesce(places.level, 'national') as level,
        places.region_kato,
        places.district_kato,
        filed.filed_all,
        case
            when places.level = 'republican_city' then coalesce(filed.filed_urban, filed.filed_all)
            else filed.filed_urban
        end as filed_urban,
        case when places.level = 'republican_city' then coalesce(filed.filed_rural, 0) else filed.filed_rural end
            as filed_rural,
        undivided.kato is not null as is_undivided,
        filed.{{ count }}_source
    from filed
    left join {{ ref('int_place') }} as places on filed.kato = places.kato
    left join undivided
        on
            filed.census_date = undivided.census_date
            and filed.kato = undivided.kato
    where places.kato is not null or filed.kato = '000000000'
)

select
    census_date,
    kato,
    level,
    region_kato,
    district_kato,
    cast(coalesce(filed_all, filed_urban + filed_rural) as bigint) as {{ count }}_all,
    cast(coalesce(filed_urban, case when filed_all >= filed_rural then filed_all - filed_rural end) as bigint)
        as {{ count }}_urban,
    cast(coalesce(filed_rural, case when filed_all >= filed_urban then filed_all - filed_urban end) as bigint)
        as {{ count }}_rural,
    is_undivided,
    {{ count }}_source
from placed
{%- endmacro %}

{#- The kinds of area that figures are given for, one row each, to stand after FROM. -#}
{% macro area_types() -%}
    (
        select 'all' as area_type
        union all
        select 'urban' as area_type
        union all
        select 'rural' as area_type
    )
{%- endmacro %}

{#-
The rows of a model of place_counts(), one per kind of area, to stand after FROM: its own columns, area_type and the
count of that kind under the name of the count.
-#}
{% macro counts_by_area_type(relation, count) -%}
    (
        select
            places.*,
            kinds.area_type,
            case kinds.area_type
                when 'all' then places.{{ count }}_all
                when 'urban' then places.{{ count }}_urban
                else places.{{ count }}_rural
            end as {{ count }}
        from {{ relation }} as places
        cross join {{ area_types() }} as kinds
    )
{%- endmacro %}
