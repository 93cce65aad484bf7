"""Commands about what was published: `qamtu explain | diff | verify | rollback | releases`.

Belongs here: their arguments, one call each, printing, exit codes. Does not belong here: any work, nor anything that
needs Dagster or dbt: these commands answer at once, also where no pipeline is installed to run.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli_kit import NOTHING, Debug, Json, make_console, plain_errors, print_json
from warehouse.paths import Home, store_url

#: Columns of a table that is not printed to a terminal, wide enough for names of files.
_WIDTH = 150

Release = Annotated[
    str | None,
    typer.Option("--release", help="Release to read: its id, or its folder. Default: the current one."),
]


def explain(
    what: Annotated[
        str, typer.Argument(help="A metric of dim_metric, or a delivery: extract id, SHA-256 or file name.")
    ],
    kato: Annotated[
        str, typer.Option(help="Place: KATO code, or the name of a region or district. Default: the nation.")
    ] = "000000000",
    technology: Annotated[
        str | None, typer.Option(help="Technology, speed tier or rung, where the metric has several.")
    ] = None,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Date of the figure. Default: the latest."),
    ] = None,
    area_type: Annotated[
        str | None, typer.Option(help="all, urban or rural. Default: all, where there is such a figure.")
    ] = None,
    release: Release = None,
    top: Annotated[int, typer.Option(min=1, help="How many terms and rows to print.")] = 10,
    csv: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write every term, with file, sheet and row, to this file."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say where a published number comes from, down to file, sheet and row; or which numbers rest on a delivery.

    Exit codes: 0 explained; 4 there is no such number or delivery; 1 error.
    """
    home = Home.from_environment()
    with plain_errors(debug):
        from warehouse.explain import Figure, NotExplainable, explain, explain_delivery, is_metric
        from warehouse.explanation_text import print_delivery, print_explanation, write_terms

        folder = _folder(home, release)
        try:
            if is_metric(folder, what):
                asked = Figure(what, kato, technology, as_of.date() if as_of else None, area_type)
                found = explain(home, folder, asked)
                if csv:
                    rows = write_terms(found, csv)
                    make_console(stderr=True).print(f"{rows:,} rows in {csv}", soft_wrap=True)
                if as_json:
                    print_json(found.as_dict())
                elif not csv:
                    print_explanation(found, make_console(width=_WIDTH), top)
            else:
                use = explain_delivery(home, folder, what)
                if as_json:
                    print_json(use.as_dict())
                else:
                    print_delivery(use, make_console(width=_WIDTH), top)
        except NotExplainable as error:
            typer.echo(f"qamtu: {error}", err=True)
            raise typer.Exit(NOTHING) from error


