"""Releases: immutable folders of published figures, and the pointer `current`.

Belongs here: bringing a judged candidate into `published/`, whole or not at all; listing and verifying
releases. Does not belong here: judging, or the format of the files (`exports`).

A release is complete in a hidden folder and flushed before it gets its name; then `current` moves in one
step. A damaged release is written again beside itself (`pub-…-r2`) and removed only when `current` points at
the new one. What a killed run leaves behind is hidden, and swept away by the next. The time of publishing and
the release before stand in `publication.json` alone: everything else follows from the candidate, the verdicts
and the code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from warehouse import revision
from warehouse.build_file import see_lake
from warehouse.candidate import OPEN, Column, Manifest, Node, read_manifest
from warehouse.exports import (
    DUCKDB_FILE,
    SAMPLE,
    SCHEMA,
    EarlierExports,
    ReleasedTable,
    TableColumn,
    WrittenTable,
    as_json,
    datapackage,
    file_entries,
    file_entry,
    marts_in,
    write_database,
    write_files,
)
from warehouse.files import file_lock, flush_tree, make_read_only, remove_tree
from warehouse.fingerprint import fingerprint_candidate
from warehouse.history import PUBLISHED, is_held_back, point, write_history
from warehouse.lineage import METRIC_LIST, MetricSources, held_deliveries, lineage_table, metric_sources
from warehouse.masking import figure_columns, masked_query
from warehouse.open_tier import FOLDER as OPEN_FOLDER
from warehouse.open_tier import OpenTier, write_open_database, write_open_files
from warehouse.paths import Home
from warehouse.signature import SIGNATURE_FILE, Signer, signer_from_environment
from warehouse.sql import literal, quoted
from warehouse.verdicts import MetricVerdict, Verdicts
from warehouse.verify import PUBLICATION_FILE, read_publication, verify_release

DICTIONARY = "meta_column"
_CANDIDATE = "candidate"
_AGAIN = "-r"


class CandidateChangedError(Exception):
    """The build is no longer the one that was judged; judge it again."""


@dataclass(frozen=True)
class Release:
    """A release. `published` counts metrics, `withheld` lists those left out with the reason.

    `path` is the folder `publication_id`, or `publication_id-r2` and on when a damaged one was written again.
    When nothing could be published `path` is None and the previous release stays current. `created` is False
    when the same release existed already; `held_back` says that it is not current, because somebody went back from it.
    """

    publication_id: str
    path: Path | None
    published: int
    withheld: tuple[MetricVerdict, ...]
    is_sample: bool
    created: bool
    held_back: bool = False


@dataclass(frozen=True)
class ReleaseInfo:
    """One release in the list: when it was published, what stood before it, whether it is current."""

    publication_id: str
    path: Path
    published_at: str
    previous_publication_id: str | None
    is_sample: bool
    metrics_published: int
    metrics_withheld: int
    is_current: bool


def publish(
    home: Home,
    verdicts: Verdicts,
    code_version: str,
    published_at: datetime | None = None,
    *,
    derived: Sequence[Callable[[Path], None]] = (),
) -> Release:
    """Release what the verdicts allow, and make it current, unless somebody went back from this very release.

    `derived` write more files into the release's folder, each from the tables that lie there already and nothing else.

    Errors: CandidateChangedError when the build is not the one judged; OSError when the disk fails, in which
    case no release appears and `current` stays; SignatureKeyError when the key to sign with cannot be read.
    """
    publication_id = publication_id_of(verdicts, code_version)
    manifest = read_manifest(home.dbt_target / "manifest.json")
    home.published.mkdir(parents=True, exist_ok=True)
    with file_lock(home.published / ".lock"):
        _sweep(home)
        with duckdb.connect() as connection:
            connection.execute(f"attach {literal(home.build_file)} as {_CANDIDATE} (read_only)")
            # Views of the build name what they read as dbt wrote it, so the build must be the one in use.
            connection.execute(f"use {_CANDIDATE}")
            see_lake(connection, home)
            found = fingerprint_candidate(home, manifest, connection, _CANDIDATE)
            if found.candidate != verdicts.candidate_fingerprint:
                raise CandidateChangedError("the build changed after it was judged; audit and judge it again")
            is_sample = _is_sample(connection, home)
            if not verdicts.published:
                return Release(publication_id, None, 0, verdicts.withheld, is_sample, created=False)
            standing = _standing(home, publication_id)
            path = standing or _free_folder(home, publication_id)
            if standing is None:
                signer = signer_from_environment()
                draft = _Draft(
                    home,
                    publication_id,
                    code_version,
                    verdicts,
                    manifest,
                    is_sample,
                    found.nodes,
                    signer,
                    tuple(derived),
                )
                _write_release(connection, draft, path, published_at or datetime.now(UTC))
            held_back = is_held_back(home, publication_id)
            if not held_back:
                point(home, path, PUBLISHED, published_at or datetime.now(UTC))
            _retire_others(home, publication_id, path)
            write_history(home)
    created = standing is None
    published = len(verdicts.published)
    return Release(publication_id, path, published, verdicts.withheld, is_sample, created, held_back)


def publication_id_of(verdicts: Verdicts, code_version: str) -> str:
    """Name of the release that follows from a candidate, its verdicts and the code: `pub-` and 12 digits."""
    content = {
        "candidate": verdicts.candidate_fingerprint,
        "metrics": [asdict(verdict) for verdict in verdicts.metrics],
        "tables": [asdict(verdict) for verdict in verdicts.tables],
        "checks": [asdict(check) for check in verdicts.checks],
        "code": code_version,
    }
    return "pub-" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def current_release(home: Home) -> Path | None:
    """Folder of the release that consumers read, or None before the first."""
    return home.current.resolve() if home.current.exists() else None


def list_releases(home: Home) -> list[ReleaseInfo]:
    """Every release, the latest last."""
    current = current_release(home)
    releases = []
    for path in sorted(home.published.glob("pub-*")):
        if not (path / PUBLICATION_FILE).exists():
            continue
        document = read_publication(path)
        releases.append(
            ReleaseInfo(
                publication_id=document["publication_id"],
                path=path,
                published_at=document["published_at"],
                previous_publication_id=document["previous_publication_id"],
                is_sample=document["is_sample"],
                metrics_published=len(document["metrics"]) - len(document["withheld"]),
                metrics_withheld=len(document["withheld"]),
                is_current=path.resolve() == current,
            )
        )
    return sorted(releases, key=lambda release: (release.published_at, release.publication_id))


@dataclass(frozen=True)
class _Draft:
    """What a release is made from."""

    home: Home
    publication_id: str
    code_version: str
    verdicts: Verdicts
    manifest: Manifest
    is_sample: bool
    fingerprints: Mapping[str, str]
    signer: Signer | None
    derived: tuple[Callable[[Path], None], ...] = ()

    @property
    def label(self) -> str:
        return SAMPLE if self.is_sample else ""


def _write_release(
    connection: duckdb.DuckDBPyConnection, draft: _Draft, path: Path, published_at: datetime
) -> None:
    """Write the release beside its place, flush it, and give it its name."""
    folder = path.with_name(f".tmp-{path.name}")
    open_folder = folder.with_name(f"{folder.name}-open")
    for place in (folder, open_folder):
        place.mkdir()
    previous = _previous(draft.home, draft.publication_id)
    sources = _sources(connection, draft)
    tables = [*_mart_tables(connection, draft), *_own_tables(connection, draft, sources)]
    revisions, compared = _revisions(connection, draft, tables, previous)
    tables.append(_own_table(connection, _FCT_REVISION, revisions))
    tables.sort(key=lambda table: table.name)
    written = write_database(connection, folder, tables, draft.label)
    opened = _write_tiers(folder, open_folder, tables, draft)
    document = _publication(connection, draft, previous, published_at)
    document["open_tier"] = opened.account()
    document["lineage"] = {source.metric_id: list(source.models) for source in sources}
    document["revisions"] = {**compared, "rows": revisions.num_rows}
    # Each tier can be copied and verified by itself; the account of the whole one names the files of the open one too.
    _write_account(open_folder, opened.tables, opened.written, document | {"tier": "open"}, draft)
    open_folder.rename(folder / OPEN_FOLDER)
    _write_account(folder, tables, written, document | {"tier": "internal"}, draft)
    flush_tree(folder)
    make_read_only(folder)
    folder.rename(path)


def _write_tiers(folder: Path, open_folder: Path, tables: Sequence[ReleasedTable], draft: _Draft) -> OpenTier:
    """Write what follows from `coverage.duckdb`: the open tier's own, and the other files of both tiers.

    DuckDB's share is done beside Python's: it leaves the interpreter free while it works.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        opening = beside.submit(write_open_database, folder, open_folder, tables, draft.label)
        with duckdb.connect(str(folder / DUCKDB_FILE), read_only=True) as connection:
            write_files(connection, folder, tables, draft.label, _earlier(draft))
        opened = opening.result()
        filing = beside.submit(write_open_files, folder, open_folder, opened, draft.label)
        for write in draft.derived:
            write(folder)
        filing.result()
    for write in draft.derived:
        write(open_folder)
    return opened


