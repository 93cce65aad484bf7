select
    contracts.as_of_date,
    contracts.contract_id,
    contracts.buyer_country,
    contracts.contract_status,
    cast(contracts.satellites_contracted as bigint) as satellites_contracted,
    cast(contracts.satellites_in_negotiation as bigint) as satellites_in_negotiation,
    contracts.satellites_delivered,
    contracts.currency,
    contracts.contracted_revenue,
    contracts.received_revenue,
    contracts.usd_rate,
    contracts.usd_rate_date,
    contracts.contracted_revenue_usd,
    contracts.received_revenue_usd,
    cast(null as bigint) as satellites_announced_low,
    cast(null as bigint) as satellites_announced_high,
    cast(null as double) as revenue_announced_usd,
    contracts.filed_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_satellite_export') }} as contracts
union all
select
    totals.as_of_date,
    'all' as contract_id,
    cast(null as {{ dbt.type_string() }}) as buyer_country,
    cast(null as {{ dbt.type_string() }}) as contract_status,
    totals.satellites_contracted,
    totals.satellites_in_negotiation,
    totals.satellites_delivered,
    cast(null as {{ dbt.type_string() }}) as currency,
    cast(null as double) as contracted_revenue,
    cast(null as double) as received_revenue,
    cast(null as double) as usd_rate,
    totals.usd_rate_date,
    totals.contracted_revenue_usd,
    totals.received_revenue_usd,
    cast(low.value as bigint) as satellites_announced_low,
    cast(high.value as bigint) as satellites_announced_high,
    cast(revenue.value as double) as revenue_announced_usd,
    totals.filed_as_of,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_satellite_total') }} as totals
left join {{ ref('reference_figure') }} as low on low.reference_id = 'satellites_announced_low'
left join {{ ref('reference_figure') }} as high on high.reference_id = 'satellites_announced_high'
left join {{ ref('reference_figure') }} as revenue on revenue.reference_id = 'satellite_revenue_announced'
