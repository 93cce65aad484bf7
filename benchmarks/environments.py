"""Environments of the peers: each has its own, so that none decides the versions of another.

Belongs here: versions, installing, and a PostgreSQL server for the peers that need one. Does not belong here: what a
peer does (`peers`).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "pandas-postgres": ("pandas==3.1.1", "psycopg2-binary==2.9.13"),
    "dbt-postgres": ("dbt-core==1.11.16", "dbt-postgres==1.11.0", "psycopg2-binary==2.9.13"),
    "pyspark": ("pyspark==4.3.0",),
    "sqlite": (),
}
#: As one would set up a server that has this machine to itself and can be filled again: generous to the peer.
_SETTINGS = (
    "shared_buffers=2GB", "work_mem=512MB", "maintenance_work_mem=1GB", "max_wal_size=16GB", "fsync=off",
    "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_parallel_workers_per_gather=2",
)  # fmt: skip
_WAIT_SECONDS = 60


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
    """A server of its own below `folder`, with an empty database; yields libpq's variables.

    Errors: FileNotFoundError when the machine has no PostgreSQL.
    """
    programs = _programs()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    owner = _owner()
    if owner:
        # The server refuses to run as root.
        shutil.chown(folder, owner)
    data, log = folder / "data", folder / "server.log"
    subprocess.run(
        [
            programs / "initdb",
            "--pgdata",
            data,
            "--username",
            "peer",
            "--auth",
            "trust",
            "--locale",
            "C",
            "--encoding",
            "UTF8",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        user=owner,
        cwd=folder,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    settings = [word for each in _SETTINGS for word in ("-c", each)]
    with log.open("w") as stream:
        server = subprocess.Popen(
            [
                programs / "postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=", *settings,
            ],
            stdout=stream, stderr=stream, user=owner, cwd=folder,
        )  # fmt: skip
    try:
        _await(int(port), log)
        yield {
            "PGHOST": "127.0.0.1",
            "PGPORT": port,
            "PGUSER": "peer",
            "PGDATABASE": "postgres",
            "PGPASSWORD": "",
        }
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=_WAIT_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for folder in reversed(folders):
        if (folder / "postgres").exists():
            return folder
    raise FileNotFoundError("PostgreSQL is not installed: `make postgres` does it")


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    return "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"


def _await(port: int, log: Path) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and "ready to accept" in log.read_text():
                return
        time.sleep(0.1)
    raise TimeoutError(f"PostgreSQL did not start:\n{log.read_text()}")
