{{ config(meta = {'same_period': ['operator_coverage_areas', 'stg_extract']}) }}

select
    received.as_of_date,
    received.operator_id,
    received.area_id,
    received.technology,
    received.environment,
    received.min_download_mbps,
    received.geometry_type,
    received.area_km2,
    received.vertices,
    received.geometry_repair,
    received.extract_id,
    received.source_sheet,
    received.source_row
from
    {{ preferred_rows(
        source('lake', 'operator_coverage_areas'), key=['as_of_date', 'operator_id', 'area_id']
    ) }} as received
