-- A target that the ministry files stands for the seeded one of the same name. Steps were announced in the measure of
-- the seeded one: they are none of a target that is filed in another.
with filed as (
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
        source_url
    from {{ ref('stg_programme_target') }}
)

select
    filed.target_id,
    filed.system,
    filed.metric_id,
    filed.kato,
    filed.area_type,
    filed.technology,
    filed.target_value,
    filed.unit,
    filed.due_date,
    filed.source_url,
    cast(null as date) as baseline_date,
    coalesce(
        filed.metric_id = known.metric_id
        and filed.kato = known.kato
        and filed.area_type = known.area_type
        and coalesce(filed.technology, '') = coalesce(known.technology, '')
        and filed.unit = known.unit,
        false
    ) as is_measured_as_announced
from filed
left join {{ ref('programme_target') }} as known on filed.target_id = known.target_id
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
    known.baseline_date,
    true as is_measured_as_announced
from {{ ref('programme_target') }} as known
left join filed on known.target_id = filed.target_id
where filed.target_id is null
