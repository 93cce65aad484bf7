"""The command line: `qamtu run | check | status | sample | ui`.

Belongs here: reading arguments, calling one function, printing, exit codes. Does not belong here: any work. Every
command imports what it needs when it runs, so that `--help` and `status` answer at once.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from warehouse.paths import Home

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.run import RunResult

OK, ERROR, USAGE, WITHHELD, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 130

app = typer.Typer(
    name="qamtu",
    help="The data warehouse of Kazakhstan's internet-coverage programme. QAMTU_HOME says where it lies; by default "
    "in var/ of the project.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Language(StrEnum):
    """Languages of answers to senders."""

    kk = "kk"
    ru = "ru"
    en = "en"


Json = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the full traceback of an error, and Dagster's log.")
]


def main() -> None:
    """Entry point of the `qamtu` command."""
    # Definitions and manifests are a million objects that live as long as the process: collecting often finds nothing.
    gc.set_threshold(100_000, 50, 100)
    # Nor does the last collection of all, which would take two seconds more.
    atexit.register(gc.freeze)
    app()


@app.command()
def run(
    inbox: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Folder with deliveries; may be given several times. Default: the home's inbox.",
        ),
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Run on the sample country, generated first.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Read every delivery, build, audit, release, and print the scorecard.

    Exit codes: 0 all published; 3 published, some metrics withheld; 4 nothing published, the previous release
    stands; 1 error.
    """
    if sample and inbox:
        raise typer.BadParameter("give either --sample or --inbox, not both", param_hint="--sample")
    home = Home.from_environment()
    with _plain_errors(debug):
        from orchestration.progress import Progress
        from orchestration.run import run_pipeline

        console = _console(stderr=True)
        progress = Progress(console)
        inboxes = list(inbox or [])
        if sample:
            inboxes = [_sample_inbox(home, progress)]
        elif not inboxes:
            home.inbox.mkdir(parents=True, exist_ok=True)
            inboxes = [home.inbox]
        result = run_pipeline(home, inboxes, progress, debug=debug)
        progress.line(f"time     {progress.timings()}")
        for error in result.errors:
            progress.line(f"error    {error}")
        if as_json:
            _print_json(_run_document(home, result))
        else:
            _print_outcome(home, result, console)
    raise typer.Exit(result.exit_code)


@app.command()
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

    Nothing is filed. Exit codes: 0 every row would be accepted; 3 some rows would be quarantined; 4 a file would not
    be taken; 1 error.
    """
    if no_report and report:
        raise typer.BadParameter("give either --report or --no-report, not both", param_hint="--no-report")
    folder = report or (None if no_report or as_json else Path("qamtu-check"))
    spoken = language or _language_of_terminal()
    code = OK
    with _plain_errors(debug), _waiting(files) as console:
        from ingestion.answer.document import document, write_answer
        from ingestion.answer.summary import print_summary
        from ingestion.check import check_files
        from ingestion.layout import read_layout

        answers = []
        by = read_layout(layout, in_place=False) if layout is not None else None
        checked = check_files(files, Home.from_environment(), previous, by)
        for file, found in zip(files, checked, strict=True):
            if as_json:
                answers.append(document(found))
            else:
                print_summary(found, file, spoken.value, console)
            if folder is not None:
                written = write_answer(found, file, folder, spoken.value)
                if not as_json:
                    console.print(f"  {' '.join(str(path) for path in written)}", soft_wrap=True)
            code = max(code, NOTHING if not found.outcome.is_accepted else OK if found.is_clean else WITHHELD)
    if as_json:
        _print_json(answers)
    raise typer.Exit(code)


@app.command()
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
    with _plain_errors(debug):
        from ingestion.onboard.draft import draft_layout

        text = draft_layout(file, sender, extract)
        if out is None:
            print(text, end="")
        else:
            out.write_text(text, encoding="utf-8")
            print(f"{out}: {text.count('TODO')} places to decide, marked TODO")


@app.command()
def status(as_json: Json = False, debug: Debug = False) -> None:
    """Show the current release: what it says of each statement, what is withheld and why.

    Exit codes: 0 there is a release; 4 nothing has been published yet; 1 error.
    """
    home = Home.from_environment()
    with _plain_errors(debug):
        from warehouse.releases import current_release

        if current_release(home) is None:
            if as_json:
                _print_json({"home": str(home.root), "publication": None})
            else:
                print(f"Nothing has been published in {home.root} yet. Try: qamtu run --sample")
            raise typer.Exit(NOTHING)
        if as_json:
            _print_json(_scorecard(home))
        else:
            _print_scorecard(home, _console())


@app.command()
def sample(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder to write the filings into.")],
    geography: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Real KATO and population to draw the filings over."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 2026,
    addresses: Annotated[
        int | None, typer.Option(min=1, help="Rows of the filing by address, for measuring; up to 10^8.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Generate the sample country's filings, or filings over a real geography."""
    with _plain_errors(debug):
        from sample_country import generate

        console = _console(stderr=True)
        with console.status(f"writing filings into {out}"):
            summary = generate(out, seed=seed, geography=geography, addresses=addresses)
        size = sum(record.size_bytes for record in summary.files)
        print(f"{len(summary.files)} files, {size / 1e6:.1f} MB, in {out}")


