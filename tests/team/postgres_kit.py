"""A PostgreSQL server of a test's own: on loopback, with a password, gone when the test ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "planted-postgres-4c1d"
_USER = "qamtu"


def programs() -> Path | None:
    """The folder with PostgreSQL's programs: Debian keeps the server's out of PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "postgres").exists()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Postgres:
    """A running server: where it listens, and the file that holds the password, as libpq wants it."""

    port: int
    password_file: Path
    folder: Path

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
    folder = Path(tempfile.mkdtemp(prefix="qamtu-postgres-"))
    owner = _owner()
    (folder / "password").write_text(PASSWORD)
    passwords = folder / "pgpass"
    passwords.write_text(f"127.0.0.1:*:*:{_USER}:{PASSWORD}\n")
    passwords.chmod(0o600)
    if owner:
        # The server refuses to run as root; the clients' file stays root's.
        shutil.chown(folder, owner)
        shutil.chown(folder / "password", owner)
    bin_folder = programs()
    assert bin_folder is not None
    data, port = folder / "data", free_port()
    subprocess.run(
        [
            bin_folder / "initdb", "--pgdata", data, "--username", _USER, "--pwfile", folder / "password",
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
        ],
        check=True, timeout=120, stdout=subprocess.DEVNULL, user=owner, cwd=folder,
    )  # fmt: skip
    log = folder / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [
                bin_folder / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=", "-c", "fsync=off",
            ],
            stdout=stream, stderr=stream, user=owner, cwd=folder,
        )  # fmt: skip
    try:
        ready = subprocess.run(
            [
                "bash",
                "-c",
                f"until {bin_folder}/pg_isready -q -h 127.0.0.1 -p {port}; do sleep 0.2; done",
            ],
            timeout=60,
            check=False,
        )
        assert ready.returncode == 0, log.read_text()
        yield Postgres(port, passwords, folder)
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for clients
        server.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> str | None:
    """Whom the server runs as, where that cannot be whoever tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
