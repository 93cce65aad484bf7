-- Words and number come from the filing where there is one; how they are to be read (which measure the words
-- mean, where the number comes from, what was said before) comes from the register of statements.
select
    coalesce(filed.statement_id, known.statement_id) as statement_id,
    coalesce(filed.system, known.system) as system,
    coalesce(filed.quote, known.quote) as quote,
    coalesce(filed.speaker, known.speaker) as speaker,
    coalesce(filed.stated_at, known.stated_at) as stated_at,
    coalesce(filed.as_of_date, known.as_of_date) as as_of_date,
    known.baseline_date,
    case when known.statement_id is null then filed.metric_id else known.metric_id end as metric_id,
    coalesce(case when known.statement_id is null then filed.kato else known.kato end, '000000000') as kato,
    coalesce(case when known.statement_id is null then filed.area_type else known.area_type end, 'all')
        as area_type,
    case when known.statement_id is null then filed.technology else known.technology end as technology,
    coalesce(filed.qualifier, known.qualifier) as qualifier,
    coalesce(filed.stated_value, cast(known.stated_value as double)) as stated_value,
    case when filed.unit = '%' then 'percent' else coalesce(filed.unit, known.unit) end as unit,
    coalesce(filed.source_url, known.source_url) as source_url,
    known.definition_claimed,
    known.definition_measured,
    known.measured_metric_id,
    known.measured_technology,
    known.repeats_statement_id,
    known.related_statement_id,
    known.target_id,
    coalesce(known.has_benchmark, false) as has_benchmark,
    known.missing_extracts,
    known.note,
    people.value as reference_people,
    homes.value as reference_households,
    roads.value as reference_roads_km,
    republican.value as reference_republican_km,
    oblast.value as reference_oblast_km
from {{ ref('public_statement') }} as known
full outer join {{ ref('stg_public_statement') }} as filed on known.statement_id = filed.statement_id
left join {{ ref('reference_figure') }} as people on people.reference_id = 'national_population'
left join {{ ref('reference_figure') }} as homes on homes.reference_id = 'national_households'
left join {{ ref('reference_figure') }} as roads on roads.reference_id = 'national_roads_km'
left join {{ ref('reference_figure') }} as republican on republican.reference_id = 'republican_roads_km'
left join {{ ref('reference_figure') }} as oblast on oblast.reference_id = 'oblast_roads_km'
