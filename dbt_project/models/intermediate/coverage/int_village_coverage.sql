-- Reads no census, so that what is wrong with a census does not withhold counts of villages.
{{
    config(
        materialized = 'by_period',
        meta = {
            'same_period': [
                'int_availability', 'int_filed_technology', 'int_settlement_reach', 'int_settlement_speed_reach',
                'int_village_connection'
            ],
            'deliveries_of': ['rural_connection_plan']
        }
    )
}}

with reached as (
    select
        as_of_date,
        settlement_kato,
        'technology' as measure,
        technology as step
    from {{ ref('int_settlement_reach') }}
    union all
    select
        as_of_date,
        settlement_kato,
        'speed_tier' as measure,
        speed_tier as step
    from {{ ref('int_settlement_speed_reach') }}
    union all
    select
        villages.as_of_date,
        villages.settlement_kato,
        'connection_level' as measure,
        rungs.connection_level as step
    from {{ ref('int_village_connection') }} as villages
    inner join {{ ref('connection_rung') }} as rungs on villages.fixed_level >= rungs.fixed_level
    where rungs.fixed_level > 0
),

-- What anybody filed for the date: there a village that is not reached counts as such.
filed as (
    select distinct
        as_of_date,
        'technology' as measure,
        technology as step
    from {{ ref('int_filed_technology') }}
    union all
    select
        periods.as_of_date,
        'speed_tier' as measure,
        tiers.speed_tier as step
    from (
        select distinct as_of_date
        from {{ ref('int_availability') }}
        where max_download_mbps is not null
    ) as periods
    cross join {{ ref('dim_speed_tier') }} as tiers
    union all
    select
        periods.as_of_date,
        'connection_level' as measure,
        rungs.connection_level as step
    from (
        select distinct as_of_date
        from {{ ref('int_filed_technology') }}
        where family = 'fixed'
    ) as periods
    cross join {{ ref('connection_rung') }} as rungs
    where rungs.fixed_level > 0
),

districts as (
    select
        district_kato,
        is_rural,
        count(*) as villages
    from {{ ref('int_settlement') }}
    where is_programme
    group by district_kato, is_rural
),

reached_by_district as (
    select
        reached.as_of_date,
        reached.measure,
        reached.step,
        settlements.district_kato,
        settlements.is_rural,
        count(*) as villages_covered
    from reached
    inner join {{ ref('int_settlement') }} as settlements on reached.settlement_kato = settlements.settlement_kato
    where settlements.is_programme
    group by reached.as_of_date, reached.measure, reached.step, settlements.district_kato, settlements.is_rural
),

counts as (
    select
        filed.as_of_date,
        areas.geography_level,
        areas.kato,
        filed.measure,
        filed.step,
        sum(districts.villages) as villages,
        sum(coalesce(reached.villages_covered, 0)) as villages_covered
    from filed
    cross join districts
    inner join {{ ref('int_coverage_area') }} as areas
        on
            districts.district_kato = areas.district_kato
            and districts.is_rural = areas.is_rural
            and areas.area_type = 'all'
    left join reached_by_district as reached
        on
            filed.as_of_date = reached.as_of_date
            and filed.measure = reached.measure
            and filed.step = reached.step
            and districts.district_kato = reached.district_kato
            and districts.is_rural = reached.is_rural
    group by filed.as_of_date, areas.geography_level, areas.kato, filed.measure, filed.step
),

villages_listed as (
    {{ village_list() | indent(4) }}
)

select
    counts.as_of_date,
    counts.geography_level,
    counts.kato,
    counts.measure,
    counts.step,
    cast(counts.villages as bigint) as villages,
    cast(counts.villages_covered as bigint) as villages_covered,
    {{ percentage('counts.villages_covered', 'counts.villages') }} as villages_covered_pct,
    {{ village_list_title('villages_listed') }} as villages_source,
    coalesce(villages_listed.as_of_date, counts.as_of_date) as villages_as_of
from counts
cross join villages_listed
