"""What a build may leave as it stands: tables whose code and inputs are still those they were made from, tests whose
outcome on exactly this content is on record.

Belongs here: deciding that, and remembering what was built. Does not belong here: running dbt (`dbt_engine`), or
judging evidence (`expectations`).

A table or view is known by its code and everything above it, down to the content of the lake. What is remembered
counts only for the build file it was written with: a file that anybody else touched, or a build broke off in, is built
anew from its first table to its last.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
from pydantic import TypeAdapter

from expectations.checks import Check, build_checks, check_fingerprint, dbt_checks
from expectations.ledger import ERROR, Evidence, read_ledger
from orchestration.periods import Due, PeriodKeys, due, period_keys
from warehouse.candidate import META_SOURCES, SAME_PERIOD, UP_TO_PERIOD, Manifest, Node
from warehouse.files import replace_file
from warehouse.fingerprint import (
    ABSENT,
    CandidateFingerprint,
    combine,
    deliveries_fingerprint,
    lake_fingerprint,
    period_fingerprints,
)
from warehouse.parts import kind_of
from warehouse.paths import Home

#: The materialization that keeps rows by date (`macros/by_period.sql`).
BY_PERIOD = "by_period"


@dataclass(frozen=True)
class Keys:
    """What a node is made of: `made_of` its code and all its inputs, `code` its code and that of all above it.

    `periods` is the key of its rows by date, None where they are not kept by date; `rest` its code and those inputs
    that count for every date.
    """

    made_of: str
    code: str
    rest: str = ""
    periods: PeriodKeys = None


@dataclass(frozen=True)
class _Built:
    """What stands in a build file, by unique id, and what the file was like then."""

    file: list[int]
    nodes: dict[str, Keys]


_BUILT = TypeAdapter(_Built)


def node_keys(home: Home, manifest: Manifest, settings: str) -> dict[str, Keys]:
    """Keys of every model and seed by unique id, as the project and the lake now are.

    `settings` stands for what applies to every node and is in none: the project's variables and dbt's version.
    """
    found: dict[str, Keys] = {}
    with duckdb.connect() as connection:

        def key(node: Node) -> Keys:
            if node.unique_id not in found:
                found[node.unique_id] = compute(node)
            return found[node.unique_id]

        def compute(node: Node) -> Keys:
            if node.resource_type == "source":
                return of_source(kind_of(node.name))
            parents = {}
            for parent, kinds in manifest.inputs(node).items():
                whole = key(manifest.relations[parent])
                parents[parent] = of_deliveries(kinds, whole.code) if kinds else whole
            code = combine(
                {p: k.code for p, k in parents.items()} | {"": node.code_hash, "settings": settings}
            )
            made_of = combine({p: k.made_of for p, k in parents.items()} | {"code": code})
            same, up_to = (parents_said(node, how) for how in (SAME_PERIOD, UP_TO_PERIOD))
            if not same and not up_to:
                return Keys(made_of, code)
            whole_ones = parents.keys() - same - up_to
            rest = combine({p: parents[p].made_of for p in whole_ones} | {"code": code})
            by_date = period_keys(
                rest, {p: parents[p].periods for p in same}, {p: parents[p].periods for p in up_to}
            )
            return Keys(made_of, code, rest, by_date)

        def of_source(kind: str) -> Keys:
            whole = lake_fingerprint(connection, home.lake, kind)
            if whole == ABSENT or kind in META_SOURCES:
                return Keys(whole, settings)
            return Keys(whole, settings, periods=period_fingerprints(connection, home.lake, [kind]))

        def of_deliveries(kinds: tuple[str, ...], code: str) -> Keys:
            whole = deliveries_fingerprint(connection, home.lake, kinds)
            return Keys(whole, code, periods=period_fingerprints(connection, home.lake, kinds))

        def parents_said(node: Node, how: str) -> set[str]:
            said = set(node.meta.get(how) or ())
            parents = {
                p for p in node.parents if p in manifest.relations and manifest.relations[p].name in said
            }
            if unknown := said - {manifest.relations[parent].name for parent in parents}:
                raise ValueError(
                    f"{node.name}: {how} names what it does not read: {', '.join(sorted(unknown))}"
                )
            return parents

        for node in manifest.relations.values():
            key(node)
    return {uid: keys for uid, keys in found.items() if manifest.relations[uid].resource_type != "source"}


def begin_anew(manifest: Manifest, keys: Mapping[str, Keys], kept: Mapping[str, Keys]) -> set[str]:
    """Incremental models whose kept rows are not known to be of the code as it now is: they must begin anew."""
    return {
        unique_id
        for unique_id, now in keys.items()
        if manifest.relations[unique_id].materialized == "incremental"
        and (unique_id not in kept or kept[unique_id].code != now.code)
    }


def due_periods(
    manifest: Manifest, keys: Mapping[str, Keys], kept: Mapping[str, Keys], unique_ids: Collection[str]
) -> dict[str, Due]:
    """Of tables kept by period, what of each is due, by name; one that is due as a whole is left out."""
    found = {}
    for unique_id in sorted(unique_ids):
        node, now, before = manifest.relations[unique_id], keys[unique_id], kept.get(unique_id)
        if node.materialized != BY_PERIOD or before is None:
            continue
        if (before.code, before.rest) == (now.code, now.rest):
            part = due(now.periods, before.periods, looks_back=looks_back(manifest, node))
            if part is not None:
                found[node.name] = part
    return found


def looks_back(manifest: Manifest, node: Node) -> bool:
    """Whether a table's rows of a date rest on earlier ones, by its own word or that of what it reads by period."""
    if node.meta.get(UP_TO_PERIOD):
        return True
    said = set(node.meta.get(SAME_PERIOD) or ())
    parents = (manifest.relations[parent] for parent in node.parents if parent in manifest.relations)
    return any(looks_back(manifest, parent) for parent in parents if parent.name in said)


