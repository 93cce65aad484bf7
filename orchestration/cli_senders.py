"""Commands about senders and their files: `qamtu check | onboard | pull`.

Belongs here: reading arguments, calling one function, printing, exit codes. None of them needs Dagster.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli_kit import (
    NOTHING,
    OK,
    WITHHELD,
    Debug,
    Json,
    make_console,
    plain_errors,
    print_json,
)
from warehouse.languages import Language
from warehouse.paths import Home

if TYPE_CHECKING:
    from rich.console import Console

# Of the time that a large file of text takes, about so much goes by before its first row is judged.
_SHARE_OF_READING = 0.2


def check(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="Files as they would be sent.")
    ],
    previous: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The filing before, to compare with; else the home's, if any."
        ),
    ] = None,
    layout: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Read with this layout, which may still be a draft."),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="Of the answer; by default that of the terminal, else English.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder for the report. Default: qamtu-check in this folder."),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Only print.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what is wrong with files before they are sent, and write it down as HTML, XLSX and JSON.

    Nothing is filed. Exit codes: 0 every row would be accepted; 3 some rows would be quarantined, or a file would be
    held as suspicious; 4 a file would not be taken; 1 error.
    """
    if no_report and report:
        raise typer.BadParameter("give either --report or --no-report, not both", param_hint="--no-report")
    folder = report or (None if no_report or as_json else Path("qamtu-check"))
    spoken = language or _language_of_terminal()
    code = OK
    with plain_errors(debug):
        from ingestion.answer.document import document, write_answer
        from ingestion.answer.summary import print_summary
        from ingestion.check import check_files
        from ingestion.layout import read_layout

        answers = []
        by = read_layout(layout, in_place=False) if layout is not None else None
        for place in by.undecided() if by is not None else ():
            typer.echo(f"{layout}: {place}", err=True)
        checked = check_files(files, Home.from_environment(), previous, by)
        for file in files:
            with _waiting(file) as console:
                found = next(checked)
                if as_json:
                    answers.append(document(found))
                else:
                    print_summary(found, file, spoken, console)
                if folder is not None:
                    written = write_answer(found, file, folder, spoken)
                    if not as_json:
                        console.print(f"  {' '.join(str(path) for path in written)}", soft_wrap=True)
            code = max(code, NOTHING if not found.outcome.is_accepted else OK if found.is_clean else WITHHELD)
    if as_json:
        print_json(answers)
    raise typer.Exit(code)


def onboard(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file of a new sender.")],
    sender: Annotated[str, typer.Option(help="Id of the sender: small letters, digits and underscores.")],
    extract: Annotated[
        str | None, typer.Option(help="Kind of extract it is. Default: the contract that fits best.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File for the draft. Default: print it.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Look at a new sender's file and draft its layout, with the reason for each column and what to decide."""
    with plain_errors(debug):
        from ingestion.onboard.draft import draft_layout

        text = draft_layout(file, sender, extract)
        if out is None:
            print(text, end="")
        else:
            out.write_text(text, encoding="utf-8")
            # The first line tells what TODO means.
            print(f"{out}: {text.count('TODO') - 1} places to decide, marked TODO")


def pull(
    senders: Annotated[
        list[str] | None, typer.Argument(help="Ids of senders. Default: everyone whose entry names a source.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Fetch what is new at the senders' own places into landing; the next run reads it.

    Exit codes: 0 everything was reached; 3 some files or places failed; 4 all of them failed; 1 error; 2 usage.
    """
    home = Home.from_environment()
    with plain_errors(debug):
        from ingestion.pull.session import FAILED, LANDED, UNCHANGED, as_document, pull_from

        console = make_console(stderr=True)
        try:
            report = pull_from(
                home, senders or [], lambda line: console.print(line, markup=False, soft_wrap=True)
            )
        except LookupError as error:
            raise typer.BadParameter(str(error), param_hint="SENDERS") from error
        if as_json:
            print_json(as_document(report))
        else:
            print(", ".join(f"{report.count(status)} {status}" for status in (LANDED, UNCHANGED, FAILED)))
    failed = report.count(FAILED)
    raise typer.Exit(OK if not failed else NOTHING if failed == len(report.files) else WITHHELD)


def _language_of_terminal() -> Language:
    told = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return next((language for language in Language if told.startswith(language.value)), Language.en)


@contextmanager
def _waiting(file: Path) -> Iterator[Console]:
    """A console to print on, with a bar below what is printed while a file is judged."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from ingestion.progress import Stage, told_to

    console = make_console()
    if not console.is_terminal:
        yield console
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        # Until something is counted the bar only moves: not every format can be counted before it is judged.
        task = progress.add_task(str(file), total=None)

        def tell(stage: Stage, share: float) -> None:
            read = _SHARE_OF_READING if stage is Stage.JUDGING else 0.0
            weight = 1 - _SHARE_OF_READING if stage is Stage.JUDGING else _SHARE_OF_READING
            progress.update(task, total=1.0, completed=read + weight * share)

        with told_to(tell):
            yield console
