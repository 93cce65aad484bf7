-- A speed that was not filed reaches no tier that asks for one.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_availability', 'int_availability_evidence']
        }
    )
}}

with offers as (
    select
        filings.as_of_date,
        filings.settlement_kato,
        filings.operator_id,
        tiers.speed_tier,
        max(case when rules.counts_households then 1 else 0 end) as has_fixed,
        max(case when rules.counts_households then {{ orderable_of_tier('filings', 'tiers.speed_tier') }} end)
            as households_orderable,
        max(grades.evidence_rank) as evidence_rank
    from {{ ref('int_availability') }} as filings
    inner join {{ ref('dim_technology') }} as technologies on filings.technology = technologies.technology
    inner join {{ ref('coverage_rule') }} as rules
        on
            technologies.family = rules.family
            and filings.connection_level >= rules.service_level
    inner join {{ ref('dim_speed_tier') }} as tiers
        on
            filings.max_download_mbps >= tiers.min_download_mbps
            and (coalesce(tiers.min_upload_mbps, 0) = 0 or filings.max_upload_mbps >= tiers.min_upload_mbps)
    left join {{ ref('int_availability_evidence') }} as evidence
        on
            filings.as_of_date = evidence.as_of_date
            and filings.settlement_kato = evidence.settlement_kato
            and filings.operator_id = evidence.operator_id
            and filings.technology = evidence.technology
            and tiers.speed_tier = evidence.service
    inner join {{ ref('evidence_grade') }} as grades
        on coalesce(evidence.evidence_grade, 'claimed') = grades.evidence_grade
    group by filings.as_of_date, filings.settlement_kato, filings.operator_id, tiers.speed_tier
)

select
    as_of_date,
    settlement_kato,
    speed_tier,
    cast(count(*) as bigint) as operators,
    -- Where only mobile or satellite networks reach the tier no household can order a line; where a fixed network
    -- does and nobody filed it by address, how many can is not known.
    cast(coalesce(max(households_orderable), case when max(has_fixed) = 0 then 0 end) as bigint)
        as households_orderable,
    cast(max(evidence_rank) as bigint) as evidence_rank
from offers
group by as_of_date, settlement_kato, speed_tier
