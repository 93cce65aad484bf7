"""Lineage at the grain of metric, period and delivery: which files a published number rests on.

Belongs here: the table `meta_lineage` of a release, from dbt's lineage and the list of deliveries. Does not belong
here: rows of files (`explain` looks them up in the lake), or checks.

A metric counts the deliveries of the kinds that `dim_metric` says it cannot do without; of these, those for its date.
Whatever else lies upstream of its tables (names, places, grades) is read for every date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.candidate import META_SOURCES, Manifest
from warehouse.parts import kind_of

COUNTED, READ = "counted", "read"
#: Kinds whose filings speak for their own date only.
OWN_DATE = frozenset(
    {
        "government_systems", "operator_address_availability", "operator_availability", "operator_coverage_areas",
        "operator_sites",
    }
)  # fmt: skip
#: Kinds of which the latest up to the day after the date counts: the census of 1 January stands for 31 December.
LATEST = frozenset({"households", "population"})
# Of every other kind all that was filed up to the date bears on it: plans, milestones, roads and contracts stand until
# they are filed again, tests and tiles speak for the year to the date. A delivery without a date bears on every one.

METRIC_TABLE, METRIC_LIST = "fct_metric", "dim_metric"


@dataclass(frozen=True)
class MetricSources:
    """What lies upstream of a metric: extract kinds it counts, kinds it reads besides, models and seeds by layer."""

    metric_id: str
    counted: tuple[str, ...]
    read: tuple[str, ...]
    models: tuple[str, ...]


def metric_sources(manifest: Manifest, metrics: Iterable[Mapping[str, Any]]) -> list[MetricSources]:
    """The sources of each metric; `metrics` has metric_id, source_table and required_extracts as `dim_metric`."""
    found = []
    for metric in metrics:
        needed = {kind for entry in _listed(metric["required_extracts"]) for kind in entry.split("|")}
        nodes = []
        for table in _listed(metric["source_table"]):
            try:
                nodes.append(manifest.relation_named(table).unique_id)
            except KeyError:
                continue  # the gate withholds such a metric and says so
        upstream = [manifest.relations[unique_id] for unique_id in sorted(manifest.upstream_of(nodes))]
        kinds = {
            kind_of(node.name)
            for node in upstream
            if node.resource_type == "source" and node.name not in META_SOURCES
        }
        found.append(
            MetricSources(
                metric_id=str(metric["metric_id"]),
                counted=tuple(sorted(needed)),
                read=tuple(sorted(kinds - needed)),
                models=tuple(
                    sorted(
                        (node.relation for node in upstream if node.resource_type != "source"),
                        key=_layer_and_name,
                    )
                ),
            )
        )
    return found


def held_deliveries(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[MetricSources], deliveries: str
) -> dict[str, tuple[str, ...]]:
    """Ids of the held deliveries of each metric's kinds, in order; a metric without any is left out.

    Args:
        deliveries: as `lineage_table` takes them.
    """
    rows = connection.execute(
        f"select extract_kind, extract_id from {deliveries} where outcome = 'held' order by extract_id"
    ).fetchall()
    found = {
        source.metric_id: tuple(name for kind, name in rows if kind in {*source.counted, *source.read})
        for source in sources
    }
    return {metric_id: names for metric_id, names in found.items() if names}


def lineage_table(
    connection: duckdb.DuckDBPyConnection,
    sources: Sequence[MetricSources],
    marts: str,
    deliveries: str,
    stand_ins: str,
) -> pa.Table:
    """Rows of `meta_lineage`: metric_id, as_of_date (NULL: every date), extract_id, extract_kind, role.

    Args:
        connection: can read the marts.
        sources: of every metric.
        marts: schema of the marts, as SQL; where it has no `fct_metric` with dates only deliveries for every date
            are listed.
        deliveries: the lake's list of deliveries, as SQL that can follow FROM.
        stand_ins: the lake's list of deliveries that stand in for held ones, likewise.
    """
    kinds = pa.Table.from_pylist(
        [
            {"metric_id": source.metric_id, "extract_kind": kind, "role": role}
            for source in sources
            for role, listed in ((COUNTED, source.counted), (READ, source.read))
            for kind in listed
        ],
        schema=pa.schema([("metric_id", pa.string()), ("extract_kind", pa.string()), ("role", pa.string())]),
    )
    connection.register("lineage_kinds", kinds)
    columns = {name for name, *_ in connection.execute(f"describe select * from {deliveries}").fetchall()}
    dated = "as_of_date" if "as_of_date" in columns else "null::date as as_of_date"
    answer = connection.execute(
        f"""
        with deliveries as (
            select extract_id, extract_kind, {dated} from {deliveries} where is_current and extract_kind is not null
            union all
            select stand_ins.extract_id, extracts.extract_kind, stand_ins.as_of_date
            from {stand_ins} as stand_ins
            inner join {deliveries} as extracts on stand_ins.extract_id = extracts.extract_id
        ),
        dates as ({_dates(connection, marts)}),
        counted as (
            select kinds.metric_id, dates.as_of_date, deliveries.extract_id, deliveries.extract_kind, kinds.role,
                deliveries.as_of_date as filed_for,
                max(deliveries.as_of_date) over same as latest
            from lineage_kinds as kinds
            inner join deliveries on kinds.extract_kind = deliveries.extract_kind
            inner join dates on kinds.metric_id = dates.metric_id
            where kinds.role = '{COUNTED}' and deliveries.as_of_date is not null and (
                deliveries.as_of_date = dates.as_of_date
                or (
                    kinds.extract_kind not in ({_texts(OWN_DATE)})
                    and deliveries.as_of_date <= dates.as_of_date + interval 1 day
                )
            )
            window same as (partition by kinds.metric_id, dates.as_of_date, deliveries.extract_kind)
        )
        select metric_id, as_of_date, extract_id, extract_kind, role
        from counted
        where extract_kind not in ({_texts(LATEST)}) or filed_for = latest
        union
        select kinds.metric_id, null::date, deliveries.extract_id, deliveries.extract_kind, kinds.role
        from lineage_kinds as kinds
        inner join deliveries on kinds.extract_kind = deliveries.extract_kind
        where kinds.role = '{READ}' or deliveries.as_of_date is null
        order by all
        """
    ).to_arrow_table()
    connection.unregister("lineage_kinds")
    return answer


def _dates(connection: duckdb.DuckDBPyConnection, marts: str) -> str:
    """SELECT of metric_id and as_of_date: dates that a metric has figures for."""
    try:
        described = connection.execute(f"describe select * from {marts}.{METRIC_TABLE}").fetchall()
    except duckdb.CatalogException:
        described = []
    if {"metric_id", "as_of_date"} <= {name for name, *_ in described}:
        # A metric that stands only in a table of its own has figures for the dates of the filings it counts.
        return f"""
            select distinct metric_id, as_of_date from {marts}.{METRIC_TABLE}
            union
            select kinds.metric_id, deliveries.as_of_date
            from lineage_kinds as kinds
            inner join deliveries on kinds.extract_kind = deliveries.extract_kind
            where kinds.role = '{COUNTED}' and kinds.extract_kind in ({_texts(OWN_DATE)})
                and kinds.metric_id not in (select metric_id from {marts}.{METRIC_TABLE})
        """
    return "select null::varchar as metric_id, null::date as as_of_date where false"


_LAYERS = ("seeds", "staging", "intermediate", "marts")


def _layer_and_name(relation: str) -> tuple[int, str]:
    layer = relation.partition(".")[0]
    return (_LAYERS.index(layer) if layer in _LAYERS else len(_LAYERS), relation)


def _listed(text: Any) -> list[str]:
    return [part.strip() for part in str(text or "").split(",") if part.strip()]


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))
