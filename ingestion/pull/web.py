"""HTTP and HTTPS, through fsspec's session: files of a folder, and answers of services.

Belongs here: conditional requests, the rest of a file after a break, and what a server says of length and version.
Does not belong here: what an answer means (`services`), or what is tried again (`patience`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import fsspec
from fsspec.asyn import sync

from ingestion.pull.credentials import Credentials
from ingestion.pull.errors import Passing, PullError
from ingestion.pull.part import Mark, Part
from ingestion.pull.patience import Patience
from ingestion.pull.places import RemoteFile, chosen, is_literal, is_ready
from ingestion.sender import Source

_CHUNK_BYTES = 1 << 20
MOST_FOLDERS = 1_000
# An answer of a service is read whole; a table of the whole country by district has a few million bytes.
MOST_ANSWER_BYTES = 256 << 20
# Conditions under which a server may answer that nothing is new.
_NOTHING_NEW = {"If-None-Match", "If-Modified-Since"}
_NO_FILE = ("text/html", "application/xhtml+xml")


class Web:
    """A server's folder, or the root of a service."""

    def __init__(self, source: Source, credentials: Credentials, patience: Patience) -> None:
        self._source = source
        self._pace = patience.pace
        headers = {"Accept-Encoding": "identity", "User-Agent": "qamtu"}
        token, user = credentials.get("token"), credentials.get("username")
        # As a header, which is dropped where a server sends on to another; the session's own `auth` is not.
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        elif user is not None:
            password = credentials.get("password") or ""
            headers["Authorization"] = aiohttp.BasicAuth(user, password, encoding="utf-8").encode()
        self._system = fsspec.filesystem(
            "https",
            skip_instance_cache=True,
            use_listings_cache=False,
            simple_links=False,
            client_kwargs={
                "timeout": aiohttp.ClientTimeout(
                    total=None, sock_connect=patience.stalled_s, sock_read=patience.stalled_s
                ),
                "headers": headers,
                # Lengths and ranges are those of the bytes on the wire.
                "auto_decompress": False,
            },
        )

    def files(self) -> list[RemoteFile]:
        """Files that the source's patterns name: by name, or among the links of the folder's page."""
        patterns = self._source.files
        base = self._source.uri.rstrip("/") + "/"
        if all(is_literal(pattern) for pattern in patterns):
            return [RemoteFile(path, base + quote(path)) for path in chosen(patterns, patterns)]
        is_deep = any("/" in pattern or "**" in pattern for pattern in patterns)
        paths = self._linked(base, is_deep)
        return [RemoteFile(path, base + quote(path)) for path in chosen(paths, patterns)]

    def _linked(self, base: str, is_deep: bool) -> list[str]:
        """Paths of files that the folder's page links to, and where `is_deep` those of the folders below it."""
        found: list[str] = []
        folders = [""]
        for position, folder in enumerate(folders):
            if position:
                self._pace()
            links: list[str] = self._system.ls(base + quote(folder), detail=False)
            # Servers write names in their links as URLs do; a link to elsewhere is none of the folder's.
            below = {unquote(link.removeprefix(base)) for link in links if link.startswith(base)}
            found += [path for path in below if not path.endswith("/")]
            # A link upwards begins with a dot, and leads round in circles.
            folders += sorted(
                path
                for path in below
                if is_deep and path.endswith("/") and is_ready(path) and path not in folders
            )
            if len(folders) > MOST_FOLDERS:
                raise PullError(f"{base}: more than {MOST_FOLDERS:,} folders are linked below it")
        return found

    def fetch(self, file: RemoteFile, part: Part, known: Mark | None) -> Mark | None:
        """One try; a server that can is asked for the rest alone, or for nothing while its version is known."""
        return self._call(self._download(file, part, known))

    def answer(self, path: str, parameters: Mapping[str, str]) -> bytes:
        """The answer to one request of a service, whole.

        Raises:
            PullError: when it is longer than any table there is.
            aiohttp.ClientResponseError: for a status that is no success.
        """
        return self._call(self._ask(f"{self._source.uri.rstrip('/')}/{path}", parameters))

    def close(self) -> None:
        """Close the connections."""
        session = self._system._session
        if session is not None:
            with suppress(Exception):
                sync(self._system.loop, session.close)

    def _call(self, coroutine: Any) -> Any:
        async def run() -> Any:
            return await coroutine

        return sync(self._system.loop, run)

    async def _ask(self, url: str, parameters: Mapping[str, str]) -> bytes:
        session = await self._system.set_session()
        async with session.get(url, params=dict(parameters)) as response:
            self._refuse_detour(response)
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                body += chunk
                if len(body) > MOST_ANSWER_BYTES:
                    raise PullError(f"{_plain(url)}: the answer is longer than {MOST_ANSWER_BYTES:,} bytes")
        return bytes(body)

    async def _download(self, file: RemoteFile, part: Part, known: Mark | None) -> Mark | None:
        session = await self._system.set_session()
        headers = _conditions(part, known)
        async with session.get(self._system.encode_url(file.uri), headers=headers) as response:
            self._refuse_detour(response)
            if response.status == 304 and headers.keys() & _NOTHING_NEW:
                return None
            if response.status == 416:
                part.discard()
                raise Passing(f"{file.uri}: the server has no such rest; the file is fetched anew")
            response.raise_for_status()
            if response.status not in (200, 206):
                raise PullError(f"{file.uri} answers {response.status} {response.reason}, which is no file")
            _refuse_page(response, file)
            mark = _mark(response)
            total: int | None
            if response.status == 206:
                total = _total_of_rest(response, part, file)
                target = part.go_on()
            else:
                total = response.content_length
                target = part.begin(mark)
            if total is None and response.headers.get("Transfer-Encoding", "").lower() != "chunked":
                raise PullError(
                    f"{file.uri}: the server does not say where the file ends; it cannot be taken whole"
                )
            with target:
                async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                    target.write(chunk)
        if total is not None and part.size != total:
            raise Passing(f"{file.uri} ended after {part.size:,} of {total:,} bytes")
        return mark

    def _refuse_detour(self, response: aiohttp.ClientResponse) -> None:
        if urlsplit(self._source.uri).scheme == "https" and response.url.scheme != "https":
            raise PullError(f"{self._source.uri} leads to {response.url.host} without encryption")


