"""A release for tests of the report and of exports: every mart with the columns of its contract, and a small country.

The tables are made from the contracts in `dbt_project/models/marts`, so that a question about a column that no mart has
fails here. Names in it are as bad as names come.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import duckdb
import yaml

from warehouse.paths import PROJECT_DIR
from warehouse.revision import REVISION_COLUMNS

HOSTILE = '<script>alert("x")</script> & "Село" \N{RIGHT-TO-LEFT OVERRIDE}=2+3'
ENDLESS = "Ұ" * 300
OWN_TABLES = {
    "meta_publication": "publication_id varchar, candidate_fingerprint varchar, code_version varchar, "
    "is_sample boolean, metrics_published bigint, metrics_withheld bigint, label varchar",
    "meta_check": "check_id varchar, kind varchar, severity varchar, status varchar, observed varchar, "
    "failing_count bigint, tables varchar, suite_version varchar, fingerprint varchar, description varchar",
    "meta_metric": "metric_id varchar, status varchar, withheld_reason varchar, checks_needed bigint",
}
OWN_TABLES["fct_revision"] = ", ".join(f"{column.name} {column.data_type}" for column in REVISION_COLUMNS)
DATES = ("2024-12-31", "2025-06-30", "2025-12-31")
REASON = "check coverage.people failed: 1 row; look at the filing"

_COUNTRY = """
insert into marts.meta_publication values ('pub-000000000001', 'f', 'tree-1', true, 3, 0, 'SAMPLE');
insert into marts.dim_metric by name
select
    metric_id, metric_id || ' in English' as name_en, metric_id || ' по-русски' as name_ru, name_kk,
    'What it says.' as description, unit, system, 'm' as method_id
from (values
    ('population_speed_tier_pct', 'Халық үлесі', 'percent', 'S1'), ('population_covered_pct', null, 'percent', 'S1'),
    ('settlements_connected', null, 'settlements', 'S2'), ('operator_availability', null, null, 'S1'),
    ('highway_km_covered', null, 'km', 'S6'), ('milestone_slippage_days', null, 'days', 'S7')
) as t (metric_id, name_kk, unit, system);
insert into marts.meta_metric select metric_id, 'published', null, 12 from marts.dim_metric;
insert into marts.dim_method by name select 'm' as method_id, 'Method <b>' as title, 'a / b' as formula,
    '1.0' as version,
    'Somebody' as source, 'javascript:alert(1)' as source_url;
insert into marts.dim_region by name
select * from (values
    ('100000000', 'oblast', '000000000', 'Abai', 'область Абай', 'Абай облысы', true),
    ('710000000', 'republican_city', '000000000', 'Astana', 'г.Астана', 'Астана қ.', true),
    ('999000000', 'oblast', '000000000', $hostile, $hostile, $endless, true),
    ('101000000', 'district', '100000000', $endless, $endless, $hostile, true)
) as t (region_kato, level, parent_kato, name_en, name_ru, name_kk, is_current);
insert into marts.dim_operator by name
select 'arman' as operator_id, $hostile as name_en, $hostile as name_ru, 'mobile' as kind, true as is_sample;
insert into marts.dim_settlement by name
select * from (values
    ('101010100', $hostile, $hostile, $hostile, true, '100000000', '101000000', 900),
    ('101010200', $endless, $endless, $endless, true, '100000000', '101000000', null),
    ('101010300', 'с.Бар', 'Бар а.', 'Bar', true, '100000000', '101000000', 5000)
) as t (settlement_kato, name_ru, name_kk, name_en, is_programme, region_kato, district_kato, population);
insert into marts.fct_availability by name
select date '2025-12-31' as as_of_date, kato as settlement_kato, 'arman' as operator_id, technology,
    2 as connection_level,
    'claimed' as evidence_grade, 'e1' as extract_id, 'published' as status
from (values ('101010300', '4g'), ('101010200', '3g')) as t (kato, technology);
insert into marts.fct_coverage_by_technology by name
select
    date as as_of_date, level as geography_level, kato, area as area_type, technology, 1000 as population,
    round(10 * pct)::bigint as population_covered, pct as population_covered_pct, 2 as villages,
    1 as villages_covered, 50.0 as villages_covered_pct, 60.0 as evidence_claimed_pct,
    30.0 as evidence_corroborated_pct, 10.0 as evidence_measured_pct, 0.0 as evidence_disputed_pct,
        'published' as status