def _write_account(
    folder: Path,
    tables: Sequence[ReleasedTable],
    written: Sequence[WrittenTable],
    document: Mapping[str, Any],
    draft: _Draft,
) -> None:
    """Write `datapackage.json`, `publication.json` and its signature about the files that lie in `folder`."""
    files = file_entries(folder)
    own = {name: entry for name, entry in files.items() if not name.startswith(f"{OPEN_FOLDER}/")}
    package = folder / "datapackage.json"
    package.write_bytes(as_json(datapackage(own, tables, draft.label, draft.publication_id)))
    files = dict(sorted({**files, package.name: file_entry(package)}.items()))
    content = as_json(
        {
            **document,
            # The content of a table is its CSV file: header and rows, in order.
            "tables": [
                {**asdict(table), "content_sha256": files[f"csv/{table.name}.csv"]["sha256"]}
                for table in written
            ],
            "files": [{"path": name, **entry} for name, entry in files.items()],
        }
    )
    (folder / PUBLICATION_FILE).write_bytes(content)
    if draft.signer:
        (folder / SIGNATURE_FILE).write_bytes(draft.signer.sign(content))


def _publication(
    connection: duckdb.DuckDBPyConnection,
    draft: _Draft,
    previous: str | None,
    published_at: datetime,
) -> dict[str, Any]:
    """What `publication.json` says of the release, whichever files lie beside it."""
    verdicts = draft.verdicts
    return {
        "publication_id": draft.publication_id,
        "label": draft.label,
        "is_sample": draft.is_sample,
        "published_at": published_at.astimezone(UTC).isoformat(timespec="seconds"),
        "code_version": draft.code_version,
        "previous_publication_id": previous,
        # None: unsigned. Whoever checks the release learns it also when the signature file was taken away.
        "signed_by": draft.signer.fingerprint if draft.signer else None,
        "candidate_fingerprint": verdicts.candidate_fingerprint,
        "inputs": _inputs(connection, draft.home),
        "metrics": [asdict(verdict) for verdict in verdicts.metrics],
        "withheld": [
            {"metric_id": verdict.metric_id, "withheld_reason": verdict.withheld_reason}
            for verdict in verdicts.withheld
        ],
        "withheld_tables": [
            {"table": verdict.table, "withheld_reason": verdict.withheld_reason}
            for verdict in verdicts.tables
            if verdict.withheld_reason
        ],
        "checks": [
            {
                "check_id": check.check_id,
                "kind": check.kind,
                "severity": check.severity,
                "status": check.status,
                "observed": check.observed,
                "suite_version": check.suite_version,
                "fingerprint": check.fingerprint,
            }
            for check in verdicts.checks
        ],
    }


