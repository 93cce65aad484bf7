"""What the commands share: options, exit codes, printing, errors in one line.

Belongs here: what more than one file of commands needs. Does not belong here: commands.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

OK, ERROR, USAGE, WITHHELD, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 130

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the full traceback of an error, and Dagster's log.")
]


def make_console(stderr: bool = False, width: int = 100) -> Console:
    """A console of rich; `width` is that of what is no terminal."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = width
    return made


def print_json(value: Any) -> None:
    """Print plain data as JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@contextmanager
def plain_errors(debug: bool) -> Iterator[None]:
    """One clear line instead of a traceback, and exit code 1."""
    if not debug:
        import warnings

        warnings.simplefilter("ignore")
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except KeyboardInterrupt as error:
        print("qamtu: interrupted; what was published stands as it is", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from error
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"qamtu: {text} (more with --debug)", file=sys.stderr)
        raise typer.Exit(ERROR) from error
