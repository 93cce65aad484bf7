"""What a table holds, as a short text: equal content gives an equal fingerprint, whatever the order of the
rows.

Belongs here: fingerprints of tables, of views, of lake sources, of a whole candidate. Does not belong here:
what a fingerprint is used for. A fingerprint never depends on a clock, a path or the order in which rows were
written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from warehouse.candidate import META_SOURCES, Manifest, Node
from warehouse.parts import READ_AGAIN, changes, kind_of, strays
from warehouse.paths import Home
from warehouse.sql import literal, quoted

ABSENT = "absent"
_cache: dict[tuple[object, ...], str] = {}


@dataclass(frozen=True)
class CandidateFingerprint:
    """Fingerprints of every node by unique id, and of all of them together.

    `faults` says in words why rows of the lake are not those that were accepted, by unique id of the source and of
    every view on it; such nodes are `absent`.
    """

    nodes: Mapping[str, str]
    candidate: str
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, unique_ids: Iterable[str]) -> str:
        """One fingerprint for several nodes; `absent` when one of them is not in the build."""
        parts = {unique_id: self.nodes.get(unique_id, ABSENT) for unique_id in unique_ids}
        return ABSENT if ABSENT in parts.values() else combine(parts)


def combine(parts: Mapping[str, str]) -> str:
    """One fingerprint from named ones, in order of name."""
    return hashlib.sha256(json.dumps(sorted(parts.items())).encode()).hexdigest()


def table_fingerprint(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Fingerprint of the rows and columns of `relation` (any SQL that can follow FROM).

    Sum and exclusive or of the row hashes stand beside the row count, so neither order nor a row that comes
    twice goes unnoticed.
    """
    described = connection.execute(f"describe select * from {relation}").fetchall()
    columns = [(row[0], row[1]) for row in described]
    names = ", ".join(f"subject.{quoted(name)}" for name, _ in columns)
    counted = connection.execute(
        f"""
        select count(*), coalesce(sum(row_hash::hugeint), 0)::varchar, coalesce(bit_xor(row_hash), 0)::varchar
        from (select hash({names}) as row_hash from {relation} as subject)
        """
    ).fetchone()
    return hashlib.sha256(json.dumps([columns, counted], default=str).encode()).hexdigest()


def view_fingerprint(sql: str, parents: Mapping[str, str]) -> str:
    """Fingerprint of a view: its SQL, in which the lake is `~`, and the fingerprints of what it reads."""
    text = " ".join(sql.split())
    return hashlib.sha256(json.dumps([text, sorted(parents.items())]).encode()).hexdigest()


def lake_fingerprint(connection: duckdb.DuckDBPyConnection, lake: Path, kind: str) -> str:
    """Fingerprint of one lake source.

    For an extract kind it is made of the content fingerprints of its current extracts, so that no row need be
    read; `absent` when the lake does not hold exactly the rows that were accepted (`lake_faults`). For the three
    tables about deliveries it is their content.
    """
    if kind in META_SOURCES:
        path = lake / "meta" / f"{kind}.parquet"
        if not path.exists():
            return ABSENT
        return _cached(connection, (*_identity(path), "meta"), f"read_parquet({literal(path)})")
    path = lake / "meta" / "extract.parquet"
    if not path.exists() or lake_faults(connection, lake, kind):
        return ABSENT
    rows = connection.execute(
        f"select content_fingerprint from read_parquet({literal(path)}) "
        "where extract_kind = ? and is_current order by content_fingerprint",
        [kind],
    ).fetchall()
    return hashlib.sha256(json.dumps([kind, [row[0] for row in rows]]).encode()).hexdigest()


def deliveries_fingerprint(connection: duckdb.DuckDBPyConnection, lake: Path, kinds: Iterable[str]) -> str:
    """Fingerprint of the list of deliveries as far as it tells of some extract kinds."""
    path = lake / "meta" / "extract.parquet"
    if not path.exists():
        return ABSENT
    chosen = ", ".join(literal(kind) for kind in sorted(kinds))
    relation = f"(select * from read_parquet({literal(path)}) where extract_kind in ({chosen}))"
    return _cached(connection, (*_identity(path), chosen), relation)


def period_fingerprints(
    connection: duckdb.DuckDBPyConnection, lake: Path, kinds: Iterable[str]
) -> dict[str, str] | None:
    """Fingerprint of the deliveries of some extract kinds for each date that their accepted rows speak of (ISO text).

    A delivery counts with all that the list of deliveries says of it, current or not. None when the lake does not
    say of every accepted delivery which dates its rows have.
    """
    meta = lake / "meta"
    if not (meta / "extract.parquet").exists() or not (meta / "accepted_period.parquet").exists():
        return None
    rows = connection.execute(
        """
        select periods.as_of_date, extracts.*
        from read_parquet(?) as extracts
        left join (select extract_id, as_of_date from read_parquet(?)) as periods using (extract_id)
        where list_contains(?, extracts.extract_kind) and extracts.outcome in ('accepted', 'accepted_with_quarantine')
        order by extracts.extract_id
        """,
        [str(meta / "extract.parquet"), str(meta / "accepted_period.parquet"), sorted(kinds)],
    ).fetchall()
    by_date: dict[str, list[object]] = {}
    for date, *told in rows:
        if date is None:
            return None
        by_date.setdefault(date, []).append(told)
    return {
        date: hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()
        for date, told in sorted(by_date.items())
    }


