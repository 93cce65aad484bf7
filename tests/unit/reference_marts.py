"""Areas, places, operators and measured speeds of the small country, and the faults their suite finds."""

from __future__ import annotations

REFERENCE = """
create table marts.fct_region_area as
select
    date '2024-01-01' as as_of_date, *, (area_km2 - geometry_area_km2) * 100 / geometry_area_km2 as method_error_pct,
    (geometry_area_km2 - official_area_km2) * 100 / official_area_km2 as official_difference_pct
from (values
    ('national', '000000000', null, 1010.0e0, 1007.0e0), ('region', '100000000', 990.0e0, 1000.0e0, 997.0e0),
    ('region', '710000000', null, 10.0e0, 10.0e0), ('district', '101000000', 390.0e0, 400.0e0, 399.0e0),
    ('district', '102000000', null, 600.0e0, 570.0e0)
) as t (geography_level, kato, official_area_km2, geometry_area_km2, area_km2);
create table intermediate.int_place_position as
select * from (values
    ('p1', '101000001', 'filed', 'One', 49.0e0, 80.0e0, '101000000'),
    ('p2', '101000002', 'name_in_district', 'Two', 49.1e0, 80.0e0, '101000000'),
    ('p3', null, null, 'Three', 41.3e0, 69.2e0, null)
) as t (place_id, settlement_kato, code_from, place_name, latitude, longitude, cell_district_kato);
create table marts.dim_operator as
select * from (values
    ('arman', 'Sample register', true), ('dala', 'Sample register', true), ('absent', 'Sample register', false)
) as t (operator_id, source, has_filed);
create table marts.fct_measured_speed as
select * from (values
    (date '2025-03-31', 'fixed', 80.0e0, 75.0e0), (date '2025-06-30', 'fixed', 90.0e0, 80.0e0),
    (date '2025-09-30', 'fixed', 85.0e0, 82.0e0), (date '2025-03-31', 'mobile', 40.0e0, 12.0e0),
    (date '2025-06-30', 'mobile', 60.0e0, 13.0e0), (date '2025-09-30', 'mobile', 62.0e0, 13.5e0)
) as t (as_of_date, network_type, download_mbps_mean, upload_mbps_mean);
"""

_AREAS, _SPEEDS = "marts.fct_region_area", "marts.fct_measured_speed"

REFERENCE_FAULTS: dict[str, dict[str, str]] = {
    "reference.cells_agree_with_boundaries": {
        "a region": f"update {_AREAS} set method_error_pct = -1.1 where kato = '100000000'",
        "a district": f"update {_AREAS} set method_error_pct = 11 where kato = '101000000'",
    },
    "reference.districts_make_their_region": {
        "a district less": f"delete from {_AREAS} where kato = '101000000'",
        "an overlap": f"update {_AREAS} set geometry_area_km2 = 650 where kato = '102000000'",
    },
    "reference.official_areas_agree": {
        "hectares": f"update {_AREAS} set official_difference_pct = -99 where kato = '100000000'",
    },
    "reference.places_lie_in_the_country": {
        "a neighbour": "update intermediate.int_place_position set cell_district_kato = null where place_id = 'p1'",
    },
    "reference.operators_are_registered": {
        "another spelling": "insert into marts.dim_operator values ('arman_mobil', 'Operator filings', true)",
    },
    "reference.speeds_do_not_jump": {
        "kilobits": f"update {_SPEEDS} set download_mbps_mean = 62000 "
        "where network_type = 'mobile' and as_of_date = date '2025-09-30'",
        "fixed for mobile": f"update {_SPEEDS} set upload_mbps_mean = 80 "
        "where network_type = 'mobile' and as_of_date = date '2025-06-30'",
    },
    "reference.no_quarter_is_missing": {
        "a quarter": f"delete from {_SPEEDS} where as_of_date = date '2025-06-30' and network_type = 'fixed'",
    },
}
