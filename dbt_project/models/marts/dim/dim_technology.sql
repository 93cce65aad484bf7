select
    technologies.technology,
    technologies.family,
    technologies.rank,
    technologies.is_cumulative,
    cast(rules.presence_level as bigint) as presence_level,
    cast(rules.service_level as bigint) as service_level,
    technologies.name_en,
    technologies.source
from {{ ref('technology') }} as technologies
inner join {{ ref('coverage_rule') }} as rules on technologies.family = rules.family
