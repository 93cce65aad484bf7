"""An inbox -> landing -> lake, file by file: the one entry that orchestration and the command line call.

Belongs here: the order of files, what can be reused, and turning each file into exactly one outcome.
Does not belong here: reading, judging or splitting, which have modules of their own.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import polars as pl
import pyarrow as pa

from ingestion.acceptances import load_acceptances
from ingestion.answer.document import write_pages
from ingestion.answer.model import Answer, anomalies_of, faults_of
from ingestion.contract import Contract, load_contracts
from ingestion.corrections import correct, corrections_of
from ingestion.decisions import decision_rows, stand_in_rows, suspicion_rows
from ingestion.faults import FILE_RULES, FileRejected
from ingestion.layout import Layout, as_dict, load_layouts, matching
from ingestion.onboard.changed import proposal_for
from ingestion.places import Gazetteer, build_gazetteer
from ingestion.readers.records import read_records
from ingestion.readers.table import RawTable
from ingestion.readers.text import read_text
from ingestion.readers.workbook import read_workbook
from ingestion.resolution import resolve_places
from ingestion.rules import judge, quarter_end, remedy
from ingestion.shares import verify_percentages
from ingestion.split import RowAccount, SplitFiles, split
from ingestion.suspicion import Suspect, in_force, profile_of, profile_query, suspects
from ingestion.unread import unread
from warehouse import lake
from warehouse.files import writable_name
from warehouse.lake import Outcome, ProfileCell, predecessor
from warehouse.landing import SHAPEFILE_SUFFIXES, Landing, Receipt, landed_name
from warehouse.paths import Home

_MOST_REVISIONS = 1_000_000

# What readers raise on bytes that no rule foresaw. Such a file is an outcome like any other, never the end of a run.
_UNREADABLE = (
    ValueError,
    LookupError,
    RuntimeError,
    EOFError,
    OverflowError,
    csv.Error,
    pa.ArrowException,
    pl.exceptions.PolarsError,
)

# Kinds that say what places there are; everything else is resolved against them, so they come first.
REFERENCE_KINDS = ("kato_classifier", "kato_changes")


@dataclass(frozen=True)
class Arrival:
    """A file of an inbox: where it lies and the name it goes by, its path inside the inbox.

    `siblings` are the other files of a Shapefile, which is one delivery with all of them. `receipt` is given for a
    delivery that was fetched, and so lies in landing already.
    """

    path: Path
    file_name: str
    siblings: tuple[Path, ...] = ()
    receipt: Receipt | None = None


@dataclass(frozen=True)
class IngestReport:
    """Outcomes of the files looked at, and how many of them had to be processed."""

    extracts: list[Outcome]
    processed: int
    reused: int


@cache
def ingestion_version() -> str:
    """Hash of this package's own code: rows judged by other code are judged again."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted([*package.rglob("*.py"), *(package / "crosswalks").glob("*.csv")]):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def arrivals(inbox: Path) -> list[Arrival]:
    """Files of an inbox in the order of their names; hidden ones are passed over."""
    if not inbox.is_dir():
        return []
    found = []
    # A link to a folder is not gone into, and is an outcome like any other.
    paths = [path for path in sorted(inbox.rglob("*")) if path.is_symlink() or not path.is_dir()]
    of_shapefiles = _siblings(paths)
    belonging = {path for siblings in of_shapefiles.values() for path in siblings}
    for path in paths:
        if path in belonging:
            continue
        name = writable_name(path.relative_to(inbox))
        if not any(part.startswith(".") for part in name.split("/")):
            found.append(Arrival(path, name, of_shapefiles.get(path, ())))
    return found