def _earlier(draft: _Draft) -> EarlierExports | None:
    """The release that stands, when the same code wrote it; what it holds of tables may then be taken over."""
    current = current_release(draft.home)
    if current is None:
        return None
    try:
        document = read_publication(current)
        if document["code_version"] != draft.code_version:
            return None
        return EarlierExports(
            current,
            {table["name"]: table["made_of"] for table in document["tables"]},
            {entry["path"]: entry["sha256"] for entry in document["files"]},
        )
    except (OSError, ValueError, KeyError):
        return None


def _mart_tables(connection: duckdb.DuckDBPyConnection, draft: _Draft) -> list[ReleasedTable]:
    """The candidate's marts without what is withheld. A mart that could not be built is left out."""
    standing = marts_in(connection, _CANDIDATE)
    return [
        _mart_table(connection, node, draft) for node in draft.manifest.released if node.alias in standing
    ]


def _mart_table(connection: duckdb.DuckDBPyConnection, node: Node, draft: _Draft) -> ReleasedTable:
    relation = ".".join(quoted(part) for part in (_CANDIDATE, node.schema, node.alias))
    described = connection.execute(f"describe select * from {relation}").fetchall()
    columns = tuple(_released_column(node.columns.get(name), name, kind) for name, kind, *_ in described)
    query = masked_query(node, [column.name for column in columns], relation, draft.verdicts)
    if node.alias == DICTIONARY:
        query = f"{query}\nunion all by name\n{_own_dictionary(connection)}"
    return ReleasedTable(
        name=node.alias,
        description=node.description,
        columns=columns,
        query=query,
        key=draft.manifest.key_of(node.unique_id),
        # A figure may be withheld, so it is never promised to be there.
        required=draft.manifest.required_columns(node.unique_id) - figure_columns(node),
        content=draft.fingerprints[node.unique_id],
    )


