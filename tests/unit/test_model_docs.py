"""The page of the models: dbt's own, whole in one file, the same for the same project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from warehouse import model_docs
from warehouse.model_docs import MODEL_DOCS_FILE, write_model_docs


def manifest_in(folder: Path, **of_the_run: Any) -> Path:
    node = {
        "unique_id": "model.qamtu.fct_metric", "name": "fct_metric", "resource_type": "model", "schema": "marts",
        "description": "Ends </script> a script.", "columns": {"value": {"name": "value", "data_type": "double"}},
        **of_the_run,
    }  # fmt: skip
    folder.mkdir(parents=True)
    path = folder / "manifest.json"
    document = {
        "metadata": {"project_name": "qamtu", "adapter_type": "duckdb", "generated_at": str(of_the_run)},
        "nodes": {node["unique_id"]: node},
        "sources": {},
        "macros": {"macro.dbt.other": {"package_name": "dbt", "macro_sql": "not ours"}},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def page_of(folder: Path, **of_the_run: Any) -> str:
    release = folder / "release"
    write_model_docs(manifest_in(folder / "target", **of_the_run), release)
    return (release / MODEL_DOCS_FILE).read_text(encoding="utf-8")


def test_the_page_holds_the_models_and_ends_no_script_early(tmp_path: Path) -> None:
    page = page_of(tmp_path)
    assert "INLINE DATA" not in page
    assert '"description": "Ends <\\/script> a script."' in page
    assert '"type": "double"' in page
    assert "not ours" not in page


def test_neither_time_nor_place_of_the_build_shows(tmp_path: Path) -> None:
    one = page_of(
        tmp_path / "one", created_at=1.5, relation_name="read_parquet('/here/lake')", root_path="/here"
    )
    other = page_of(tmp_path / "other", created_at=2.5, relation_name="read_parquet('/there/lake')")
    assert one == other


def test_a_page_without_the_places_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_docs, "_page_of_dbt", lambda: "<html></html>")
    with pytest.raises(ValueError, match="has no place"):
        page_of(tmp_path)
