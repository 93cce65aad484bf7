"""One pull: every source of the senders asked for, into landing; what came of each file.

Belongs here: the order of things, and that one place's trouble stops no other. Does not belong here: how a place is
read (`places`, `web`), or what becomes of what has landed (`ingestion.pipeline`).
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from ingestion.archives import UnsafeArchive, kind_of, unpack
from ingestion.layout import load_layouts, matching
from ingestion.pull import egov, stat_gov, taldau
from ingestion.pull.credentials import Credentials
from ingestion.pull.errors import PullError, ShapeChanged, asked_to_wait_s
from ingestion.pull.known import Known
from ingestion.pull.pages import Pages
from ingestion.pull.part import Mark, Part
from ingestion.pull.patience import Patience
from ingestion.pull.places import FilePlace, Place, RemoteFile
from ingestion.pull.web import Web
from ingestion.sender import EgovDataset, Sender, Source, StatGovElement, load_senders
from warehouse import lake
from warehouse.files import file_lock, link_or_copy
from warehouse.landing import SHAPEFILE_SUFFIXES, Landing, Origin
from warehouse.paths import Home

LANDED, UNCHANGED, FAILED = "landed", "unchanged", "failed"


@dataclass(frozen=True)
class Fetched:
    """What came of one file: landed, unchanged (not fetched, or of known content), or failed with the reason."""

    sender: str
    uri: str
    status: str
    file_names: tuple[str, ...] = ()
    message: str | None = None


@dataclass
class PullReport:
    """What came of a pull, file by file."""

    files: list[Fetched] = field(default_factory=list)

    def count(self, status: str) -> int:
        """Files of a status."""
        return sum(one.status == status for one in self.files)


@dataclass(frozen=True)
class _Pulling:
    """What one source's fetches share."""

    home: Home
    entry: Sender
    source: Source
    credentials: Credentials
    patience: Patience
    known: Known
    incoming: Path

    def part(self, uri: str) -> Part:
        return Part(self.incoming, f"{self.entry.sender} {uri}")


def pull(
    home: Home,
    entries: Sequence[Sender],
    say: Callable[[str], None] = lambda _: None,
    environment: Mapping[str, str] | None = None,
    patience: Callable[[int | None], Patience] = Patience,
) -> PullReport:
    """Fetch what is new at the places of some senders, and land it; errors of a place are told in the report.

    Args:
        home: the warehouse.
        entries: the senders; one without sources is passed over.
        say: called with a line for each file.
        environment: where credentials are read; by default the process's own.
        patience: how a source is asked, made from its requests a minute (None: as many as it likes).
    """
    report = PullReport()
    for entry in entries:
        with file_lock(home.pulls / f".{entry.sender}.lock"):
            for source in entry.sources:
                for fetched in _pull_source(home, entry, source, environment, patience):
                    report.files.append(fetched)
                    say(_line(fetched))
    return report


def pull_from(home: Home, senders: Sequence[str], say: Callable[[str], None]) -> PullReport:
    """Pull from the senders named, or from all whose entry names a source; raises LookupError for one without."""
    known = {name: entry for name, entry in load_senders().items() if entry.sources}
    unknown = [name for name in senders if name not in known]
    if unknown:
        there = ", ".join(known) or "nobody"
        raise LookupError(f"no entry with a source for {', '.join(unknown)}; there is one for {there}")
    return pull(home, [known[name] for name in senders or known], say)


def _line(fetched: Fetched) -> str:
    names = ", ".join(fetched.file_names)
    told = fetched.message or names or fetched.uri
    return f"{fetched.sender}: {fetched.status}: {told}"


def _pull_source(
    home: Home,
    entry: Sender,
    source: Source,
    environment: Mapping[str, str] | None,
    patience: Callable[[int | None], Patience],
) -> Iterator[Fetched]:
    known = Known.read(home, entry.sender)
    wait_until = known.not_before.pop(source.uri, 0.0)
    if wait_until > time.time():
        asked = dt.datetime.fromtimestamp(wait_until, dt.UTC).isoformat(timespec="seconds")
        yield Fetched(
            entry.sender, source.uri, FAILED, message=f"{source.uri} asked not to be called before {asked}"
        )
        return
    try:
        values = os.environ if environment is None else environment
        credentials = Credentials(source.credentials, values)
    except PullError as error:
        yield Fetched(entry.sender, source.uri, FAILED, message=str(error))
        return
    pulling = _Pulling(
        home, entry, source, credentials, patience(source.rate_per_minute), known,
        home.landing / "incoming" / "pulls",
    )  # fmt: skip
    try:
        with _told(pulling, source.uri), _place(pulling) as place:
            if source.api is not None:
                assert isinstance(place, Web)
                yield _in_report(pulling, _service_uri(source), partial(_pull_service, pulling, place))
            else:
                for together in _deliveries(pulling.patience.run(place.files)):
                    yield _in_report(pulling, together[0].uri, partial(_pull_file, pulling, place, together))
                    if source.uri in known.not_before:
                        # Who asks to be left alone is not asked for the next file either.
                        return
    except PullError as error:
        yield _failure(pulling, source.uri, error)


