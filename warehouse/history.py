"""Releases over time: which one was current when, going back to one, and all of them in one DuckDB file.

Belongs here: the log of what `current` pointed at, rollback, `published/releases.duckdb`. Does not belong here: making
a release (`releases`), or choosing which to remove (`retention`).

The log is lines of JSON that are only added to. `releases.duckdb` holds no figures: its views read the Parquet files of
every release that stands, so that a figure quoted last year is one query away. It is written anew, beside itself and
then in one step, whenever a release comes, goes or is gone back to; it names the releases by absolute path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.files import file_lock, flush, point_link
from warehouse.paths import Home
from warehouse.sql import literal
from warehouse.verify import PUBLICATION_FILE, read_publication, verify_release

PUBLISHED, ROLLED_BACK, REMOVED = "published", "rolled_back", "removed"
LOCK = ".lock"


class RollbackRefused(Exception):
    """There is nothing whole to go back to; says what there is. `current` stays."""


@dataclass(frozen=True)
class Event:
    """One line of the log: when, what happened, to which release, and which was current before."""

    at: str
    event: str
    publication_id: str
    previous_publication_id: str | None = None


def history_file(home: Home) -> Path:
    """The DuckDB file with every release."""
    return home.published / "releases.duckdb"


def events(home: Home) -> list[Event]:
    """The log, first to last. A line that a crash cut short is left out."""
    path = _log(home)
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Event(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def record(home: Home, event: Event) -> None:
    """Add a line to the log, flushed."""
    path = _log(home)
    cut = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8") as stream:
        stream.write(("\n" if cut else "") + json.dumps(asdict(event)) + "\n")
    flush(path)


def point(home: Home, folder: Path, event: str, at: datetime) -> None:
    """Make a release current, in one step, and note it; nothing is noted when it is current already.

    Whoever calls holds the lock of `published/`.
    """
    before = read_publication(home.current)["publication_id"] if _is_release(home.current) else None
    publication_id = str(read_publication(folder)["publication_id"])
    point_link(home.current, folder.name)
    # Also when it was current, but a crash came before the line.
    if before != publication_id or _last_move(home) not in (None, publication_id):
        record(home, Event(_moment(at), event, publication_id, before))


def _last_move(home: Home) -> str | None:
    moves = [event.publication_id for event in events(home) if event.event != REMOVED]
    return moves[-1] if moves else None


def is_held_back(home: Home, publication_id: str) -> bool:
    """Whether somebody went back from this very release, and nothing was published since: then it is not taken up
    again by a run that comes to the same result.
    """
    moves = [event for event in events(home) if event.event != REMOVED]
    return (
        bool(moves) and moves[-1].event == ROLLED_BACK and moves[-1].previous_publication_id == publication_id
    )


def rollback(home: Home, publication_id: str, at: datetime | None = None) -> str | None:
    """Make an earlier release current again; returns the id of the one that was, None when it is current already.

    Errors: RollbackRefused when there is no such release, or it is not whole: `current` stays.
    """
    with file_lock(home.published / LOCK):
        folders = [path for path in sorted(home.published.glob(f"{publication_id}*")) if _is_release(path)]
        named = [path for path in folders if read_publication(path)["publication_id"] == publication_id]
        if not named:
            standing = sorted(path.name for path in home.published.glob("pub-*"))
            raise RollbackRefused(
                f"{publication_id}: no such release; there are {', '.join(standing) or 'none'}"
            )
        problems = {path.name: verify_release(path) for path in named}
        whole = [path for path in named if not problems[path.name]]
        if not whole:
            told = "; ".join(f"{name}: {', '.join(found[:3])}" for name, found in problems.items())
            raise RollbackRefused(f"{publication_id} is not as it was published: {told}")
        was = str(read_publication(home.current)["publication_id"]) if _is_release(home.current) else None
        if was == publication_id:
            return None
        point(home, whole[0], ROLLED_BACK, at or datetime.now(UTC))
        write_history(home)
        return was


def write_history(home: Home) -> Path:
    """Write `releases.duckdb` for the releases that stand. Whoever calls holds the lock of `published/`.

    Schema `history`: `release` (one row per stretch of time that a release was current), and a view per table with
    every release's rows, `release` and `published_at` before them. Macro `history.on_day(day)`: the id that was
    current at the end of that day, UTC.
    """
    path = history_file(home)
    beside = path.with_name(f".tmp-{path.name}")
    beside.unlink(missing_ok=True)
    releases = [folder for folder in sorted(home.published.glob("pub-*")) if _is_release(folder)]
    documents = {folder: read_publication(folder) for folder in releases}
    with duckdb.connect(str(beside)) as connection:
        connection.execute("create schema history")
        connection.execute(
            "create table history.release (release varchar, folder varchar, published_at timestamptz, "
            "current_from timestamptz, current_until timestamptz, is_current boolean, code_version varchar, "
            "is_sample boolean, signed_by varchar)"
        )
        rows = _stretches(home, documents)
        if rows:
            connection.executemany("insert into history.release values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute(_ON_DAY)
        for name, comment in _COMMENTS.items():
            connection.execute(f"comment on {name} is '{comment}'")
        tables = sorted({file.stem for folder in releases for file in (folder / "parquet").glob("*.parquet")})
        for table in tables:
            having = {folder: told for folder, told in documents.items() if _parquet(folder, table).exists()}
            _create_view(connection, table, having)
    flush(beside)
    beside.replace(path)
    flush(path.parent)
    return path


_ON_DAY = """
create macro history.on_day(day) as (
    select latest.release from history.release as latest
    where latest.current_from < cast(day as timestamptz) + interval 1 day
        and (latest.current_until is null or latest.current_until >= cast(day as timestamptz) + interval 1 day)
    order by latest.current_from desc limit 1
)
"""
_COMMENTS = {
    "table history.release": "One row per stretch of time in which a release was current; a release that was gone back "
    "to has several, one that never was current has none of its times.",
    "column history.release.release": "Publication id.",
    "column history.release.folder": "Folder of the release in published/.",
    "column history.release.published_at": "When it was published.",
    "column history.release.current_from": "From when it was what readers got.",
    "column history.release.current_until": "Until when; NULL for the current one.",
    "column history.release.is_current": "Whether it is current now.",
    "column history.release.code_version": "Version of the code that made it.",
    "column history.release.is_sample": "Whether it was made from the invented sample country.",
    "column history.release.signed_by": "Fingerprint of the key that signed it; NULL when unsigned.",
    "macro history.on_day": "Publication id of the release that was current at the end of a day, UTC.",
}


def _create_view(
    connection: duckdb.DuckDBPyConnection, table: str, documents: Mapping[Path, Mapping[str, Any]]
) -> None:
    """A view of one table over all releases; columns that only some have are NULL in the others.

    A release whose file was damaged is left out: it must not keep the others from being read.
    """
    folders = [folder for folder in documents if _can_be_read(connection, _parquet(folder, table))]
    if not folders:
        return
    files = ", ".join(literal(_parquet(folder, table)) for folder in folders)
    names = " ".join(
        f"when {literal(folder.name)} then {literal(documents[folder]['publication_id'])}"
        for folder in folders
    )
    times = " ".join(
        f"when {literal(folder.name)} then timestamptz {literal(documents[folder]['published_at'])}"
        for folder in folders
    )
    connection.execute(
        f"""
        create view history.{table} as
        select case split_part(release_file, '/', -3) {names} end as release,
            case split_part(release_file, '/', -3) {times} end as published_at, * exclude (release_file)
        from read_parquet([{files}], union_by_name = true, filename = 'release_file', hive_partitioning = false)
        """
    )


def _can_be_read(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    try:
        connection.execute("select 1 from parquet_schema(?) limit 1", [str(path)]).fetchall()
    except duckdb.Error:
        return False
    return True


def _stretches(home: Home, documents: Mapping[Path, Mapping[str, Any]]) -> list[list[Any]]:
    """Rows of history.release. Releases from before there was a log were current from when they were published."""
    by_id = {document["publication_id"]: (folder, document) for folder, document in documents.items()}
    moves = [(event.at, event.publication_id) for event in events(home) if event.event != REMOVED]
    logged = {publication_id for _, publication_id in moves}
    first = min(moves)[0] if moves else "9999"
    for publication_id, (_, document) in by_id.items():
        if publication_id not in logged and document["published_at"] < first:
            moves.append((document["published_at"], publication_id))
    moves.sort()
    current = read_publication(home.current)["publication_id"] if _is_release(home.current) else None
    rows = []
    for place, (since, publication_id) in enumerate(moves):
        if publication_id not in by_id:
            continue  # it was removed
        folder, document = by_id[publication_id]
        until = moves[place + 1][0] if place + 1 < len(moves) else None
        rows.append(_stretch(folder, document, since, until, until is None and publication_id == current))
    told = {row[0] for row in rows}
    for publication_id, (folder, document) in sorted(by_id.items()):
        if publication_id not in told:
            rows.append(_stretch(folder, document, None, None, False))
    return rows


def _stretch(
    folder: Path, document: Mapping[str, Any], since: str | None, until: str | None, is_current: bool
) -> list[Any]:
    own = (document["code_version"], document["is_sample"], document.get("signed_by"))
    return [document["publication_id"], folder.name, document["published_at"], since, until, is_current, *own]


def _parquet(folder: Path, table: str) -> Path:
    return folder / "parquet" / f"{table}.parquet"


def _is_release(path: Path) -> bool:
    return (path / PUBLICATION_FILE).is_file()


def _log(home: Home) -> Path:
    return home.published / "history.jsonl"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
