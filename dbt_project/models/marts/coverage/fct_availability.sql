{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_availability', 'int_availability_evidence']
        }
    )
}}

select
    filings.as_of_date,
    filings.settlement_kato,
    filings.operator_id,
    filings.technology,
    filings.connection_level,
    filings.max_download_mbps,
    filings.max_upload_mbps,
    filings.households_passed,
    filings.households_connected,
    coalesce(evidence.evidence_grade, 'claimed') as evidence_grade,
    filings.extract_id,
    'published' as status,
    cast(null as {{ dbt.type_string() }}) as withheld_reason
from {{ ref('int_availability') }} as filings
left join {{ ref('int_availability_evidence') }} as evidence
    on
        filings.as_of_date = evidence.as_of_date
        and filings.settlement_kato = evidence.settlement_kato
        and filings.operator_id = evidence.operator_id
        and filings.technology = evidence.technology
        and evidence.service = 'technology'
