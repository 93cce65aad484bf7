"""A PostgreSQL server of a test's own: on loopback, with a password, gone when the test ends."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.postgres import programs, server

PASSWORD = "planted-postgres-4c1d"
_USER = "qamtu"


@dataclass(frozen=True)
class Postgres:
    """A running server: where it listens, and the file that holds the password, as libpq wants it."""

    port: int
    password_file: Path

    def url(self, database: str) -> str:
        """What QAMTU_DAGSTER_POSTGRES says: without the password."""
        return f"postgresql+psycopg2://{_USER}@127.0.0.1:{self.port}/{database}"

    @property
    def environment(self) -> dict[str, str]:
        """What its clients must know."""
        return {
            "PGPASSFILE": str(self.password_file),
            "PATH": f"{programs()}{os.pathsep}{os.environ['PATH']}",
        }

    def create(self, database: str) -> str:
        """An empty database; its URL."""
        subprocess.run(
            ["createdb", "--maintenance-db", self.url("postgres").replace("+psycopg2", ""), database],
            env=os.environ | self.environment,
            check=True,
            timeout=60,
        )
        return self.url(database)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server; end it and remove its files afterwards."""
    with tempfile.TemporaryDirectory(prefix="qamtu-postgres-") as kept:
        folder = Path(kept)
        # The server's own user must come through to its folder; the clients' file stays with whoever tests.
        folder.chmod(0o711)
        passwords = folder / "pgpass"
        passwords.write_text(f"127.0.0.1:*:*:{_USER}:{PASSWORD}\n")
        passwords.chmod(0o600)
        with server(folder / "server", _USER, PASSWORD) as port:
            yield Postgres(port, passwords)
