"""Environments of the peers: each has its own, so that none decides the versions of another.

Belongs here: versions, installing, and a PostgreSQL server for the peers that need one. Does not belong here: what a
peer does (`peers`).
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.postgres import server

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "pandas-postgres": ("pandas==3.1.1", "psycopg2-binary==2.9.13"),
    "dbt-postgres": ("dbt-core==1.11.16", "dbt-postgres==1.11.0", "psycopg2-binary==2.9.13"),
    "pyspark": ("pyspark==4.3.0",),
    "sqlite": (),
}
#: As one would set up a server that has this machine to itself and can be filled again: generous to the peer.
_SETTINGS = (
    "shared_buffers=2GB", "work_mem=512MB", "maintenance_work_mem=1GB", "max_wal_size=16GB", "synchronous_commit=off",
    "full_page_writes=off", "autovacuum=off", "max_parallel_workers_per_gather=2",
)  # fmt: skip


def interpreter(peer: str, root: Path) -> Path:
    """Python of a peer's environment below `root`, made at the first call; this one's where it needs nothing."""
    wanted = REQUIREMENTS[peer]
    if not wanted:
        return Path(sys.executable)
    folder = root / peer
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists() or done.read_text() != "\n".join(wanted):
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, stdout=sys.stderr)
        done.write_text("\n".join(wanted))
    return python


@contextmanager
def postgres(folder: Path) -> Iterator[dict[str, str]]:
    """A server of its own in `folder`, with an empty database; yields libpq's variables.

    Errors: those of `server`.
    """
    with server(folder, "peer", settings=_SETTINGS) as port:
        yield {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": "peer",
            "PGDATABASE": "postgres",
            "PGPASSWORD": "",
        }
