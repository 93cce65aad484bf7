"""A PostgreSQL server of one's own: on loopback, as somebody who is not root, gone when it is no longer needed.

Belongs here: finding the programs, starting and ending a server. Does not belong here: what is kept in it. Tests of a
team's services start theirs here too.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_WAIT_SECONDS = 60


def programs() -> Path | None:
    """The folder with PostgreSQL's programs, the newest of several; Debian keeps the server's out of PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "postgres").exists()), None)


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, user: str, password: str = "", settings: Sequence[str] = ()) -> Iterator[int]:
    """Start a server in a folder, which is emptied before and removed afterwards; yields its port.

    Args:
        user: who owns everything in it; anybody on this machine is trusted to be them where there is no password.
        settings: `name=value`, beside those that keep it to loopback.

    Errors: FileNotFoundError when the machine has no PostgreSQL; TimeoutError, with its log, when it does not start.
    """
    folder_of_programs = programs()
    if folder_of_programs is None:
        raise FileNotFoundError("PostgreSQL is not installed: `make postgres` does it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        with _running(folder_of_programs, folder, user, password, settings) as port:
            yield port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(
    programs_folder: Path, folder: Path, user: str, password: str, settings: Sequence[str]
) -> Iterator[int]:
    owner = _owner()
    data, log, secret, port = folder / "data", folder / "server.log", folder / "password", free_port()
    secret.write_text(password)
    if owner:
        shutil.chown(folder, owner)
        shutil.chown(secret, owner)
    proof: list[str | Path] = (
        ["--auth", "scram-sha-256", "--pwfile", secret] if password else ["--auth", "trust"]
    )
    subprocess.run(
        [
            programs_folder / "initdb", "--pgdata", data, "--username", user, *proof,
            "--encoding", "UTF8", "--locale", "C", "--no-sync",
        ],
        check=True, timeout=2 * _WAIT_SECONDS, stdout=subprocess.DEVNULL, user=owner, cwd=folder,
    )  # fmt: skip
    secret.unlink()
    own = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", *settings)
    with log.open("w") as stream:
        running = subprocess.Popen(
            [
                programs_folder / "postgres", "-D", data, "-p", str(port),
                *(word for setting in own for word in ("-c", setting)),
            ],
            stdout=stream, stderr=stream, user=owner, cwd=folder,
        )  # fmt: skip
    try:
        _await(running, port, log)
        yield port
    finally:
        running.send_signal(signal.SIGINT)  # without waiting for clients
        try:
            running.wait(timeout=_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _owner() -> str | None:
    """Whom the server runs as where that cannot be whoever starts it: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    return "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"


def _await(running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until and running.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and "ready to accept" in log.read_text():
                return
        time.sleep(0.1)
    raise TimeoutError(f"PostgreSQL did not start:\n{log.read_text()}")
