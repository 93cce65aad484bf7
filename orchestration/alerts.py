"""Alerts to people: what is withheld or failed and who must act, posted as JSON to one webhook.

Belongs here: what an alert says and sending it. Does not belong here: judging, or when a run starts. One that cannot
be sent fails nothing: the run is what counts, and Dagster shows the same. No alert holds a value that is not published.
"""

import json
import os
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from ingestion.contract import load_contracts
from warehouse.candidate import Manifest, Node
from warehouse.parts import kind_of
from warehouse.verdicts import CheckOutcome, Verdicts

ALERT_VARIABLE = "QAMTU_ALERT_URL"
WITHHELD, NOTHING, FAILED = "figures_withheld", "nothing_published", "run_failed"
#: Who answers for what has no owner of its own: code, and this machine.
ENGINEERS = "Data engineering"
_SECONDS = 5
_MOST = 20


@dataclass(frozen=True)
class Finding:
    """One thing that somebody must look at: what it is, who must act, what was found, what to do."""

    what: str
    owners: tuple[str, ...]
    found: str
    remedy: str


@dataclass(frozen=True)
class Alert:
    """What is posted. `text` says it in one line, as chat services show it; `owners` are all who must act."""

    event: str
    text: str
    owners: tuple[str, ...]
    findings: tuple[Finding, ...]
    metrics: tuple[str, ...] = ()
    publication_id: str | None = None
    run_id: str | None = None


def send(alert: Alert, url: str | None = None) -> str | None:
    """Post an alert to `url`, by default that of the environment; what went wrong in words, None when nothing did.

    Without a URL nothing is sent. Never raises.
    """
    url = url or os.environ.get(ALERT_VARIABLE)
    if not url:
        return None
    try:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{ALERT_VARIABLE} must begin with http:// or https://")
        body = json.dumps(asdict(alert), ensure_ascii=False).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json; charset=utf-8"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
            return None
    except (OSError, ValueError) as error:
        # The address may hold a secret, so it is not told.
        return f"the alert could not be sent: {type(error).__name__}"


def of_verdicts(
    verdicts: Verdicts, manifest: Manifest, publication_id: str | None, run_id: str
) -> Alert | None:
    """The alert of a release, or of none: figures withheld, and the owners of what their failing checks read.

    None when everything is published.
    """
    if not verdicts.withheld:
        return None
    needed = {check for verdict in verdicts.withheld for check in verdict.checks}
    failing = [check for check in verdicts.checks if check.check_id in needed and not check.passed]
    findings = [
        Finding(check.check_id, owners_of(check, manifest), f"{check.status}: {check.observed}", check.remedy)
        for check in failing
    ]
    # A metric may be withheld although no check failed: because nobody delivered what it counts.
    findings += [
        Finding(
            verdict.metric_id, (ENGINEERS,), verdict.withheld_reason or "", "Ask the sender for the delivery."
        )
        for verdict in verdicts.withheld
        if not {check.check_id for check in failing} & set(verdict.checks)
    ]
    names = tuple(verdict.metric_id for verdict in verdicts.withheld)
    told = f"{len(names)} of {len(verdicts)} metrics withheld"
    text = f"Qamtu {publication_id}: {told}" if publication_id else f"Qamtu: nothing published, {told}"
    return _alert(WITHHELD if publication_id else NOTHING, text, findings, names, publication_id, run_id)


def of_failure(run_id: str, errors: Mapping[str, str]) -> Alert:
    """The alert of a run that failed: step -> what it said."""
    findings = [
        Finding(
            step, (ENGINEERS,), " ".join(told.split())[:500], "Open the run in Dagster and look at the step."
        )
        for step, told in errors.items()
    ]
    text = f"Qamtu: run {run_id[:8]} failed in {', '.join(errors) or 'Dagster itself'}"
    return _alert(FAILED, text, findings, (), None, run_id)


def owners_of(check: CheckOutcome, manifest: Manifest) -> tuple[str, ...]:
    """Who must act on a check: the owners of the tables it read, those of the contracts for rows as they came."""
    contracts = load_contracts()
    owners = []
    for table in check.tables:
        try:
            node = manifest.relation_named(table)
        except KeyError:
            continue
        contract = contracts.get(_kind(node, manifest))
        owners.append(str(node.meta.get("owner") or (contract.owner if contract else ENGINEERS)))
    return tuple(dict.fromkeys(owners)) or (ENGINEERS,)


def metrics_behind(tables: Iterable[str], manifest: Manifest) -> tuple[str, ...]:
    """Metrics whose figures a mart made from any of the tables holds."""
    known = []
    for table in tables:
        try:
            known.append(manifest.relation_named(table).unique_id)
        except KeyError:
            continue
    return tuple(
        sorted(
            {
                metric
                for mart in manifest.released
                if manifest.upstream(mart.unique_id).intersection(known)
                for metric in mart.meta.get("figures") or ()
            }
        )
    )


def _kind(node: Node, manifest: Manifest) -> str:
    """The extract kind that a source, or the staging view of one, holds rows of; else no kind's name."""
    if node.resource_type == "source":
        return kind_of(node.name)
    sources = [manifest.relations[parent] for parent in node.parents if parent in manifest.relations]
    return next((kind_of(source.name) for source in sources if source.resource_type == "source"), "")


def _alert(
    event: str,
    text: str,
    findings: Sequence[Finding],
    metrics: tuple[str, ...],
    publication_id: str | None,
    run_id: str,
) -> Alert:
    owners = tuple(sorted({owner for finding in findings for owner in finding.owners}))
    text = f"{text}; {', '.join(owners)} must act" if owners else text
    return Alert(event, text, owners, tuple(findings[:_MOST]), metrics, publication_id, run_id)
