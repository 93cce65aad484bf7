"""The dbt project as one page: every model with its columns, SQL, tests and lineage.

Belongs here: dbt's own page of documentation, with what dbt wrote of the build put into it. Does not belong here: what
a figure means to a reader (the report's dictionary).

The page is made from the manifest that the build left, so that nothing is parsed again. Times, ids of the run and paths
of the machine are taken out: equal projects have equal pages.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MODEL_DOCS_FILE = "docs/models.html"
#: What the page reads of the manifest; macros of packages and the like would be most of its bytes.
_KEPT = (
    "nodes",
    "sources",
    "exposures",
    "metrics",
    "groups",
    "parent_map",
    "child_map",
    "docs",
    "unit_tests",
)
_OF_THE_RUN = frozenset(
    {
        "build_path",
        "compiled_code",
        "compiled_path",
        "created_at",
        "external_location",
        "relation_name",
        "root_path",
    }
)
#: Where dbt's page takes its documents from when it is to be one file.
_MANIFEST, _CATALOG = '"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"'


def write_model_docs(manifest: Path, release: Path) -> None:
    """Write `docs/models.html` into a release's folder.

    Args:
        manifest: dbt's `manifest.json`.
        release: a folder without `docs/`.

    Errors: ValueError when dbt's page is not as it was, so that nothing could be put into it.
    """
    document = json.loads(manifest.read_bytes())
    project = document["metadata"].get("project_name")
    kept: dict[str, Any] = {key: _without_run(document.get(key) or {}) for key in _KEPT}
    kept |= {
        "metadata": {"project_name": project, "adapter_type": document["metadata"].get("adapter_type")},
        "macros": {
            key: _without_run(macro)
            for key, macro in document.get("macros", {}).items()
            if macro.get("package_name") == project
        },
    }
    page = _page_of_dbt()
    for place, told in ((_MANIFEST, kept), (_CATALOG, _catalog(kept))):
        if page.count(place) != 1:
            raise ValueError(f"dbt's page of documentation has no place for {place}; see write_model_docs")
        # A description must not end the script that it stands in.
        page = page.replace(place, json.dumps(told, ensure_ascii=False).replace("</", "<\\/"))
    target = release / MODEL_DOCS_FILE
    target.parent.mkdir(parents=True)
    target.write_text(page, encoding="utf-8")


def _catalog(manifest: dict[str, Any]) -> dict[str, Any]:
    """What dbt would ask the database for: here the types that the models' contracts promise."""

    def entry(node: dict[str, Any]) -> dict[str, Any]:
        columns = {
            name: {"type": column.get("data_type") or "", "index": place, "name": name, "comment": None}
            for place, (name, column) in enumerate(node.get("columns", {}).items(), start=1)
        }
        told = {
            "type": "",
            "schema": node.get("schema"),
            "name": node["name"],
            "database": None,
            "owner": None,
        }
        return {"metadata": told, "columns": columns, "stats": {}, "unique_id": node["unique_id"]}

    described = {key: entry(node) for key, node in manifest["nodes"].items() if node.get("columns")}
    sources = {key: entry(node) for key, node in manifest["sources"].items()}
    return {"metadata": {}, "nodes": described, "sources": sources, "errors": None}


def _without_run(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_run(part) for key, part in value.items() if key not in _OF_THE_RUN}
    return [_without_run(part) for part in value] if isinstance(value, list) else value


def _page_of_dbt() -> str:
    # Where dbt keeps it is found without importing dbt, which takes seconds.
    from importlib.util import find_spec

    found = find_spec("dbt")
    assert found is not None
    places = [
        Path(place) / "task" / "docs" / "index.html" for place in found.submodule_search_locations or ()
    ]
    return next(place for place in places if place.exists()).read_text(encoding="utf-8")
