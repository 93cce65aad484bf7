"""Checking a file before it is filed: the same reading and judging as a delivery, and nothing kept.

Belongs here: finding the layout for a loose file and the filing before it. Does not belong here: landing, lake, or what
an answer says and how it looks (`answer`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from ingestion.acceptances import load_acceptances
from ingestion.answer.model import Answer, anomalies_of, compare_filings, faults_of
from ingestion.contract import load_contracts
from ingestion.faults import FILE_RULES
from ingestion.layout import Layout, load_layouts, matching
from ingestion.onboard.changed import proposal_for
from ingestion.pipeline import outcome_of, process, read_gazetteer
from ingestion.places import Gazetteer
from ingestion.split import SplitFiles
from ingestion.suspicion import Suspicion, suspects, suspicions
from ingestion.unread import unread
from warehouse.files import writable_name
from warehouse.lake import Outcome, predecessor, read_outcomes
from warehouse.landing import Receipt
from warehouse.paths import Home


def find_layout(path: Path) -> tuple[str, list[tuple[Layout, dict[str, str]]]]:
    """The name under which a loose file matches layouts: its own, or with as many folders before it as needed."""
    layouts = load_layouts().values()
    parts = writable_name(path.resolve()).split("/")[1:]
    for depth in range(1, len(parts) + 1):
        name = "/".join(parts[-depth:])
        found = matching(name, layouts)
        if found:
            return name, found
    return parts[-1], []


def read_with(path: Path, layout: Layout) -> tuple[str, list[tuple[Layout, dict[str, str]]]]:
    """The name under which one layout takes a file, wherever it lies; no match when its pattern does not fit."""
    whole = writable_name(path.resolve()).lstrip("/")
    last = whole.rpartition("/")[2]
    names = [last, f"{layout.sender}/{last}", whole]
    return next(((name, found) for name in names if (found := matching(name, [layout]))), (last, []))


def check_files(
    paths: Sequence[Path],
    home: Home | None = None,
    previous: Path | None = None,
    layout: Layout | None = None,
) -> Iterator[Answer]:
    """Judge files one after the other without keeping anything.

    Args:
        paths: files to check; each must exist.
        home: a warehouse whose KATO editions are used to check places, and whose filings files are compared with.
            Without one, places are not checked.
        previous: the filing before, to compare with instead of the home's.
        layout: the one to read with, instead of the project's.

    Raises:
        FileNotFoundError: a path is no file.
        ValueError: `previous` is of another kind, or would not be taken.
    """
    for path in [*paths, *([previous] if previous else [])]:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is no file")
    outcomes = read_outcomes(home) if home is not None else []
    places = _places(home, outcomes) if home is not None else None
    for path in paths:
        yield _check(path, places, home, outcomes, previous, layout)


def _places(home: Home, outcomes: Iterable[Outcome]) -> Gazetteer | None:
    if not (home.lake / "accepted" / "kato_classifier" / "_schema.parquet").exists():
        return None
    places = read_gazetteer(home, outcomes)
    return None if places.is_empty else places


@dataclass(frozen=True)
class _Judged:
    """A loose file after judging: its outcome, and where its rows lie for now."""

    layout: Layout | None
    outcome: Outcome
    files: SplitFiles | None

    @property
    def accepted(self) -> pl.LazyFrame | None:
        if self.files is None or not self.outcome.is_accepted:
            return None
        return pl.scan_parquet(self.files.accepted)


@contextmanager
def _judged(path: Path, places: Gazetteer | None, by: Layout | None) -> Iterator[_Judged]:
    name, matches = find_layout(path) if by is None else read_with(path, by)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    receipt = Receipt(name, sha256, path.stat().st_size, 1, now)
    if len(matches) != 1:
        told, rule, detail = unread(name, [layout for layout, _ in matches], load_layouts())
        outcome = Outcome(
            f"{told}.{sha256[:12]}", None, None, None, name, sha256, receipt.size_bytes, 1, told, told,
            rule=rule, message=f"{detail}; {FILE_RULES[rule]}",
        )  # fmt: skip
        yield _Judged(None, outcome, None)
        return
    layout, groups = matches[0]
    with tempfile.TemporaryDirectory() as folder:
        blank = outcome_of(receipt, layout, groups)
        yield _Judged(layout, *process(path, receipt, layout, groups, blank, places, Path(folder)))


def _check(
    path: Path,
    places: Gazetteer | None,
    home: Home | None,
    outcomes: Sequence[Outcome],
    previous: Path | None,
    by: Layout | None,
) -> Answer:
    with _judged(path, places, by) as found:
        layout = found.layout
        if layout is None:
            return Answer(None, found.outcome, places_were_checked=places is not None)
        quarantined = found.files.quarantined if found.files else []
        answer = Answer(
            layout,
            found.outcome,
            faults=faults_of(quarantined, layout, found.outcome),
            proposal=proposal_for(path, layout, found.outcome),
            places_were_checked=places is not None or layout.resolve is None,
        )
        if found.accepted is None:
            return answer
        if previous is not None:
            with _judged(previous, places, by) as earlier:
                if earlier.accepted is None or earlier.layout is None:
                    raise ValueError(f"{previous} is nothing to compare with: {earlier.outcome.message}")
                if earlier.layout.extract_kind != layout.extract_kind:
                    raise ValueError(
                        f"{previous} is nothing to compare {path.name} with: it is {earlier.layout.extract_kind}, not "
                        f"{layout.extract_kind}"
                    )
                asked = compare_filings(layout, earlier.accepted, found.accepted)
                watch = layout.contract.suspicious
                held_for = suspicions(watch, earlier.outcome, found.outcome) if watch else ()
                name = writable_name(Path(previous.name))
                return replace(answer, previous=name, anomalies=asked, suspicions=held_for)
        before = predecessor(found.outcome, outcomes)
        if home is None or before is None:
            return answer
        asked = anomalies_of(home, layout, before, found.accepted)
        return replace(
            answer,
            previous=before.file_name,
            anomalies=asked,
            suspicions=_suspicions(found.outcome, outcomes),
        )


def _suspicions(outcome: Outcome, outcomes: Sequence[Outcome]) -> tuple[Suspicion, ...]:
    """For what a file would be held if it came in now."""
    line = [
        other for other in outcomes if other.line == outcome.line and other.extract_id != outcome.extract_id
    ]
    last = replace(outcome, received_order=1 + max((o.received_order for o in line), default=0))
    found = suspects([*line, last], load_contracts(), load_acceptances()).get(outcome.extract_id)
    return found.found if found is not None and found.is_held else ()
