"""Whether the lake still holds the rows that were accepted: the SHA-256 of each file, and what was last verified.

Belongs here: hashing the files of one extract, and comparing them with what was recorded. Does not belong here: what
the files hold, or what follows when they changed (`fingerprint`).

A file is hashed when it is committed. Later it is hashed again only when its inode, size or a time of change is not
what was noted beside it, in a hidden file that may be lost at no cost but the time to hash again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import TypeAdapter

from warehouse.files import sha256_of

NOTE = ".verified.json"
# By name of file: its identity, and the SHA-256 that it had.
_NOTES = TypeAdapter(dict[str, tuple[list[int], str]])
SCHEMA_FILE = "_schema.parquet"
READ_AGAIN = "run again: its file is read anew"


def kind_of(source: str) -> str:
    """Extract kind whose deliveries a table of the lake comes from: `highways` also for `highways_cell`."""
    return source.removesuffix("_cell")


def seal(lake: Path, folder: Path) -> tuple[tuple[str, str], ...]:
    """Path inside the lake and SHA-256 of each Parquet file of one extract, in order of name, noted as verified."""
    hashes = {path: sha256_of(path) for path in sorted(folder.glob("*.parquet"))}
    _take_note(folder, hashes)
    return tuple((path.relative_to(lake).as_posix(), sha256) for path, sha256 in hashes.items())


def changes(lake: Path, sealed: Iterable[tuple[str, str]]) -> list[str]:
    """What is not as it was sealed, in words with the remedy; empty when every file holds the bytes it had."""
    by_folder: dict[Path, dict[Path, str]] = {}
    for name, sha256 in sealed:
        by_folder.setdefault((lake / name).parent, {})[lake / name] = sha256
    found = []
    for folder, expected in by_folder.items():
        noted = _noted(folder)
        hashes = {path: _known(path, noted) or sha256_of(path) for path in expected if path.is_file()}
        for path, sha256 in expected.items():
            if hashes.get(path) != sha256:
                what = "was changed after it was accepted" if path in hashes else "is missing"
                found.append(f"{path.relative_to(lake).as_posix()} {what}; {READ_AGAIN}")
        if any(_known(path, noted) is None for path in hashes):
            _take_note(folder, hashes)
    return found


def strays(lake: Path, kind: str, sealed: Iterable[tuple[str, str]]) -> list[str]:
    """Files of a kind that readers would take though nothing says that they were accepted, in words."""
    known = {lake / name for name, _ in sealed}
    return [
        f"{path.relative_to(lake).as_posix()} is no part of any accepted delivery; remove it and run again"
        for part in ("accepted", "cells")
        for path in sorted((lake / part / kind).rglob("*.parquet"))
        if path not in known and not (path.name == SCHEMA_FILE and pq.read_metadata(path).num_rows == 0)
    ]


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _known(path: Path, noted: Mapping[str, tuple[list[int], str]]) -> str | None:
    """The file's SHA-256 when it is still the file that was noted."""
    identity, sha256 = noted.get(path.name, (None, None))
    return sha256 if identity == _identity(path) else None


def _noted(folder: Path) -> dict[str, tuple[list[int], str]]:
    try:
        return _NOTES.validate_json((folder / NOTE).read_bytes())
    except (OSError, ValueError):
        return {}


def _take_note(folder: Path, hashes: Mapping[Path, str]) -> None:
    note = {path.name: [_identity(path), sha256] for path, sha256 in hashes.items()}
    # Whoever only reads the lake need not be able to write there.
    with suppress(OSError):
        if note:
            # Not flushed: a note that is lost costs the time to hash again, and there is one for every delivery.
            fresh = folder / f"{NOTE}.tmp"
            fresh.write_bytes(json.dumps(note, sort_keys=True).encode())
            fresh.replace(folder / NOTE)
