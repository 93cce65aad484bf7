"""The audit and the release as assets, with one check for each expectation of the suites.

Belongs here: showing what the audit found and what was published. Does not belong here: judging. Publication reads
the evidence itself, so it makes no difference who starts it, or after which run.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from expectations.audit import AuditReport
from expectations.suite import Expectation, Suite
from orchestration import alerts, progress
from orchestration.account import cell
from orchestration.code_version import code_version, commit
from orchestration.instance import BUILD_POOL
from orchestration.resources import HomeResource, PublicationEngine
from orchestration.retries import POLICY, only_passing_failures_retried
from orchestration.senders import FRESHNESS
from warehouse.candidate import Manifest, read_manifest
from warehouse.scorecard import Scorecard
from warehouse.verdicts import CheckOutcome, Verdicts

AUDIT = dg.AssetKey("audit")
RELEASE = dg.AssetKey("release")
GROUP = "publication"

_SHOWN = 50
_COMMANDS = 5


class NothingToPublish(dg.Failure):
    """No metric has its proof: the step fails, and the previous release stands."""

    MARK = "nothing_published"

    def __init__(self, verdicts: Verdicts) -> None:
        super().__init__(
            description="Nothing may be published: no metric has its proof. The previous release stands.",
            metadata={self.MARK: True, "withheld": dg.MetadataValue.md(withheld_table(verdicts))},
            allow_retries=False,
        )


def check_key(suite: Suite, expectation: Expectation) -> dg.AssetCheckKey:
    """The check of an expectation, at the first table it is about."""
    return dg.AssetCheckKey(_table_key(expectation.tables[0]), suite.check_id(expectation).replace(".", "__"))


def check_specs(suites: Sequence[Suite]) -> dict[str, dg.AssetCheckSpec]:
    """Specs of all expectations by the audit's check id."""
    found = {}
    for suite in suites:
        for expectation in suite.expectations:
            key = check_key(suite, expectation)
            others = (*expectation.tables[1:], *expectation.also_reads)
            found[suite.check_id(expectation)] = dg.AssetCheckSpec(
                name=key.name,
                asset=key.asset_key,
                description=expectation.description,
                additional_deps=[_table_key(table) for table in others if _table_key(table) != key.asset_key],
                metadata={
                    "suite": suite.suite,
                    "severity": expectation.severity,
                    "remedy": expectation.remedy,
                    "expectation": expectation.expect,
                },
                # A failed expectation withholds the figures that need it; the run goes on to publish the others.
                blocking=False,
            )
    return found


def _table_key(relation: str) -> dg.AssetKey:
    return dg.AssetKey(relation.split("."))


