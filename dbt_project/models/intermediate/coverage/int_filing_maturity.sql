{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_availability', 'stg_extract'],
            'deliveries_of': ['operator_availability', 'operator_address_availability']
        }
    )
}}

with filed as (
    select distinct
        as_of_date,
        extract_id
    from {{ ref('int_availability') }}
)

select
    filed.as_of_date,
    case
        when
            max(
                case when extracts.data_maturity = 'provisional' or stand_ins.extract_id is not null then 1 else 0 end
            ) = 1
            then 'provisional'
        else 'final'
    end as data_maturity
from filed
inner join {{ ref('stg_extract') }} as extracts on filed.extract_id = extracts.extract_id
left join {{ ref('stg_stand_in') }} as stand_ins
    on filed.extract_id = stand_ins.extract_id and filed.as_of_date = stand_ins.as_of_date
group by filed.as_of_date
