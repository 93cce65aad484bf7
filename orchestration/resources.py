"""Resources: the home, and the engines that do the work, so that tests can put others in their place.

Belongs here: handing a step what it works with. Does not belong here: the work. Each engine imports what it needs
when it is first used, so that loading definitions stays quick.
"""

import os
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.environment import INBOX_VARIABLE, Engine, chosen_engine
from warehouse import lake
from warehouse.paths import Home, store_url

if TYPE_CHECKING:
    from expectations.audit import AuditReport
    from ingestion.pipeline import IngestReport
    from orchestration.dbt_engine import DbtOutcome
    from warehouse.lake import Outcome
    from warehouse.releases import Release
    from warehouse.retention import Removal
    from warehouse.scorecard import Scorecard
    from warehouse.store import Pushed
    from warehouse.verdicts import Verdicts


class HomeResource(dg.ConfigurableResource[None]):
    """The home a run works on, and the inboxes it reads; empty values mean the environment's."""

    root: str = ""
    inbox_paths: list[str] = []  # noqa: RUF012  (a pydantic field, copied for each instance)

    @property
    def home(self) -> Home:
        """Paths of the home."""
        return Home(Path(self.root).resolve()) if self.root else Home.from_environment()

    @property
    def inboxes(self) -> list[Path]:
        """Folders that hold deliveries, in order."""
        named = self.inbox_paths or [p for p in os.environ.get(INBOX_VARIABLE, "").split(os.pathsep) if p]
        return [Path(path).resolve() for path in named] or [self.home.inbox]


class IngestionEngine(dg.ConfigurableResource[None]):
    """Deliveries to lake."""

    def ingest(
        self,
        home: Home,
        inboxes: Sequence[Path],
        layouts: Sequence[str] | None,
        progress: Callable[[str], None],
    ) -> "IngestReport":
        """Bring deliveries of some layouts (None: of all, and files of none) into the lake."""
        from ingestion.pipeline import ingest

        return ingest(home, inbox=inboxes, layouts=layouts, progress=progress)

    def outcomes(self, home: Home) -> "list[Outcome]":
        """Outcomes of all deliveries in the lake, also of files that have left the inbox."""
        from ingestion.acceptances import load_acceptances
        from ingestion.contract import load_contracts
        from ingestion.suspicion import in_force, suspects

        known = lake.read_outcomes(home)
        return in_force(known, suspects(known, load_contracts(), load_acceptances()))


class PullEngine(dg.ConfigurableResource[None]):
    """Senders' own places to landing."""

    def pull(self, home: Home, senders: Sequence[str], progress: Callable[[str], None]) -> list[str]:
        """Fetch what is new from senders (nobody named: from all); what failed, in words."""
        from ingestion.pull.session import FAILED, pull_from

        report = pull_from(home, senders, progress)
        return [f"{one.sender}: {one.message}" for one in report.files if one.status == FAILED]


class DbtEngine(dg.ConfigurableResource[None]):
    """Lake to build."""

    def build(
        self,
        home: Home,
        models: Collection[str] | None,
        tests: Collection[str] | None,
        on_line: Callable[[str], None],
    ) -> "DbtOutcome":
        """Build models on the engine that the environment names, then run data tests; None selects all."""
        if chosen_engine() is Engine.SPARK:
            from orchestration.spark_engine import build
        else:
            from orchestration.dbt_engine import build
        return build(home, models=models, tests=tests, on_line=on_line)


class PublicationEngine(dg.ConfigurableResource[None]):
    """Build to release: the audit, the gate, the release."""

    def audit(self, home: Home) -> "AuditReport":
        """Check the build and record the evidence."""
        from expectations.audit import run_audit

        return run_audit(home)

    def judge(self, home: Home) -> "Verdicts":
        """Which metrics have their proof."""
        from expectations.gate import judge

        return judge(home)

    def publish(self, home: Home, verdicts: "Verdicts", code_version: str) -> "Release":
        """Write the release, and move `current` to it."""
        from warehouse.catalogue import write_catalogue
        from warehouse.geography import write_layers
        from warehouse.model_docs import write_model_docs
        from warehouse.releases import publish
        from warehouse.report import write_report
        from warehouse.workbooks import write_workbooks

        # The catalogue and the report name the files that lie there when they are written.
        documents = partial(write_model_docs, home.dbt_target / "manifest.json")
        derived = (write_workbooks, write_layers, documents, write_catalogue, write_report)
        return publish(home, verdicts, code_version, derived=derived)

    def scorecard(self, release: "Release") -> "Scorecard":
        """The statements of a release held against its figures."""
        from warehouse.scorecard import read_scorecard

        assert release.path is not None
        return read_scorecard(release.path)

    def mirror(self, home: Home) -> "Pushed | None":
        """Bring the object store that the environment names to what the home holds; None where it names none."""
        if (url := store_url()) is None:
            return None
        from warehouse.store import open_store, push

        return push(home, open_store(url))

    def retain(self, home: Home) -> "list[Removal]":
        """Remove releases that the rule of retention lets go; by default it keeps every one."""
        from warehouse.retention import keep_from_environment, retain

        return retain(home, keep_from_environment())


def default_resources() -> dict[str, object]:
    """The production resources by key."""
    return {
        "home": HomeResource(),
        "ingestion": IngestionEngine(),
        "puller": PullEngine(),
        "dbt": DbtEngine(),
        "publication": PublicationEngine(),
    }
