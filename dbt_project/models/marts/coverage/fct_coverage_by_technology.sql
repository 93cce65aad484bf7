{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_area_denominator', 'int_filed_technology', 'int_settlement_denominator', 'int_settlement_reach'
            ]
        }
    )
}}

with covered as (
    select
        as_of_date,
        settlement_kato,
        technology,
        operators,
        households_passed,
        0 as households_unknown,
        evidence_rank
    from {{ ref('int_settlement_reach') }}
),

filed_technologies as (
    select distinct
        as_of_date,
        technology
    from {{ ref('int_filed_technology') }}
),

-- Every technology gets a cell in every period with filings, so that what nobody filed shows as unknown.
filed as (
    select
        periods.as_of_date,
        technologies.technology,
        rules.counts_households,
        filed_technologies.technology is not null as is_filed
    from (select distinct as_of_date from filed_technologies) as periods
    cross join {{ ref('dim_technology') }} as technologies
    inner join {{ ref('coverage_rule') }} as rules on technologies.family = rules.family
    left join filed_technologies
        on
            periods.as_of_date = filed_technologies.as_of_date
            and technologies.technology = filed_technologies.technology
),

{{ coverage_by_area(['technology']) }}
