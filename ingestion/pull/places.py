"""Folders, SFTP and S3 as places that files are fetched from, all through fsspec.

Belongs here: listing and reading a place. Does not belong here: HTTP, whose answers tell versions and lengths
themselves (`web`), or what is tried again (`patience`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import asyncssh
import fsspec
from fsspec.asyn import FSTimeoutError
from fsspec.utils import glob_translate

from ingestion.pull.credentials import Credentials
from ingestion.pull.errors import Passing, PullError
from ingestion.pull.part import Mark, Part
from ingestion.pull.patience import Patience
from ingestion.sender import Source

CHUNK_BYTES = 1 << 20
# Names of files that somebody is still writing, or that no person left there.
_NOT_YET = re.compile(r"(^|/)[.~]|\.(part|partial|tmp|temp|crdownload|filepart|swp)$", re.IGNORECASE)


@dataclass(frozen=True)
class RemoteFile:
    """A file at a sender's place: its path below the source's URI, and its own URI, without credentials."""

    path: str
    uri: str


class Place(Protocol):
    """Where files are fetched from."""

    def files(self) -> list[RemoteFile]:
        """Files that the source's patterns name, in the order of their paths."""

    def fetch(self, file: RemoteFile, part: Part, known: Mark | None) -> Mark | None:
        """One try to bring the rest of a file into `part`; its version when all is there.

        None when the file is still of the version `known`. What broke off stays in `part` for the next try.
        """

    def close(self) -> None:
        """Let go of the connection."""


def is_ready(path: str) -> bool:
    """Whether a name is that of a whole file, which a sender means to be taken."""
    return not _NOT_YET.search(path)


def chosen(paths: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Paths that one of the patterns names, sorted: `*` and `?` within a folder, `**` through folders.

    Paths that lead out of the folder, and files still being written, are never among them.
    """
    wanted = [re.compile(glob_translate(pattern)) for pattern in patterns]
    # What leads out of the folder begins with a dot like what is hidden.
    found = {path for path in paths if any(one.fullmatch(path) for one in wanted)}
    return sorted(path for path in found if is_ready(path) and not path.startswith("/"))


def is_literal(pattern: str) -> bool:
    """Whether a pattern is the name of one file."""
    return not re.search(r"[*?\[]", pattern)


class FilePlace:
    """A folder, an SFTP server or an S3 bucket."""

    def __init__(self, source: Source, credentials: Credentials, patience: Patience) -> None:
        self._source = source
        parts = urlsplit(source.uri)
        # The bucket is the first part of an S3 path; a path on an SFTP server is from its root.
        base = f"{parts.netloc}{parts.path}" if source.scheme == "s3" else parts.path
        self._base = base.rstrip("/")
        self._options = _options(source, credentials, patience.stalled_s)
        self._connected: Any = None

    def files(self) -> list[RemoteFile]:
        """Files that the source's patterns name; a folder that is not there is an error, an empty one is none."""
        patterns = self._source.files
        if all(is_literal(pattern) for pattern in patterns):
            return [self._remote(path) for path in chosen(patterns, patterns)]
        with self._system() as system:
            if self._source.scheme != "s3" and not system.isdir(self._base or "/"):
                raise PullError(f"{self._source.uri} is no folder")
            found: dict[str, Any] = system.find(self._base or "/", detail=True)
        prefix = f"{self._base}/"
        paths = [
            path.removeprefix(prefix)
            for path, info in found.items()
            if path.startswith(prefix) and info["type"] == "file" and not info.get("islink")
        ]
        return [self._remote(path) for path in chosen(paths, patterns)]

    def fetch(self, file: RemoteFile, part: Part, known: Mark | None) -> Mark | None:
        """One try; the version is looked at before and after, so that no file is taken while it is written."""
        path = f"{self._base}/{file.path}"
        with self._system() as system:
            mark = _mark(system, path)
            if mark == known:
                return None
            is_begun = part.mark == mark and part.size <= (mark.size or 0)
            target = part.go_on() if is_begun else part.begin(mark)
            with target, system.open(path, "rb", cache_type="none") as remote:
                remote.seek(part.size)
                copy(remote, target)
            if _mark(system, path) != mark or part.size != mark.size:
                part.discard()
                raise Passing(f"{file.uri} changed while it was fetched: its sender is still writing it")
        return mark

    def close(self) -> None:
        """Let go of the connection; fsspec closes it with the last reference."""
        self._connected = None

    @contextmanager
    def _system(self) -> Iterator[Any]:
        """The file system, connected; after an error the next try connects anew."""
        try:
            with _in_plain_words():
                if self._connected is None:
                    self._connected = fsspec.filesystem(self._source.scheme, **self._options)
                self._connected.invalidate_cache()
                yield self._connected
        except Exception:
            self.close()
            raise

    def _remote(self, path: str) -> RemoteFile:
        return RemoteFile(path, f"{self._source.uri.rstrip('/')}/{path}")


def _mark(system: Any, path: str) -> Mark:
    system.invalidate_cache()
    info: dict[str, Any] = system.info(path)
    if info["type"] != "file":
        raise PullError(f"{path} is no file")
    modified = info.get("LastModified") or info.get("mtime")
    return Mark(int(info["size"]), info.get("ETag"), None if modified is None else str(modified))


def copy(source: IO[bytes], target: IO[bytes]) -> None:
    """The rest of one stream into another."""
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)


def _options(source: Source, credentials: Credentials, stalled_s: float) -> dict[str, Any]:
    parts = urlsplit(source.uri)
    # fsspec keeps file systems for the next who asks with equal options: credentials are not to outlive a pull.
    options: dict[str, Any] = {"skip_instance_cache": True}
    if source.scheme == "s3":
        key, secret = credentials.get("access_key_id"), credentials.get("secret_access_key")
        client = {"endpoint_url": source.endpoint, "region_name": source.region}
        return options | {
            "key": key, "secret": secret, "anon": key is None, "use_listings_cache": False,
            "client_kwargs": {name: value for name, value in client.items() if value is not None},
            "config_kwargs": {"connect_timeout": stalled_s, "read_timeout": stalled_s},
        }  # fmt: skip
    if source.scheme == "sftp":
        key_text = credentials.get("private_key")
        assert source.host_key is not None
        return options | {
            "host": parts.hostname, "port": parts.port or 22, "username": credentials.get("username"),
            "password": credentials.get("password"), "timeout": stalled_s, "login_timeout": stalled_s,
            "keepalive_interval": stalled_s / 3, "config": [], "agent_path": None,
            "client_keys": [asyncssh.import_private_key(key_text)] if key_text else [],
            "known_hosts": ([asyncssh.import_public_key(source.host_key)], [], []),
        }  # fmt: skip
    return options


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """What the places' libraries raise in the words of an engineer; what may pass stays as it is."""
    try:
        yield
    except FileNotFoundError as error:
        raise PullError(f"not found: {error.filename or error}") from None
    except PermissionError as error:
        raise PullError(
            f"not allowed: {error}: look at the credentials and at the rights of the folder"
        ) from None
    except asyncssh.HostKeyNotVerifiable as error:
        raise PullError(
            f"the server's host key is not the entry's 'host_key' ({error}): ask its operator before you change it"
        ) from None
    except FSTimeoutError as error:
        raise TimeoutError("the server did not answer") from error
