"""The dbt project as a whole: described, contracted, tested, and true to the contracts of ingestion."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingestion.contract import load_contracts
from ingestion.geometry import COUNTRY
from orchestration import dbt_engine
from tests.column_lineage import lake_columns
from tests.main_job_kit import Run
from warehouse.lake import (
    ACCOUNT_SCHEMA,
    DECISION_SCHEMA,
    EXTRACT_SCHEMA,
    REASON_SCHEMA,
    STAND_IN_SCHEMA,
    SUSPICION_SCHEMA,
)
from warehouse.paths import PROJECT_DIR

pytestmark = pytest.mark.integration
DBT_PROJECT = PROJECT_DIR / "dbt_project"


@pytest.fixture(scope="module")
def built(empty_run: Run) -> Path:
    """dbt's target folder of a whole build and its data tests, on a lake in which nothing was accepted."""
    return empty_run.home.dbt_target


@pytest.fixture(scope="module")
def manifest(built: Path) -> dict[str, Any]:
    """dbt's manifest."""
    parsed: dict[str, Any] = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    return parsed


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Models by name."""
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def outcomes_of(target: Path) -> tuple[set[str], dict[str, str]]:
    """What dbt's last command carried out, and the message of whatever failed."""
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    failed = {r["unique_id"]: r["message"] for r in results if r["status"] not in ("success", "pass")}
    return {r["unique_id"] for r in results}, failed


def test_everything_builds_on_an_empty_lake_and_every_data_test_passes(
    built: Path, manifest: dict[str, Any]
) -> None:
    ran, failed = outcomes_of(built)
    assert failed == {}
    assert {key for key, node in manifest["nodes"].items() if node["resource_type"] != "operation"} <= ran


def test_every_unit_test_passes(empty_run: Run, manifest: dict[str, Any], tmp_path: Path) -> None:
    home = empty_run.home
    # With dbt's cache of the project there is nothing to parse.
    target = shutil.copytree(home.dbt_target, tmp_path / "target")
    environment = os.environ | dbt_engine.environment(home) | {
        "DBT_PROFILES_DIR": str(DBT_PROJECT), "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(tmp_path / "logs"),
    }  # fmt: skip
    dbt = str(Path(sys.executable).with_name("dbt"))
    arguments = ["test", "--quiet", "--select", "test_type:unit"]
    subprocess.run([dbt, *arguments], cwd=DBT_PROJECT, env=environment, check=False, timeout=900)
    ran, failed = outcomes_of(target)
    assert failed == {}
    assert ran == set(manifest["unit_tests"])
    assert len(ran) >= 50


def test_every_model_and_column_is_described(models: dict[str, dict[str, Any]]) -> None:
    bare = [name for name, model in models.items() if not model["description"]]
    bare += [
        f"{n}.{c}"
        for n, m in models.items()
        for c, column in m["columns"].items()
        if not column["description"]
    ]
    assert bare == []


def test_every_mart_has_an_enforced_contract(models: dict[str, dict[str, Any]]) -> None:
    marts = {name: model for name, model in models.items() if model["schema"] == "marts"}
    assert len(marts) >= 18
    assert [name for name, model in marts.items() if not model["config"]["contract"]["enforced"]] == []


def test_every_mart_states_its_grain_and_tests_it(
    manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    unique = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and (test.get("test_metadata") or {}).get("name") in ("unique", "unique_combination")
    }
    marts = {model["unique_id"]: name for name, model in models.items() if model["schema"] == "marts"}
    assert sorted(name for node, name in marts.items() if node not in unique) == []


# A model that only selects, renames or filters says nothing that a unit test could hold against it.
COMPUTES = re.compile(
    r"\b(group by|join|union all|over \(|case\b|coalesce|sum\(|max\(|min\(|count\()", re.IGNORECASE
)
PASSES_THROUGH = {"int_settlement_reach", "meta_extract", "stg_extract"}