def _failure(pulling: _Pulling, uri: str, error: PullError) -> Fetched:
    """A line of the report; when a server wants to be left alone, that is remembered."""
    if error.not_before is not None:
        pulling.known.not_before[pulling.source.uri] = error.not_before
        pulling.known.write(pulling.home, pulling.entry.sender)
    return Fetched(pulling.entry.sender, uri, FAILED, message=str(error))


def _in_report(pulling: _Pulling, uri: str, fetch: Callable[[], tuple[str, ...]]) -> Fetched:
    """One file's line in the report; its trouble is told and is no other file's."""
    try:
        with _told(pulling, uri):
            names = fetch()
    except PullError as error:
        return _failure(pulling, uri, error)
    return Fetched(pulling.entry.sender, uri, LANDED if names else UNCHANGED, names)


@contextmanager
def _told(pulling: _Pulling, uri: str) -> Iterator[None]:
    """Whatever a place's library raises, in words without credentials, and without the error that may hold them."""
    try:
        yield
    except Exception as error:
        asked = asked_to_wait_s(error)
        until = None if asked is None else time.time() + asked
        kind = "" if isinstance(error, PullError) else f"{uri}: {type(error).__name__}: "
        words = pulling.credentials.redacted(f"{kind}{error}")
        made = type(error)(words) if isinstance(error, ShapeChanged) else PullError(words, until)
        raise made from None


@contextmanager
def _place(pulling: _Pulling) -> Iterator[Place]:
    is_web = pulling.source.scheme == "http"
    kind = Web if is_web else FilePlace
    place: Place = pulling.patience.run(lambda: kind(pulling.source, pulling.credentials, pulling.patience))
    try:
        yield place
    finally:
        place.close()


# --- Files --------------------------------------------------------------------------------------------------------


def _deliveries(files: Sequence[RemoteFile]) -> list[list[RemoteFile]]:
    """Files that are one delivery: the parts of a Shapefile together, its .shp first; every other by itself."""
    by_stem: dict[str, list[RemoteFile]] = {}
    for file in files:
        path = PurePosixPath(file.path)
        if path.suffix.lower() in SHAPEFILE_SUFFIXES:
            by_stem.setdefault(str(path.with_suffix("")), []).append(file)
    shapefiles = {
        stem: sorted(parts, key=lambda one: not one.path.lower().endswith(".shp"))
        for stem, parts in by_stem.items()
        if any(one.path.lower().endswith(".shp") for one in parts)
    }
    belonging = {part.path for parts in shapefiles.values() for part in parts}
    alone = [[file] for file in files if file.path not in belonging]
    return sorted([*alone, *shapefiles.values()], key=lambda together: together[0].path)


def _pull_file(pulling: _Pulling, place: Place, together: Sequence[RemoteFile]) -> tuple[str, ...]:
    """Fetch one delivery, unless all its files are known, and land it; the names that are new."""
    parts = [pulling.part(file.uri) for file in together]

    def fetch(file: RemoteFile, part: Part, known: Mark | None) -> Mark | None:
        return pulling.patience.run(partial(place.fetch, file, part, known))

    known = pulling.known.marks
    marks = [fetch(file, part, known.get(file.uri)) for file, part in zip(together, parts, strict=True)]
    if not any(marks):
        return ()
    # A part of a Shapefile that did not change is needed still when another did.
    marks = [mark or fetch(file, part, None) for file, part, mark in zip(together, parts, marks, strict=True)]
    names = _land(pulling, together, parts)
    _remember(pulling, together, marks)
    for part in parts:
        part.discard()
    return names


def _remember(pulling: _Pulling, files: Sequence[RemoteFile], marks: Sequence[Mark | None]) -> None:
    for file, mark in zip(files, marks, strict=True):
        if mark is not None and mark.is_telling:
            pulling.known.marks[file.uri] = mark
    pulling.known.write(pulling.home, pulling.entry.sender)


