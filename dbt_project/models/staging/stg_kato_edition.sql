with ranked as (
    select
        received.edition,
        received.kato,
        received.name_ru,
        received.name_kk,
        received.type_code,
        received.extract_id,
        received.source_sheet,
        received.source_row,
        row_number() over (
            partition by received.edition, received.kato
            order by
                extracts.source_rank asc,
                extracts.received_order desc,
                received.extract_id desc,
                received.source_row desc
        ) as preference
    from {{ source('lake', 'kato_classifier') }} as received
    inner join {{ ref('stg_extract') }} as extracts on received.extract_id = extracts.extract_id
    where extracts.is_current
)

select
    edition,
    kato,
    name_ru,
    name_kk,
    type_code,
    extract_id,
    source_sheet,
    source_row
from ranked
where preference = 1