def _conditions(part: Part, known: Mark | None) -> dict[str, str]:
    """Headers that ask for the rest of the version that is here in part, or for another version than the known one."""
    begun = part.mark
    if begun is not None:
        # A range is of one version only where the server tells versions apart to the byte.
        exact = begun.etag if begun.etag and not begun.etag.startswith("W/") else begun.modified
        if exact is not None:
            return {"Range": f"bytes={part.size}-", "If-Range": exact}
    if known is not None and known.etag is not None:
        return {"If-None-Match": known.etag}
    if known is not None and known.modified is not None:
        return {"If-Modified-Since": known.modified}
    return {}


def _mark(response: aiohttp.ClientResponse) -> Mark:
    headers = response.headers
    return Mark(None, headers.get("ETag"), headers.get("Last-Modified"))


def _total_of_rest(response: aiohttp.ClientResponse, part: Part, file: RemoteFile) -> int:
    told = response.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", told)
    if found is None or int(found[1]) != part.size:
        part.discard()
        raise Passing(f"{file.uri}: asked for the rest, the server sent {told or 'something else'}")
    return int(found[3])


def _refuse_page(response: aiohttp.ClientResponse, file: RemoteFile) -> None:
    """A page for people in place of a file is what a log-in, or a site that moved, answers."""
    if response.content_type in _NO_FILE and not file.path.lower().endswith((".html", ".htm")):
        raise PullError(
            f"{file.uri} answers with a page for people, not with the file: has the site changed?"
        )
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise PullError(f"{file.uri} comes packed as {encoding} although it was asked for as it is")


def _plain(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


Ask = Callable[[str, Mapping[str, str]], bytes]
