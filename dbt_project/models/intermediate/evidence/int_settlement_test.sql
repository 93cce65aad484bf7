{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_filed_technology'],
            'up_to_period': ['int_availability', 'int_test_settlement']
        }
    )
}}

with periods as (
    select distinct as_of_date
    from {{ ref('int_filed_technology') }}
),

-- A claim is of service from the quarter on that it was first filed for: what was found before says nothing of it.
claimed as (
    select
        filings.settlement_kato,
        filings.operator_id,
        filings.technology,
        min(filings.as_of_date) as since
    from {{ ref('int_availability') }} as filings
    inner join {{ ref('dim_technology') }} as technologies on filings.technology = technologies.technology
    inner join {{ ref('coverage_rule') }} as levels
        on
            technologies.family = levels.family
            and filings.connection_level >= levels.service_level
    group by filings.settlement_kato, filings.operator_id, filings.technology
),

judged as (
    select
        periods.as_of_date,
        tests.settlement_kato,
        tests.operator_id,
        tests.technology,
        services.service,
        case
            when not tests.is_successful then 0
            when
                tests.download_mbps >= services.min_download_mbps
                and (services.min_upload_mbps = 0 or tests.upload_mbps >= services.min_upload_mbps)
                then 1
            when tests.download_mbps < services.min_download_mbps or tests.upload_mbps < services.min_upload_mbps then 0
        end as is_met,
        tests.is_successful
    from {{ ref('int_test_settlement') }} as tests
    inner join periods on {{ in_evidence_window('tests.tested_at', 'periods.as_of_date') }}
    inner join claimed
        on
            tests.settlement_kato = claimed.settlement_kato
            and tests.operator_id = claimed.operator_id
            and tests.technology = claimed.technology
            and {{ quarter_end('tests.tested_at') }} >= claimed.since
    inner join {{ ref('int_evidence_service') }} as services on tests.technology = services.technology
    where tests.km <= {{ evidence_limits().near_km }}
)

select
    as_of_date,
    settlement_kato,
    operator_id,
    technology,
    service,
    cast(count(*) as bigint) as tests,
    cast(sum(is_met) as bigint) as tests_met,
    -- Slow service is service: against a technology speak only tests that found none, against a tier all below it.
    cast(
        sum(
            case
                when service = 'technology' and is_successful then 0
                else 1 - is_met
            end
        ) as bigint
    ) as tests_failed
from judged
-- A test that measured no upload says nothing of a tier that asks for one, unless its download is too slow already.
where is_met is not null
group by as_of_date, settlement_kato, operator_id, technology, service
