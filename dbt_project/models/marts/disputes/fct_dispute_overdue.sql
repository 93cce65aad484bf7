select
    as_of_date,
    coalesce(operator_id, 'any') as operator_id,
    cast(count(*) as bigint) as disputes,
    cast(sum(case when status in ('filed', 'answered') then 1 else 0 end) as bigint) as disputes_open,
    cast(sum(case when status = 'upheld' then 1 else 0 end) as bigint) as disputes_upheld,
    cast(sum(case when is_overdue then 1 else 0 end) as bigint) as answers_overdue,
    min(case when is_overdue then answer_due_at end) as oldest_due_at,
    max(days_overdue) as longest_overdue_days
from {{ ref('fct_dispute') }}
group by as_of_date, coalesce(operator_id, 'any')
