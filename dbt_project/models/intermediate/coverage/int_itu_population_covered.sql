select
    series.technology,
    cast(reported.year as bigint) as year,
    make_date(cast(reported.year as int), 12, 31) as as_of_date,
    cast(reported.value as double) as population_covered_pct,
    reported.value_note,
    reported.value_source,
    reported.extract_id
from {{ ref('stg_itu_indicator') }} as reported
inner join {{ ref('itu_coverage_series') }} as series on reported.series_code = series.series_code
where reported.entity_iso = 'KAZ'
