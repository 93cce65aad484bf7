"""Highways of the small country, and the faults their suite finds."""

from __future__ import annotations

HIGHWAYS = """
create table intermediate.int_highway as
select date '2025-01-01' as as_of_date, * from (values
    ('R1', 'One - Two', false, 100.0e0, 98.0e0, 100.0e0, 40), ('R2', 'Two - Three', true, 50.0e0, 51.0e0, 50.0e0, 30),
    ('R3', 'Three - Four', false, null, 20.0e0, 20.0e0, 10)
) as t (
    road_id, road_name, is_dual_carriageway, official_length_km, geometry_length_km, road_length_km, vertices
);
create table intermediate.int_highway_cell as
select as_of_date, road_id, 'c' || cell as h3_cell, road_length_km / 4 as length_km
from intermediate.int_highway, (values (1), (2), (3), (4)) as cells (cell);
create table marts.fct_highway_coverage as
with roads as (
    select * from (values
        ('R1', 'republican', 'One - Two', false, 100.0e0), ('R2', 'republican', 'Two - Three', true, 50.0e0),
        ('R3', 'oblast', 'Three - Four', false, 20.0e0)
    ) as t (road_id, road_class, road_name, is_dual_carriageway, road_length_km)
),

-- Shares of each road: two operators, and both together.
covered as (
    select * from (values
        ('a', '2g', 0.5e0), ('b', '2g', 0.4e0), ('any', '2g', 0.75e0),
        ('a', '4g', 0.25e0), ('b', '4g', 0.25e0), ('any', '4g', 0.5e0)
    ) as t (operator_id, technology, share)
),

each as (
    select
        dates.as_of_date, roads.*, covered.operator_id, covered.technology, 1 as roads,
        roads.road_length_km * covered.share as km_covered,
        case when covered.operator_id = 'any' then roads.road_length_km * (1 - covered.share) / 2 end as longest_gap_km,
        case when covered.operator_id = 'any' then 2 end as gaps,
        case
            when covered.operator_id = 'any'
                then case when roads.road_length_km * (1 - covered.share) / 2 > 5 then 2 else 0 end
        end as gaps_over_5km
    from roads, covered, (values (date '2025-09-30'), (date '2025-12-31')) as dates (as_of_date)
),

summed as (
    select * from each
    union all
    select
        as_of_date, 'all_' || road_class, road_class, null, null, sum(road_length_km), operator_id, technology,
        count(*), sum(km_covered), max(longest_gap_km), sum(gaps), sum(gaps_over_5km)
    from each
    group by as_of_date, road_class, operator_id, technology
    union all
    select
        as_of_date, 'all', 'all', null, null, sum(road_length_km), operator_id, technology,
        count(*), sum(km_covered), max(longest_gap_km), sum(gaps), sum(gaps_over_5km)
    from each
    group by as_of_date, operator_id, technology
)

select *, km_covered * 100.0e0 / road_length_km as covered_pct from summed;
create table marts.fct_highway_gap as
select
    as_of_date, road_id, technology, number as gap_number, longest_gap_km as length_km,
    (number - 1) * road_length_km / 2 as start_km, (number - 1) * road_length_km / 2 + longest_gap_km as end_km
from marts.fct_highway_coverage, (values (1), (2)) as numbers (number)
where operator_id = 'any' and road_name is not null;
"""

_ROADS, _CELLS = "intermediate.int_highway", "intermediate.int_highway_cell"
_COVERAGE, _GAPS = "marts.fct_highway_coverage", "marts.fct_highway_gap"
_LATEST = "as_of_date = date '2025-12-31'"
_ANY = f"operator_id = 'any' and technology = '4g' and {_LATEST}"

HIGHWAY_FAULTS: dict[str, dict[str, str]] = {
    "highways.geometry_agrees_with_official_length": {
        "both carriageways": f"update {_ROADS} set geometry_length_km = 102 where road_id = 'R2'",
        "a sketch": f"update {_ROADS} set geometry_length_km = 84 where road_id = 'R1'",
    },
    "highways.roads_are_not_drawn_schematically": {
        "a sketch": f"update {_ROADS} set vertices = 3 where road_id = 'R1'",
    },
    "highways.cells_make_the_road": {
        "a cell less": f"delete from {_CELLS} where road_id = 'R1' and h3_cell = 'c1'",
        "no cells": f"delete from {_CELLS} where road_id = 'R3'",
        "the length of the geometry": f"update {_CELLS} set length_km = 24.5 where road_id = 'R1'",
    },
    "highways.shares_follow_from_kilometres": {
        "more than the road": f"update {_COVERAGE} set km_covered = 101 where road_id = 'R1' and {_ANY}",
        "of another length": f"update {_COVERAGE} set covered_pct = 51 where road_id = 'R1' and {_ANY}",
        "less than nothing": f"update {_COVERAGE} set km_covered = -1, covered_pct = -1 "
        f"where road_id = 'R1' and {_ANY}",
        "unknown turned nought": f"update {_COVERAGE} set km_covered = null, covered_pct = 0 where {_ANY}",
    },
    "highways.any_operator_lies_between_largest_and_sum": {
        "less than one": f"update {_COVERAGE} set km_covered = 20 where road_id = 'R1' and {_ANY}",
        "more than both": f"update {_COVERAGE} set km_covered = 60 where road_id = 'R1' and {_ANY}",
    },
    "highways.better_technology_covers_no_more": {
        "more 4g than 2g": f"update {_COVERAGE} set km_covered = 90 where road_id = 'R1' and {_ANY}",
    },
    "highways.roads_make_the_whole": {
        "a road less": f"delete from {_COVERAGE} where road_id = 'R3'",
        "a class": f"update {_COVERAGE} set km_covered = 0 where road_id = 'all_oblast'",
        "a length": f"update {_COVERAGE} set road_length_km = 171 where road_id = 'all'",
    },
    "highways.coverage_and_gaps_make_the_road": {
        "a gap less": f"delete from {_GAPS} where road_id = 'R1' and gap_number = 2",
        "a longer gap": f"update {_GAPS} set length_km = length_km + 0.1 where road_id = 'R1'",
        "dual beyond two in a hundred": f"update {_GAPS} set length_km = length_km * 1.1 where road_id = 'R2'",
    },
    "highways.gaps_are_counted_and_measured": {
        "another longest": f"update {_COVERAGE} set longest_gap_km = 1 where road_id = 'R1' and {_ANY}",
        "one more": f"update {_COVERAGE} set gaps = 3 where road_id = 'R1' and {_ANY}",
        "over 5 km": f"update {_COVERAGE} set gaps_over_5km = 0 where road_id = 'R1' and {_ANY}",
        "overlapping": f"update {_GAPS} set start_km = 1 where gap_number = 2 and road_id = 'R1'",
        "numbers": f"update {_GAPS} set gap_number = 3 where gap_number = 2 and road_id = 'R1'",
    },
    "highways.coverage_does_not_drop": {
        "a fifth": f"update {_COVERAGE} set km_covered = km_covered * 0.8 where road_id = 'all' and {_ANY}",
    },
}
