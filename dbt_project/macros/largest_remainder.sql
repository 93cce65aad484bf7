{#-
Shares a whole total out over members in proportion to whole weights, so that the shares are whole
and sum to the total exactly: each member gets its quota rounded down, and what is left goes, one each,
to the largest remainders; equal remainders are served in the order of `tie`.

The arithmetic is on whole numbers only, so it gives the same on every engine.

- relation: CTE or table with one row per member
- pool: columns that name the pool a member belongs to
- columns: columns to hand through
- total: column with the pool's total (the same on every row of a pool, not negative)
- weight: column with the member's weight (whole, not negative); a pool whose weights are all zero gets NULL
- tie: columns that order members of equal remainder, ending in a unique one
- share: name of the column with the result
Yields a SELECT with `pool`, `columns` and `share`.
-#}
{% macro largest_remainder(relation, pool, columns, total, weight, tie, share) -%}
{%- set pool_columns = pool | join(', ') -%}
{%- set handed_through = (pool + columns) | join(', ') -%}
select
    {{ handed_through }},
    case
        when pool_weight = 0 then null
        when remainder_rank <= pool_total - quota_sum then quota + 1
        else quota
    end as {{ share }}
from (
    select
        {{ handed_through }},
        pool_total,
        pool_weight,
        quota,
        cast(sum(quota) over (partition by {{ pool_columns }}) as bigint) as quota_sum,
        row_number() over (
            partition by {{ pool_columns }}
            order by quota_remainder desc, {{ tie | join(' asc, ') }} asc
        ) as remainder_rank
    from (
        select
            {{ handed_through }},
            pool_total,
            pool_weight,
            {{ whole_quotient('pool_total * member_weight', 'nullif(pool_weight, 0)') }} as quota,
            (pool_total * member_weight) % nullif(pool_weight, 0) as quota_remainder
        from (
            select
                {{ handed_through }},
                cast({{ total }} as bigint) as pool_total,
                cast({{ weight }} as bigint) as member_weight,
                cast(sum({{ weight }}) over (partition by {{ pool_columns }}) as bigint) as pool_weight
            from {{ relation }}
        ) as weighed
    ) as quotas
) as ranked
{%- endmacro %}
