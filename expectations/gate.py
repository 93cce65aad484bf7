"""The gate: a figure is published because every check it needs has passed on exactly this candidate.

Belongs here: which checks a metric needs, and whether the ledger proves them. Does not belong here: carrying
checks out, writing releases. The gate looks only at the build, dbt's manifest and the ledger, so it gives the
same answer whoever asks.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from expectations.checks import Check, all_checks, outcomes
from expectations.ledger import read_ledger
from expectations.suite import Suite, load_suites
from warehouse.candidate import Manifest, read_manifest
from warehouse.fingerprint import CandidateFingerprint, fingerprint_candidate
from warehouse.paths import Home
from warehouse.verdicts import PUBLISHED, WITHHELD, CheckOutcome, MetricVerdict, TableVerdict, Verdicts

__all__ = ["METRIC_TABLE", "MetricNeeds", "MetricVerdict", "Verdicts", "decide", "judge"]

METRIC_TABLE = "fct_metric"
_NAMED_REASONS = 3
_LONGEST_MESSAGE = 160


@dataclass(frozen=True)
class MetricNeeds:
    """What `dim_metric` says a metric is made from: marts, and extract kinds it cannot do without."""

    metric_id: str
    source_tables: tuple[str, ...]
    required_extracts: tuple[str, ...]


def judge(home: Home, suites: Iterable[Suite] | None = None) -> Verdicts:
    """Judge every metric of the candidate in `home`; reads, changes nothing.

    Errors: FileNotFoundError when nothing was built; ValueError when the build holds no `dim_metric`.
    """
    manifest = read_manifest(home.dbt_target / "manifest.json")
    if not home.build_file.exists():
        raise FileNotFoundError(f"{home.build_file}: nothing has been built")
    checks = all_checks(manifest, load_suites() if suites is None else suites)
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        fingerprints = fingerprint_candidate(home, manifest, connection)
        needs = read_needs(connection)
        received = _received_kinds(connection, home)
    found = outcomes(manifest, checks, fingerprints, read_ledger(home.ledger))
    return decide(manifest, checks, found, needs, received, fingerprints)


def decide(
    manifest: Manifest,
    checks: Mapping[str, Check],
    found: Mapping[str, CheckOutcome],
    needs: Iterable[MetricNeeds],
    received: set[str],
    fingerprints: CandidateFingerprint,
) -> Verdicts:
    """The verdicts that follow from the outcomes; pure."""
    needs = sorted(needs, key=lambda need: need.metric_id)
    closures = {need.metric_id: _closure(manifest, need) for need in needs}
    made_from = frozenset().union(*(closure or frozenset() for closure in closures.values()))
    tables = _table_verdicts(manifest, checks, found, made_from)
    own = next((table for table in tables if table.table == METRIC_TABLE), None)
    metrics = []
    for need in needs:
        closure = closures[need.metric_id]
        required = required_checks(checks, closure, need.metric_id) if closure is not None else ()
        reason = _reason(need, closure, required, own, found, received)
        needed = tuple(sorted({*required, *(own.checks if own else ())}))
        metrics.append(MetricVerdict(need.metric_id, _status(reason), reason, needed))
    return Verdicts(
        metrics=tuple(metrics),
        tables=tables,
        checks=tuple(found[check_id] for check_id in sorted(found)),
        candidate_fingerprint=fingerprints.candidate,
    )


def required_checks(
    checks: Mapping[str, Check], relations: Iterable[str], metric_id: str | None = None
) -> tuple[str, ...]:
    """Ids of the blocking checks that guard any of the relations.

    A check that names metrics is required by these, and by no table as a whole (`metric_id` None).
    """
    guarded = set(relations)
    return tuple(
        sorted(
            check_id
            for check_id, check in checks.items()
            if check.blocking
            and (
                check.unknown
                or (guarded.intersection(check.guards) and (not check.metrics or metric_id in check.metrics))
            )
        )
    )


def read_needs(connection: duckdb.DuckDBPyConnection) -> list[MetricNeeds]:
    """Read `marts.dim_metric`. Errors: ValueError when the build does not hold it."""
    try:
        rows = connection.execute(
            "select metric_id, source_table, required_extracts from marts.dim_metric order by metric_id"
        ).fetchall()
    except duckdb.CatalogException as error:
        raise ValueError(
            "the build holds no marts.dim_metric, so nothing says what a metric needs"
        ) from error
    return [MetricNeeds(metric_id, _listed(tables), _listed(kinds)) for metric_id, tables, kinds in rows]


def describe(outcome: CheckOutcome) -> str:
    """Why this outcome is no proof, in one sentence with the remedy."""
    match outcome.status:
        case "stale":
            text = f"stale evidence: check {outcome.check_id} was carried out on other content"
            return f"{text}; run the audit again"
        case "missing":
            return f"missing evidence: check {outcome.check_id}: {outcome.observed}; build and audit again"
        case "error":
            # The reason stands in every row that is withheld; the whole message is in meta_check.
            told = textwrap.shorten(outcome.observed, _LONGEST_MESSAGE, placeholder=" …")
            text = f"check {outcome.check_id} could not be carried out: {told}"
        case _:
            text = f"check {outcome.check_id} failed: {outcome.observed}"
    return f"{text}; {outcome.remedy[:1].lower()}{outcome.remedy[1:].rstrip('.')}"


def _status(reason: str | None) -> str:
    return WITHHELD if reason else PUBLISHED


def _reason(
    need: MetricNeeds,
    closure: frozenset[str] | None,
    required: Iterable[str],
    own: TableVerdict | None,
    found: Mapping[str, CheckOutcome],
    received: set[str],
) -> str | None:
    # Either of several kinds may do: an operator files by settlement or by address. The first names the need.
    alternatives = [kinds.split("|") for kinds in need.required_extracts]
    absent = [kinds[0] for kinds in alternatives if received.isdisjoint(kinds)]
    if absent:
        return "; ".join(f"no {kind} extract received" for kind in absent)
    if closure is None:
        return f"dim_metric names a source that no build has: {', '.join(need.source_tables) or 'none'}"
    return _failing(required, found) or (own.withheld_reason if own else None)


def _failing(required: Iterable[str], found: Mapping[str, CheckOutcome]) -> str | None:
    open_checks = [found[check_id] for check_id in required if not found[check_id].passed]
    # What was found wrong says more than what is not known, and a cause more than what it made skip.
    order = {"fail": 0, "error": 1, "stale": 2, "missing": 3}
    open_checks.sort(
        key=lambda outcome: (order.get(outcome.status, 0), outcome.kind != "build", outcome.check_id)
    )
    if not open_checks:
        return None
    reasons = [describe(outcome) for outcome in open_checks[:_NAMED_REASONS]]
    more = len(open_checks) - len(reasons)
    return " | ".join([*reasons, *([f"and {more} more"] if more else [])])


def _closure(manifest: Manifest, need: MetricNeeds) -> frozenset[str] | None:
    try:
        sources = [manifest.relation_named(table).unique_id for table in need.source_tables]
    except KeyError:
        return None
    return manifest.upstream_of(sources) if sources else None


def _table_verdicts(
    manifest: Manifest,
    checks: Mapping[str, Check],
    found: Mapping[str, CheckOutcome],
    made_from: frozenset[str],
) -> tuple[TableVerdict, ...]:
    """Verdicts on what a table adds to its metrics: itself, and what it alone is made from.

    Its metrics' own sources are left to the metrics, or a bad source of one would withhold the figures of
    all.
    """
    verdicts = []
    for node in manifest.released:
        if not (node.meta.get("figures") or node.meta.get("figures_by_row")):
            continue
        added = (manifest.upstream(node.unique_id) - made_from) | {node.unique_id}
        required = required_checks(checks, added)
        reason = _failing(required, found)
        verdicts.append(TableVerdict(node.alias, _status(reason), reason, required))
    return tuple(verdicts)


def _received_kinds(connection: duckdb.DuckDBPyConnection, home: Home) -> set[str]:
    path = home.lake / "meta" / "extract.parquet"
    if not path.exists():
        return set()
    rows = connection.execute(
        "select distinct extract_kind from read_parquet(?) where is_current and extract_kind is not null",
        [str(path)],
    ).fetchall()
    return {row[0] for row in rows}


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