@app.command()
def ui(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on this machine's loopback address.")
    ] = 3000,
    debug: Debug = False,
) -> None:
    """Open Dagster: the graph, runs, checks, sensors and the schedule. Ends with Ctrl-C."""
    home = Home.from_environment()
    with _plain_errors(debug):
        from orchestration.instance import write_settings

        _refuse_taken_port(port)
        write_settings(home)
        home.inbox.mkdir(parents=True, exist_ok=True)
        os.environ.update({"QAMTU_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)})
        if not debug:
            os.environ.setdefault("PYTHONWARNINGS", "ignore")
        print(f"Dagster on http://127.0.0.1:{port} for the home {home.root}", flush=True)
        arguments = ["-m", "orchestration.definitions", "--host", "127.0.0.1", "--port", str(port)]
        os.execv(sys.executable, [sys.executable, "-m", "dagster", "dev", *arguments])


def _refuse_taken_port(port: int) -> None:
    import socket

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise OSError(f"port {port} is taken, perhaps by another `qamtu ui`; choose one with --port")


# --- Printing -----------------------------------------------------------------------------------------------------


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = 100
    return console


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _scorecard(home: Home) -> dict[str, Any]:
    from warehouse.scorecard import read_scorecard

    return read_scorecard(home.current.resolve()).as_dict()


def _print_scorecard(home: Home, console: Console) -> None:
    from warehouse.scorecard import read_scorecard, render

    render(read_scorecard(home.current.resolve()), console)


def _print_outcome(home: Home, result: RunResult, console: Console) -> None:
    from warehouse.releases import current_release

    if result.publication is not None:
        _print_scorecard(home, _console())
    else:
        standing = current_release(home)
        kept = f"the release {standing.name} stands" if standing else "there is no earlier release"
        console.print(f"[bold red]Nothing was published[/]; {kept}.")


def _run_document(home: Home, result: RunResult) -> dict[str, Any]:
    return {
        "exit_code": result.exit_code,
        "publication": result.publication,
        "path": result.path,
        "metrics_published": result.metrics_published,
        "metrics_withheld": result.metrics_withheld,
        "errors": list(result.errors),
        "seconds": {name: round(seconds, 3) for name, seconds in result.seconds.items()},
        "dagster_run_id": result.run_id,
        "scorecard": _scorecard(home) if result.publication is not None else None,
    }


def _language_of_terminal() -> Language:
    told = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return next((language for language in Language if told.startswith(language.value)), Language.en)


@contextmanager
def _waiting(files: list[Path]) -> Iterator[Console]:
    """A console to print on, with a sign of life below what is printed while files are judged."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = _console()
    named = str(files[0]) if len(files) == 1 else f"{len(files)} files"
    bar = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*bar, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(named, total=None)
        yield console


def _sample_inbox(home: Home, progress: Any) -> Path:
    from orchestration.sample import ensure_sample

    with progress.stage("sample"):
        folder, generated = ensure_sample(home)
    progress.line(f"sample   {'generated in' if generated else 'already in'} {folder}")
    return folder


@contextmanager
def _plain_errors(debug: bool) -> Iterator[None]:
    """One clear line instead of a traceback, and exit code 1."""
    if not debug:
        import warnings

        warnings.simplefilter("ignore")
    try:
        yield
    except (typer.Exit, typer.Abort):
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


if __name__ == "__main__":
    main()
