"""Stand-ins for the engines, so that tests run the production assembly without reading a file or building a table.

They are put in through `build_defs(resource_overrides=…)`; everything else is what production runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg

from expectations.audit import AuditReport
from expectations.ledger import Evidence
from expectations.suite import load_suites
from ingestion.layout import load_layouts
from ingestion.pipeline import IngestReport
from orchestration.dbt_engine import DbtOutcome, NodeResult, selector
from orchestration.instance import settings
from orchestration.resources import DbtEngine, HomeResource, IngestionEngine, PublicationEngine
from warehouse.lake import Outcome
from warehouse.paths import Home
from warehouse.releases import Release
from warehouse.scorecard import Scorecard, Statement
from warehouse.verdicts import PUBLISHED, WITHHELD, CheckOutcome, MetricVerdict, Verdicts

DAY = "2026-01-06"
QUARTERS_FILED = ("2024-12-31", "2025-03-31")


def outcomes_of_everything() -> list[Outcome]:
    """Two filings of every layout."""
    return [
        Outcome(
            extract_id=f"{layout_id.replace('/', '.')}.{day}", sender=layout.sender, layout_id=layout_id,
            extract_kind=layout.extract_kind, file_name=f"{layout_id}_{day}.csv", sha256="0" * 64, size_bytes=1,
            received_order=1, outcome="accepted", series=layout_id, as_of_date=day, is_current=True, rows_read=11,
            rows_accepted=10, rows_quarantined=1,
        )
        for layout_id, layout in load_layouts().items()
        for day in QUARTERS_FILED
    ]  # fmt: skip


class PretendIngestion(IngestionEngine):
    """Has received two quarters of everything."""

    asked: ClassVar[list[list[str] | None]] = []
    fails: ClassVar[list[str]] = []

    def ingest(
        self,
        home: Home,
        inboxes: Sequence[Path],
        layouts: Sequence[str] | None,
        progress: Callable[[str], None],
    ) -> IngestReport:
        self.asked.append(None if layouts is None else list(layouts))
        if self.fails:
            raise OSError(self.fails.pop())
        return IngestReport([], 0, 0)

    def outcomes(self, home: Home) -> list[Outcome]:
        return outcomes_of_everything()


class PretendDbt(DbtEngine):
    """Builds and tests whatever is asked, all of it well but for the nodes named, or as proved before."""

    broken_models: list[str] = []  # noqa: RUF012
    broken_tests: list[str] = []  # noqa: RUF012
    proved_tests: list[str] = []  # noqa: RUF012
    asked: ClassVar[list[tuple[Any, Any]]] = []

    def build(
        self,
        home: Home,
        models: Collection[str] | None,
        tests: Collection[str] | None,
        on_line: Callable[[str], None],
    ) -> DbtOutcome:
        self.asked.append((models, tests))
        nodes = json.loads((home.dbt_target / "manifest.json").read_bytes())["nodes"]
        outcome = DbtOutcome()
        for unique_id in parents_first(nodes):
            node = nodes[unique_id]
            if node["resource_type"] in ("model", "seed") and (models is None or selector(node) in models):
                status = "error" if node["name"] in self.broken_models else "success"
                outcome.models.append(NodeResult(unique_id, status, 0.1, None, ""))
                outcome.row_counts[f"{node['schema']}.{node['alias']}"] = 7
            if node["name"] in self.proved_tests:
                outcome.proved[unique_id] = Evidence(unique_id, "dbt", "1", (), "2", "pass", blocking=True)
            elif node["resource_type"] == "test" and (tests is None or selector(node) in tests):
                status = "fail" if node["name"] in self.broken_tests else "pass"
                outcome.tests.append(NodeResult(unique_id, status, 0.1, 0 if status == "pass" else 2, ""))
        return outcome


def parents_first(nodes: dict[str, Any]) -> list[str]:
    """Nodes in the order dbt ends them."""
    done: dict[str, None] = {}

    def visit(unique_id: str) -> None:
        if unique_id in nodes and unique_id not in done:
            for parent in nodes[unique_id].get("depends_on", {}).get("nodes", []):
                visit(parent)
            done[unique_id] = None

    for unique_id in sorted(nodes):
        visit(unique_id)
    return list(done)


class PretendPublication(PublicationEngine):
    """Finds every expectation met but those named, and publishes the metrics named."""

    broken_checks: list[str] = []  # noqa: RUF012
    metrics: list[str] = ["population"]  # noqa: RUF012
    withheld: list[str] = []  # noqa: RUF012

    def audit(self, home: Home) -> AuditReport:
        outcomes = tuple(
            CheckOutcome(
                check_id=suite.check_id(expectation), kind="gx", severity=expectation.severity,
                status="fail" if suite.check_id(expectation) in self.broken_checks else "pass", observed="0 rows",
                failing_count=0, tables=expectation.tables, suite_version=suite.version, fingerprint="f",
                description=expectation.description, remedy=expectation.remedy,
            )
            for suite in load_suites()
            for expectation in suite.expectations
        )  # fmt: skip
        return AuditReport("f", outcomes, len(outcomes), 0, len(outcomes), (), ())

    def judge(self, home: Home) -> Verdicts:
        published = [MetricVerdict(name, PUBLISHED, None, ()) for name in self.metrics]
        withheld = [MetricVerdict(name, WITHHELD, "no filing", ()) for name in self.withheld]
        return Verdicts((*published, *withheld), (), (), "f")

    def publish(self, home: Home, verdicts: Verdicts, code_version: str) -> Release:
        path = home.published / "pub-000000000000"
        return Release(path.name, path, len(verdicts.published), verdicts.withheld, False, True)

    def scorecard(self, release: Release) -> Scorecard:
        statement = Statement(
            "s3", "S3", "4G | in <3,115> villages", DAY, "settlements", 3115.0, None, "stale", "", None
        )
        return Scorecard(
            release.publication_id, "SAMPLE", True, "", "", None, (), (), (statement,), (), (), (), (), (), {}
        )


def engines(on: Home, **replaced: object) -> dict[str, object]:
    """Stand-ins for every engine, on a home; what earlier ones were asked is forgotten."""
    for record in (PretendIngestion.asked, PretendIngestion.fails, PretendDbt.asked):
        record.clear()
    return {
        "home": HomeResource(root=str(on.root)),
        "ingestion": PretendIngestion(),
        "dbt": PretendDbt(),
        "publication": PretendPublication(),
        **replaced,
    }


def instance_in(folder: Path) -> dg.DagsterInstance:
    """A Dagster instance with production's settings."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    chosen = settings(Home(folder), command_line=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump(chosen))
    return dg.DagsterInstance.from_config(str(folder))


def quiet() -> dict[str, Any]:
    """Run configuration that keeps Dagster's log off the console."""
    return {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
