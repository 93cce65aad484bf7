"""Which columns of the lake each column of a model takes its value from, read from the SQL that dbt compiled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

#: (table of the lake, column)
Origin = tuple[str, str]
Origins = dict[str, set[Origin]]


def lake_columns(
    manifest: Mapping[str, Any], compiled: Path, closed: Collection[tuple[str, str]] = ()
) -> dict[str, Origins]:
    """Of each model by name: column -> the lake's columns whose values it takes, through however many models.

    Values only: what a row is filtered or joined by is no origin of its values. What lies before a column of `closed`
    (model, column) is not told of it, nor of what is made from it.
    """
    nodes = {**manifest["nodes"], **manifest["sources"]}
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    known: dict[str, Origins] = {}
    schema: dict[str, dict[str, str]] = {}
    for node in manifest["sources"].values():
        schema[node["name"]] = dict.fromkeys(node["columns"], "text")
        known[node["name"]] = {column: {(node["name"], column)} for column in node["columns"]}
    for key in TopologicalSorter({k: n["depends_on"]["nodes"] for k, n in models.items()}).static_order():
        if key not in models:
            continue
        node = models[key]
        (path,) = compiled.rglob(f"models/**/{node['name']}.sql")
        expression = parse_one(path.read_text(encoding="utf-8"), dialect="duckdb").transform(
            _plain_table,
            {_files_of(source["relation_name"]): source["name"] for source in manifest["sources"].values()},
        )
        qualified = qualify(expression, schema=schema, dialect="duckdb", validate_qualify_columns=False)
        known[node["name"]] = {
            column: set() if (node["name"], column) in closed else origins
            for column, origins in _origins(qualified, known).items()
        }
        schema[node["name"]] = dict.fromkeys(known[node["name"]], "text")
    return {node["name"]: known[node["name"]] for node in models.values()}


def _files_of(relation: str) -> str:
    """The files that dbt reads a source from."""
    return relation.split("'")[1]


def _plain_table(node: exp.Expression, sources: Mapping[str, str]) -> exp.Expression:
    """A table by its name alone; a source, which dbt writes as files of the lake, by its own."""
    if not isinstance(node, exp.Table):
        return node
    name = node.name
    if isinstance(node.this, exp.ReadParquet):
        (files, *_) = node.this.find_all(exp.Literal)
        name = sources[files.this]
    return exp.alias_(exp.to_table(name), node.alias or name, table=True)


def _origins(query: exp.Expression, known: Mapping[str, Origins]) -> Origins:
    found: dict[int, Origins] = {}
    last: Origins = {}
    for scope in traverse_scope(query):
        last = found[id(scope)] = _of_scope(scope, found, known)
    return last


def _of_scope(scope: Scope, found: Mapping[int, Origins], known: Mapping[str, Origins]) -> Origins:
    if isinstance(scope.expression, exp.SetOperation):
        # Columns of the parts of a union go by their place.
        parts = [list(found[id(part)].items()) for part in scope.set_operation_scopes]
        return {
            name: set().union(*(part[place][1] for part in parts)) for place, (name, _) in enumerate(parts[0])
        }
    columns: Origins = {}
    for projection in scope.expression.selects:
        origins: set[Origin] = set()
        for column in projection.find_all(exp.Column):
            source = scope.sources.get(column.table)
            if isinstance(source, Scope):
                origins |= found.get(id(source), {}).get(column.name, set())
            elif source is not None:
                origins |= known.get(source.name, {}).get(column.name, set())
        columns[projection.alias_or_name] = origins
    return columns
