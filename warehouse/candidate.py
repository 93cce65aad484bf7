"""A candidate: the build as dbt describes it, with its lineage.

Belongs here: reading dbt's manifest into nodes (tables, views, seeds, sources, tests), walking lineage,
naming relations. Does not belong here: opening the build, hashing rows, judging.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from warehouse.parts import kind_of

RELATION_TYPES = ("model", "seed", "source", "snapshot")
RELEASED_SCHEMA = "marts"
#: Lake tables that tell of deliveries, of whatever kind.
META_SOURCES = ("extract", "row_account", "quarantine_reason", "suspicion", "stand_in", "decision")
#: The model that lists all deliveries.
EXTRACT_LIST = "stg_extract"
#: What a model says in its meta of how it reads its inputs; `orchestration.periods` tells what follows.
SAME_PERIOD, UP_TO_PERIOD, DELIVERIES_OF = READS = ("same_period", "up_to_period", "deliveries_of")
#: Who may see a column: everybody, or analysts alone.
OPEN, INTERNAL = "open", "internal"
_KEY_TESTS = ("unique_combination", "unique")
_DBT = frozenset({"dbt", "dbt_duckdb"})


@dataclass(frozen=True)
class Column:
    """A column as the project documents it: name, DuckDB type, what it means, its unit, who may see it.

    `access` is open or internal.
    """

    name: str
    data_type: str
    description: str
    unit: str | None = None
    access: str = OPEN


@dataclass(frozen=True)
class Node:
    """One resource of the dbt project.

    `parents` are unique ids; `code_hash` covers the node's own text, its settings that change what it does,
    and every macro it calls, but nothing of the machine, so it stays the same wherever the project lies.
    """

    unique_id: str
    name: str
    resource_type: str
    schema: str
    alias: str
    materialized: str
    description: str
    parents: tuple[str, ...]
    columns: Mapping[str, Column]
    meta: Mapping[str, Any]
    code_hash: str
    severity: str = "error"
    attached_to: str | None = None
    test_name: str = ""
    test_columns: tuple[str, ...] = ()

    @property
    def is_relation(self) -> bool:
        """Whether the node holds rows."""
        return self.resource_type in RELATION_TYPES

    @property
    def relation(self) -> str:
        """`schema.name`, as people write it."""
        return f"{self.schema}.{self.alias}"


@dataclass(frozen=True)
class Manifest:
    """Every node of one dbt build by unique id."""

    nodes: Mapping[str, Node]
    _upstream: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def relations(self) -> dict[str, Node]:
        """Nodes that hold rows, by unique id in order."""
        return {key: node for key, node in sorted(self.nodes.items()) if node.is_relation}

    @cached_property
    def tests(self) -> dict[str, Node]:
        """Data tests, by unique id in order."""
        return {key: node for key, node in sorted(self.nodes.items()) if node.resource_type == "test"}

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        by_name: dict[str, Node] = {}
        for node in self.relations.values():
            # A mart and a source may share a name; what dbt builds is what people mean.
            for name in (node.relation, node.alias, node.name):
                if name not in by_name or by_name[name].resource_type == "source":
                    by_name[name] = node
        return by_name

    def relation_named(self, name: str) -> Node:
        """The table called `name` or `schema.name`; KeyError when the project has none."""
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(f"no model, seed or source is called {name!r}") from None

    @cached_property
    def released(self) -> list[Node]:
        """Marts, in order of name: the tables a release holds."""
        marts = [
            n for n in self.relations.values() if n.schema == RELEASED_SCHEMA and n.resource_type != "source"
        ]
        return sorted(marts, key=lambda node: node.alias)

    def key_of(self, unique_id: str) -> tuple[str, ...]:
        """Columns that tell the table's rows apart, as its uniqueness test states them.

        Empty when it has none.
        """
        stated = [
            test
            for test in self.tests.values()
            if test.attached_to == unique_id and test.test_name in _KEY_TESTS
        ]
        stated.sort(key=lambda test: (test.test_name != "unique_combination", test.unique_id))
        return stated[0].test_columns if stated else ()

    def required_columns(self, unique_id: str) -> frozenset[str]:
        """Columns that a test says are never NULL."""
        return frozenset(
            column
            for test in self.tests.values()
            if test.attached_to == unique_id and test.test_name == "not_null"
            for column in test.test_columns
        )

    def inputs(self, node: Node) -> dict[str, tuple[str, ...]]:
        """What a node is made from: unique id -> the extract kinds that count of it, none named where all of it does.

        A view of an extract's rows looks up the deliveries of these rows in the list of all deliveries, so that a
        delivery of another kind changes nothing in it. Any other model says in its meta, as `deliveries_of`, of which
        kinds it reads the list.
        """
        parents = [self.relations[parent] for parent in node.parents if parent in self.relations]
        kinds = {
            kind_of(p.name) for p in parents if p.resource_type == "source" and p.name not in META_SOURCES
        }
        told = node.meta.get(DELIVERIES_OF) or (kinds if node.materialized == "view" else ())
        own = tuple(sorted(told))
        return {parent.unique_id: own if parent.name == EXTRACT_LIST else () for parent in parents}

    def upstream(self, unique_id: str) -> frozenset[str]:
        """The node and every relation it is made from, however far up."""
        if unique_id not in self._upstream:
            found: set[str] = set()
            waiting = [unique_id]
            while waiting:
                current = waiting.pop()
                if current in found or current not in self.relations:
                    continue
                found.add(current)
                waiting.extend(self.relations[current].parents)
            self._upstream[unique_id] = frozenset(found)
        return self._upstream[unique_id]

    def upstream_of(self, unique_ids: Iterable[str]) -> frozenset[str]:
        """`upstream` of several nodes together."""
        return frozenset().union(*(self.upstream(unique_id) for unique_id in unique_ids))


def read_manifest(path: Path) -> Manifest:
    """Read dbt's `manifest.json`. Errors: FileNotFoundError when nothing has been built."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no dbt manifest, build the warehouse first")
    return parse_manifest(json.loads(path.read_bytes()))


