"""Indices of Taldau: a tree of terms, asked node by node, whose values stand under keys that name the period.

Belongs here: what is asked, in which order, and the shape of a node. Does not belong here: keeping answers (`pages`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from ingestion.pull.errors import ShapeChanged
from ingestion.pull.pages import Pages
from ingestion.pull.shape import compare, read_records
from ingestion.sender import TaldauTree

_PATH = "ru/Api/GetIndexTreeData"
# y, month, year: a new one comes with each period.
_VALUE = re.compile(r"y\d{6}")


def read_tree(api: TaldauTree, pages: Pages) -> None:
    """Ask for the root, then for the children of every node that has some, level by level.

    Raises:
        ShapeChanged: when nodes have other keys than the entry's, or the root has no values.
    """
    parents, asked = [""], 0
    for level in range(api.levels + 1):
        below: list[str] = []
        for parent in parents:
            where = f"Taldau index {api.index}, below {parent or 'the root'}"
            name = f"{asked:05d}-{parent or 'root'}.json"
            nodes = pages.get(name, _PATH, _parameters(api, parent), partial(_nodes, api, where))
            asked += 1
            if level == 0 and not any(_VALUE.fullmatch(key) for node in nodes for key in node):
                raise ShapeChanged(
                    f"{where}: no node has a value; keys are {sorted({k for n in nodes for k in n})}"
                )
            below += [_id(node, where) for node in nodes if not _is_leaf(node)]
        parents = below


def _parameters(api: TaldauTree, parent: str) -> dict[str, str]:
    terms = ",".join(map(str, api.root_terms))
    return {
        "p_measure_id": "1",
        "p_index_id": str(api.index),
        "p_period_id": str(api.period),
        "p_terms": terms,
        "p_term_id": str(api.root_terms[0]),
        "p_dicIds": ",".join(map(str, api.dictionaries)),
        "idx": "0",
        "p_parent_id": parent,
    }


def _nodes(api: TaldauTree, where: str, body: bytes) -> list[dict[str, Any]]:
    nodes = read_records(body, where)
    if nodes:
        compare(api.fields, [key for node in nodes for key in node if not _VALUE.fullmatch(key)], where)
    return nodes


def _id(node: dict[str, Any], where: str) -> str:
    told = str(node.get("id", "")).strip()
    if not re.fullmatch(r"[\w-]+", told):
        raise ShapeChanged(f"{where}: a node has no 'id' to ask for its children by: {node}")
    return told


def _is_leaf(node: dict[str, Any]) -> bool:
    return str(node.get("leaf", "")).strip().lower() == "true"
