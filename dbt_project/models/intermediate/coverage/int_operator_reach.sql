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
inner join {{ ref('evidence_grade') }} as grades on filings.evidence_grade = grades.evidence_grade
group by filings.as_of_date, filings.settlement_kato, filings.operator_id, ladder.technology