def verify(
    folder: Annotated[
        Path | None, typer.Argument(exists=True, file_okay=False, help="A release, wherever it lies.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, envvar="QAMTU_TRUSTED_KEY", help="Public key that must have signed."
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check that a release is as it was published: every file, nothing besides, and the signature.

    Exit codes: 0 it is; 4 it is not, or was not signed by the key given; 1 error. Without --key a signature must hold,
    whoever made it, and an unsigned release passes; what was found is told.
    """
    with plain_errors(debug):
        from warehouse.signature import read_public_key
        from warehouse.verify import verify

        path = (folder or Home.from_environment().current).resolve()
        found = verify(path, read_public_key(key) if key else None)
        if as_json:
            print_json(
                {
                    "path": str(path),
                    "holds": found.holds,
                    "publication_id": found.publication_id,
                    "files": found.files,
                    "signed_by": found.signer,
                    "is_trusted": found.is_trusted,
                    "problems": list(found.problems),
                }
            )
        else:
            _print_verification(path, found)
    raise typer.Exit(0 if found.holds else NOTHING)


def _print_verification(path: Path, found: Any) -> None:
    print(f"{path}: {found.publication_id or 'no release'}, {found.files} files")
    if found.signer:
        trust = "the key given" if found.is_trusted else "nobody said whether it is to be trusted; give --key"
        print(f"signed by {found.signer} ({trust})")
    elif found.holds:
        print("unsigned: every file is as publication.json says, and nobody vouches for that file")
    for problem in found.problems:
        print(f"  {problem}")
    print("whole" if found.holds else "NOT as it was published")


def _folder(home: Home, release: str | None) -> Path:
    """Folder of a release given by id or path, by default the current one. Errors: FileNotFoundError, in words."""
    from warehouse.verify import PUBLICATION_FILE

    if release is None:
        if not home.current.exists():
            raise FileNotFoundError(f"nothing has been published in {home.root} yet; try: qamtu run --sample")
        return home.current.resolve()
    by_id = sorted(home.published.glob(f"{release}*")) if "/" not in release else []
    for path in (*by_id, Path(release)):
        if (path / PUBLICATION_FILE).is_file():
            return path.resolve()
    raise FileNotFoundError(
        f"{release}: no release of {home.published}, and no folder with {PUBLICATION_FILE}"
    )


def diff(
    older: Annotated[
        str | None, typer.Argument(help="Release to compare with. Default: the one before the newer.")
    ] = None,
    newer: Annotated[str | None, typer.Argument(help="Newer release. Default: the current one.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many numbers of the nation to print.")] = 20,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say which published numbers changed between two releases, why, and what each change is made of.

    Exit codes: 0 compared; 4 there is nothing to compare with; 1 error.
    """
    home = Home.from_environment()
    with plain_errors(debug):
        from warehouse.revision import compare_releases
        from warehouse.revision_text import print_revisions, summary
        from warehouse.verify import read_publication

        current = _folder(home, newer)
        before = older or read_publication(current)["previous_publication_id"]
        if before is None:
            typer.echo(f"qamtu: no release stands before {current.name}", err=True)
            raise typer.Exit(NOTHING)
        previous = _folder(home, before)
        rows = compare_releases(previous, current).to_pylist()
        names = [read_publication(folder)["publication_id"] for folder in (previous, current)]
        if as_json:
            document = {
                "previous_publication_id": names[0],
                "publication_id": names[1],
                "summary": summary(rows),
            }
            print_json({**document, "revisions": [_plain_numbers(row) for row in rows]})
        else:
            print_revisions(names[0], names[1], rows, make_console(width=_WIDTH), top)


def _plain_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Decimals as numbers of JSON."""
    from decimal import Decimal

    return {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def rollback(
    publication_id: Annotated[str, typer.Argument(metavar="ID", help="Release to make current again.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make an earlier release current again, in one step. The later one stays, but no run takes it up by itself.

    A run that comes to another result publishes that. Exit codes: 0 it is current; 4 there is no such release, or it
    is not as it was published: what was current stays; 1 error.
    """
    home = Home.from_environment()
    with plain_errors(debug):
        from warehouse.history import RollbackRefused, rollback

        try:
            was = rollback(home, publication_id)
            if url := store_url():
                from warehouse.store import open_store, push

                push(home, open_store(url))
        except RollbackRefused as error:
            typer.echo(f"qamtu: {error}", err=True)
            raise typer.Exit(NOTHING) from error
        if as_json:
            print_json(
                {
                    "publication_id": publication_id,
                    "was_current": was or publication_id,
                    "moved": was is not None,
                }
            )
        elif was is None:
            print(f"{publication_id} is current already")
        else:
            print(f"{publication_id} is current again; {was} stands, and is current no more")


def releases(
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove what the rule of retention lets go, and say what.")
    ] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Keep the last so many; default: QAMTU_KEEP_RELEASES, else all.")
    ] = None,
    reindex: Annotated[
        bool, typer.Option("--reindex", help="Write releases.duckdb anew, as after the home was moved.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List releases, and what the rule of retention would remove; with --prune it does.

    Kept are always the current one, the one before it, and the last of every quarter of a year. Exit codes: 0; 1 error.
    """
    home = Home.from_environment()
    with plain_errors(debug):
        from warehouse.files import file_lock
        from warehouse.history import LOCK, history_file, write_history
        from warehouse.releases import list_releases
        from warehouse.retention import keep_from_environment, retain

        rule = keep if keep is not None else keep_from_environment()
        going = retain(home, rule, dry_run=not prune)
        if reindex:
            with file_lock(home.published / LOCK):
                write_history(home)
        found = list_releases(home)
        if as_json:
            print_json(
                {
                    "keep": rule,
                    "releases": [
                        {name: value for name, value in vars(each).items() if name != "path"}
                        | {"folder": each.path.name}
                        for each in found
                    ],
                    "removed" if prune else "would_be_removed": [vars(each) for each in going],
                    "history": str(history_file(home)),
                }
            )
            return
        for each in found:
            mark = (
                "current"
                if each.is_current
                else "going"
                if each.path.name in {g.folder for g in going}
                else ""
            )
            counts = f"{each.metrics_published} metrics, {each.metrics_withheld} withheld"
            print(f"{each.path.name}  {each.published_at[:16].replace('T', ' ')}  {counts}  {mark}".rstrip())
        for each_gone in going if prune else []:
            print(f"removed {each_gone.folder}, published {each_gone.published_at[:10]}")
        print(
            f"rule: {'keep all' if rule is None else f'keep the last {rule}, and what the rule always keeps'}"
        )
