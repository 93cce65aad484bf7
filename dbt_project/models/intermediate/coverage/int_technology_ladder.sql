select
    reached.technology,
    filed.technology as filed_technology,
    reached.family,
    rules.presence_level,
    rules.service_level,
    rules.counts_households
from {{ ref('dim_technology') }} as reached
inner join {{ ref('dim_technology') }} as filed
    on
        reached.technology = filed.technology
        or (
            reached.is_cumulative
            and reached.family = filed.family
            and filed.rank > reached.rank
        )
inner join {{ ref('coverage_rule') }} as rules on reached.family = rules.family
