"""Lineage at the grain of metric, date and delivery, where a filing is held."""

from __future__ import annotations

import datetime as dt

import duckdb

from warehouse.lineage import MetricSources, held_deliveries, lineage_table

SOURCES = [
    MetricSources("covered_pct", ("operator_availability",), ("operator_sites",), ()),
    MetricSources("population", ("population",), (), ()),
]
DELIVERIES = """
    (select * from (values
        ('q3', 'operator_availability', date '2025-09-30', true, 'accepted'),
        ('q4', 'operator_availability', date '2025-12-31', false, 'held'),
        ('other', 'operator_availability', date '2025-12-31', true, 'accepted'),
        ('stations', 'operator_sites', date '2025-12-31', false, 'held')
    ) as t (extract_id, extract_kind, as_of_date, is_current, outcome))
"""
STAND_INS = "(select 'q3' as extract_id, date '2025-12-31' as as_of_date)"
Q3, Q4 = dt.date(2025, 9, 30), dt.date(2025, 12, 31)


def test_what_stands_in_is_counted_on_the_date_it_stands_in_for() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.fct_metric as select 'covered_pct' as metric_id, unnest($1) as as_of_date",
            [[Q3, Q4]],
        )
        found = lineage_table(connection, SOURCES, "marts", DELIVERIES, STAND_INS).to_pylist()
    assert [(row["as_of_date"], row["extract_id"]) for row in found] == [
        (Q3, "q3"),
        (Q4, "other"),
        (Q4, "q3"),
    ]


def test_a_metric_names_what_is_held_of_all_that_it_rests_on() -> None:
    with duckdb.connect() as connection:
        assert held_deliveries(connection, SOURCES, DELIVERIES) == {"covered_pct": ("q4", "stations")}