def sound(
    manifest: Manifest,
    keys: Mapping[str, Keys],
    standing: Mapping[str, Keys],
    fingerprints: CandidateFingerprint,
) -> dict[str, Keys]:
    """What of the standing tables may be built upon: made of tables that are what they should be, all the way up.

    A table built alone, from a view of older code, is not; nor is one made of rows of the lake that were changed.
    """

    def is_sound(unique_id: str) -> bool:
        upstream = manifest.upstream(unique_id)
        made = [parent for parent in upstream if parent in keys]
        return upstream.isdisjoint(fingerprints.faults) and all(
            standing.get(parent) == keys[parent] for parent in made
        )

    return {
        unique_id: key for unique_id, key in standing.items() if unique_id in keys and is_sound(unique_id)
    }


def proofs(
    home: Home, manifest: Manifest, fingerprints: CandidateFingerprint
) -> tuple[dict[str, Evidence], dict[str, Evidence]]:
    """What the ledger holds on exactly this content: of models and seeds, and of data tests, by unique id."""
    known = read_ledger(home.ledger).latest()

    def of(checks: Iterable[Check]) -> Iterator[tuple[Check, Evidence]]:
        for check in checks:
            row = known.get((check.check_id, check.version, check_fingerprint(check, fingerprints)))
            if row is not None and row.status != ERROR:
                yield check, row

    models = {unique_id: row for check, row in of(build_checks(manifest)) for unique_id in check.guards}
    return models, {check.check_id: row for check, row in of(dbt_checks(manifest))}


def remembered(home: Home) -> dict[str, Keys]:
    """What stands in the build file, by unique id; nothing when the file is not the one that was remembered."""
    try:
        document = _BUILT.validate_json(_path(home).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return document.nodes if document.file == _identity(home) else {}


def forget(home: Home) -> None:
    """Trust nothing, until a build that is about to write ends and says what it left."""
    _path(home).unlink(missing_ok=True)


def remember(home: Home, nodes: Mapping[str, Keys]) -> None:
    """Note what now stands in the build file."""
    told = {unique_id: asdict(keys) for unique_id, keys in sorted(nodes.items())}
    replace_file(_path(home), json.dumps({"file": _identity(home), "nodes": told}, indent=1).encode())


def _path(home: Home) -> Path:
    return home.build / "built.json"


def _identity(home: Home) -> list[int]:
    if not home.build_file.exists():
        return []
    status = home.build_file.stat()
    return [status.st_size, status.st_mtime_ns]