def publication_assets(suites: Sequence[Suite], marts: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """The audit of the build, and the release made from it."""
    specs = check_specs(suites)

    @dg.multi_asset(
        name="audit",
        specs=[
            dg.AssetSpec(
                AUDIT,
                deps=marts,
                group_name=GROUP,
                description="Every check on the build, carried out or found in the ledger, with its evidence: dbt's "
                "tests for structure, expectations for meaning.",
                owners=["team:data-engineering"],
                kinds={"greatexpectations"},
            )
        ],
        check_specs=list(specs.values()),
        allow_arbitrary_check_specs=True,
        can_subset=True,
        pool=BUILD_POOL,
        retry_policy=POLICY,
    )
    def audit(
        context: dg.AssetExecutionContext, home: HomeResource, publication: PublicationEngine
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with progress.current().stage("audit"), only_passing_failures_retried():
            report = publication.audit(home.home)
        counts = ", ".join(f"{count} {status}" for status, count in report.counts().items())
        progress.current().line(f"audit    {len(report.outcomes)} checks: {counts}")
        outcomes = {outcome.check_id: outcome for outcome in report.outcomes}
        manifest = read_manifest(home.home.dbt_target / "manifest.json") if report.not_passed else None
        for note in report.notes:
            context.log.warning(note)
        if AUDIT in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=AUDIT, metadata=audit_metadata(report))
        for check_id, spec in specs.items():
            if spec.key in context.selected_asset_check_keys:
                yield check_result(spec, outcomes.get(check_id), manifest)

    @dg.asset(
        key=RELEASE,
        deps=[AUDIT],
        group_name=GROUP,
        description="The release that `current` points at: figures whose every check has passed on exactly this "
        "build; the others stand as NULL with a reason.",
        owners=["team:data-engineering"],
        kinds={"duckdb", "parquet", "csv"},
        pool=BUILD_POOL,
        retry_policy=POLICY,
        freshness_policy=FRESHNESS["quarterly"],
    )
    def release(
        context: dg.AssetExecutionContext, home: HomeResource, publication: PublicationEngine
    ) -> dg.MaterializeResult[None]:
        with progress.current().stage("release"), only_passing_failures_retried():
            verdicts = publication.judge(home.home)
            if not verdicts.published:
                publication.mirror(home.home)
                _alert(context, home, verdicts, None)
                raise NothingToPublish(verdicts)
            published = publication.publish(home.home, verdicts, code_version())
        _alert(context, home, verdicts, published.publication_id)
        text = f"{published.publication_id}, {len(verdicts.published)} of {len(verdicts)} metrics published"
        if published.held_back:
            text += "; not current, since somebody rolled back from it"
        context.log.info(text)
        progress.current().line(f"release  {text}")
        for removal in publication.retain(home.home):
            progress.current().line(f"release  removed by the rule of retention: {removal.folder}")
        # What was received and what is published are safe before the step counts as done.
        if pushed := publication.mirror(home.home):
            progress.current().line(
                f"store    {pushed.sent} objects sent, {pushed.bytes_sent / 1e6:.1f} MB; {pushed.removed} removed"
            )
        return dg.MaterializeResult(
            metadata={
                "publication": published.publication_id,
                "path": dg.MetadataValue.path(str(published.path)),
                "metrics_published": len(verdicts.published),
                "metrics_withheld": len(verdicts.withheld),
                "code_version": code_version(),
                "commit": commit() or "no checkout",
                "withheld": dg.MetadataValue.md(withheld_table(verdicts)),
                "scorecard": dg.MetadataValue.md(scorecard_table(publication.scorecard(published))),
            }
        )

    return [audit, release]


def audit_metadata(report: AuditReport) -> dict[str, Any]:
    """What the audit's page shows: how many checks passed, and those that did not."""
    return {
        "candidate": report.candidate_fingerprint,
        **{f"checks_{status}": count for status, count in report.counts().items()},
        "expectations_evaluated": report.evaluated,
        "expectations_reused": report.reused,
        "not_passed": dg.MetadataValue.md(outcomes_table(report.not_passed)),
    }


def check_result(
    spec: dg.AssetCheckSpec, outcome: CheckOutcome | None, manifest: Manifest | None = None
) -> dg.AssetCheckResult:
    """Dagster's result of one expectation; without evidence it has not passed.

    One that failed shows its rows, who must act, and the command that leads from a figure it concerns to the files.
    """
    blocking = (spec.metadata or {}).get("severity") == "blocking"
    metadata: dict[str, Any] = {"status": "missing"}
    if outcome is not None:
        metadata = {
            "status": outcome.status,
            "observed": outcome.observed,
            "failing_rows": outcome.failing_count,
            "offending_rows": dg.MetadataValue.md(rows_table(outcome.offending_rows)),
            "remedy": outcome.remedy,
        }
        if manifest is not None and not outcome.passed:
            metadata["owners"] = ", ".join(alerts.owners_of(outcome, manifest))
            metadata["explain"] = dg.MetadataValue.md(explain_commands(outcome, manifest))
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=outcome is not None and outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def explain_commands(outcome: CheckOutcome, manifest: Manifest) -> str:
    """Markdown of the commands that lead from the metrics a check concerns down to files and rows."""
    metrics = alerts.metrics_behind(outcome.tables, manifest)
    lines = [f"qamtu explain {metric}" for metric in metrics[:_COMMANDS]] or ["qamtu status"]
    return "\n".join(["```sh", *lines, "```"])


def rows_table(rows: str) -> str:
    """Markdown table of rows, from their JSON list."""
    listed = json.loads(rows)
    if not listed:
        return "No rows are kept."
    columns = list(dict.fromkeys(column for row in listed for column in row))
    lines = ["| " + " | ".join(cell(column) for column in columns) + " |", "|" + "---|" * len(columns)]
    for row in listed:
        values = ("" if row.get(column) is None else cell(str(row[column])) for column in columns)
        lines.append("| " + " | ".join(values) + " |")
    return "\n".join(lines)


def scorecard_table(card: Scorecard) -> str:
    """Markdown of the statements of a release held against its figures."""
    lines = [f"**{card.label}**", ""] if card.label else []
    lines += ["| System | Statement | Stated | Computed | Verdict |", "|---|---|---|---|---|"]
    for statement in card.statements[:_SHOWN]:
        numbers = (statement.stated_value, statement.computed_value)
        stated, computed = ("–" if number is None else f"{number:,.1f}" for number in numbers)
        told = (
            statement.system,
            cell(statement.quote),
            stated,
            computed,
            statement.verdict.replace("_", " "),
        )
        lines.append("| " + " | ".join(told) + " |")
    return "\n".join([*lines, *_and_more(len(card.statements))])


def outcomes_table(outcomes: Sequence[CheckOutcome]) -> str:
    """Markdown table of checks that did not pass."""
    if not outcomes:
        return "Every check passed."
    lines = ["| Check | Severity | Status | Observed |", "|---|---|---|---|"]
    lines += [
        f"| `{o.check_id}` | {o.severity} | {o.status} | {cell(o.observed)} |" for o in outcomes[:_SHOWN]
    ]
    return "\n".join([*lines, *_and_more(len(outcomes))])


def withheld_table(verdicts: Verdicts) -> str:
    """Markdown table of withheld metrics with their reasons."""
    if not verdicts.withheld:
        return "Nothing is withheld."
    lines = ["| Metric | Reason |", "|---|---|"]
    lines += [f"| `{v.metric_id}` | {cell(v.withheld_reason or '')} |" for v in verdicts.withheld[:_SHOWN]]
    return "\n".join([*lines, *_and_more(len(verdicts.withheld))])


def _alert(
    context: dg.AssetExecutionContext, home: HomeResource, verdicts: Verdicts, publication_id: str | None
) -> None:
    """Tell whoever must act of figures that are withheld."""
    manifest = read_manifest(home.home.dbt_target / "manifest.json") if verdicts.withheld else Manifest({})
    alert = alerts.of_verdicts(verdicts, manifest, publication_id, context.run_id)
    if alert and (fault := alerts.send(alert)):
        context.log.warning(fault)


def _and_more(count: int) -> list[str]:
    return [f"\n… and {count - _SHOWN} more"] if count > _SHOWN else []