from (values ('national', '000000000', 90.0), ('region', '100000000', 80.0), ('region', '710000000', 100.0),
    ('region', '999000000', 0.0), ('district', '101000000', 99.99)) as places (level, kato, pct)
cross join (values ('all'), ('rural')) as areas (area)
cross join (values ('2g'), ('3g'), ('4g'), ('fttp')) as technologies (technology)
cross join (values (date '2024-12-31'), (date '2025-06-30'), (date '2025-12-31')) as dates (date)
where not (kato = '710000000' and area = 'rural');
insert into marts.fct_coverage_by_technology by name
select date '2025-12-31' as as_of_date, 'region' as geography_level, kato, 'all' as area_type, '5g' as technology,
    1000 as population, 'published' as status
from (values ('100000000'), ('710000000')) as t (kato);
insert into marts.fct_coverage_by_speed_tier by name
select
    as_of_date, geography_level, kato, area_type, 'mobile_norm_5' as speed_tier, population, population_covered,
    population_covered_pct, 'published' as status
from marts.fct_coverage_by_technology where technology = '4g';
insert into marts.fct_metric by name
select
    'population_speed_tier_pct' as metric_id, as_of_date, geography_level, kato, area_type, speed_tier as technology,
    population_covered_pct as value, 'percent' as unit, population as denominator, 'published' as status
from marts.fct_coverage_by_speed_tier where geography_level = 'national';
insert into marts.fct_target_progress by name
select * from (values
    ('s1_population_99', 'population_speed_tier_pct', date '2025-12-31', 90.0, 99.0, date '2027-12-31', 95.0,
        94.0, 96.0,
        'off_track', 'S1', 'mobile_norm_5', 'percent'),
    ('s2_villages_trunk_2026', 'settlements_connected', date '2025-12-31', 1.0, 2.0, date '2026-12-31', null,
        null, null,
        'insufficient_data', 'S2', 'level_1', 'settlements'),
    ('s6_highways_2027', 'highway_km_covered', null, null, 40000.0, date '2027-12-31', null, null, null,
        'insufficient_data', 'S6', '2g', 'km'),
    ('s7_caspian_cable_2026', 'milestone_slippage_days', date '2026-06-30', 46.0, 0.0, date '2026-09-30', 46.0,
        null, null,
        'off_track', 'S7', 'caspian_cable.in_service', 'days')
) as t (target_id, metric_id, as_of_date, value, target_value, due_date, projected_value, projected_low, projected_high,
    status, system, technology, unit), (values ('000000000', 'all')) as place (kato, area_type);
insert into marts.fct_statement_check by name
select * from (values
    ('s1_population_99_2027', 'S1', '99 percent', date '2026-01-06', 'unverifiable', 99.0, null, 'percent'),
    ('s2_unknown', 'S2', $hostile, date '2026-01-06', 'definition_mismatch', 2606.0, 663.0, 'settlements')
) as t (statement_id, system, quote, stated_at, verdict, stated_value, computed_value, unit),
(values ('A Minister', '=', 'Because <i>so</i>.', 'published', 'javascript:alert(2)'))
    as rest (speaker, qualifier, explanation, status, source_url);
insert into marts.fct_rural_connection by name
select
    date '2025-12-31' as as_of_date, level as geography_level, kato, rung as connection_level, 3 as villages,
    at_level as villages_at_level, at_level * 100.0 / 3 as villages_at_level_pct, above as villages_at_or_above,
    above * 100.0 / 3 as villages_at_or_above_pct, planned as villages_planned, 'published' as status
from (values ('national', '000000000'), ('region', '100000000'), ('district', '101000000')) as places (level, kato)
cross join (values ('level_0', 1, 3, null), ('satellite_only', 0, null, null), ('level_1', 1, 2, 3), ('level_2',
    1, 1, 2),
    ('level_3', 0, 0, 0), ('level_4', 0, 0, 0)) as rungs (rung, at_level, above, planned);
