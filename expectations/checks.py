"""Every check there is on a candidate, whoever carries it out, in one form.

Belongs here: turning dbt tests, dbt models and expectations into checks, and matching checks with evidence.
Does not belong here: carrying checks out, deciding what is published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from expectations.ledger import ERROR, Evidence, Ledger
from expectations.suite import Suite
from warehouse.candidate import Manifest
from warehouse.fingerprint import ABSENT, CandidateFingerprint
from warehouse.masking import figure_columns
from warehouse.verdicts import CheckOutcome

_STRUCTURE_REMEDY = (
    "look at the offending rows, then mend the model or ask the sender for a corrected delivery"
)
_BUILD_REMEDY = "run the build again; if the model itself fails, its message says why"
_DELIVERY_COLUMNS = frozenset({"sender", "extract_kind", "file_name"})
# A message may quote the value it stumbled over. Digits inside a word (int_area, 2025q4) are no value.
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,\u00a0 ]?\d+)*(?!\w)")


@dataclass(frozen=True)
class Check:
    """A check, before anything is known of its outcome.

    `reads` are the unique ids of the tables whose content decides the outcome; `guards` those whose figures
    depend on it, or only the figures of `metrics` where any are named. `unknown` names tables that the project
    does not have: such a check guards everything.
    """

    check_id: str
    kind: str
    blocking: bool
    version: str
    reads: tuple[str, ...]
    guards: tuple[str, ...]
    description: str
    remedy: str
    unknown: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        """`blocking` or `warning`."""
        return "blocking" if self.blocking else "warning"


def all_checks(manifest: Manifest, suites: Iterable[Suite]) -> dict[str, Check]:
    """Every check on the candidate, by id."""
    checks = [*build_checks(manifest), *dbt_checks(manifest), *gx_checks(manifest, suites)]
    return {check.check_id: check for check in checks}


def build_checks(manifest: Manifest) -> list[Check]:
    """One check a model or seed: dbt built it, as it is, from exactly the inputs that are there now.

    Without it a build that broke off half-way would pass on the proof of yesterday's tables.
    """
    return [
        Check(
            check_id=f"build.{node.name}",
            kind="build",
            blocking=True,
            version=node.code_hash[:16],
            # What counts of the list of deliveries in part is in the view's own fingerprint.
            reads=tuple(
                sorted({node.unique_id, *(p for p, part in manifest.inputs(node).items() if not part)})
            ),
            guards=(node.unique_id,),
            description=f"{node.relation} was built from exactly the inputs that are there now.",
            remedy=_BUILD_REMEDY,
        )
        for node in manifest.relations.values()
        if node.resource_type != "source" and node.materialized != "ephemeral"
    ]


def dbt_checks(manifest: Manifest) -> list[Check]:
    """One check a dbt data test. A test attached to a model guards that model; any other, all it reads.

    A model that says in its meta which `metrics` rest on it has its tests accuse these alone: evidence that is bad
    withholds what is said of the evidence, not the figures that it was put beside.
    """
    checks = []
    for test in manifest.tests.values():
        reads = tuple(sorted(parent for parent in test.parents if parent in manifest.relations))
        checks.append(
            Check(
                check_id=test.unique_id,
                kind="dbt",
                blocking=test.severity == "error",
                version=test.code_hash[:16],
                reads=reads,
                guards=(test.attached_to,) if test.attached_to else reads,
                description=test.description or f"dbt test {test.name}.",
                remedy=str(test.meta.get("remedy") or _STRUCTURE_REMEDY),
                metrics=_metrics_of(manifest, test.attached_to),
            )
        )
    return checks


def _metrics_of(manifest: Manifest, unique_id: str | None) -> tuple[str, ...]:
    node = manifest.relations.get(unique_id) if unique_id else None
    return tuple(node.meta.get("metrics") or ()) if node else ()


def gx_checks(manifest: Manifest, suites: Iterable[Suite]) -> list[Check]:
    """One check an expectation."""
    checks = []
    for suite in suites:
        for expectation in suite.expectations:
            found: dict[str, str] = {}
            unknown = []
            for table in (*expectation.tables, *expectation.also_reads):
                try:
                    found[table] = manifest.relation_named(table).unique_id
                except KeyError:
                    unknown.append(table)
            checks.append(
                Check(
                    check_id=suite.check_id(expectation),
                    kind="gx",
                    blocking=expectation.severity == "blocking",
                    version=suite.version,
                    reads=tuple(sorted(set(found.values()))),
                    guards=tuple(sorted({found[table] for table in expectation.tables if table in found})),
                    description=" ".join(expectation.description.split()),
                    remedy=" ".join(expectation.remedy.split()),
                    unknown=tuple(unknown),
                    metrics=expectation.metrics,
                )
            )
    return checks


def check_fingerprint(check: Check, fingerprints: CandidateFingerprint) -> str:
    """Fingerprint of the content that decides the check's outcome."""
    return ABSENT if check.unknown else fingerprints.of(check.reads)


