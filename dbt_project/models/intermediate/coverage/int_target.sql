-- A target that the ministry files stands for the seeded one of the same name.
select
    target_id,
    system,
    metric_id,
    kato,
    area_type,
    technology,
    target_value,
    case when unit = '%' then 'percent' else unit end as unit,
    due_date,
    source_url,
    cast(null as date) as baseline_date
from {{ ref('stg_programme_target') }}
union all
select
    known.target_id,
    known.system,
    known.metric_id,
    known.kato,
    known.area_type,
    known.technology,
    cast(known.target_value as double) as target_value,
    known.unit,
    known.due_date,
    known.source_url,
    known.baseline_date
from {{ ref('programme_target') }} as known
left join {{ ref('stg_programme_target') }} as filed on known.target_id = filed.target_id
where filed.target_id is null