def parse_manifest(document: Mapping[str, Any]) -> Manifest:
    """Turn the manifest's JSON into nodes."""
    macros = _MacroHashes(document.get("macros", {}), document.get("nodes", {}))
    nodes: dict[str, Node] = {}
    for unique_id, raw in {**document.get("nodes", {}), **document.get("sources", {})}.items():
        if raw["resource_type"] not in (*RELATION_TYPES, "test"):
            continue
        nodes[unique_id] = _node(unique_id, raw, macros)
    return Manifest(nodes=nodes)


def _node(unique_id: str, raw: Mapping[str, Any], macros: _MacroHashes) -> Node:
    config = raw.get("config") or {}
    depends_on = raw.get("depends_on") or {}
    test = raw.get("test_metadata") or {}
    arguments = test.get("kwargs") or {}
    columns = {name: _column(name, column) for name, column in (raw.get("columns") or {}).items()}
    return Node(
        unique_id=unique_id,
        name=raw["name"],
        resource_type=raw["resource_type"],
        schema=raw.get("schema") or "",
        alias=raw.get("alias") or raw.get("identifier") or raw["name"],
        materialized=config.get("materialized") or "",
        description=" ".join((raw.get("description") or "").split()),
        parents=tuple(depends_on.get("nodes") or ()),
        columns=columns,
        meta={**(raw.get("meta") or {}), **(config.get("meta") or {})},
        code_hash=_code_hash(raw, config, macros),
        severity=str(config.get("severity") or "error").lower(),
        attached_to=raw.get("attached_node"),
        test_name=str(test.get("name") or ""),
        test_columns=tuple(arguments.get("columns") or filter(None, [arguments.get("column_name")])),
    )


def _column(name: str, raw: Mapping[str, Any]) -> Column:
    meta = {**(raw.get("meta") or {}), **((raw.get("config") or {}).get("meta") or {})}
    return Column(
        name,
        raw.get("data_type") or "",
        " ".join((raw.get("description") or "").split()),
        meta.get("unit"),
        str(meta.get("access") or OPEN),
    )


def _code_hash(raw: Mapping[str, Any], config: Mapping[str, Any], macros: _MacroHashes) -> str:
    parts = {
        "raw_code": raw.get("raw_code") or "",
        "materialized": config.get("materialized"),
        "contract": config.get("contract"),
        "columns": {name: column.get("data_type") for name, column in (raw.get("columns") or {}).items()},
        "column_types": config.get("column_types"),
        "checksum": (raw.get("checksum") or {}).get("checksum") if raw["resource_type"] == "seed" else None,
        "test": raw.get("test_metadata"),
        "reads": {key: {**(raw.get("meta") or {}), **(config.get("meta") or {})}.get(key) for key in READS},
        "config": {
            key: config.get(key) for key in ("severity", "where", "limit", "error_if", "warn_if", "fail_calc")
        },
        "macros": macros.closure((raw.get("depends_on") or {}).get("macros") or ()),
        "graph": macros.graph_read_by((raw.get("depends_on") or {}).get("macros") or ()),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class _MacroHashes:
    """Hashes of macro texts, with all that a macro calls, and of the project's graph where a macro reads it."""

    def __init__(self, macros: Mapping[str, Any], nodes: Mapping[str, Any]) -> None:
        self._macros = macros
        self._nodes = nodes
        self._own = {
            name: hashlib.sha256((macro.get("macro_sql") or "").encode()).hexdigest()
            for name, macro in macros.items()
        }
        self._closures: dict[str, frozenset[str]] = {}

    def _reachable(self, name: str) -> frozenset[str]:
        if name not in self._closures:
            found: set[str] = set()
            waiting = [name]
            while waiting:
                current = waiting.pop()
                if current in found or current not in self._macros:
                    continue
                found.add(current)
                waiting.extend((self._macros[current].get("depends_on") or {}).get("macros") or ())
            self._closures[name] = frozenset(found)
        return self._closures[name]

    def graph_read_by(self, names: Iterable[str]) -> str:
        """Hash of what the marts declare of their columns, when one of the macros reads it; else empty."""
        reachable = frozenset().union(*(self._reachable(name) for name in names))
        own = [self._macros[name] for name in reachable if self._macros[name].get("package_name") not in _DBT]
        if not any("graph.nodes" in (macro.get("macro_sql") or "") for macro in own):
            return ""
        return self._graph

    @cached_property
    def _graph(self) -> str:
        told = {
            unique_id: node.get("columns")
            for unique_id, node in self._nodes.items()
            if node.get("schema") == RELEASED_SCHEMA
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def closure(self, names: Iterable[str]) -> list[str]:
        reachable = frozenset().union(*(self._reachable(name) for name in names))
        return sorted(f"{name}:{self._own[name]}" for name in reachable)