def lake_faults(connection: duckdb.DuckDBPyConnection, lake: Path, kind: str) -> tuple[str, ...]:
    """Why the lake's rows of one extract kind are not those that were accepted, in words; empty when they are.

    Every file that readers of the kind would take must have the SHA-256 that was recorded when it was committed.
    """
    meta = lake / "meta"
    if kind in META_SOURCES or not (meta / "extract.parquet").exists():
        return ()
    sealed: list[tuple[str, str, str]] = []
    if (meta / "accepted_part.parquet").exists():
        sealed = connection.execute(
            "select extract_id, path, sha256 from read_parquet(?) where extract_kind = ? order by path",
            [str(meta / "accepted_part.parquet"), kind],
        ).fetchall()
    current = connection.execute(
        "select extract_id from read_parquet(?) where extract_kind = ? and is_current order by extract_id",
        [str(meta / "extract.parquet"), kind],
    ).fetchall()
    parts = [(path, sha256) for _, path, sha256 in sealed]
    unsealed = sorted({extract_id for (extract_id,) in current} - {extract_id for extract_id, _, _ in sealed})
    return (
        *(f"{extract_id}: no hash of its accepted rows was kept; {READ_AGAIN}" for extract_id in unsealed),
        *changes(lake, parts),
        *strays(lake, kind, parts),
    )


def fingerprint_candidate(
    home: Home, manifest: Manifest, connection: duckdb.DuckDBPyConnection, database: str | None = None
) -> CandidateFingerprint:
    """Fingerprint every relation of the build that `connection` can read.

    `database` names the attached build when it is not the connection's own. Tables are hashed once in a
    process for as long as the build file stays as it is.
    """
    database = database or connection.execute("select current_database()").fetchall()[0][0]
    tables = {
        (schema, name)
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = ?", [database]
        ).fetchall()
    }
    views = {
        (schema, name): sql
        for schema, name, sql in connection.execute(
            "select schema_name, view_name, sql from duckdb_views() where database_name = ? and not internal",
            [database],
        ).fetchall()
    }
    identity = _identity(home.build_file)
    found: dict[str, str] = {}
    faults: dict[str, tuple[str, ...]] = {}

    def visit(node: Node) -> str:
        if node.unique_id not in found:
            found[node.unique_id] = ABSENT  # a cycle cannot be; dbt refuses it
            found[node.unique_id] = compute(node)
        return found[node.unique_id]

    def deliveries(listing: Node, kinds: tuple[str, ...]) -> str:
        told = deliveries_fingerprint(connection, home.lake, kinds)
        return combine({"deliveries": told, "code": listing.code_hash})

    def compute(node: Node) -> str:
        if node.resource_type == "source":
            fingerprint = lake_fingerprint(connection, home.lake, kind_of(node.name))
            if fingerprint == ABSENT:
                faults[node.unique_id] = lake_faults(connection, home.lake, kind_of(node.name))
            return fingerprint
        key = (node.schema, node.alias)
        if key in tables:
            relation = ".".join(quoted(part) for part in (database, *key))
            return _cached(connection, (*identity, *key), relation)
        parents = {
            parent: deliveries(manifest.relations[parent], kinds)
            if kinds
            else visit(manifest.relations[parent])
            for parent, kinds in manifest.inputs(node).items()
        }
        if ABSENT in parents.values():
            told = [fault for parent in parents for fault in faults.get(parent, ())]
            faults[node.unique_id] = tuple(dict.fromkeys(told))
            return ABSENT
        if key in views:
            return view_fingerprint(views[key], parents)
        if node.materialized == "ephemeral":
            return view_fingerprint(node.code_hash, parents)
        return ABSENT

    for node in manifest.relations.values():
        visit(node)
    told = {unique_id: words for unique_id, words in faults.items() if words}
    return CandidateFingerprint(nodes=found, candidate=combine(found), faults=told)


def _identity(path: Path) -> tuple[object, ...]:
    """What changes whenever a file is written: enough to know within a process that it was not."""
    parts: list[object] = [str(path)]
    for part in (path, path.with_name(path.name + ".wal")):
        if part.exists():
            status = part.stat()
            parts += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(parts)


def _cached(connection: duckdb.DuckDBPyConnection, key: tuple[object, ...], relation: str) -> str:
    if key not in _cache:
        _cache[key] = table_fingerprint(connection, relation)
    return _cache[key]
