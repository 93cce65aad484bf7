-- A total with an unknown part is unknown, not smaller.
select
    as_of_date,
    cast(sum(satellites_contracted) as bigint) as satellites_contracted,
    cast(sum(satellites_in_negotiation) as bigint) as satellites_in_negotiation,
    cast(sum(satellites_delivered) as bigint) as satellites_delivered,
    case when count(contracted_revenue_usd) = count(*) then sum(contracted_revenue_usd) end as contracted_revenue_usd,
    case when count(received_revenue_usd) = count(*) then sum(received_revenue_usd) end as received_revenue_usd,
    min(usd_rate_date) as usd_rate_date,
    min(filed_as_of) as filed_as_of
from {{ ref('int_satellite_export') }}
group by as_of_date
