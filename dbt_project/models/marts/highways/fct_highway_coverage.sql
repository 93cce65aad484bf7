select
    roads.as_of_date,
    roads.road_id,
    roads.operator_id,
    roads.technology,
    roads.road_class,
    roads.road_name,
    roads.is_dual_carriageway,
    roads.roads,
    roads.official_length_km,
    roads.geometry_length_km,
    roads.road_length_km,
    roads.km_covered,
    roads.geometry_km_covered,
    roads.covered_pct,
    roads.longest_gap_km,
    roads.gaps,
    roads.gaps_over_5km,
    cast(case when roads.road_id = 'all' then announced.value end as double) as announced_km,
    roads.denominator_source,
    roads.denominator_as_of,
    case when roads.km_covered is null then 'withheld' else 'published' end as status,
    case
        when roads.km_covered is not null then cast(null as {{ dbt.type_string() }})
        when filings.as_of_date is null then 'no areas of service in a vehicle were filed for the date'
        when roads.operator_id = 'any'
            then 'nobody filed areas of service in a vehicle with this or a better technology for the date'
        else 'the operator filed no areas of service in a vehicle with this or a better technology'
    end as withheld_reason
from {{ ref('int_highway_coverage') }} as roads
left join {{ ref('reference_figure') }} as announced on announced.reference_id = 'highways_announced_km'
left join (
    select distinct as_of_date
    from {{ ref('int_highway_coverage') }}
    where km_covered is not null
) as filings on roads.as_of_date = filings.as_of_date
