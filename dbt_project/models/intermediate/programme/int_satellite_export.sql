-- A contract that a filing lacks, or whose row was refused, stands as it was filed last.
with entries as (
    select
        as_of_date,
        contract_id,
        buyer_country,
        satellites_contracted,
        satellites_delivered,
        contracted_revenue,
        received_revenue,
        currency,
        usd_rate,
        usd_rate_date,
        status as contract_status,
        extract_id
    from {{ ref('stg_satellite_export') }}
),

{{ last_word(['contract_id']) }}

select
    standing.filing_date as as_of_date,
    entries.contract_id,
    entries.buyer_country,
    entries.contract_status,
    entries.contract_status in ('signed', 'delivered', 'completed') as is_contracted,
    entries.satellites_contracted as satellites_filed,
    case
        when entries.contract_status in ('signed', 'delivered', 'completed') then entries.satellites_contracted
        else 0
    end as satellites_contracted,
    case when entries.contract_status = 'negotiation' then entries.satellites_contracted else 0 end
        as satellites_in_negotiation,
    entries.satellites_delivered,
    entries.currency,
    entries.contracted_revenue,
    entries.received_revenue,
    case when entries.currency = 'USD' then cast(1 as double) else entries.usd_rate end as usd_rate,
    case when entries.currency != 'USD' then entries.usd_rate_date end as usd_rate_date,
    case
        when entries.contract_status not in ('signed', 'delivered', 'completed') then cast(0 as double)
        when entries.currency = 'USD' then entries.contracted_revenue
        else entries.contracted_revenue / entries.usd_rate
    end as contracted_revenue_usd,
    case
        when entries.currency = 'USD' then entries.received_revenue
        else entries.received_revenue / entries.usd_rate
    end as received_revenue_usd,
    standing.as_of_date as filed_as_of,
    entries.extract_id
from standing
inner join entries
    on
        standing.as_of_date = entries.as_of_date
        and standing.contract_id = entries.contract_id
