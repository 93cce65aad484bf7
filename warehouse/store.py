"""A home's copy on an object store: what cannot be made again or is read by others, and the pointer to the release.

Belongs here: which files go there, in which order, and back into an empty home. Does not belong here: when a release
appears (`releases`), or what its files mean. Decision 0106 gives the reasons.

Files go first and the pointer last, so that a reader who takes the pointer and then only names that never change sees
one whole release at every moment. What was cut off is finished by the next push: a file that is there is not sent
again.

Each push first takes its turn: it writes a word of its own into the object `turn`, on condition that the last word
there is this home's. So a home knows that nobody else has written since, whether or not there was a release.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import botocore.config
import botocore.exceptions
import botocore.session

from warehouse.files import make_read_only, point_link, remove_tree, replace_file, sha256_of
from warehouse.paths import Home

#: Folders of a home that are copied, in this order: what was received first, what is read by others last.
FOLDERS = ("landing", "lake", "evidence", "answers", "published")
POINTER = "published/current"
TURN = "turn"
NOTE = "store.json"
# Made anew by every home: the pointer is an object of its own, views of all releases name this machine's folders.
_OWN = ("published/current", "published/releases.duckdb")
# What is still being written down, or was when a run was cut off.
_UNFINISHED = "landing/incoming/"
_AT_ONCE = 8
#: Throttling and lost connections are tried again this often, with longer and longer pauses.
_ATTEMPTS = 8
_SHA256, _CHANGED = "sha256", "changed-ns"
_PAUSE_SECONDS = 0.2
_Read = TypeVar("_Read")


class StoreError(Exception):
    """The store did not do what was asked; the message names the object and what to do. Its pointer stands."""


class StoreConflict(StoreError):
    """Another home has written to the store since this one last did."""


@dataclass(frozen=True)
class Store:
    """A bucket and the prefix below which the home's copy lies."""

    client: Any
    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """Key of an object."""
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclass(frozen=True)
class Pushed:
    """What a push did: objects sent, bytes of them, objects removed."""

    sent: int
    bytes_sent: int
    removed: int


