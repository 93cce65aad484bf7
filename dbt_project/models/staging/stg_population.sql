with ranked as (
    select
        received.as_of_date,
        received.kato,
        received.area_type,
        received.population,
        received.filed_region,
        received.filed_district,
        received.filed_settlement,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        extracts.source_title as population_source,
        row_number() over (
            partition by received.as_of_date, received.kato, received.area_type
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'population') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    as_of_date,
    kato,
    area_type,
    population,
    filed_region,
    filed_district,
    filed_settlement,
    extract_id,
    source_sheet,
    source_row,
    population_source
from ranked
where preference = 1