def _land(pulling: _Pulling, together: Sequence[RemoteFile], parts: Sequence[Part]) -> tuple[str, ...]:
    """Land what was fetched whole: as it is, or the members of an archive that no layout reads as it is."""
    name = f"{pulling.entry.sender}/{together[0].path}"
    origin = Origin(together[0].uri)
    if len(together) == 1 and kind_of(name) and not matching(name, load_layouts().values()):
        return _land_archive(pulling, parts[0].path, name, origin)
    with _named(
        pulling, [(PurePosixPath(f.path).name, p.path) for f, p in zip(together, parts, strict=True)]
    ) as files:
        return _receive(pulling, [(name, files[0], origin)], siblings=files[1:])


def _land_archive(pulling: _Pulling, archive: Path, name: str, origin: Origin) -> tuple[str, ...]:
    folder = archive.with_suffix(".unpacked")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        members = unpack(archive, PurePosixPath(name).name, folder)
        inside = str(PurePosixPath(name).parent) if kind_of(name) != ".zip" else name
        of_archive = replace(origin, archive=PurePosixPath(name).name)
        return _receive(pulling, [(f"{inside}/{one.name}", one.path, of_archive) for one in members])
    except UnsafeArchive as error:
        return _receive(pulling, [(name, archive, replace(origin, fault=str(error)))])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _receive(
    pulling: _Pulling, deliveries: Sequence[tuple[str, Path, Origin]], siblings: Sequence[Path] = ()
) -> tuple[str, ...]:
    with lake.lock(pulling.home):
        landing = Landing(pulling.home)
        return tuple(
            name
            for name, path, origin in deliveries
            if landing.receive_fetched(path, name, origin, siblings)[1]
        )


@contextmanager
def _named(pulling: _Pulling, files: Sequence[tuple[str, Path]]) -> Iterator[list[Path]]:
    """Files under the names their sender gave them: landing knows a Shapefile by them."""
    folder = files[0][1].with_suffix(".named")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        for name, path in files:
            link_or_copy(path, folder / name)
        yield [folder / name for name, _ in files]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- Services -----------------------------------------------------------------------------------------------------


def _service_uri(source: Source) -> str:
    """What names the answer: the service's root, and what it is called."""
    return f"{source.uri.rstrip('/')}#{source.name}"


def _pull_service(pulling: _Pulling, web: Web) -> tuple[str, ...]:
    source, api = pulling.source, pulling.source.api
    assert source.name is not None
    name = f"{pulling.entry.sender}/{source.name}"
    if isinstance(api, StatGovElement):
        return _pull_element(pulling, web, api, name)
    part = pulling.part(_service_uri(source))

    def ask(path: str, parameters: Mapping[str, str]) -> bytes:
        return pulling.patience.run(lambda: web.answer(path, parameters))

    pages = Pages(part.pages, ask)
    if isinstance(api, EgovDataset):
        key = pulling.credentials.get("api_key")
        assert key is not None
        egov.read_dataset(api, key, pages)
    else:
        assert api is not None
        taldau.read_tree(api, pages)
    pages.pack(part.path)
    names = _receive(pulling, [(name, part.path, Origin(_service_uri(source)))])
    part.discard()
    return names


def _pull_element(pulling: _Pulling, web: Web, api: StatGovElement, name: str) -> tuple[str, ...]:
    """An element is a file that is fetched like any other, and looked at before it lands."""
    uri = f"{pulling.source.uri.rstrip('/')}/{stat_gov.element_path(api)}"
    file = RemoteFile(PurePosixPath(name).name, uri)
    part = pulling.part(uri)
    mark = pulling.patience.run(lambda: web.fetch(file, part, pulling.known.marks.get(uri)))
    if mark is None:
        return ()
    try:
        stat_gov.verify(part.path, api, f"stat.gov.kz element {api.element}")
    except ShapeChanged as error:
        kept = pulling.home.pulls / "refused" / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(part.path, kept)
        part.discard()
        raise ShapeChanged(f"{error}; what came is kept in {kept}") from error
    names = _receive(pulling, [(name, part.path, Origin(uri))])
    _remember(pulling, [file], [mark])
    part.discard()
    return names


def as_document(report: PullReport) -> list[dict[str, Any]]:
    """The report as plain data."""
    return [
        {
            "sender": one.sender, "uri": one.uri, "status": one.status,
            "files": list(one.file_names), "message": one.message,
        }
        for one in report.files
    ]  # fmt: skip