def _released_column(documented: Column | None, name: str, kind: str) -> TableColumn:
    if documented is None:
        return TableColumn(name, kind, "")
    return TableColumn(name, kind, documented.description, documented.unit, documented.access != OPEN)


def _sources(connection: duckdb.DuckDBPyConnection, draft: _Draft) -> list[MetricSources]:
    names = ("metric_id", "source_table", "required_extracts")
    rows = connection.execute(
        f"select {', '.join(names)} from {_CANDIDATE}.marts.{METRIC_LIST} order by metric_id"
    ).fetchall()
    return metric_sources(draft.manifest, [dict(zip(names, row, strict=True)) for row in rows])


def _own_tables(
    connection: duckdb.DuckDBPyConnection, draft: _Draft, sources: Sequence[MetricSources]
) -> list[ReleasedTable]:
    """Tables that only a release can have: about itself, its checks, its verdicts. No clock and no history in them."""
    verdicts = draft.verdicts
    deliveries, stand_ins = (
        f"read_parquet({literal(draft.home.lake / 'meta' / f'{name}.parquet')})"
        for name in ("extract", "stand_in")
    )
    publication = [
        {
            "publication_id": draft.publication_id,
            "candidate_fingerprint": verdicts.candidate_fingerprint,
            "code_version": draft.code_version,
            "is_sample": draft.is_sample,
            "metrics_published": len(verdicts.published),
            "metrics_withheld": len(verdicts.withheld),
            "label": draft.label,
        }
    ]
    checks = [
        {
            "check_id": check.check_id,
            "kind": check.kind,
            "severity": check.severity,
            "status": check.status,
            "observed": check.observed,
            "failing_count": check.failing_count,
            "tables": ", ".join(check.tables),
            "suite_version": check.suite_version,
            "fingerprint": check.fingerprint,
            "description": check.description,
        }
        for check in verdicts.checks
    ]
    held = held_deliveries(connection, sources, deliveries)
    metrics = [
        {
            "metric_id": verdict.metric_id,
            "status": verdict.status,
            "withheld_reason": verdict.withheld_reason,
            "checks_needed": len(verdict.checks),
            "held_deliveries": ", ".join(held.get(verdict.metric_id, ())) or None,
        }
        for verdict in verdicts.metrics
    ]
    lineage = lineage_table(connection, sources, f"{_CANDIDATE}.marts", deliveries, stand_ins)
    return [
        _own_table(connection, _META_PUBLICATION, _arrow(_META_PUBLICATION, publication)),
        _own_table(connection, _META_CHECK, _arrow(_META_CHECK, checks)),
        _own_table(connection, _META_METRIC, _arrow(_META_METRIC, metrics)),
        _own_table(connection, _META_LINEAGE, lineage),
    ]


def _revisions(
    connection: duckdb.DuckDBPyConnection,
    draft: _Draft,
    tables: Sequence[ReleasedTable],
    previous: str | None,
) -> tuple[pa.Table, dict[str, str | None]]:
    """Rows of fct_revision, and with which release was compared; without one, or one that cannot be read, no rows."""
    folder = next(iter(_folders(draft.home, previous)), None) if previous else None
    if folder is None:
        return revision.no_revisions(), {"compared_with": None, "note": "no release stands before"}
    # Of its own, since released tables have the names of the candidate's.
    connection.execute(f"attach ':memory:' as drafted; create schema drafted.{SCHEMA}")
    for table in tables:
        if table.name in revision.READS:
            # What was registered, rather than attached, cannot be read by a view.
            kind = "table" if table.name == _META_LINEAGE.name else "view"
            connection.execute(f"create {kind} drafted.{SCHEMA}.{quoted(table.name)} as {table.query}")
    try:
        before = revision.attach(connection, folder, "previous_release")
        now = revision.Side(f"drafted.{SCHEMA}", draft.publication_id, draft.code_version)
        found = revision.revision_table(connection, before, now)
    except (OSError, ValueError, KeyError, duckdb.IOException, duckdb.SerializationException) as error:
        note = f"the release before cannot be read: {type(error).__name__}"
        return revision.no_revisions(), {"compared_with": None, "note": note}
    return found, {"compared_with": previous, "note": None}


