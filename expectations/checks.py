"""Every check there is on a candidate, whoever carries it out, in one form.

Belongs here: turning dbt tests, dbt models and expectations into checks, and matching checks with evidence.
Does not belong here: carrying checks out, deciding what is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from expectations.ledger import Evidence, Ledger
from expectations.suite import Suite
from warehouse.candidate import Manifest
from warehouse.fingerprint import ABSENT, CandidateFingerprint
from warehouse.verdicts import CheckOutcome

_STRUCTURE_REMEDY = (
    "look at the offending rows, then mend the model or ask the sender for a corrected delivery"
)
_BUILD_REMEDY = "run the build again; if the model itself fails, its message says why"


@dataclass(frozen=True)
class Check:
    """A check, before anything is known of its outcome.

    `reads` are the unique ids of the tables whose content decides the outcome; `guards` those whose figures
    depend on it. `unknown` names tables that the project does not have: such a check guards everything.
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
            reads=tuple(sorted({node.unique_id, *(p for p in node.parents if p in manifest.relations)})),
            guards=(node.unique_id,),
            description=f"{node.relation} was built from exactly the inputs that are there now.",
            remedy=_BUILD_REMEDY,
        )
        for node in manifest.relations.values()
        if node.resource_type != "source" and node.materialized != "ephemeral"
    ]


def dbt_checks(manifest: Manifest) -> list[Check]:
    """One check a dbt data test. A test attached to a model guards that model; any other, all it reads."""
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
            )
        )
    return checks


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
                )
            )
    return checks


def check_fingerprint(check: Check, fingerprints: CandidateFingerprint) -> str:
    """Fingerprint of the content that decides the check's outcome."""
    return ABSENT if check.unknown else fingerprints.of(check.reads)


def outcomes(
    manifest: Manifest, checks: Mapping[str, Check], fingerprints: CandidateFingerprint, ledger: Ledger
) -> dict[str, CheckOutcome]:
    """What the ledger proves of each check on exactly this content."""
    latest = ledger.latest()
    ever = {row.check_id for row in ledger.rows}
    return {
        check_id: _outcome(
            manifest, check, check_fingerprint(check, fingerprints), fingerprints, latest, ever
        )
        for check_id, check in checks.items()
    }


def _outcome(
    manifest: Manifest,
    check: Check,
    fingerprint: str,
    fingerprints: CandidateFingerprint,
    latest: Mapping[tuple[str, str, str], Evidence],
    ever: set[str],
) -> CheckOutcome:
    evidence = latest.get((check.check_id, check.version, fingerprint))
    tables = tuple(manifest.relations[key].relation for key in check.reads)
    if evidence is not None:
        status, observed = evidence.status, evidence.observed
    elif check.unknown:
        status, observed = "missing", f"the project has no table {', '.join(check.unknown)}"
    elif fingerprint == ABSENT:
        absent = [
            manifest.relations[key].relation
            for key in check.reads
            if fingerprints.nodes.get(key, ABSENT) == ABSENT
        ]
        status, observed = "missing", f"{', '.join(absent)} is not in the build"
    elif check.check_id in ever:
        status, observed = "stale", "its last result is for other content or an earlier version of the check"
    else:
        status, observed = "missing", "it was never carried out"
    return CheckOutcome(
        check_id=check.check_id,
        kind=check.kind,
        severity=check.severity,
        status=status,
        observed=observed,
        failing_count=evidence.failing_count if evidence else 0,
        tables=tables,
        suite_version=check.version,
        fingerprint=fingerprint,
        description=check.description,
        remedy=check.remedy,
        offending_rows=evidence.offending_rows if evidence else "[]",
    )
