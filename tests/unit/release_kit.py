"""A small release for tests of what reads releases: two regions, four settlements, two operators, and its lake.

Everything in it can be counted by hand. `SmallRelease` says what differs from the first; `write` makes the folder, with
the lake beside it, from the same tables and lineage as a real one, without the checks and the build.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from tests.unit.audit_kit import NO_STAND_INS
from warehouse.candidate import Manifest
from warehouse.exports import DUCKDB_FILE, ReleasedTable, write_database, write_files
from warehouse.files import sha256_of
from warehouse.lineage import lineage_table, metric_sources
from warehouse.open_tier import FOLDER, OpenTier, write_open_database, write_open_files
from warehouse.paths import Home

Q3, Q4 = dt.date(2025, 9, 30), dt.date(2025, 12, 31)
NATION, WEST, EAST = "000000000", "100000000", "110000000"
#: settlement -> region, district, rural, people. West: 1000 people, East: 500.
PLACES: dict[str, tuple[str, str, bool, int]] = {
    "101000000": (WEST, "101000000", False, 600),
    "102000100": (WEST, "102000000", True, 300),
    "102000200": (WEST, "102000000", True, 100),
    "111000100": (EAST, "111000000", True, 500),
}
#: (date, settlement, operator, technology) -> level, download, upload
CLAIMS: dict[tuple[dt.date, str, str, str], tuple[int, float, float]] = {
    (Q3, "101000000", "dala", "fttp"): (4, 100.0, 50.0),
    (Q3, "101000000", "arman", "4g"): (2, 30.0, 5.0),
    (Q3, "102000100", "arman", "5g"): (2, 200.0, 50.0),
    (Q3, "111000100", "arman", "2g"): (2, 0.1, 0.1),
    (Q4, "101000000", "dala", "fttp"): (4, 100.0, 50.0),
    (Q4, "101000000", "arman", "4g"): (2, 30.0, 5.0),
    (Q4, "102000200", "arman", "4g"): (2, 8.0, 1.0),
    (Q4, "111000100", "arman", "4g"): (1, 8.0, 1.0),
}
METRICS = """
    select * from (values
        ('population_covered_pct', 'Population covered', 'percent', 'S1', 'fct_availability',
            '{share_needs}', 'union', false),
        ('settlements_connected', 'Villages connected', 'settlements', 'S2', 'fct_availability',
            'operator_availability|operator_address_availability', 'ladder', true),
        ('itu_population_covered_pct', 'As reported', 'percent', 'S1', 'fct_itu', 'itu_indicators', 'itu', false)
    ) as rows (metric_id, name_en, unit, system, source_table, required_extracts, method_id, is_headline)
