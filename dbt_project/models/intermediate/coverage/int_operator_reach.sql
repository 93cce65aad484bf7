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
    ladder.technology,
    cast(max(case when ladder.counts_households then filings.households_passed end) as bigint)
        as households_passed,
    cast(max(grades.evidence_rank) as bigint) as evidence_rank
from {{ ref('int_availability') }} as filings
inner join {{ ref('int_technology_ladder') }} as ladder
    on
        filings.technology = ladder.filed_technology
        and filings.connection_level >= ladder.presence_level
left join {{ ref('int_availability_evidence') }} as evidence
    on
        filings.as_of_date = evidence.as_of_date
        and filings.settlement_kato = evidence.settlement_kato
        and filings.operator_id = evidence.operator_id
        and filings.technology = evidence.technology
        and evidence.service = 'technology'
inner join {{ ref('evidence_grade') }} as grades
    on coalesce(evidence.evidence_grade, 'claimed') = grades.evidence_grade
group by filings.as_of_date, filings.settlement_kato, filings.operator_id, ladder.technology
