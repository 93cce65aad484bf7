from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from docs import pictures

SMALL_RELEASE = """
create schema marts;
create table marts.dim_settlement (settlement_kato text, region_kato text, longitude double, latitude double);
insert into marts.dim_settlement values
    ('a', 'R', 60, 50), ('b', 'R', 70, 45), ('c', 'R', 65, 48), ('d', 'R', null, null);
alter table marts.dim_settlement add column population bigint default 100;
create table marts.dim_region (region_kato text, name_en text, level text, is_current boolean);
insert into marts.dim_region values ('R', 'Oblast & Co', 'oblast', true);
create table marts.dim_technology (technology text, family text, rank int);
insert into marts.dim_technology values ('2g', 'mobile', 1), ('4g', 'mobile', 3), ('fttp', 'fixed', 4);
create table marts.fct_highway_gap as
select * from (values
    (date '2025-12-31', 'R1', '4g', 1, 'Road', 0e0, 800e0, 80e0, 60e0, 50e0, 65e0, 48e0, 'Ауыл'),
    (date '2025-12-31', 'R1', '2g', 1, 'Road', 200e0, 700e0, 50e0, 61e0, 49e0, 64e0, 48.5e0, null)
) as gaps (as_of_date, road_id, technology, gap_number, road_name, start_km, end_km, length_km,
    start_longitude, start_latitude, end_longitude, end_latitude, nearest_settlement_name_ru);
create table marts.fct_highway_coverage as
select * from (values
    (date '2025-12-31', 'all', 'any', '2g', 50e0, 100e0), (date '2025-12-31', 'all', 'any', '4g', 20e0, 100e0)
) as sums (as_of_date, road_id, operator_id, technology, km_covered, road_length_km);
create table marts.fct_availability as
select date '2025-12-31' as as_of_date, * from (values
    ('a', '4g', 'measured'), ('a', '4g', 'disputed'), ('b', '4g', 'disputed'), ('d', '4g', 'claimed'),
    ('c', '2g', 'claimed'), ('c', '4g', null)
) as claims (settlement_kato, technology, evidence_grade);
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(SMALL_RELEASE)
        yield connection


@pytest.mark.parametrize("draw", pictures.PICTURES.values())
def test_a_sample_says_so_and_a_release_of_real_filings_does_not(connection, draw) -> None:
    sample = draw(pictures.Release(connection, "pub-1", "SAMPLE"))
    real = draw(pictures.Release(connection, "pub-1", None))
    assert sample.count("SAMPLE") == 2
    assert "invented filings" in sample
    assert "SAMPLE" not in real
    assert "invented" not in real


@pytest.mark.parametrize("draw", pictures.PICTURES.values())
def test_every_picture_has_region_scale_source_and_date(connection, draw) -> None:
    drawing = draw(pictures.Release(connection, "pub-1", None))
    for words in ("Oblast &amp; Co", " km</text>", "Source: Qamtu release pub-1", "2025-12-31"):
        assert words in drawing


def test_kilometres_of_road_are_told_by_what_a_vehicle_finds(connection) -> None:
    drawing = pictures.highway_gaps(pictures.Release(connection, "pub-1", None))
    for words in (
        "by some operator: 20 km",
        "2G or 3G only: 30 km",
        "no mobile service at all: 50 km",
        "All roads filed: 100 km",
        "1.  R1  50 km",
    ):
        assert words in drawing


def test_the_best_grade_of_a_settlement_stands(connection) -> None:
    drawing = pictures.evidence_grades(pictures.Release(connection, "pub-1", None))
    for words in (
        "found it: 1",
        "no service: 1",
        "for or against it: 1",
        "users saw: 0",
        "not drawn: 1",
    ):
        assert words in drawing


@pytest.mark.parametrize(
    ("draw", "withhold"),
    [
        (
            pictures.highway_gaps,
            "update marts.fct_highway_gap set start_latitude = null, end_latitude = null",
        ),
        (pictures.evidence_grades, "update marts.fct_availability set evidence_grade = null"),
    ],
)
def test_what_is_withheld_is_not_drawn(connection, draw, withhold) -> None:
    connection.execute(withhold)
    with pytest.raises(SystemExit, match="the release has no"):
        draw(pictures.Release(connection, "pub-1", None))


def test_a_line_breaks_where_the_drawing_of_a_road_leaps() -> None:
    trace = [(0.0, (0.0, 0.0)), (10.0, (10.0, 0.0)), (20.0, (90.0, 0.0)), (30.0, (100.0, 0.0))]
    assert pictures.pieces(trace, pixels_per_km=1.0) == [
        [(0.0, 0.0), (10.0, 0.0)],
        [(90.0, 0.0), (100.0, 0.0)],
    ]
