{{ config(meta = {'same_period': ['operator_coverage_areas_cell', 'stg_operator_coverage_area']}) }}

select
    cells.extract_id,
    cells.source_row,
    cells.as_of_date,
    cells.operator_id,
    cells.area_id,
    cells.h3_cell,
    cells.share
from {{ source('lake', 'operator_coverage_areas_cell') }} as cells
inner join {{ ref('stg_operator_coverage_area') }} as received
    on
        cells.extract_id = received.extract_id
        and cells.source_row = received.source_row
