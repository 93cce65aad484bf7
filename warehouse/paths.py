"""Every path of a Qamtu home, named once.

Belongs here: names of folders and files. Does not belong here: reading or writing them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent


HOME_VARIABLE, WORK_VARIABLE, STORE_VARIABLE = "QAMTU_HOME", "QAMTU_WORK", "QAMTU_STORE"
_S3 = "s3://"


def store_url() -> str | None:
    """The object store that the home is copied to: `QAMTU_STORE`, or `QAMTU_HOME` where that is `s3://…`."""
    home = os.environ.get(HOME_VARIABLE, "")
    return os.environ.get(STORE_VARIABLE) or (home if home.startswith(_S3) else None)


@dataclass(frozen=True)
class Home:
    """The folder that holds one warehouse: inbox, landing, lake, build, published and Dagster's state."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home named by `QAMTU_HOME`, else `var/` in the project.

        Where that is `s3://…` it is the folder in which the home of that store is worked on: `QAMTU_WORK`, else below
        `var/stores/`.
        """
        named = os.environ.get(HOME_VARIABLE, "")
        if named.startswith(_S3):
            named = os.environ.get(WORK_VARIABLE) or str(PROJECT_DIR / "var/stores" / named.removeprefix(_S3))
        return cls(Path(named or PROJECT_DIR / "var").resolve())

    @property
    def inbox(self) -> Path:
        """Where senders leave files when their entry names no other place."""
        return self.root / "inbox"

    @property
    def landing(self) -> Path:
        """Content-addressed copies of every delivery; never modified."""
        return self.root / "landing"

    @property
    def pulled_receipts(self) -> Path:
        """Receipts of deliveries that were fetched from where their sender leaves them, and so lie in no inbox."""
        return self.landing / "receipts" / "pulled"

    @property
    def pulls(self) -> Path:
        """What is known of the files at senders' places: which version of each was fetched last."""
        return self.root / "pulls"

    @property
    def lake(self) -> Path:
        """Parquet: accepted, quarantined and duplicate rows, and the outcome of every file."""
        return self.root / "lake"

    @property
    def answers(self) -> Path:
        """What senders are told of each delivery: a folder an extract."""
        return self.root / "answers"

    @property
    def build(self) -> Path:
        """dbt's working folder, with the candidate in it."""
        return self.root / "build"

    @property
    def build_file(self) -> Path:
        """The DuckDB file that only dbt writes."""
        return self.build / "candidate.duckdb"

    @property
    def dbt_target(self) -> Path:
        """dbt's manifest, run results and logs."""
        return self.build / "target"

    @property
    def spark(self) -> Path:
        """What Apache Spark writes: its tables as Parquet, what it spills, its log."""
        return self.build / "spark"

    @property
    def ledger(self) -> Path:
        """The evidence ledger: one Parquet file an audit."""
        return self.root / "evidence"

    @property
    def published(self) -> Path:
        """Releases, and the pointer `current`."""
        return self.root / "published"

    @property
    def current(self) -> Path:
        """The release that consumers read."""
        return self.published / "current"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage."""
        return self.root / "dagster"