@dataclass(frozen=True)
class _OwnTable:
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    required: frozenset[str] = frozenset()


_ARROW_TYPES = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}

_META_PUBLICATION = _OwnTable(
    "meta_publication",
    "One row: this release, what it was made from and how much of it stands.",
    ("publication_id",),
    (
        TableColumn("publication_id", "VARCHAR", "Name of the release, derived from its content."),
        TableColumn("candidate_fingerprint", "VARCHAR", "Fingerprint of the build that was judged."),
        TableColumn("code_version", "VARCHAR", "Version of the code that made the release."),
        TableColumn("is_sample", "BOOLEAN", "Whether any delivery came from the invented sample country."),
        TableColumn("metrics_published", "BIGINT", "Metrics whose figures stand."),
        TableColumn(
            "metrics_withheld", "BIGINT", "Metrics whose figures are withheld; meta_metric says why."
        ),
        TableColumn("label", "VARCHAR", "SAMPLE when is_sample, else empty."),
    ),
)
_META_CHECK = _OwnTable(
    "meta_check",
    "One row per check: what it found on exactly the content of this release.",
    ("check_id",),
    (
        TableColumn("check_id", "VARCHAR", "Identifier of the check."),
        TableColumn(
            "kind", "VARCHAR", "dbt: structure; gx: meaning; build: a model was built from these inputs."
        ),
        TableColumn(
            "severity", "VARCHAR", "blocking: withholds figures unless it passed; warning: does not."
        ),
        TableColumn(
            "status", "VARCHAR", "pass, fail, warn, error, stale (other content) or missing (never run)."
        ),
        TableColumn("observed", "VARCHAR", "What was found: how many rows, and the key of the first."),
        TableColumn("failing_count", "BIGINT", "Rows that do not hold."),
        TableColumn("tables", "VARCHAR", "Tables the check read."),
        TableColumn("suite_version", "VARCHAR", "Version of the check."),
        TableColumn("fingerprint", "VARCHAR", "Fingerprint of the tables the check read."),
        TableColumn("description", "VARCHAR", "What the check demands."),
    ),
)
_META_METRIC = _OwnTable(
    "meta_metric",
    "One row per metric: whether its figures are published in this release, and if not, why.",
    ("metric_id",),
    (
        TableColumn("metric_id", "VARCHAR", "Metric; a key of dim_metric."),
        TableColumn("status", "VARCHAR", "published or withheld."),
        TableColumn("withheld_reason", "VARCHAR", "Why the figures are withheld; NULL when they stand."),
        TableColumn("checks_needed", "BIGINT", "Blocking checks that must have passed."),
        TableColumn(
            "held_deliveries",
            "VARCHAR",
            "Deliveries that the figures would rest on and that are held as suspicious, so that the last good ones are "
            "used; NULL when there is none. meta_extract tells why, and what ends it.",
        ),
    ),
)


_FCT_REVISION = _OwnTable(
    revision.REVISION_TABLE,
    revision.REVISION_DESCRIPTION,
    revision.KEY,
    revision.REVISION_COLUMNS,
    # Not technology: a metric may be by none.
    frozenset({*revision.KEY[:-1], "publication_id", "previous_publication_id", "change", "cause"}),
)
_META_LINEAGE = _OwnTable(
    "meta_lineage",
    "One row per metric, date and delivery: which files a published number rests on. Join meta_extract for the file "
    "and its sender; `qamtu explain` goes on to sheet and row.",
    ("metric_id", "as_of_date", "extract_id"),
    (
        TableColumn("metric_id", "VARCHAR", "Metric; a key of dim_metric."),
        TableColumn(
            "as_of_date", "DATE", "Date of the figures that rest on the delivery; NULL: those of every date."
        ),
        TableColumn("extract_id", "VARCHAR", "Delivery; a key of meta_extract."),
        TableColumn("extract_kind", "VARCHAR", "What the delivery is: its contract."),
        TableColumn(
            "role",
            "VARCHAR",
            "counted: its rows are counted, the metric is withheld without the kind. read: it gives names, places, "
            "grades or reference to the tables of the metric.",
        ),
    ),
    frozenset({"metric_id", "extract_id", "extract_kind", "role"}),
)


