"""Whether a run would find anything to do: what it would read, do and leave, as one mark, kept with what came of it.

Belongs here: the mark, and remembering the last run's result under it. Does not belong here: running (`run`).

Files are told by name, size and times of change. The release of a run that ended was written or verified by it, every
file with its hash; here it is enough that none was touched since.
A run whose mark is that of the last one ends at once. Whoever doubts it touches any file, or starts the job in Dagster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import TypeAdapter

from ingestion.acceptances import acceptances_folder
from orchestration.code_version import code_version
from orchestration.environment import chosen_engine
from warehouse.files import replace_file, writable_name
from warehouse.lake import PARTS
from warehouse.paths import Home
from warehouse.releases import current_release


@dataclass(frozen=True)
class _Last:
    """The last run: what decided it, and its result."""

    mark: dict[str, Any]
    result: dict[str, Any]


_LAST = TypeAdapter(_Last)


def deliveries(inboxes: Sequence[Path]) -> list[list[Any]]:
    """What lies in the inboxes. Asked before a run reads them: what comes later is the next run's."""
    return [told for inbox in inboxes for told in _files(sorted(inbox.rglob("*")), inbox)]


def mark(home: Home, delivered: list[list[Any]]) -> dict[str, Any]:
    """What decides a run: deliveries, those landed, code, engine, acceptances, lake, build, evidence, the release."""
    current = current_release(home)
    rows = sorted(path for part in PARTS for path in (home.lake / part).rglob("part-*.parquet"))
    return {
        "code": code_version(),
        "engine": chosen_engine(),
        "deliveries": delivered,
        "acceptances": _files(sorted(acceptances_folder().glob("*.yaml")), acceptances_folder()),
        "landing": _files(sorted(home.landing.glob("??/*")), home.landing),
        "lake": _files(sorted((home.lake / "meta").glob("*.parquet")), home.lake),
        "rows": _files(rows, home.lake),
        "build": _files([home.build_file], home.build),
        "evidence": _files(sorted(home.ledger.glob("*.parquet")), home.ledger),
        "release": None if current is None else [current.name, _files(sorted(current.rglob("*")), current)],
    }


def remember(home: Home, delivered: list[list[Any]], result: dict[str, Any]) -> None:
    """Keep the result of a run that left a release, under what it found in the inboxes.

    Not when another try could end otherwise: a check that could not be carried out, a file that could not be read.
    """
    if _may_end_otherwise(home):
        _path(home).unlink(missing_ok=True)
        return
    text = json.dumps({"mark": mark(home, delivered), "result": result}, ensure_ascii=False, indent=1)
    replace_file(_path(home), text.encode())


def unchanged(home: Home, delivered: list[list[Any]]) -> dict[str, Any] | None:
    """The last run's result when this one would find exactly what that one left, else None."""
    try:
        last = _LAST.validate_json(_path(home).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    now = mark(home, delivered)
    return last.result if now["release"] is not None and last.mark == now else None


def _may_end_otherwise(home: Home) -> bool:
    current = current_release(home)
    if current is None:
        return True
    with duckdb.connect(str(current / "coverage.duckdb"), read_only=True) as connection:
        (found,) = connection.execute(
            """
            select
                (select count(*) from marts.meta_check where status = 'error')
                + (select count(*) from read_parquet(?) where rule in ('unreadable_file', 'not_a_file'))
            """,
            [str(home.lake / "meta" / "extract.parquet")],
        ).fetchall()[0]
    return int(found) > 0


def _files(paths: Iterable[Path], root: Path) -> list[list[Any]]:
    found: list[list[Any]] = []
    for path in paths:
        if path.is_file():
            status = path.stat()
            found.append(
                [
                    writable_name(path.relative_to(root)),
                    status.st_size,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                ]
            )
    return found


def _path(home: Home) -> Path:
    return home.root / "last_run.json"