insert into marts.fct_highway_coverage by name
select
    date '2025-12-31' as as_of_date, road as road_id, operator as operator_id, technology, 'republican' as road_class,
    $hostile as road_name, 1 as roads, 100.0 as road_length_km, 80.0 as km_covered, 80.0 as covered_pct,
    12.5 as longest_gap_km, 1 as gaps, 1 as gaps_over_5km, case when road = 'all' then 40000.0 end as announced_km,
    'published' as status
from (values ('all'), ('KAZ01')) as roads (road)
cross join (values ('any'), ('arman')) as operators (operator) cross join (values ('2g'), ('4g')) as t (technology);
insert into marts.dim_boundary by name
select date '2024-01-01' as as_of_date, * from (values
    ('region', '100000000', $hostile, true, 'POLYGON ((70 48, 76 48, 76 51, 70 51, 70 48))'),
    ('region', '710000000', 'Astana', true, 'POLYGON ((71 51, 71.4 51, 71.4 51.3, 71 51.3, 71 51))'),
    ('region', '999000000', 'Endless', true, 'POLYGON ((76 48, 80 48, 80 51, 76 51, 76 48))'),
    ('region', '430000000', 'Of another map', false, 'POLYGON ((60 48, 61 48, 61 49, 60 48))'),
    ('district', '101000000', 'Small', true, 'POLYGON ((70 48, 73 48, 73 51, 70 51, 70 48))')
) as t (geography_level, kato, name_en, is_on_current_map, outline_wkt);
insert into marts.dim_highway by name
select date '2025-12-31' as as_of_date, 'KAZ01' as road_id, $hostile as road_name, 100.0 as road_length_km,
    'MULTILINESTRING ((70 49, 72 50), (73 50, 75 49))' as outline_wkt;
insert into marts.fct_highway_gap by name
select
    date '2025-12-31' as as_of_date, 'KAZ01' as road_id, technology, 1 as gap_number, $hostile as road_name,
        10.0 as start_km,
    22.5 as end_km, 12.5 as length_km, 50.0 as start_latitude, 70.0 as start_longitude, 50.1 as end_latitude,
    70.1 as end_longitude, $hostile as nearest_settlement_name_ru, '101000000' as nearest_settlement_district_kato,
    'published' as status
from (values ('2g'), ('4g')) as t (technology);
insert into marts.fct_urban_5g by name
select
    date as as_of_date, city as city_kato, 'any' as operator_id,
        case when city <> 'all' then $hostile end as city_name_ru,
    1 as cities, 1 as cities_with_5g, 100.0 as area_km2, 40.0 as area_covered_km2, 40.0 as area_pct, 75.0 as target_pct,
    'published' as status
from (values ('all'), ('710000000')) as cities (city), (values (date '2025-06-30'),
    (date '2025-12-31')) as dates (date);
insert into marts.fct_milestone by name
select date '2026-06-30' as as_of_date, 'caspian_cable' as project_id, 'laid' as milestone_id,
    $hostile as milestone_name,
    'in_progress' as milestone_status, date '2026-06-30' as first_planned_date, 'published' as status;
insert into marts.fct_reliability by name
select date '2025-12-31' as as_of_date, operator as operator_id, 'national' as geography_level, '000000000' as kato,
    '4g' as technology, tests, pct as reliability_pct, pct - 5 as reliability_low_pct, pct + 3 as reliability_high_pct,
    status, why as withheld_reason
from (values ('all', 50, 90.0, 'published', null), ('arman', 12, null, 'withheld', '12 tests, fewer than the 30'))
    as t (operator, tests, pct, status, why);
insert into marts.fct_measured_speed by name
select date as as_of_date, 'mobile' as network_type, mbps as download_mbps_mean, 10.0 as upload_mbps_mean,
    'Somebody' as source, 'published' as status
