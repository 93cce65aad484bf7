{%- set villages = "'Villages of the rural connection plan by fibre'" -%}
{%- set homes = "'Households of the rural connection plan by fibre'" -%}
with figures as (
    {{ fibre_figure('fibre_villages', 'villages_connected', 'villages', villages, 'as_of_date') }}
    union all
    {{ fibre_figure('fibre_households_passed', 'households_passed', 'households_in_plan', homes, 'as_of_date') }}
    union all
    {{ fibre_figure('fibre_households_orderable', 'households_orderable', 'households_in_plan', homes, 'as_of_date') }}
    union all
    {{ fibre_figure('fibre_households_connected', 'households_connected', 'households_in_plan', homes, 'as_of_date') }}
    union all
    {{ fibre_figure('fibre_people', 'people_connected', 'people', 'denominator_source', 'denominator_as_of') }}
    union all
    {{ fibre_figure('fibre_slippage_days', 'slippage_days_mean') }}
    union all
    {{ programme_figure(
        ref('int_milestone'), 'milestone_slippage_days', 'infrastructure_milestones', 'slippage_days',
        technology="project_id || '.' || milestone_id"
    ) }}
    union all
    {{ satellite_figure('satellites_contracted', 'satellites_contracted') }}
    union all
    {{ satellite_figure('satellites_delivered', 'satellites_delivered') }}
    union all
    {{ satellite_figure('satellite_revenue_contracted_usd', 'contracted_revenue_usd') }}
    union all
    {{ satellite_figure('satellite_revenue_received_usd', 'received_revenue_usd') }}
    union all
    {{ qaztech_figure('all_new', 'systems_on_qaztech_pct', 'systems') }}
    union all
    {{ qaztech_figure('new_without_exempt', 'systems_on_qaztech_unexempt_pct', 'systems - systems_exempt') }}
    union all
    {{ programme_figure(
        ref('int_highway_length'), 'highway_length_km', 'highways', 'road_length_km', "road_class = 'all'"
    ) }}
    union all
    {{ highway_figure('highway_km_covered', 'km_covered', 'km_covered', 'road_length_km') }}
    union all
    {{ highway_figure('highway_covered_pct', 'covered_pct', 'km_covered', 'road_length_km') }}
    union all
    {{ highway_figure('highway_longest_gap_km', 'longest_gap_km') }}
    union all
    {{ urban_figure('urban_5g_area_pct', 'area_pct', 'area_covered_km2', 'area_km2') }}
    union all
    {{ urban_figure(
        'urban_5g_population_pct', 'population_pct', 'population_covered', 'population', "'Census of the date'",
        'population_as_of'
    ) }}
    union all
    {{ programme_figure(
        ref('int_region_area'), 'region_area_km2', 'administrative_boundaries', 'cell_area_km2', 'is_on_current_map and is_complete',
        ['geography_level', 'kato', "'all'"]
    ) }}
    union all
    {{ speed_figure('measured_download_mbps', 'download_mbps_mean') }}
    union all
    {{ speed_figure('measured_upload_mbps', 'upload_mbps_mean') }}
    union all
    {{ speed_figure('measured_latency_ms', 'latency_ms_mean') }}
    union all
    {{ programme_figure(
        ref('int_cell_coverage'), 'population_covered_cell_pct', 'operator_coverage_areas',
        percentage('population_covered', 'population'), place=['geography_level', 'kato', 'area_type'],
        technology='technology', numerator='population_covered', denominator='population', source='denominator_source',
        source_date='denominator_as_of'
    ) }}
    union all
    {{ urban_figure('urban_5g_cities', 'cities_with_5g', 'cities_with_5g', 'cities') }}
    union all
    {{ programme_figure(
        ref('int_urban_5g_station'), 'urban_5g_stations', 'operator_sites', 'stations_5g',
        "city_kato = 'all' and operator_id = 'any'", ["'national'", "'000000000'", "'urban'"], technology="'5g'"
    ) }}
    union all
    {{ programme_figure(
        ref('int_reliability'), 'field_test_reliability_pct', 'drive_tests', 'reliability_pct', "operator_id = 'all'",
        ['geography_level', 'kato', "'all'"], technology='technology', numerator='tests_successful', denominator='tests',
        source="'Field tests of the quarter inside declared areas'", source_date='as_of_date'
    ) }}
),

maturity as (
    select
        extract_kind,
        as_of_date,
        max(case when data_maturity = 'provisional' then 1 else 0 end) as is_provisional
    from {{ ref('stg_extract') }}
    where is_current
    group by extract_kind, as_of_date
)

select
    figures.metric_id,
    figures.as_of_date,
    figures.geography_level,
    figures.kato,
    figures.area_type,
    figures.technology,
    figures.value,
    figures.numerator,
    figures.denominator,
    figures.denominator_source,
    figures.denominator_as_of,
    case when coalesce(maturity.is_provisional, 0) = 1 then 'provisional' else 'final' end as data_maturity
from figures
left join maturity
    on
        figures.extract_kind = maturity.extract_kind
        and figures.as_of_date = maturity.as_of_date
where figures.value is not null
