"""What the report says, read from one release: plain rows, by page, in a total order.

Belongs here: the questions put to a release's tables. Does not belong here: words, formats, HTML. A release may lack a
mart that could not be built: its questions then have no rows, and the page says that there is nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb

from warehouse.revision import COMPONENTS
from warehouse.sql import quoted

Row = dict[str, Any]
NATION = "000000000"
MOBILE = ("2g", "3g", "4g", "5g")
MEASURES = (*MOBILE, "fttp", "mobile_norm_5", "high_speed_30", "ultra_100")
SYSTEMS = tuple(f"S{number}" for number in range(1, 10))
RUNGS = ("level_1", "level_2", "level_3", "level_4")
GRADES = ("measured", "corroborated", "claimed", "disputed")
# The target that a statement of 6 January 2026 leads with; the others stand on the page of all statements.
LEADING_TARGETS = (
    "s1_population_99", "s2_villages_trunk_2026", "s3_villages_4g_2026", "s4_villages_fibre_2027",
    "s5_urban_5g_area_2027", "s6_highways_2027", "s7_caspian_cable_2026", "s8_revenue_2027", "s9_qaztech_all",
)  # fmt: skip
PROGRAMME_DAY = dt.date(2026, 1, 6)
LONGEST_GAPS, LARGEST_VILLAGES, MOST_REVISIONS = 60, 12, 300


@dataclass(frozen=True)
class Reader:
    """A release's tables, open for reading."""

    connection: duckdb.DuckDBPyConnection
    _latest: dict[str, dt.date | None] = field(default_factory=dict)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query by column name; none where the release lacks one of the tables."""
        try:
            result = self.connection.execute(query, list(values))
        except duckdb.CatalogException:
            return []
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @cached_property
    def publication(self) -> Row:
        """The release itself. Errors: ValueError when it does not say which it is."""
        found = self.rows(
            "select publication_id, code_version, is_sample, metrics_published, metrics_withheld "
            "from marts.meta_publication"
        )
        if not found:
            raise ValueError("meta_publication: the release does not say which it is")
        return found[0]

    @cached_property
    def metrics(self) -> dict[str, Row]:
        """Every metric by id: its names, unit and method, and whether its figures stand."""
        return _by(
            self.rows(
                """
                select judged.metric_id, metrics.name_en, metrics.name_ru, metrics.name_kk, metrics.description,
                    metrics.unit, metrics.system, metrics.source_table, metrics.required_extracts, metrics.method_id,
                    judged.status, judged.withheld_reason, judged.checks_needed
                from marts.meta_metric as judged
                left join marts.dim_metric as metrics on judged.metric_id = metrics.metric_id
                order by metrics.system, judged.metric_id
                """
            ),
            "metric_id",
        )

    @cached_property
    def regions(self) -> dict[str, Row]:
        """Regions of the map in force, by code."""
        return _by(
            self.rows(
                """
                select region_kato as kato, level, iso_3166_2, name_en, name_ru, name_kk
                from marts.dim_region
                where is_current and level <> 'district'
                order by region_kato
                """
            ),
            "kato",
        )

    @cached_property
    def outlines(self) -> dict[str, dict[str, str]]:
        """Outlines of the map in force as WKT, by level (region, district) and code; none without an edition."""
        rows = self.rows(
            """
            select geography_level, kato, outline_wkt
            from marts.dim_boundary
            where is_on_current_map and as_of_date = $1
            order by geography_level, kato
            """,
            [self.latest("dim_boundary")],
        )
        found: dict[str, dict[str, str]] = {"region": {}, "district": {}}
        for row in rows:
            found[row["geography_level"]][row["kato"]] = row["outline_wkt"]
        return found

    @cached_property
    def road_lines(self) -> dict[str, str]:
        """Line of each road of the latest list as WKT."""
        rows = self.rows(
            "select road_id, outline_wkt from marts.dim_highway where as_of_date = $1 order by road_id",
            [self.latest("dim_highway")],
        )
        return {row["road_id"]: row["outline_wkt"] for row in rows}

    @cached_property
    def districts(self) -> dict[str, Row]:
        """Districts of the map in force, by code; `parent` is the region."""
        return _by(
            self.rows(
                """
                select region_kato as kato, parent_kato as parent, name_en, name_ru, name_kk
                from marts.dim_region
                where is_current and level = 'district'
                order by region_kato
                """
            ),
            "kato",
        )

    @cached_property
    def operators(self) -> dict[str, Row]:
        """Operators by id."""
        return _by(
            self.rows(
                "select operator_id, name_en, name_ru, kind, is_sample from marts.dim_operator order by operator_id"
            ),
            "operator_id",
        )

    # --- Statements -----------------------------------------------------------------------------------------------

    @cached_property
    def targets(self) -> list[Row]:
        """Every target of the nation with the figure it is held against; the leading target of a system first."""
        found = self.rows(
            """
            with latest as (
                select metric_id, technology, area_type, as_of_date, denominator
                from marts.fct_metric
                where kato = '000000000' and geography_level = 'national'
                qualify row_number() over (
                    partition by metric_id, technology, area_type order by as_of_date desc
                ) = 1
            )

            select
                targets.system, targets.target_id, targets.metric_id, targets.technology, targets.as_of_date,
                targets.value, targets.target_value, targets.due_date, targets.unit, targets.projected_value,
                targets.projected_low, targets.projected_high, targets.required_monthly_rate,
                targets.actual_monthly_rate, targets.status, targets.withheld_reason,
                targets.observations, targets.source_url, latest.denominator
            from marts.fct_target_progress as targets
            left join latest
                on
                    targets.metric_id = latest.metric_id
                    and targets.area_type = latest.area_type
                    and coalesce(targets.technology, '') = coalesce(latest.technology, '')
            where targets.kato = '000000000'
            qualify row_number() over (
                partition by targets.metric_id, targets.technology, targets.target_value, targets.due_date
                order by targets.target_id
            ) = 1
            order by targets.system, targets.due_date, targets.target_id
            """
        )
        return sorted(found, key=lambda row: (row["system"], row["target_id"] not in LEADING_TARGETS))

    @cached_property
    def statements(self) -> list[Row]:
        """What was said, with what the figures say; the latest of a system first."""
        return self.rows(
            """
            select statement_id, system, quote, speaker, stated_at, as_of_date, metric_id, qualifier, stated_value,
                unit, computed_value, computed_as_of, verdict, explanation, status, withheld_reason, source_url
            from marts.fct_statement_check
            order by system, stated_at desc, statement_id
            """
        )

    def series(self, metric_id: str, technology: str | None, area_type: str = "all") -> list[Row]:
        """A metric of the nation over time."""
        return self.rows(
            """
            select as_of_date, value, withheld_reason
            from marts.fct_metric
            where metric_id = $1 and kato = '000000000' and geography_level = 'national' and area_type = $3
                and coalesce(technology, '') = coalesce($2, '')
            order by as_of_date
            """,
            [metric_id, technology, area_type],
        )

    # --- Coverage -------------------------------------------------------------------------------------------------

    @cached_property
    def coverage(self) -> dict[tuple[str, str, str], list[Row]]:
        """Coverage of nation and regions by (kato, kind of area, measure), over the dates of filings.

        A measure is a technology or a speed tier. A district has its latest date alone.
        """
        listed = ", ".join(f"'{measure}'" for measure in MEASURES)
        parts = [
            f"""
            select kato, geography_level, area_type, {measure} as measure, as_of_date, population, population_covered,
                population_covered_pct, villages, villages_covered, villages_covered_pct, evidence_claimed_pct,
                evidence_corroborated_pct, evidence_measured_pct, evidence_disputed_pct, withheld_reason
            from marts.{table}
            where {measure} in ({listed})
            """
            for table, measure in (
                ("fct_coverage_by_technology", "technology"),
                ("fct_coverage_by_speed_tier", "speed_tier"),
            )
        ]
        found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for part in parts:
            for row in self.rows(
                f"""
                select * from ({part})
                where geography_level <> 'district' or as_of_date = $1
                order by geography_level desc, kato, area_type, measure, as_of_date
                """,
                [self.latest("fct_coverage_by_technology")],
            ):
                # A republican city stands at both levels with the same figures: the region's row is the one kept.
                if row["geography_level"] == "district" and row["kato"] in self.regions:
                    continue
                found[row["kato"], row["area_type"], row["measure"]].append(row)
        return found

    def latest(self, table: str) -> dt.date | None:
        """Latest date of a mart; None when it has no rows or is not in the release."""
        if table not in self._latest:
            found = self.rows(f"select max(as_of_date) as latest from marts.{quoted(table)}")
            self._latest[table] = found[0]["latest"] if found else None
        return self._latest[table]

    @cached_property
    def operators_of_places(self) -> dict[str, list[Row]]:
        """Each operator alone at the latest date, by place: mobile technologies and fibre."""
        return _grouped(
            self.rows(
                """
                select kato, operator_id, technology, population_covered_pct, withheld_reason
                from marts.fct_coverage_by_operator
                where as_of_date = $1 and area_type = 'all' and geography_level <> 'district'
                    and technology in ('2g', '3g', '4g', '5g', 'fttp')
                order by kato, operator_id, technology
                """,
                [self.latest("fct_coverage_by_operator")],
            ),
            "kato",
        )

    @cached_property
    def villages_without_4g(self) -> dict[str, list[Row]]:
        """The largest villages of the programme that nobody files 4G for, by region; all where sizes are unknown.

        None of them when the filings are withheld: who is uncovered is then not known.
        """
        return _grouped(
            self.rows(
                """
                with filed as (
                    select settlement_kato, bool_or(technology in ('4g', '5g') and connection_level >= 2) as has_4g,
                        max(case when technology in ('2g', '3g') and connection_level >= 2 then technology end) as best
                    from marts.fct_availability
                    where as_of_date = $1
                    group by settlement_kato
                )

                select places.region_kato as region, places.district_kato as district, places.settlement_kato as kato,
                    places.name_ru, places.name_kk, places.name_en, places.population, filed.best,
                    places.withheld_reason
                from marts.dim_settlement as places
                left join filed on places.settlement_kato = filed.settlement_kato
                where places.is_programme and not coalesce(filed.has_4g, false)
                    and not exists (
                        select 1 from marts.fct_availability where as_of_date = $1 and status = 'withheld'
                            and connection_level is null
                    )
                    and exists (
                        select 1 from marts.fct_availability where as_of_date = $1 and technology in ('4g', '5g')
                    )
                qualify row_number() over (
                    partition by places.region_kato order by places.population desc nulls last, places.settlement_kato
                ) <= $2
                    or count(places.population) over (partition by places.region_kato) = 0
                order by places.region_kato, places.population desc nulls last, places.settlement_kato
                """,
                [self.latest("fct_availability"), LARGEST_VILLAGES],
            ),
            "region",
        )

    # --- Villages, roads, cities ----------------------------------------------------------------------------------

    @cached_property
    def ladder(self) -> dict[str, list[Row]]:
        """Villages by rung of the ladder, by place: the nation over all dates, the others at the latest."""
        return _grouped(
            self.rows(
                """
                select kato, as_of_date, connection_level, villages, villages_at_level, villages_at_level_pct,
                    villages_at_or_above, villages_at_or_above_pct, population_at_or_above, villages_planned,
                    villages_actual_by_plan, denominator_source, withheld_reason
                from marts.fct_rural_connection
                where geography_level = 'national' or as_of_date = $1
                qualify row_number() over (
                    partition by kato, as_of_date, connection_level order by geography_level desc
                ) = 1
                order by kato, as_of_date, connection_level
                """,
                [self.latest("fct_rural_connection")],
            ),
            "kato",
        )

    @cached_property
    def fibre(self) -> list[Row]:
        """Fibre to villages at the latest date: nation, regions, and each contractor over the nation."""
        return self.rows(
            """
            select geography_level, kato, contractor, villages, villages_planned, villages_connected,
                villages_connected_pct, villages_confirmed, villages_overdue, slippage_days_mean, households_in_plan,
                households_passed, households_orderable, households_connected, people_connected, withheld_reason
            from marts.fct_fibre_rollout
            where as_of_date = $1
                and (geography_level = 'national' or (geography_level = 'region' and contractor = 'all'))
            order by geography_level, kato, contractor <> 'all', contractor
            """,
            [self.latest("fct_fibre_rollout")],
        )

    @cached_property
    def roads(self) -> list[Row]:
        """Roads and their sums at the latest date, by technology, covered by any operator."""
        return self.rows(
            """
            select road_id, technology, road_class, road_name, roads, road_length_km, km_covered, covered_pct,
                longest_gap_km, gaps, gaps_over_5km, announced_km, withheld_reason
            from marts.fct_highway_coverage
            where as_of_date = $1 and operator_id = 'any' and technology in ('2g', '3g', '4g', '5g')
            order by road_id, technology
            """,
            [self.latest("fct_highway_coverage")],
        )

    @cached_property
    def road_operators(self) -> list[Row]:
        """Each operator alone over all roads at the latest date."""
        return self.rows(
            """
            select operator_id, technology, km_covered, covered_pct, road_length_km, withheld_reason
            from marts.fct_highway_coverage
            where as_of_date = $1 and operator_id <> 'any' and road_id = 'all'
                and technology in ('2g', '3g', '4g', '5g')
            order by operator_id, technology
            """,
            [self.latest("fct_highway_coverage")],
        )

    @cached_property
    def gaps(self) -> list[Row]:
        """Every gap at the latest date, the longest first; `region` is that of the nearest settlement's district."""
        return self.rows(
            """
            select gaps.road_id, gaps.technology, gaps.gap_number, gaps.road_name, gaps.road_class, gaps.start_km,
                gaps.end_km, gaps.length_km, gaps.start_longitude, gaps.start_latitude, gaps.end_longitude,
                gaps.end_latitude, gaps.nearest_settlement_name_ru, gaps.nearest_settlement_km,
                coalesce(districts.parent_kato, regions.region_kato) as region, gaps.withheld_reason
            from marts.fct_highway_gap as gaps
            left join marts.dim_region as districts
                on
                    gaps.nearest_settlement_district_kato = districts.region_kato
                    and districts.is_current and districts.level = 'district'
            left join marts.dim_region as regions
                on
                    gaps.nearest_settlement_district_kato = regions.region_kato
                    and regions.is_current and regions.level <> 'district'
            where gaps.as_of_date = $1 and gaps.technology in ('2g', '3g', '4g')
            order by gaps.length_km desc nulls last, gaps.road_id, gaps.technology, gaps.gap_number
            """,
            [self.latest("fct_highway_coverage")],
        )

    @cached_property
    def cities(self) -> list[Row]:
        """Cities of the 5G programme and their sum (`all`) over time, covered by any operator."""
        return self.rows(
            """
            select cities.as_of_date, cities.city_kato, cities.city_name_ru, places.name_ru, places.name_kk,
                places.name_en, cities.cities, cities.cities_with_5g, cities.stations_5g, cities.area_km2,
                cities.area_covered_km2, cities.area_pct, cities.population, cities.population_pct,
                cities.target_pct, cities.withheld_reason
            from marts.fct_urban_5g as cities
            left join marts.dim_settlement as places on cities.city_kato = places.settlement_kato
            where cities.operator_id = 'any'
            order by cities.city_kato, cities.as_of_date
            """
        )

    # --- Projects -------------------------------------------------------------------------------------------------

    @cached_property
    def milestones(self) -> list[Row]:
        """Milestones at the latest date."""
        return self.rows(
            """
            select project_id, project_name, milestone_id, milestone_name, milestone_status, first_planned_date,
                planned_date, expected_date, actual_date, slippage_days, evidence, withheld_reason
            from marts.fct_milestone
            where as_of_date = $1
            order by project_id, first_planned_date nulls last, milestone_id
            """,
            [self.latest("fct_milestone")],
        )

    @cached_property
    def satellites(self) -> list[Row]:
        """Export contracts and their sum (`all`) at the latest date."""
        return self.rows(
            """
            select contract_id, buyer_country, contract_status, satellites_contracted, satellites_in_negotiation,
                satellites_delivered, contracted_revenue_usd, received_revenue_usd, satellites_announced_low,
                satellites_announced_high, revenue_announced_usd, withheld_reason
            from marts.fct_satellite_export
            where as_of_date = $1
            order by contract_id = 'all', contract_id
            """,
            [self.latest("fct_satellite_export")],
        )

    @cached_property
    def systems_by_agency(self) -> list[Row]:
        """Government systems approved since the rule took force, by agency, at the latest date; `all` last."""
        return self.rows(
            """
            select agency, systems, systems_on_qaztech, systems_exempt, systems_unexplained, systems_on_qaztech_pct,
                rule_valid_from, withheld_reason
            from marts.fct_government_system
            where as_of_date = $1 and scope = 'since_rule'
            order by agency = 'all', agency
            """,
            [self.latest("fct_government_system")],
        )

    # --- Evidence -------------------------------------------------------------------------------------------------

    @cached_property
    def reliability(self) -> list[Row]:
        """Field tests at their latest quarter: all operators and each, nation and regions."""
        return self.rows(
            """
            select operator_id, geography_level, kato, technology, tests, reliability_pct, reliability_low_pct,
                reliability_high_pct, withheld_reason
            from marts.fct_reliability
            where as_of_date = $1
            order by geography_level, kato, operator_id <> 'all', operator_id, technology
            """,
            [self.latest("fct_reliability")],
        )

    @cached_property
    def methods_of_coverage(self) -> list[Row]:
        """Readings of the nation's coverage by way of uniting operators, at the latest date."""
        return self.rows(
            """
            select technology, union_method, population_covered_pct, population_covered_low_pct,
                population_covered_high_pct, withheld_reason
            from marts.fct_coverage_by_method
            where as_of_date = $1 and geography_level = 'national' and area_type = 'all'
            order by technology, union_method
            """,
            [self.latest("fct_coverage_by_method")],
        )

    @cached_property
    def speeds(self) -> list[Row]:
        """Speeds that users measured, over time."""
        return self.rows(
            """
            select as_of_date, network_type, download_mbps_mean, upload_mbps_mean, latency_ms_mean, tests, source,
                withheld_reason
            from marts.fct_measured_speed
            order by network_type, as_of_date
            """
        )

    # --- Changes --------------------------------------------------------------------------------------------------

    @cached_property
    def revision_counts(self) -> list[Row]:
        """Numbers that are new or other than in the release before, by change and cause."""
        return self.rows(
            """
            select change, cause, previous_publication_id, count(*) as numbers
            from marts.fct_revision
            group by change, cause, previous_publication_id
            order by change = 'new_period', numbers desc, change, cause
            """
        )

    @cached_property
    def revisions(self) -> list[Row]:
        """Numbers of the nation that changed: revisions first, then new dates."""
        return self.rows(
            f"""
            select metric_id, technology, area_type, change, cause, as_of_date, previous_as_of_date, old_value,
                new_value,
                unit, difference, {", ".join(COMPONENTS)}
            from marts.fct_revision
            where geography_level = 'national'
            order by change = 'new_period', metric_id, technology, area_type, as_of_date desc
            limit {MOST_REVISIONS}
            """
        )

    # --- Quality, dictionary --------------------------------------------------------------------------------------

    @cached_property
    def senders(self) -> list[Row]:
        """Files and rows of each sender; `sender` is None for files that no layout matched."""
        return self.rows(
            """
            select extracts.sender, count(*) as files,
                count(*) filter (where extracts.outcome in ('accepted', 'accepted_with_quarantine')) as files_accepted,
                coalesce(sum(accounts.rows_read), 0)::bigint as rows_read,
                coalesce(sum(accounts.rows_accepted), 0)::bigint as rows_accepted,
                coalesce(sum(accounts.rows_quarantined), 0)::bigint as rows_quarantined,
                coalesce(sum(accounts.rows_duplicate), 0)::bigint as rows_duplicate
            from marts.meta_extract as extracts
            left join marts.meta_row_account as accounts on extracts.extract_id = accounts.extract_id
            group by extracts.sender
            order by extracts.sender nulls last
            """
        )

    @cached_property
    def files_not_whole(self) -> list[Row]:
        """Files that were not taken, or not every row of them."""
        return self.rows(
            """
            select extracts.file_name, extracts.sender, extracts.outcome, extracts.rule, extracts.message,
                accounts.rows_read, accounts.rows_quarantined
            from marts.meta_extract as extracts
            left join marts.meta_row_account as accounts on extracts.extract_id = accounts.extract_id
            where extracts.outcome <> 'accepted'
            order by extracts.outcome = 'accepted_with_quarantine', extracts.outcome, extracts.file_name,
                extracts.extract_id
            """
        )

    @cached_property
    def checks(self) -> list[Row]:
        """Checks counted by kind, severity and status."""
        return self.rows(
            """
            select kind, count(*) as checks, count(*) filter (where status = 'pass') as passed,
                count(*) filter (where status <> 'pass' and severity = 'warning') as warned,
                count(*) filter (where status <> 'pass' and severity <> 'warning') as failed
            from marts.meta_check
            group by kind
            order by kind
            """
        )

    @cached_property
    def open_checks(self) -> list[Row]:
        """Checks without proof that they hold."""
        return self.rows(
            """
            select check_id, severity, status, observed, description
            from marts.meta_check
            where status <> 'pass'
            order by severity, check_id
            """
        )

    @cached_property
    def methods(self) -> list[Row]:
        """Methods as the release describes them, in English."""
        return self.rows(
            """
            select method_id, title, formula, version, source, source_url, caveats, decision
            from marts.dim_method
            order by method_id
            """
        )

    @cached_property
    def dictionary(self) -> list[tuple[str, list[Row]]]:
        """Every column of every table, by table."""
        return list(
            _grouped(
                self.rows(
                    """
                    select table_name, column_name, data_type, description_en, unit, access
                    from marts.meta_column
                    order by table_name, ordinal_position, column_name
                    """
                ),
                "table_name",
            ).items()
        )


def _by(rows: Iterable[Row], key: str) -> dict[str, Row]:
    return {row[key]: row for row in rows}


def _grouped(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return dict(found)