from (values (date '2025-09-30', 27.5), (date '2025-12-31', 31.0)) as t (date, mbps);
insert into marts.meta_extract by name
select 'e1' as extract_id, 'sample_arman' as sender, $hostile as file_name, 'accepted_with_quarantine' as outcome;
insert into marts.meta_row_account by name
select 'e1' as extract_id, 5 as rows_read, 3 as rows_accepted, 1 as rows_quarantined, 1 as rows_duplicate;
insert into marts.meta_check by name
select 'dbt.unique' as check_id, 'dbt' as kind, 'blocking' as severity, 'pass' as status, '' as observed;
insert into marts.fct_revision by name
select 'population_covered_pct' as metric_id, date '2025-12-31' as as_of_date, 'national' as geography_level,
    '000000000' as kato, 'all' as area_type, '4g' as technology, 'pub-0' as previous_publication_id,
        'revised' as change,
    'resubmission' as cause, 88.5 as old_value, 90.0 as new_value, 'percent' as unit, 1.5 as difference, 0 as new_build,
    0 as retirement, 1.25 as correction, 0 as method, 0 as denominator, 0 as geography, 0.25 as residual;
insert into marts.meta_column by name
select table_name, column_name, column_index as ordinal_position, lower(data_type) as data_type,
    'The <b>meaning</b>.' as description_en, 'open' as access
from duckdb_columns() where schema_name = 'marts';
"""

# A whole release in which one metric's figures are withheld everywhere, as the mask of a release leaves them.
WITHHELD_COVERAGE = f"""
update marts.meta_metric set status = 'withheld', withheld_reason = '{REASON}'
where metric_id in ('population_covered_pct', 'population_speed_tier_pct', 'operator_availability');
update marts.meta_publication set metrics_published = 3, metrics_withheld = 3;
update marts.fct_coverage_by_technology set population_covered = null, population_covered_pct = null,
    evidence_claimed_pct = null, evidence_corroborated_pct = null, evidence_measured_pct = null,
    evidence_disputed_pct = null, status = 'withheld', withheld_reason = '{REASON}';
update marts.fct_coverage_by_speed_tier set population_covered = null, population_covered_pct = null,
    status = 'withheld',
    withheld_reason = '{REASON}';
update marts.fct_availability set connection_level = null, status = 'withheld', withheld_reason = '{REASON}';
update marts.fct_target_progress set value = null, projected_value = null, projected_low = null, projected_high = null,
    status = 'insufficient_data', withheld_reason = '{REASON}' where system = 'S1';
"""
# A quarter for which nobody filed: rows are there, figures are not.
EMPTY_QUARTER = """
update marts.fct_coverage_by_technology set population_covered = null, population_covered_pct = null
where as_of_date = date '2025-06-30';
"""


def release_in(folder: Path, *changes: str, filled: bool = True, without: Sequence[str] = ()) -> Path:
    """Write a release into `folder`: contracted tables, the country if `filled`, then the `changes` in SQL."""
    for form in ("csv", "parquet"):
        (folder / form).mkdir(parents=True)
    with duckdb.connect(str(folder / "coverage.duckdb")) as connection:
        connection.execute("create schema marts")
        for name, columns in sorted({**contracted_tables(), **OWN_TABLES}.items()):
            connection.execute(f"create table marts.{name} ({columns})")
            for form in ("csv", "parquet"):
                (folder / form / f"{name}.{form}").write_bytes(b"")
        country = (
            _COUNTRY
            if filled
            else "insert into marts.meta_publication by name select 'pub-0' as publication_id, "
        )
        country += (
            ""
            if filled
            else "'tree-0' as code_version, false as is_sample, 0 as metrics_published, 0 as metrics_withheld"
        )
        names = {"$hostile": HOSTILE, "$endless": ENDLESS}
        for place, name in names.items():
            country = country.replace(place, "'" + name.replace("'", "''") + "'")
        for sql in (country, *changes, *(f"drop table marts.{name}" for name in without)):
            connection.execute(sql)
    return folder


@cache
def contracted_tables() -> dict[str, str]:
    """Columns of every mart as its contract has them, in SQL."""
    found = {}
    for path in sorted((PROJECT_DIR / "dbt_project" / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
            found[model["name"]] = ", ".join(
                f"{column['name']} {column['data_type']}" for column in model["columns"]
            )
    return found