"""


@dataclass
class SmallRelease:
    """What the release says. `withheld` metrics have no values; `extracts` changes deliveries, by extract id."""

    publication_id: str = "pub-000000000001"
    places: Mapping[str, tuple[str, str, bool, int]] = field(default_factory=lambda: dict(PLACES))
    claims: Mapping[tuple[dt.date, str, str, str], tuple[int, float, float]] = field(
        default_factory=lambda: dict(CLAIMS)
    )
    presence_level: int = 2
    itu_value: float = 91.5
    share_needs: str = "operator_availability|operator_address_availability,population"
    method_version: str = "1.0"
    code_version: str = "tree-1"
    withheld: frozenset[str] = frozenset()
    extracts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    previous: str | None = None

    @property
    def dates(self) -> list[dt.date]:
        return sorted({key[0] for key in self.claims})

    def deliveries(self) -> list[dict[str, Any]]:
        """Every delivery: a filing for each operator and date, a census, a classifier, a plan."""
        listed: dict[str, dict[str, Any]] = {}
        for date, _, operator, _ in sorted(self.claims):
            listed[f"{operator}.{date}"] = {
                "sender": operator,
                "extract_kind": "operator_availability",
                "as_of_date": date,
                "file_name": f"{operator}/filing_{date}.csv",
            }
        listed["census.2025"] = {
            "sender": "bureau", "extract_kind": "population", "as_of_date": dt.date(2025, 1, 1),
            "file_name": "bureau/people_2025.xlsx",
        }  # fmt: skip
        listed["kato.2025"] = {
            "sender": "bureau", "extract_kind": "kato_classifier", "as_of_date": None, "file_name": "bureau/kato.csv",
        }  # fmt: skip
        common = {
            "layout_id": "layout", "size_bytes": 1, "received_order": 1, "revision": 0, "outcome": "accepted",
            "is_current": True, "superseded_by": None, "rule": None, "message": None, "is_sample": False,
            "data_maturity": "final", "source_rank": 1, "source_title": None,
        }  # fmt: skip
        rows = []
        for name in sorted({*listed, *self.extracts}):
            row = {
                "sha256": (name.encode().hex() * 8)[:64],
                "content_fingerprint": f"content of {name}",
                **common,
            }
            rows.append({"extract_id": name, **row, **listed.get(name, {}), **self.extracts.get(name, {})})
        return rows

    def write(self, home: Home, with_lake: bool = True) -> Path:
        """Write the release into `published/`, its rows into the lake; returns the folder. `current` stays."""
        folder = home.published / self.publication_id
        folder.mkdir(parents=True)
        with duckdb.connect(str(folder / "coverage.duckdb")) as connection:
            connection.execute("create schema marts; use marts")
            self._fill(connection)
        if with_lake:
            self._fill_lake(home)
        files = [
            {
                "path": path.relative_to(folder).as_posix(),
                "sha256": sha256_of(path),
                "bytes": path.stat().st_size,
            }
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]
        metrics = ("population_covered_pct", "settlements_connected", "itu_population_covered_pct")
        document = {
            "publication_id": self.publication_id,
            "published_at": f"2026-01-0{int(self.publication_id[-1])}T00:00:00+00:00",
            "previous_publication_id": self.previous,
            "code_version": self.code_version,
            "candidate_fingerprint": "f" * 64,
            "is_sample": False,
            "signed_by": None,
            "metrics": [{"metric_id": metric, "checks": ["marts.total"]} for metric in metrics],
            "withheld": [],
            "lineage": {metric: ["marts.fct_availability"] for metric in metrics},
            "files": files,
        }
        (folder / "publication.json").write_text(json.dumps(document), encoding="utf-8")
        return folder

    def _fill(self, connection: duckdb.DuckDBPyConnection) -> None:
        frames: dict[str, pl.DataFrame] = {
            "dim_settlement": pl.DataFrame(
                [(f"с.{kato[-3:]}", kato, *where[:3]) for kato, where in self.places.items()],
                ["name_ru", "settlement_kato", "region_kato", "district_kato", "is_rural"],
                orient="row",
            ).with_columns(is_programme=pl.col("is_rural")),
            "fct_settlement_population": pl.DataFrame(
                [
                    (date, kato, where[3], dt.date(2025, 1, 1), 0, None)
                    for date in self.dates
                    for kato, where in self.places.items()
                ],
                {
                    "as_of_date": pl.Date, "settlement_kato": pl.String, "population": pl.Int64,
                    "population_as_of": pl.Date, "households": pl.Int64, "households_as_of": pl.Date,
                },
                orient="row",
            ),
            "fct_availability": pl.DataFrame(
                [(*key, *claim, None, f"{key[2]}.{key[0]}") for key, claim in sorted(self.claims.items())],
                {
                    "as_of_date": pl.Date, "settlement_kato": pl.String, "operator_id": pl.String,
                    "technology": pl.String, "connection_level": pl.Int64, "max_download_mbps": pl.Float64,
                    "max_upload_mbps": pl.Float64, "households_passed": pl.Int64, "extract_id": pl.String,
                },
                orient="row",
            ),
            "meta_extract": pl.DataFrame(self.deliveries(), infer_schema_length=None).with_columns(
                pl.col("as_of_date").cast(pl.Date), pl.col("superseded_by").cast(pl.String)
            ),
        }  # fmt: skip
        for name, frame in frames.items():
            connection.register("frame", frame.to_arrow())
            connection.execute(f"create table {name} as select * from frame")
        connection.execute(
            f"""
            create table dim_technology as select * from (values
                ('fttp', 'fixed', 4, false), ('2g', 'mobile', 1, true), ('4g', 'mobile', 3, true),
                ('5g', 'mobile', 4, true)
            ) as rows (technology, family, rank, is_cumulative),
            (select {self.presence_level} as presence_level, 2 as service_level);
            create table dim_speed_tier as
            select 'mobile_norm_5' as speed_tier, 5.0 as min_download_mbps, null::double as min_upload_mbps;
            create table dim_region as select * from (values
                ('{WEST}', 'oblast', 'West', true), ('{EAST}', 'oblast', 'East', true)
            ) as rows (region_kato, level, name_en, is_current), (select 'Запад' as name_ru, 'Батыс' as name_kk);
            create table dim_metric as
            select *, '' as description from ({METRICS.format(share_needs=self.share_needs)});
            create table dim_method as select * from (values
                ('union', 'Union', 'Sum over settlements'), ('ladder', 'Ladder', 'Count of villages'),
                ('itu', 'ITU', 'As reported')
            ) as rows (method_id, title, formula),
            (select '{self.method_version}' as version, '' as caveats, '' as source);
            create table meta_row_account as select extract_id, 9 as rows_read, 9 as rows_accepted,
                0 as rows_quarantined, 0 as rows_duplicate from meta_extract;
            create table meta_check as select 'marts.total' as check_id, 'gx' as kind, 'pass' as status,
                '' as observed, 'A total.' as description, '1' as suite_version;
            """
        )
        self._fill_metrics(connection)
        rows = connection.execute(
            "select metric_id, source_table, required_extracts from dim_metric"
        ).fetchall()
        metrics = [
            dict(zip(("metric_id", "source_table", "required_extracts"), row, strict=True)) for row in rows
        ]
        sources = metric_sources(Manifest({}), metrics)
        lineage = lineage_table(connection, sources, "marts", "meta_extract", NO_STAND_INS)
        connection.register("frame", lineage)
        connection.execute("create table meta_lineage as select * from frame")

    def _fill_metrics(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Figures as the models of the project give them, said in other words than the code under test."""
        connection.execute(
            f"""
            create table fct_metric as
            with reached as (
                select distinct as_of_date, settlement_kato, steps.technology
                from fct_availability as filings, (values ('fttp'), ('2g'), ('4g'), ('5g')) as steps (technology)
                where connection_level >= {self.presence_level} and (
                    steps.technology = filings.technology
                    or list_position(['2g', '4g', '5g'], filings.technology)
                        > list_position(['2g', '4g', '5g'], steps.technology)
                )
            ),
            places as (
                select settlement_kato, is_rural, unnest([
                    {{'geography_level': 'national', 'kato': '{NATION}'}},
                    {{'geography_level': 'region', 'kato': region_kato}},
                    {{'geography_level': 'district', 'kato': district_kato}}
                ], recursive := true)
                from dim_settlement
            ),
            areas as (
                select *, unnest(['all', case when is_rural then 'rural' else 'urban' end]) as area_type from places
            ),
            people as (
                select counts.as_of_date, areas.geography_level, areas.kato, areas.area_type, steps.technology,
                    sum(counts.population) as whole,
                    sum(counts.population) filter (reached.settlement_kato is not null) as part
                from areas
                inner join fct_settlement_population as counts on areas.settlement_kato = counts.settlement_kato
                cross join (values ('fttp'), ('2g'), ('4g'), ('5g')) as steps (technology)
                left join reached on counts.as_of_date = reached.as_of_date
                    and counts.settlement_kato = reached.settlement_kato and steps.technology = reached.technology
                group by all
            ),
            villages as (
                select counts.as_of_date, areas.geography_level, areas.kato, 'rural' as area_type,
                    'level_4' as technology, count(*) as whole, count(filings.as_of_date) as part
                from areas
                inner join fct_settlement_population as counts on areas.settlement_kato = counts.settlement_kato
                left join fct_availability as filings on counts.as_of_date = filings.as_of_date
                    and counts.settlement_kato = filings.settlement_kato and filings.technology = 'fttp'
                    and filings.connection_level = 4
                where areas.is_rural and areas.area_type = 'all'
                group by all
            ),
            figures as (
                select 'population_covered_pct' as metric_id, *, coalesce(part, 0) * 100.0::double / whole as value
                from people
                union all
                select 'settlements_connected' as metric_id, *, part::double as value from villages
                union all
                select 'itu_population_covered_pct', date '{Q3}', 'national', '{NATION}', 'all', '4g', null, null,
                    {self.itu_value}
            )
            select metric_id, as_of_date, geography_level, kato, area_type, technology, value,
                case when metric_id = 'settlements_connected' then 'settlements' else 'percent' end as unit,
                coalesce(part, 0)::double as numerator, whole::double as denominator,
                'Census' as denominator_source, date '2025-01-01' as denominator_as_of, 'final' as data_maturity,
                '{self.method_version}' as method_version, 'published' as status, null::varchar as withheld_reason
            from figures
            """
        )
        for metric in sorted(self.withheld):
            connection.execute(
                "update fct_metric set value = null, numerator = null, status = 'withheld', "
                "withheld_reason = 'check marts.total failed' where metric_id = ?",
                [metric],
            )

    def _fill_lake(self, home: Home) -> None:
        by_extract: dict[str, list[dict[str, Any]]] = {}
        for (date, kato, operator, technology), claim in sorted(self.claims.items()):
            rows = by_extract.setdefault(f"{operator}.{date}", [])
            level, download, upload = claim
            rows.append(
                {
                    "as_of_date": date, "operator_id": operator, "settlement_kato": kato, "technology": technology,
                    "connection_level": level, "max_download_mbps": download, "max_upload_mbps": upload,
                    "households_passed": None, "extract_id": f"{operator}.{date}", "source_sheet": "Данные",
                    "source_row": 10 + len(rows),
                }
            )  # fmt: skip
        people = [(kato, where[3]) for kato, where in self.places.items()]
        people += [(NATION, 1500), (WEST, 1000), (EAST, 500)]
        by_extract["census.2025"] = [
            {
                "as_of_date": dt.date(2025, 1, 1), "kato": kato, "area_type": "all", "population": count,
                "extract_id": "census.2025", "source_sheet": "03", "source_row": 5 + place,
            }
            for place, (kato, count) in enumerate(people)
        ]  # fmt: skip
        kinds = {row["extract_id"]: row["extract_kind"] for row in self.deliveries()}
        for extract_id, rows in by_extract.items():
            place = home.lake / "accepted" / kinds[extract_id] / f"extract_id={extract_id}"
            place.mkdir(parents=True, exist_ok=True)
            frame = pl.DataFrame(rows, infer_schema_length=None)
            if "households_passed" in frame.columns:
                frame = frame.with_columns(pl.col("households_passed").cast(pl.Int64))
            frame.write_parquet(place / "part-0.parquet")


def export(
    folder: Path,
    tables: Sequence[ReleasedTable],
    label: str = "",
    *,
    source: duckdb.DuckDBPyConnection | None = None,
    threads: int = 2,
) -> None:
    """Write tables into a folder as a release does; `source` is what their queries read."""
    settings: dict[str, Any] = {"threads": threads}
    with duckdb.connect(config=settings) as own:
        write_database(source or own, folder, tables, label)
    with duckdb.connect(str(folder / DUCKDB_FILE), read_only=True, config=settings) as connection:
        write_files(connection, folder, tables, label)


def open_tier_of(release: Path, tables: Sequence[ReleasedTable]) -> OpenTier:
    """Write the open tier of exported tables into their folder."""
    folder = release / FOLDER
    folder.mkdir()
    opened = write_open_database(release, folder, tables, "")
    write_open_files(release, folder, opened, "")
    return opened