def _siblings(paths: Iterable[Path]) -> dict[Path, tuple[Path, ...]]:
    """For each .shp the files beside it that are parts of the same Shapefile."""
    by_stem: dict[Path, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() in SHAPEFILE_SUFFIXES and not path.is_symlink():
            by_stem.setdefault(path.with_suffix(""), []).append(path)
    return {
        path: tuple(other for other in together if other != path)
        for together in by_stem.values()
        for path in together
        if path.suffix.lower() == ".shp"
    }


def write_schemas(home: Home) -> None:
    """Put the columns of every contract into the lake, so that models read it before anything was filed."""
    contracts = load_contracts()
    lake.write_schemas(home, {kind: contract.lake_schema for kind, contract in contracts.items()})
    cells = {kind: contract.cells_schema for kind, contract in contracts.items()}
    lake.write_schemas(home, {kind: schema for kind, schema in cells.items() if schema}, part="cells")


def ingest(
    home: Home,
    inbox: Path | Sequence[Path] | None = None,
    layouts: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> IngestReport:
    """Take every file of the inboxes into landing and lake; each ends as one outcome, whatever it holds.

    Args:
        home: the warehouse.
        inbox: one folder or several; by default the home's inbox.
        layouts: only files of these layouts; files no layout takes are then left alone.
        progress: called with a line for each file.

    Returns:
        Outcomes of the files looked at. Files already ingested by the same code, layout, contract and geography
        are reused.
    """
    known = load_layouts()
    wanted = known if layouts is None else {name: known[name] for name in layouts}
    inboxes = [home.inbox] if inbox is None else [inbox] if isinstance(inbox, Path) else list(inbox)
    say = progress or (lambda _: None)
    with lake.lock(home):
        write_schemas(home)
        landing = Landing(home)
        before = {o.extract_id: o for o in lake.read_outcomes(home)}
        session = _Session(home, landing, before, say)
        came = [arrival for folder in inboxes for arrival in arrivals(folder)]
        came += [Arrival(landing.path(r), r.file_name, receipt=r) for r in landing.pulled()]
        came += _forgotten(home, landing, before.values(), wanted, {arrival.file_name for arrival in came})
        routed = list(_route(came, known, wanted, layouts is None))
        for rank in (0, 1):
            for arrival, matches in routed:
                is_reference = len(matches) == 1 and matches[0][0].extract_kind in REFERENCE_KINDS
                if is_reference == (rank == 0):
                    session.take(arrival, matches)
        landing.remember()
        for outcome in session.read_otherwise():
            lake.withdraw(home, outcome)
            del before[outcome.extract_id]
        known_by_now = {**before, **session.outcomes}
        suspected = suspects(known_by_now.values(), load_contracts(), load_acceptances())
        outcomes = in_force(known_by_now.values(), suspected)
        for outcome in outcomes:
            if outcome.held_for != known_by_now[outcome.extract_id].held_for:
                session.tell(outcome, suspected.get(outcome.extract_id))
        lake.consolidate(
            home,
            outcomes,
            suspicion_rows(outcomes, suspected),
            stand_in_rows(outcomes, suspected),
            decision_rows(outcomes, suspected),
        )
    touched = [o for o in outcomes if o.extract_id in session.outcomes]
    return IngestReport(touched, session.processed, session.reused)


def _forgotten(
    home: Home, landing: Landing, before: Iterable[Outcome], wanted: Mapping[str, Layout], names: Set[str]
) -> list[Arrival]:
    """Deliveries of which the lake no longer holds all that it was told, and that have left the inbox: read again.

    Args:
        names: of the files that come anyway, each with what came last under its name.
    """
    whole = {
        outcome.sha256
        for outcome in before
        if outcome.layout_id not in wanted or lake.is_whole(home, outcome)
    }
    receipts = landing.receipts()
    last = {receipt.file_name: receipt for receipt in receipts}
    return [
        Arrival(landing.path(receipt), receipt.file_name, receipt=receipt)
        for receipt in receipts
        if receipt.sha256 not in whole
        and not (receipt.file_name in names and last[receipt.file_name] is receipt)
    ]


def land(home: Home, inboxes: Sequence[Path]) -> bool:
    """Copy what lies in the inboxes into the landing, so that `ingest` finds it there; says whether anything was new.

    A file that cannot be taken is left for `ingest`, which records it.
    """
    with lake.lock(home):
        landing = Landing(home)
        before = landing.count
        for folder in inboxes:
            for arrival in arrivals(folder):
                if arrival.path.is_file() and not arrival.path.is_symlink():
                    with suppress(OSError):
                        landing.receive(arrival.path, arrival.file_name, arrival.siblings)
        landing.remember()
    return landing.count > before


def _route(
    files: Sequence[Arrival], known: Mapping[str, Layout], wanted: Mapping[str, Layout], keep_unmatched: bool
) -> Iterator[tuple[Arrival, list[tuple[Layout, dict[str, str]]]]]:
    for arrival in files:
        # Of the few that are wanted first: every sender asks about every file.
        if keep_unmatched or matching(arrival.file_name, wanted.values()):
            yield arrival, matching(arrival.file_name, known.values())


def read_gazetteer(home: Home, outcomes: Iterable[Outcome]) -> Gazetteer:
    """The gazetteer of the KATO editions and changes that are current in a home's lake."""
    current = [o for o in lake.with_currency(outcomes) if o.is_current]
    frames = {
        kind: lake.read_accepted(
            home, kind, [o.extract_id for o in current if o.extract_kind == kind]
        ).collect()
        for kind in REFERENCE_KINDS
    }
    # The same edition may come from two senders (a sample beside the real one): a code counts once.
    editions = frames["kato_classifier"].unique(["edition", "kato"], keep="first", maintain_order=True)
    return build_gazetteer(editions, frames["kato_changes"])


def _name_hash(file_name: str) -> str:
    """What stands for the content of a file that could not be landed."""
    return hashlib.sha256(file_name.encode()).hexdigest()


def _never_landed(outcome: Outcome) -> bool:
    return outcome.size_bytes == 0 and outcome.sha256 == _name_hash(outcome.file_name)


class _Session:
    """One call of `ingest`: what is known, what has been done, and the gazetteer once it is needed."""

    def __init__(
        self, home: Home, landing: Landing, before: Mapping[str, Outcome], say: Callable[[str], None]
    ) -> None:
        self.home, self.landing, self.before, self.say = home, landing, before, say
        self.outcomes: dict[str, Outcome] = {}
        self.processed = 0
        self.reused = 0
        self._lines: dict[str, dict[str, Outcome]] = defaultdict(dict)
        for outcome in before.values():
            self._lines[outcome.line][outcome.extract_id] = outcome
        self._gazetteer: Gazetteer | None = None
        self._reference: str | None = None

    def take(self, arrival: Arrival, matches: list[tuple[Layout, dict[str, str]]]) -> None:
        """Turn one file into one outcome."""
        is_landed = arrival.receipt is not None
        if not is_landed and (arrival.path.is_symlink() or not arrival.path.is_file()):
            self._refuse_unlanded(arrival, "not_a_file", f"{arrival.file_name} is no regular file")
            return
        try:
            receipt = arrival.receipt or self.landing.receive(
                arrival.path, arrival.file_name, arrival.siblings
            )
        except OSError as error:
            self._refuse_unlanded(arrival, "unreadable_file", f"{arrival.file_name}: {error.strerror}")
            return
        if receipt.origin is not None and receipt.origin.fault is not None:
            self._refuse(receipt, "rejected", "unsafe_archive", receipt.origin.fault)
        elif len(matches) == 1:
            self._ingest(receipt, *matches[0], is_landed=is_landed)
        else:
            taken_by = [layout for layout, _ in matches]
            self._refuse(receipt, *unread(arrival.file_name, taken_by, load_layouts()))

    def _refuse_unlanded(self, arrival: Arrival, rule: str, detail: str) -> None:
        """Record a file whose content could not be taken, so that there is nothing to land."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        unlanded = Receipt(arrival.file_name, _name_hash(arrival.file_name), 0, 0, now)
        self._refuse(unlanded, "rejected", rule, detail)

    def _refuse(self, receipt: Receipt, outcome: str, rule: str, detail: str) -> None:
        named = hashlib.sha256(f"{receipt.file_name}\0{receipt.sha256}".encode()).hexdigest()
        extract_id = f"{outcome}.{named[:12]}"
        refused = Outcome(
            extract_id=extract_id,
            sender=None,
            extract_kind=None,
            layout_id=None,
            file_name=receipt.file_name,
            sha256=receipt.sha256,
            size_bytes=receipt.size_bytes,
            received_order=receipt.received_order,
            outcome=outcome,
            series=extract_id,
            rule=rule,
            message=f"{detail}; {FILE_RULES[rule]}",
        )
        if extract_id in self.outcomes:
            return
        if self.before.get(extract_id) == refused:
            self.reused += 1
        else:
            write_pages(Answer(None, refused), self.home.answers / extract_id, "answer")
            lake.commit(self.home, refused, {})
            self.processed += 1
            self.say(f"{receipt.file_name}: {outcome}")
        self._remember(refused)

    def read_otherwise(self) -> list[Outcome]:
        """Earlier outcomes of deliveries that are something else by now: another layout, series or period took them,
        or a file that could not be landed now was.

        Rows that were accepted stay until others of the same delivery are.
        """
        now = {(o.file_name, o.sha256): o for o in self.outcomes.values()}
        landed = {o.file_name for o in self.outcomes.values() if not _never_landed(o)}
        found = []
        for earlier in self.before.values():
            if _never_landed(earlier) and earlier.file_name in landed:
                found.append(earlier)
                continue
            taken = now.get((earlier.file_name, earlier.sha256))
            is_other = taken is not None and earlier.extract_id not in self.outcomes
            if taken is not None and is_other and (taken.is_accepted or not earlier.is_accepted):
                found.append(earlier)
        return found

    def _remember(self, outcome: Outcome) -> None:
        self.outcomes[outcome.extract_id] = outcome
        self._lines[outcome.line][outcome.extract_id] = outcome

    def gazetteer(self) -> Gazetteer:
        """Places as the current KATO editions and changes tell them; built when the first file needs it."""
        if self._gazetteer is None:
            self._gazetteer = read_gazetteer(self.home, {**self.before, **self.outcomes}.values())
        return self._gazetteer

    def _places_fingerprint(self) -> str:
        """What the gazetteer depends on, without building it."""
        if self._reference is None:
            current = lake.with_currency({**self.before, **self.outcomes}.values())
            self._reference = "".join(
                sorted(
                    o.content_fingerprint
                    for o in current
                    if o.extract_kind in REFERENCE_KINDS and o.is_current
                )
            )
        return self._reference

    def _ingest(self, receipt: Receipt, layout: Layout, groups: dict[str, str], *, is_landed: bool) -> None:
        # The same bytes under several names are one delivery, that of the last of them.
        receipt = replace(receipt, received_at=self.landing.last_received_at(receipt.sha256))
        blank = outcome_of(receipt, layout, groups)
        fingerprint = self._fingerprint(receipt, layout, groups)
        known = self.outcomes.get(blank.extract_id) or self.before.get(blank.extract_id)
        if known is not None and known.content_fingerprint == fingerprint and lake.is_whole(self.home, known):
            self._keep(known, blank)
            return
        if is_landed and not self.landing.holds(receipt):
            # What was accepted of it before stays in force.
            told = f"{receipt.file_name}: what landed of it is gone or was changed; leave the file in an inbox again"
            self._refuse(receipt, "rejected", "unreadable_file", told)
            return
        work = self.home.lake / ".work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            outcome, files = process(
                self.landing.path(receipt), receipt, layout, groups, blank, self._places(layout), work
            )
            outcome = replace(outcome, content_fingerprint=fingerprint)
            answer = self._answer(self.landing.path(receipt), outcome, layout, files)
            parts = {} if files is None else files.parts
            if not outcome.is_accepted:
                parts.pop("accepted", None)
                parts.pop("cells", None)
            # A file that has an outcome is not read again: what its sender is told must stand before.
            write_pages(answer, self.home.answers / outcome.extract_id, "answer")
            outcome = lake.commit(self.home, outcome, parts)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if layout.extract_kind in REFERENCE_KINDS:
            self._gazetteer = self._reference = None
        self._remember(outcome)
        self.processed += 1
        counts = f"{outcome.rows_accepted:,} accepted, {outcome.rows_quarantined:,} quarantined"
        self.say(
            f"{receipt.file_name}: {counts}"
            if outcome.is_accepted
            else f"{receipt.file_name}: {outcome.message}"
        )

    def _answer(self, landed: Path, outcome: Outcome, layout: Layout, files: SplitFiles | None) -> Answer:
        """What the sender is told, from the parts of a file before they are moved into the lake."""
        faults = faults_of(files.quarantined if files else [], layout, outcome)
        before = predecessor(outcome, self._lines[outcome.line].values())
        if files is None or before is None or not outcome.is_accepted:
            return Answer(layout, outcome, faults, proposal=proposal_for(landed, layout, outcome))
        asked = anomalies_of(self.home, layout, before, pl.scan_parquet(files.accepted))
        return Answer(layout, outcome, faults, asked, before.file_name)

    def tell(self, outcome: Outcome, suspect: Suspect | None) -> None:
        """Answer the sender of an accepted file again, from the lake, as it came to be held or is no longer."""
        assert outcome.layout_id is not None
        assert outcome.extract_kind is not None
        layout = load_layouts().get(outcome.layout_id)
        if layout is not None:
            part = lake.partition(self.home, "quarantined", outcome.extract_kind, outcome.extract_id)
            faults = faults_of(sorted(part.glob("part-*.parquet")), layout, outcome)
            found = suspect.found if suspect is not None and outcome.held_for else ()
            answer = Answer(layout, outcome, faults, suspicions=found)
            before = predecessor(outcome, self._lines[outcome.line].values())
            if before is not None:
                rows = lake.read_accepted(self.home, outcome.extract_kind, [outcome.extract_id])
                asked = anomalies_of(self.home, layout, before, rows)
                answer = replace(answer, anomalies=asked, previous=before.file_name)
            write_pages(answer, self.home.answers / outcome.extract_id, "answer")
            self.say(f"{outcome.file_name}: {outcome.held_for or 'no longer held'}")
        lake.record(self.home, outcome)

    def _keep(self, known: Outcome, again: Outcome) -> None:
        """The same bytes once more are one delivery; sent again later or as a higher revision, it counts as that."""
        kept = replace(
            known,
            revision=max(known.revision, again.revision),
            received_order=max(known.received_order, again.received_order),
        )
        if kept != known:
            lake.record(self.home, kept)
        if known.extract_id not in self.outcomes:
            self.reused += 1
        self._remember(kept)

    def _places(self, layout: Layout) -> Gazetteer | None:
        return self.gazetteer() if layout.resolve is not None else None

    def _fingerprint(self, receipt: Receipt, layout: Layout, groups: Mapping[str, str]) -> str:
        """What the rows depend on: bytes, layout, contract, file name groups, day of receipt, geography and code."""
        basis = {
            "sha256": receipt.sha256,
            "layout": as_dict(layout),
            "contract": repr(layout.contract),
            "groups": {name: text for name, text in sorted(groups.items()) if name != "revision"},
            "latest": str(_latest_date(layout, groups, receipt)) if _is_judged_by_day(layout) else None,
            "corrections": [entry.model_dump(mode="json") for entry in corrections_of(layout)],
            "places": self._places_fingerprint() if layout.resolve is not None else None,
            "code": ingestion_version(),
        }
        return hashlib.sha256(json.dumps(basis, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _period(groups: Mapping[str, str]) -> str:
    """The period a file name tells, as text: 2025q4, 2025, or whatever its groups hold; empty when none."""
    told = {k: v for k, v in groups.items() if k != "revision"}
    if {"year", "quarter"} <= set(told):
        rest = [v for k, v in sorted(told.items()) if k not in ("year", "quarter")]
        return "-".join([f"{told['year']}q{told['quarter']}", *rest])
    return "-".join(v for _, v in sorted(told.items()))


def outcome_of(receipt: Receipt, layout: Layout, groups: Mapping[str, str]) -> Outcome:
    """The outcome of a file before it is read: its identity, period and series, and no rows."""
    period = _period(groups)
    middle = f".{period}" if period else ""
    return Outcome(
        extract_id=f"{layout.layout_id.replace('/', '.')}{middle}.{receipt.sha256[:12]}",
        sender=layout.sender,
        extract_kind=layout.extract_kind,
        layout_id=layout.layout_id,
        file_name=receipt.file_name,
        sha256=receipt.sha256,
        size_bytes=receipt.size_bytes,
        received_order=receipt.received_order,
        outcome="rejected",
        series=f"{layout.sender}/{layout.extract_kind}/{layout.series or layout.layout_id}/{period}",
        revision=min(int(groups.get("revision", 0)), _MOST_REVISIONS),
        is_sample=layout.is_sample,
        data_maturity=layout.data_maturity,
        source_rank=layout.source_rank,
        source_title=layout.source_title or layout.sender_title,
    )


def read_raw(path: Path, layout: Layout, work: Path, *, as_it_lies: bool = True) -> RawTable:
    """Read a landed file with the reader of its layout's format; raises FileRejected."""
    match layout.format:
        case "text":
            raw = read_text(path, layout, work, as_it_lies=as_it_lies)
        case "workbook":
            raw = read_workbook(path, layout)
        case "records":
            raw = read_records(path, layout, work)
        case "features":
            from ingestion.readers.features import read_features

            return read_features(path, layout, work)
    if layout.geometry is None:
        return raw
    # Libraries of geometry take a second to import, which files without it need not pay.
    if layout.geometry.wkt is None:
        from ingestion.positions import with_positions

        return with_positions(raw, layout, work)
    from ingestion.readers.features import with_wkt

    return with_wkt(raw, layout, work)


@contextmanager
def _named(receipt: Receipt) -> Iterator[None]:
    """Errors name the file as its sender knows it, not by its place in landing."""
    try:
        yield
    except FileRejected as error:
        landed = landed_name(receipt)
        raise FileRejected(error.rule, error.detail.replace(landed, receipt.file_name)) from error


def process(
    path: Path,
    receipt: Receipt,
    layout: Layout,
    groups: Mapping[str, str],
    blank: Outcome,
    places: Gazetteer | None,
    work: Path,
) -> tuple[Outcome, SplitFiles | None]:
    """Read, judge and split one file; a file that cannot be read ends as a rejected outcome, never as an error.

    Args:
        path: the landed bytes.
        blank: the outcome so far, with identity and period.
        places: the gazetteer, when the layout resolves places.
        work: an empty folder on the lake's file system.
    """
    try:
        with _named(receipt):
            latest = _latest_date(layout, groups, receipt)
            try:
                files, account, notes = _rows(path, layout, groups, latest, blank, places, work)
            except pl.exceptions.PolarsError:
                if layout.format != "text":
                    raise
                files, account, notes = _rows(
                    path, layout, groups, latest, blank, places, work, as_it_lies=False
                )
            return _judged_outcome(blank, layout, files, account, notes), files
    except FileRejected as error:
        return replace(blank, rule=error.rule, message=str(error)), None
    except _UNREADABLE as error:
        told = f"{blank.file_name}: {type(error).__name__}: {str(error)[:500]}"
        return replace(
            blank, rule="unreadable_file", message=f"{told}; {FILE_RULES['unreadable_file']}"
        ), None


def _rows(
    path: Path,
    layout: Layout,
    groups: Mapping[str, str],
    latest: dt.date,
    blank: Outcome,
    places: Gazetteer | None,
    work: Path,
    *,
    as_it_lies: bool = True,
) -> tuple[SplitFiles, RowAccount, tuple[str, ...]]:
    raw = read_raw(path, layout, work, as_it_lies=as_it_lies)
    if layout.unpivot:
        # The reader counted rows; a wide row is several records.
        raw = replace(raw, rows=None)
    judged = judge(layout, raw, groups, latest)
    if places is not None:
        judged = resolve_places(layout, judged, places)
    if places is not None or layout.resolve is None:
        # Corrections name rows by resolved places; without a gazetteer there are none to name.
        judged = correct(layout, judged)
    files, account = split(judged, raw, layout.contract, blank.extract_id, work)
    account.verify(blank.file_name)
    verify_percentages(files.accepted, layout, blank.file_name)
    if layout.contract.cells_schema is not None:
        from ingestion.readers.features import cells_of_accepted

        cells = cells_of_accepted(
            raw, files.accepted, layout.contract, blank.extract_id, work / "cells.parquet"
        )
        files = replace(files, cells=[cells] if cells is not None else [])
    return files, account, raw.notes


def _latest_date(layout: Layout, groups: Mapping[str, str], receipt: Receipt) -> dt.date:
    """The last date that rows of a file may speak of: its own quarter's end, else the day it came."""
    if layout.is_quarterly:
        return quarter_end(int(groups["year"]), int(groups["quarter"]))
    return receipt.received_on


def _is_judged_by_day(layout: Layout) -> bool:
    """Whether what rows may say depends on the day their file came: they are dated, and its name tells no quarter."""
    return layout.contract.with_role("as_of") is not None and not layout.is_quarterly


def _examples(quarantined: list[Path], layout: Layout, most: int = 5) -> str:
    """The commonest faults in words, each with its count, the first place it stands and what to do."""
    faults = (
        pl.scan_parquet(quarantined)
        .select("source_sheet", "source_row", "reasons")
        .explode("reasons")
        .unnest("reasons")
        .with_columns(
            place=pl.col("source_sheet").fill_null("")
            + "\0"
            + pl.col("source_row").cast(pl.String).str.zfill(12)
        )
        .group_by("rule", "column_name")
        .agg(pl.len().alias("n"), pl.col("source_sheet", "source_row", "value").min_by("place"))
        .sort("n", "rule", "column_name", descending=[True, False, False], nulls_last=True)
        .head(most)
        .collect(engine="streaming")
    )
    told = []
    for rule, column, count, sheet, row, value in faults.iter_rows():
        place = (
            (f"sheet {sheet!r}, " if sheet else "")
            + f"row {row}"
            + (f", column {column!r}" if column else "")
        )
        said = "" if value is None else f", value {value[:80]!r}"
        told.append(f"{count} x {rule}, first in {place}{said}: {remedy(layout, rule)}")
    return "; ".join(told)


def _told(contract: Contract, files: SplitFiles) -> tuple[list[dt.date], tuple[ProfileCell, ...]]:
    """The dates that accepted rows speak of, and what is counted of them, read in one pass."""
    accepted = pl.scan_parquet(files.accepted)
    as_of = contract.with_role("as_of")
    dates = None if as_of is None else accepted.select(pl.col(as_of.name).drop_nulls().unique().sort())
    counts = profile_query(accepted, contract)
    found = iter(pl.collect_all([q for q in (dates, counts) if q is not None], engine="streaming"))
    return (
        [] if dates is None else next(found).to_series().to_list(),
        () if counts is None else profile_of(next(found)),
    )


def _judged_outcome(
    blank: Outcome, layout: Layout, files: SplitFiles, account: RowAccount, notes: tuple[str, ...]
) -> Outcome:
    reasons: tuple[tuple[str, str | None, int], ...] = ()
    if files.quarantined:
        counted = (
            pl.scan_parquet(files.quarantined)
            .select(pl.col("reasons").list.explode())
            .unnest("reasons")
            .group_by("rule", "column_name")
            .len()
            .sort("rule", "column_name", nulls_last=True)
            .collect(engine="streaming")
        )
        reasons = tuple(counted.iter_rows())
    periods, profile = _told(layout.contract, files) if account.accepted else ([], ())
    outcome = "accepted" if account.quarantined == 0 else "accepted_with_quarantine"
    rule = message = None
    if account.read == 0:
        outcome, rule, message = (
            "rejected",
            "empty_file",
            f"{blank.file_name} has no rows; {FILE_RULES['empty_file']}",
        )
    elif account.accepted == 0:
        outcome, rule = "rejected", "no_rows_accepted"
        examples = _examples(files.quarantined, layout)
        message = f"{blank.file_name}: none of {account.read} rows accepted: {examples}; {FILE_RULES[rule]}"
    elif account.quarantined:
        message = f"{account.quarantined} of {account.read} rows quarantined: {_examples(files.quarantined, layout)}"
    corrected = [str(entry) for entry in corrections_of(layout)] if account.accepted else []
    if notes or corrected:
        message = "; ".join([*([message] if message else []), *notes, *corrected])
    return replace(
        blank,
        outcome=outcome,
        rule=rule,
        message=message,
        as_of_date=periods[-1].isoformat() if periods else None,
        periods=tuple(period.isoformat() for period in periods),
        profile=profile,
        rows_read=account.read,
        rows_accepted=account.accepted,
        rows_quarantined=account.quarantined,
        rows_duplicate=account.duplicate,
        rows_skipped=account.skipped,
        quarantine_reasons=reasons,
    )
