"""The main job as a person runs it: the command on a home, and queries on what it published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.paths import PROJECT_DIR, Home

REAL_EXTRACTS = PROJECT_DIR.parent / "shared" / "data"


@dataclass(frozen=True)
class Run:
    """A finished command: its home, its exit code, what it printed, what it told on the way."""

    home: Home
    code: int
    printed: str
    told: str

    @property
    def answer(self) -> dict[str, Any]:
        """What it printed, where that is JSON."""
        return dict(json.loads(self.printed))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the home's current release."""
        path = self.home.current / "coverage.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def qamtu(root: Path | str, *arguments: str) -> Run:
    """Run the command on a home, named by its folder or by its store."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("qamtu")), *arguments],
        env=os.environ | {"QAMTU_HOME": str(root)},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    return Run(Home(Path(root)), done.returncode, done.stdout, done.stderr)