def open_store(url: str) -> Store:
    """Open `s3://bucket/prefix`; credentials, region and endpoint are found as AWS's own tools find them.

    Errors: StoreError when the address is none.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise StoreError(f"{url}: not the address of a store; name it as s3://bucket/prefix")
    config = botocore.config.Config(
        retries={"mode": "standard", "max_attempts": _ATTEMPTS},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=_AT_ONCE,
    )
    client = botocore.session.get_session().create_client("s3", config=config)
    return Store(client, parts.netloc, parts.path.strip("/"))


def push(home: Home, store: Store) -> Pushed:
    """Bring the store to what the home holds. Whoever calls holds the home: no run is at work on it.

    Errors: StoreConflict when another home has written there; StoreError when an object was refused, or a name that
    never changes holds something else. Readers see the release from before, or the new one whole.
    """
    note = _note_of(home, store)
    if note.get("restoring"):
        raise StoreError(f"{home.root} was not filled to the end; run again, which fills it anew")
    note = _take_turn(home, store, note)
    files = dict(_files(home))
    known: dict[str, list[int] | None] = note["files"]
    changed = [name for name, path in files.items() if known.get(name) != _stat(path)]
    sent = 0
    for folder in FOLDERS:
        of_folder = [name for name in changed if name.startswith(f"{folder}/")]
        # What is about to be sent is this home's to remove, also when this push is cut off.
        known |= dict.fromkeys(of_folder)
        _write_note(home, note)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            sent += sum(pool.map(lambda name: _put(store, name, files[name]), of_folder))
        known |= {name: _stat(files[name]) for name in of_folder}
        _write_note(home, note)
    told = _told(home)
    there, etag = _content(store, POINTER)
    if told is not None and told != there:
        if _content(store, TURN)[0] != note["turn"]:
            raise StoreConflict(f"{TURN}: another home writes to the store; the pointer has not moved")
        _put_if(store, POINTER, told, etag)
    # Only what this home has put there or was filled with, and never what was received.
    gone = [name for name in known if name not in files and not name.startswith("landing/")]
    for name in gone:
        _ask(store, name, "delete_object")
        del known[name]
    _write_note(home, note | {"files": {name: stat for name, stat in known.items() if name in files}})
    return Pushed(len(changed), sent, len(gone))


def restore(home: Home, store: Store) -> int:
    """Fill an empty home from the store; returns the number of files. The first run builds the tables from them.

    One that was cut off is begun anew. Errors: StoreError when the home is not empty, the store holds nothing, an
    object is not what it says, or the release that the pointer names is not whole.
    """
    if not _is_to_be_filled(home):
        raise StoreError(f"{home.root} holds something already; restore into an empty home")
    turn, _ = _content(store, TURN)
    there, _ = _content(store, POINTER)
    names = [name for name in _names(store) if name != POINTER]
    if not names:
        raise StoreError(f"s3://{store.bucket}/{store.prefix} holds nothing")
    if strange := [name for name in names if ".." in name.split("/")]:
        raise StoreError(f"{strange[0]}: no name of a file below a home; the store was not filled by one")
    note: dict[str, Any] = {"store": _address(store), "turn": turn, "files": {}}
    _write_note(home, note | {"restoring": True})
    for folder in FOLDERS:
        if (home.root / folder).exists():
            remove_tree(home.root / folder)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda name: _get(store, name, home.root / name), names))
    for release in sorted(home.published.glob("pub-*")):
        make_read_only(release)
    if there is not None:
        _point(home, json.loads(there))
    _write_note(home, note | {"files": {name: _stat(home.root / name) for name in names}})
    return len(names)


def _point(home: Home, told: Mapping[str, str]) -> None:
    account = home.published / told["release"] / "publication.json"
    if not account.exists() or sha256_of(account) != told["publication_sha256"]:
        raise StoreError(
            f"{POINTER} names {told['release']}, whose publication.json is missing or another; the store is damaged"
        )
    point_link(home.current, told["release"])


def fill(home: Home, store: Store) -> int:
    """Restore a home that is empty, where the store holds something; the number of files, 0 when nothing was done."""
    if not _is_to_be_filled(home) or not any(True for _ in _names(store)):
        return 0
    return restore(home, store)


def _is_to_be_filled(home: Home) -> bool:
    is_cut_off = bool((_read_note(home) or {}).get("restoring"))
    return is_cut_off or not any((home.root / folder).exists() for folder in FOLDERS)


def _take_turn(home: Home, store: Store, note: dict[str, Any]) -> dict[str, Any]:
    """Write this home's word into the store; returns the note that knows it.

    Errors: StoreConflict when the last word there is another home's.
    """
    there, etag = _content(store, TURN)
    is_strange = there is None and note["turn"] is None and any(True for _ in _names(store))
    # A word that was on its way when a push was cut off is this home's, too.
    own = {note["turn"], note.get("next", note["turn"])}
    if is_strange or there not in own:
        raise StoreConflict(
            f"s3://{store.bucket}/{store.prefix} was last written by another home. Go on in an empty home, which a run "
            "fills from the store"
        )
    word = secrets.token_hex(16)
    _write_note(home, note | {"turn": there, "next": word})
    _put_if(store, TURN, word, etag)
    taken = {**note, "turn": word}
    taken.pop("next", None)
    _write_note(home, taken)
    return taken


def _note_of(home: Home, store: Store) -> dict[str, Any]:
    """What this home knows of this store; nothing of one that it has not written to."""
    note = _read_note(home)
    if note is None or note.get("store") != _address(store):
        return {"store": _address(store), "turn": None, "files": {}}
    return note


def _address(store: Store) -> str:
    return f"s3://{store.bucket}/{store.prefix}"


# --- Files of the home --------------------------------------------------------------------------------------------


def _files(home: Home) -> Iterator[tuple[str, Path]]:
    for folder in FOLDERS:
        for path in sorted((home.root / folder).rglob("*")):
            name = path.relative_to(home.root).as_posix()
            hidden = any(part.startswith(".") for part in name.split("/"))
            is_own = name in _OWN or name.startswith(_UNFINISHED)
            if not is_own and not hidden and path.is_file() and not path.is_symlink():
                yield name, path


def _stat(path: Path) -> list[int]:
    told = path.stat()
    return [told.st_ino, told.st_size, told.st_mtime_ns]


def _told(home: Home) -> str | None:
    """What the pointer must say: the release, and the hash of its account of itself."""
    if not home.current.exists():
        return None
    release = home.current.resolve()
    return json.dumps(
        {"release": release.name, "publication_sha256": sha256_of(release / "publication.json")}
    )


def _read_note(home: Home) -> dict[str, Any] | None:
    path = home.root / NOTE
    return dict(json.loads(path.read_bytes())) if path.exists() else None


def _write_note(home: Home, note: Mapping[str, Any]) -> None:
    replace_file(home.root / NOTE, json.dumps(note, sort_keys=True).encode())


def _never_changes(name: str) -> bool:
    """Whether a name is given once: landed files are called by their content, releases by theirs."""
    return re.match(r"landing/[0-9a-f]{2}/|published/pub-", name) is not None


# --- Objects ------------------------------------------------------------------------------------------------------


def _put(store: Store, name: str, path: Path) -> int:
    """Send a file under its name; returns the bytes sent, 0 when it is there already."""
    digest, told = sha256_of(path), path.stat()
    once = {"IfNoneMatch": "*"} if _never_changes(name) else {}
    with path.open("rb") as body:
        try:
            _ask(
                store, name, "put_object", Body=body, **once,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(digest)).decode(),
                Metadata={_SHA256: digest, _CHANGED: str(told.st_mtime_ns)},
            )  # fmt: skip
        except _Refused:
            held = _ask(store, name, "head_object")["Metadata"].get(_SHA256)
            if held != digest:
                raise StoreError(
                    f"{name}: the store holds {held}, this home {digest}, under a name that never changes: one of "
                    "them was damaged, or another home writes there"
                ) from None
            return 0
    return told.st_size


def _get(store: Store, name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)

    def read() -> Mapping[str, str]:
        answer = _ask(store, name, "get_object")
        with path.open("wb") as target:
            for part in answer["Body"].iter_chunks(1 << 20):
                target.write(part)
        return dict(answer["Metadata"])

    metadata = _whole(store, name, read)
    wanted = metadata.get(_SHA256)
    if sha256_of(path) != wanted:
        path.unlink()
        raise StoreError(
            f"{name}: its content is not what its name was given for ({wanted}); the store is damaged"
        )
    # Homes know their files by the time of change, and would read all of them anew.
    changed = int(metadata[_CHANGED])
    os.utime(path, ns=(changed, changed))


def _whole(store: Store, name: str, read: Callable[[], _Read]) -> _Read:
    """What a reading gives, tried again when the connection is lost in the middle of a body."""
    for attempt in range(_ATTEMPTS):
        try:
            return read()
        except botocore.exceptions.BotoCoreError as error:
            if attempt == _ATTEMPTS - 1:
                raise StoreError(f"{store.key(name)}: {error}; run again when the store answers") from error
            time.sleep(_PAUSE_SECONDS * 2**attempt)
    raise AssertionError


def _content(store: Store, name: str) -> tuple[str | None, str | None]:
    """What a small object says, and the mark of this state of it; None and None where there is none."""

    def read() -> tuple[str, str]:
        answer = _ask(store, name, "get_object")
        return answer["Body"].read().decode(), answer["ETag"]

    try:
        return _whole(store, name, read)
    except _Missing:
        return None, None


def _put_if(store: Store, name: str, text: str, etag: str | None) -> None:
    """Write a small object on condition that it is as it was when its mark was read; None: that there is none."""
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        _ask(store, name, "put_object", Body=text.encode(), **condition)
    except (_Refused, _Missing):
        # The answer to a request that was carried out may be lost, and its repetition refused.
        if _content(store, name)[0] != text:
            raise StoreConflict(f"{name}: another home wrote to the store at the same time") from None


def _names(store: Store) -> Iterable[str]:
    prefix = f"{store.prefix}/" if store.prefix else ""
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=store.bucket, Prefix=prefix)
    try:
        for page in pages:
            for entry in page.get("Contents", []):
                name = entry["Key"][len(prefix) :]
                if name.startswith(tuple(f"{folder}/" for folder in FOLDERS)):
                    yield name
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        raise StoreError(f"s3://{store.bucket}/{prefix}: cannot be listed: {error}") from error


class _Refused(StoreError):
    """A condition of the request does not hold."""


class _Missing(StoreError):
    """There is no such object."""


def _ask(store: Store, name: str, operation: str, **more: Any) -> Any:
    asked = f"{operation} of s3://{store.bucket}/{store.key(name)}"
    try:
        return getattr(store.client, operation)(Bucket=store.bucket, Key=store.key(name), **more)
    except botocore.exceptions.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status in (409, 412):
            raise _Refused(f"{asked}: {error}") from error
        if status == 404 and error.response["Error"].get("Code") != "NoSuchBucket":
            raise _Missing(f"{asked}: {error}") from error
        raise StoreError(f"{asked}: {error}") from error
    except botocore.exceptions.BotoCoreError as error:
        raise StoreError(f"{asked}: {error}; run again when the store answers") from error
