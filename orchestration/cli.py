"""The command line: `qamtu run | status | sample | ui`, with those of senders and of releases in files of their own.

Belongs here: reading arguments, calling one function, printing, exit codes. Does not belong here: any work. Every
command imports what it needs when it runs, so that `--help` and `status` answer at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration import cli_deliveries, cli_releases, cli_senders
from orchestration.cli_kit import NOTHING, Debug, Json, make_console, plain_errors, print_json
from orchestration.environment import ENGINE_VARIABLE, Engine
from warehouse.paths import Home

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.run import RunResult

app = typer.Typer(
    name="qamtu",
    help="The data warehouse of Kazakhstan's internet-coverage programme. QAMTU_HOME says where it lies; by default "
    "in var/ of the project.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    pull: Annotated[
        bool, typer.Option("--pull", help="First fetch what is new at the senders' own places.")
    ] = False,
    engine: Annotated[
        Engine,
        typer.Option(
            envvar=ENGINE_VARIABLE,
            help="What makes the tables: DuckDB in this process, or Apache Spark (docs/guides/build-on-spark.md).",
        ),
    ] = Engine.DUCKDB,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Read every delivery, build, audit, release, and print the scorecard.

    Exit codes: 0 all published; 3 published, some metrics withheld; 4 nothing published, the previous release
    stands; 1 error.
    """
    if sample and inbox:
        raise typer.BadParameter("give either --sample or --inbox, not both", param_hint="--sample")
    if sample and pull:
        raise typer.BadParameter("nobody sends the sample country: leave out --pull", param_hint="--pull")
    _refuse_engine_not_installed(engine)
    home = Home.from_environment()
    with plain_errors(debug):
        from orchestration.progress import Progress
        from orchestration.run import run_pipeline

        console = make_console(stderr=True)
        progress = Progress(console)
        inboxes = list(inbox or [])
        if sample:
            inboxes = [_sample_inbox(home, progress)]
        elif not inboxes:
            home.inbox.mkdir(parents=True, exist_ok=True)
            inboxes = [home.inbox]
        result = run_pipeline(home, inboxes, progress, debug=debug, engine=engine, pull=pull)
        progress.line(f"time     {progress.timings()}")
        for error in result.errors:
            progress.line(f"error    {error}")
        if as_json:
            print_json(_run_document(home, result))
        else:
            _print_outcome(home, result, console)
    raise typer.Exit(result.exit_code)


@app.command()
def status(as_json: Json = False, debug: Debug = False) -> None:
    """Show the current release: what it says of each statement, what is withheld and why.

    Exit codes: 0 there is a release; 4 nothing has been published yet; 1 error.
    """
    home = Home.from_environment()
    with plain_errors(debug):
        from warehouse.releases import current_release

        if current_release(home) is None:
            if as_json:
                print_json({"home": str(home.root), "publication": None})
            else:
                print(f"Nothing has been published in {home.root} yet. Try: qamtu run --sample")
            raise typer.Exit(NOTHING)
        if as_json:
            print_json(_scorecard(home))
        else:
            _print_scorecard(home, make_console())


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
    with plain_errors(debug):
        from sample_country import generate

        console = make_console(stderr=True)
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
    with plain_errors(debug):
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


for _command in (
    cli_senders.check,
    cli_senders.onboard,
    cli_deliveries.accept,
    cli_senders.pull,
    cli_releases.explain,
    cli_releases.diff,
    cli_releases.verify,
    cli_releases.rollback,
    cli_releases.releases,
):
    app.command()(_command)


def _refuse_engine_not_installed(engine: Engine) -> None:
    if engine is Engine.SPARK:
        from orchestration.spark_engine import what_is_missing

        if missing := what_is_missing():
            raise typer.BadParameter(missing, param_hint="--engine")


def _refuse_taken_port(port: int) -> None:
    import socket

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise OSError(f"port {port} is taken, perhaps by another `qamtu ui`; choose one with --port")


# --- Printing -----------------------------------------------------------------------------------------------------


def _scorecard(home: Home) -> dict[str, Any]:
    from warehouse.scorecard import read_scorecard

    return read_scorecard(home.current.resolve()).as_dict()


def _print_scorecard(home: Home, console: Console) -> None:
    from warehouse.scorecard import read_scorecard, render

    render(read_scorecard(home.current.resolve()), console)


def _print_outcome(home: Home, result: RunResult, console: Console) -> None:
    from warehouse.releases import current_release

    if result.publication is not None:
        _print_scorecard(home, make_console())
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


def _sample_inbox(home: Home, progress: Any) -> Path:
    from orchestration.sample import ensure_sample

    with progress.stage("sample"):
        folder, generated = ensure_sample(home)
    progress.line(f"sample   {'generated in' if generated else 'already in'} {folder}")
    return folder


if __name__ == "__main__":
    main()