def test_every_model_that_computes_has_a_unit_test(
    manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    computing = {
        name for name, model in models.items() if COMPUTES.search(model["raw_code"])
    } - PASSES_THROUGH
    assert sorted(computing - tested) == []


def test_no_model_selects_star(models: dict[str, dict[str, Any]]) -> None:
    assert [
        name for name, model in models.items() if re.search(r"select\s+\*", model["raw_code"], re.IGNORECASE)
    ] == []


def test_sources_are_the_lake_as_contracts_and_records_define_it(manifest: dict[str, Any]) -> None:
    sources = {source["name"]: list(source["columns"]) for source in manifest["sources"].values()}
    expected = {kind: list(contract.lake_schema) for kind, contract in load_contracts().items()}
    expected |= {
        f"{kind}_cell": list(c.cells_schema) for kind, c in load_contracts().items() if c.cells_schema
    }
    expected |= {
        "extract": list(EXTRACT_SCHEMA),
        "row_account": list(ACCOUNT_SCHEMA),
        "quarantine_reason": list(REASON_SCHEMA),
        "suspicion": list(SUSPICION_SCHEMA),
        "stand_in": list(STAND_IN_SCHEMA),
        "decision": list(DECISION_SCHEMA),
    }
    assert {name: sorted(columns) for name, columns in sources.items()} == {
        n: sorted(c) for n, c in expected.items()
    }


def test_thresholds_of_the_address_rollup_are_those_of_the_seed() -> None:
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    with (DBT_PROJECT / "seeds/technology/speed_tier.csv").open(encoding="utf-8", newline="") as stream:
        seeded = {
            row["speed_tier"]: (float(row["min_download_mbps"]), float(row["min_upload_mbps"] or 0))
            for row in csv.DictReader(stream)
        }
    assert {
        tier["speed_tier"]: (tier["min_download_mbps"], tier["min_upload_mbps"])
        for tier in project["vars"]["speed_tiers"]
    } == seeded


def test_no_station_reaches_further_than_the_squares_about_a_settlement() -> None:
    """Squares of a quarter of a degree are narrowest in the north, where a degree has 111.3 km times the cosine."""
    with (DBT_PROJECT / "seeds/evidence/evidence_rule.csv").open(encoding="utf-8", newline="") as stream:
        reaches = [
            float(row["station_reach_km"]) for row in csv.DictReader(stream) if row["station_reach_km"]
        ]
    assert len(reaches) == 4
    assert max(reaches) <= 0.25 * 111.3 * math.cos(math.radians(COUNTRY[3]))


def test_models_name_metrics_that_rest_on_them(
    manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    """A name that no metric has, or whose metric does not read the model, would leave its tests accusing nobody."""
    with (DBT_PROJECT / "seeds/coverage/metric.csv").open(encoding="utf-8", newline="") as stream:
        sources = {row["metric_id"]: row["source_table"].split(",") for row in csv.DictReader(stream)}
    named = {name: model["config"]["meta"].get("metrics") for name, model in models.items()}
    wrong = []
    for name, metrics in named.items():
        for metric in metrics or []:
            waiting, above = [models[table]["unique_id"] for table in sources.get(metric, [])], set()
            while waiting:
                node = waiting.pop()
                if node not in above:
                    above.add(node)
                    waiting += manifest["parent_map"].get(node, [])
            if models[name]["unique_id"] not in above:
                wrong.append(f"{name}: {metric}")
    assert sum(bool(metrics) for metrics in named.values()) >= 13
    assert wrong == []


def test_counts_of_villages_read_no_census(models: dict[str, dict[str, Any]]) -> None:
    by_id = {model["unique_id"]: model for model in models.values()}
    above: set[str] = set()
    waiting = ["int_village_coverage"]
    while waiting:
        for parent in models[waiting.pop()]["depends_on"]["nodes"]:
            if parent not in above:
                above.add(parent)
                waiting += [by_id[parent]["name"]] if parent in by_id else []
    assert not {node for node in above if node.endswith((".population", ".households"))}
    assert "source.qamtu.lake.operator_availability" in above


def test_layers_point_one_way(models: dict[str, dict[str, Any]]) -> None:
    order = {"staging": 0, "intermediate": 1, "marts": 2}
    by_id = {model["unique_id"]: model for model in models.values()}
    wrong = []
    for name, model in models.items():
        for parent in model["depends_on"]["nodes"]:
            if parent in by_id and order[by_id[parent]["schema"]] > order[model["schema"]]:
                wrong.append(f"{name} reads {by_id[parent]['name']}")
            if parent.startswith("source.") and model["schema"] != "staging":
                wrong.append(f"{name} reads the lake past staging")
    # Marts may be read by intermediate models only where they are shared dimensions.
    assert [w for w in wrong if " reads dim_" not in w] == []


def test_what_contracts_keep_internal_is_internal_in_marts_or_an_aggregate_that_says_why_not(
    built: Path, manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    def declared(model: str, column: str, key: str) -> Any:
        return models[model]["columns"][column]["config"].get("meta", {}).get(key)

    internal = {
        (kind, column.name)
        for kind, contract in load_contracts().items()
        for column in contract.columns
        if column.access != "open"
    }
    excused = {
        (name, column)
        for name, node in models.items()
        for column in node["columns"]
        if declared(name, column, "open_because")
    }
    origins = lake_columns(manifest, built / "compiled")
    assert {name for name in excused if not origins[name[0]][name[1]] & internal} == set(), (
        "nothing to excuse"
    )
    assert ("operator_sites", "site_id") in origins["fct_urban_5g"]["stations_5g"], "the lineage is read"
    origins = lake_columns(manifest, built / "compiled", closed=excused)
    open_and_internal = {
        f"{name}.{column}": sorted(found)
        for name, node in models.items()
        if node["schema"] == "marts"
        for column, sources in origins[name].items()
        if (found := sources & internal) and declared(name, column, "access") != "internal"
    }
    assert open_and_internal == {}
