-- An operator that files before anyone entered it in the register still has its row here: its filings count.
with filed as (
    select
        filings.operator_id,
        min(case when extracts.is_sample then 1 else 0 end) = 1 as is_sample
    from (
        select distinct
            operator_id,
            extract_id
        from {{ ref('stg_operator_availability') }}
        union
        select distinct
            operator_id,
            extract_id
        from {{ ref('int_address_rollup') }}
    ) as filings
    inner join {{ ref('stg_extract') }} as extracts on filings.extract_id = extracts.extract_id
    group by filings.operator_id
)

select
    coalesce(registered.operator_id, filed.operator_id) as operator_id,
    coalesce(registered.name_en, filed.operator_id) as name_en,
    registered.name_ru,
    registered.kind,
    owners.owner,
    owners.owner_share_pct,
    owners.brands,
    filed.operator_id is not null as has_filed,
    coalesce(registered.is_sample, filed.is_sample) as is_sample,
    coalesce(registered.source, 'Operator filings') as source
from {{ ref('operator_register') }} as registered
full outer join filed on registered.operator_id = filed.operator_id
left join {{ ref('operator_ownership') }} as owners
    on
        registered.operator_id = owners.operator_id
        and owners.valid_to is null