def _arrow(table: _OwnTable, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([(column.name, _ARROW_TYPES[column.data_type]) for column in table.columns])
    return pa.Table.from_pylist(rows, schema=schema)


def _own_table(connection: duckdb.DuckDBPyConnection, table: _OwnTable, rows: pa.Table) -> ReleasedTable:
    # Registered under a name of its own: a mart of the same name must not be read in its place.
    connection.register(f"own_{table.name}", rows)
    query = f"select * from own_{table.name}"
    required = table.required or frozenset(table.key)
    return ReleasedTable(table.name, table.description, table.columns, query, table.key, required)


def _own_dictionary(connection: duckdb.DuckDBPyConnection) -> str:
    """SELECT of what the dictionary says about the tables that only a release has."""
    rows = [
        {
            "table_name": table.name,
            "column_name": column.name,
            "ordinal_position": place,
            "data_type": column.data_type.lower(),
            "description_en": column.description,
            "access": "open",
        }
        for table in (_META_PUBLICATION, _META_CHECK, _META_METRIC, _META_LINEAGE, _FCT_REVISION)
        for place, column in enumerate(table.columns, start=1)
    ]
    connection.register("own_dictionary", pa.Table.from_pylist(rows))
    return "select * from own_dictionary"


def _inputs(connection: duckdb.DuckDBPyConnection, home: Home) -> list[dict[str, Any]]:
    """Every delivery that the candidate knows.

    The lake is read: its fingerprint is part of the candidate's.
    """
    names = (
        "extract_id",
        "sender",
        "extract_kind",
        "file_name",
        "sha256",
        "size_bytes",
        "outcome",
        "is_current",
    )
    rows = connection.execute(
        f"select {', '.join(names)} from read_parquet(?) order by extract_id", [_deliveries(home)]
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _is_sample(connection: duckdb.DuckDBPyConnection, home: Home) -> bool:
    """Whether any delivery that counts came from the sample country."""
    rows = connection.execute(
        "select coalesce(bool_or(is_sample and is_current), false) from read_parquet(?)", [_deliveries(home)]
    ).fetchall()
    return bool(rows[0][0])


def _deliveries(home: Home) -> str:
    return str(home.lake / "meta" / "extract.parquet")


def _previous(home: Home, publication_id: str) -> str | None:
    """The release that stood before; for one that is written again, what stood before it the first time."""
    current = current_release(home)
    if current is None:
        return None
    name = current.name.partition(_AGAIN)[0]
    if name != publication_id:
        return name
    try:
        before = read_publication(current)["previous_publication_id"]
    except (OSError, ValueError, KeyError):
        return None
    return None if before is None else str(before)


def _folders(home: Home, publication_id: str) -> list[Path]:
    """Folders that hold the release: one of its name, or of its name and a number when it was written again."""
    return sorted(path for path in home.published.glob(f"{publication_id}*") if path.is_dir())


def _standing(home: Home, publication_id: str) -> Path | None:
    """The folder that holds the release whole, or None: then it is to be written, under a name of its own."""
    return next((path for path in _folders(home, publication_id) if not verify_release(path)), None)


def _free_folder(home: Home, publication_id: str) -> Path:
    path, number = home.published / publication_id, 1
    while path.exists():
        number += 1
        path = home.published / f"{publication_id}{_AGAIN}{number}"
    return path


def _retire_others(home: Home, publication_id: str, kept: Path) -> None:
    """Remove damaged folders of the release. `current` points at the whole one by now, so no reader misses them."""
    for path in _folders(home, publication_id):
        if path != kept:
            path.rename(home.published / f".tmp-damaged-{path.name}")
    _sweep(home)


def _sweep(home: Home) -> None:
    """Remove what has no name of its own any more: a damaged release, or what a killed publication left behind."""
    leftovers: Iterable[Path] = home.published.glob(".tmp-*")
    for leftover in leftovers:
        if leftover.is_dir() and not leftover.is_symlink():
            remove_tree(leftover)
        else:
            leftover.unlink()
