"""Commands on what was delivered: `qamtu accept`.

Belongs here: reading arguments, calling one function, printing, exit codes. Does not belong here: what may be accepted
(`ingestion.decisions`).
"""

from __future__ import annotations

import datetime as dt
import getpass
import subprocess
from contextlib import suppress
from typing import Annotated

import typer

from orchestration.cli_kit import Debug, Json, plain_errors, print_json
from warehouse.paths import Home


def accept(
    extract: Annotated[str, typer.Argument(help="Id of a held delivery, as `qamtu status` shows it.")],
    reason: Annotated[str, typer.Option(help="Why the delivery is right all the same.")],
    author: Annotated[
        str | None, typer.Option(help="Who decides. Default: the user of git, else of this machine.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Accept a delivery that is held as suspicious; the next run uses it.

    Writes a file to be put under version control. Exit codes: 0; 1 error, also when the delivery is not held.
    """
    with plain_errors(debug):
        from ingestion.decisions import accept as write

        entry, path = write(
            Home.from_environment(), extract, reason, author or _user(), dt.datetime.now(dt.UTC).date()
        )
        if as_json:
            print_json(entry.model_dump(mode="json") | {"path": str(path)})
            return
        print(
            f"{entry.file_name} is accepted, by {entry.author}. Commit {path}; the next `qamtu run` uses it."
        )


def _user() -> str:
    told = []
    with suppress(OSError, subprocess.SubprocessError):
        for name in ("user.name", "user.email"):
            found = subprocess.run(
                ["git", "config", name], capture_output=True, text=True, timeout=10, check=False
            )
            told.append(found.stdout.strip())
    name, email = (*told, "", "")[:2]
    return f"{name} <{email}>" if name and email else name or email or getpass.getuser()
