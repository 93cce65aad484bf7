-- Only service that is claimed can be borne out or disputed: a trunk line or a station being built is neither.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': ['int_settlement_test', 'int_settlement_tile', 'int_station_reach', 'int_upheld_dispute'],
            'up_to_period': ['int_availability']
        }
    )
}}

with claims as (
    select
        filings.as_of_date,
        filings.settlement_kato,
        filings.operator_id,
        filings.technology,
        technologies.rank as technology_rank,
        rules.tile_network
    from {{ ref('int_availability') }} as filings
    inner join {{ ref('dim_technology') }} as technologies on filings.technology = technologies.technology
    inner join {{ ref('coverage_rule') }} as levels
        on
            technologies.family = levels.family
            and filings.connection_level >= levels.service_level
    inner join {{ ref('evidence_rule') }} as rules on filings.technology = rules.technology
),

-- A tile names neither operator nor technology: it speaks for the best technology of an operator that is alone, and
-- has been as long as tiles count. One that has not filed for the date yet, or has left, may be whose tests they are.
-- A speed tier it measures, whatever carried the tests; a technology only where the operator has no other there.
alone as (
    select
        periods.as_of_date,
        claims.settlement_kato,
        claims.tile_network,
        max(case when claims.as_of_date = periods.as_of_date then claims.technology_rank end) as technology_rank,
        count(distinct claims.technology) as technologies
    from (select distinct as_of_date from claims) as periods
    inner join claims on {{ in_evidence_window('claims.as_of_date', 'periods.as_of_date') }}
    group by periods.as_of_date, claims.settlement_kato, claims.tile_network
    having count(distinct claims.operator_id) = 1
),

stations as (
    select
        reach.as_of_date,
        reach.settlement_kato,
        reach.operator_id,
        ladder.technology,
        max(case when reach.station_kind = 'site' then 1 else 0 end) as has_site,
        max(case when reach.station_kind = 'cell' then 1 else 0 end) as has_cell
    from {{ ref('int_station_reach') }} as reach
    inner join {{ ref('int_technology_ladder') }} as ladder on reach.technology = ladder.filed_technology
    group by reach.as_of_date, reach.settlement_kato, reach.operator_id, ladder.technology
),

upheld as (
    select distinct
        claims.as_of_date,
        claims.settlement_kato,
        claims.operator_id,
        claims.technology
    from claims
    inner join {{ ref('int_upheld_dispute') }} as disputes
        on
            claims.as_of_date = disputes.as_of_date
            and claims.settlement_kato = disputes.settlement_kato
            and (claims.operator_id = disputes.operator_id or disputes.operator_id is null)
            and (claims.technology = disputes.technology or disputes.technology is null)
),

found as (
    select
        claims.as_of_date,
        claims.settlement_kato,
        claims.operator_id,
        claims.technology,
        services.service,
        coalesce(stations.has_site, 0) = 1 as has_site,
        coalesce(stations.has_cell, 0) = 1 as has_cell,
        coalesce(tests.tests, 0) as tests,
        coalesce(tests.tests_met, 0) as tests_met,
        coalesce(tests.tests_failed, 0) as tests_failed,
        upheld.settlement_kato is not null as is_dispute_upheld,
        coalesce(
            alone.technology_rank is not null
            and tiles.download_mbps >= services.min_download_mbps
            and tiles.upload_mbps >= services.min_upload_mbps,
            false
        ) as is_met_by_tiles,
        services.service != 'technology' or coalesce(alone.technologies = 1, false) as is_told_by_tiles
    from claims
    inner join {{ ref('int_evidence_service') }} as services on claims.technology = services.technology
    left join stations
        on
            claims.as_of_date = stations.as_of_date
            and claims.settlement_kato = stations.settlement_kato
            and claims.operator_id = stations.operator_id
            and claims.technology = stations.technology
    left join upheld
        on
            claims.as_of_date = upheld.as_of_date
            and claims.settlement_kato = upheld.settlement_kato
            and claims.operator_id = upheld.operator_id
            and claims.technology = upheld.technology
    left join {{ ref('int_settlement_test') }} as tests
        on
            claims.as_of_date = tests.as_of_date
            and claims.settlement_kato = tests.settlement_kato
            and claims.operator_id = tests.operator_id
            and claims.technology = tests.technology
            and services.service = tests.service
    left join alone
        on
            claims.as_of_date = alone.as_of_date
            and claims.settlement_kato = alone.settlement_kato
            and claims.tile_network = alone.tile_network
            and claims.technology_rank = alone.technology_rank
    left join {{ ref('int_settlement_tile') }} as tiles
        on
            claims.as_of_date = tiles.as_of_date
            and claims.settlement_kato = tiles.settlement_kato
            and claims.tile_network = tiles.network_type
),

graded as (
    select
        as_of_date,
        settlement_kato,
        operator_id,
        technology,
        service,
        has_site,
        has_cell,
        tests,
        tests_met,
        tests_failed,
        is_dispute_upheld,
        is_met_by_tiles,
        is_told_by_tiles,
        case
            when is_dispute_upheld then 'disputed'
            when {{ most_tests('tests_failed', 'tests') }} then 'disputed'
            when {{ most_tests('tests_met', 'tests') }} or (is_met_by_tiles and is_told_by_tiles) then 'measured'
            when has_site or has_cell or is_met_by_tiles then 'corroborated'
        end as evidence_grade
    from found
)

select
    graded.as_of_date,
    graded.settlement_kato,
    graded.operator_id,
    graded.technology,
    graded.service,
    graded.has_site,
    graded.has_cell,
    cast(graded.tests as bigint) as tests,
    cast(graded.tests_met as bigint) as tests_met,
    cast(graded.tests_failed as bigint) as tests_failed,
    graded.is_dispute_upheld,
    graded.is_met_by_tiles,
    graded.is_told_by_tiles,
    graded.evidence_grade,
    grades.evidence_rank
from graded
inner join {{ ref('evidence_grade') }} as grades on graded.evidence_grade = grades.evidence_grade