def outcomes(
    manifest: Manifest, checks: Mapping[str, Check], fingerprints: CandidateFingerprint, ledger: Ledger
) -> dict[str, CheckOutcome]:
    """What the ledger proves of each check on exactly this content, in words that may be published.

    The words count rows and name the first by its key. Values stay in the ledger: a figure that is withheld must not
    stand in the reason why.
    """
    latest = ledger.latest()
    ever = {row.check_id for row in ledger.rows}
    shown = _identifying_columns(manifest)
    found = {}
    for check_id, check in checks.items():
        fingerprint = check_fingerprint(check, fingerprints)
        faults = list(
            dict.fromkeys(fault for key in check.reads for fault in fingerprints.faults.get(key, ()))
        )
        evidence = None if faults else latest.get((check_id, check.version, fingerprint))
        if evidence is not None:
            status, observed = evidence.status, _in_public(evidence, shown)
        elif check.unknown:
            status, observed = "missing", f"the project has no table {', '.join(check.unknown)}"
        elif faults:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            status, observed = "missing", f"{faults[0]}{more}"
        elif fingerprint == ABSENT:
            absent = [
                manifest.relations[key].relation
                for key in check.reads
                if fingerprints.nodes.get(key, ABSENT) == ABSENT
            ]
            status, observed = "missing", f"{', '.join(absent)} is not in the build"
        elif check_id in ever:
            status, observed = (
                "stale",
                "its last result is for other content or an earlier version of the check",
            )
        else:
            status, observed = "missing", "it was never carried out"
        found[check_id] = CheckOutcome(
            check_id=check_id,
            kind=check.kind,
            severity=check.severity,
            status=status,
            observed=observed,
            failing_count=evidence.failing_count if evidence else 0,
            tables=tuple(manifest.relations[key].relation for key in check.reads),
            suite_version=check.version,
            fingerprint=fingerprint,
            description=check.description,
            remedy=check.remedy,
            offending_rows=evidence.offending_rows if evidence else "[]",
        )
    return found


def _identifying_columns(manifest: Manifest) -> frozenset[str]:
    """Columns that say which row or delivery is meant: those of keys, unless a mart has a figure of that name."""
    keys = {column for unique_id in manifest.relations for column in manifest.key_of(unique_id)}
    figures = {column for node in manifest.released for column in figure_columns(node)}
    return frozenset((keys | _DELIVERY_COLUMNS) - figures)


def _in_public(evidence: Evidence, shown: frozenset[str]) -> str:
    """What was observed, without any value."""
    if evidence.status == ERROR:
        return _NUMBER.sub("…", evidence.observed)
    # Rows that a dbt test of staging found hold what senders keep internal, keys included.
    rows = json.loads(evidence.offending_rows) if evidence.kind == "gx" else []
    named = [f"{column}={value}" for row in rows[:1] for column, value in row.items() if column in shown]
    return f"{evidence.observed}; first: {', '.join(named)}" if named else evidence.observed
