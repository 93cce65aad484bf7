"""How dbt is called, and what is made of its manifest and results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.dbt_engine import (
    NodeResult,
    build_arguments,
    data_test_arguments,
    environment,
    merge_run_results,
    place_arguments,
    prune,
    selector,
)
from orchestration.dbt_graph import (
    check_result,
    checked_node,
    data_tests,
    failure_text,
    layer,
    short_message,
)
from orchestration.dbt_graph import (
    test_description as described,
)
from warehouse.paths import Home

KEY = dg.AssetCheckKey(dg.AssetKey(["marts", "dim_region"]), "unique_dim_region_region_kato")


def model(name: str, folder: str = "marts") -> dict[str, Any]:
    return {
        "resource_type": "model", "name": name, "schema": folder, "alias": name, "fqn": ["qamtu", folder, name],
    }  # fmt: skip


def a_test(*parents: str, attached: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "test", "name": "t", "fqn": ["qamtu", "t"], "attached_node": attached,
        "depends_on": {"nodes": list(parents)}, **more,
    }  # fmt: skip


MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.qamtu.stg_a": model("stg_a", "staging"),
        "model.qamtu.dim_b": model("dim_b"),
        "model.qamtu.fct_c": model("fct_c"),
        "seed.qamtu.s": {
            "resource_type": "seed",
            "name": "s",
            "schema": "seeds",
            "alias": "s",
            "fqn": ["qamtu", "s"],
        },
        "test.qamtu.generic": a_test("model.qamtu.stg_a", "model.qamtu.dim_b", attached="model.qamtu.dim_b"),
        "test.qamtu.singular": a_test("model.qamtu.stg_a", "model.qamtu.dim_b", "model.qamtu.fct_c"),
        "test.qamtu.of_source": a_test("source.qamtu.lake.extract"),
    }
}


def test_everything_is_built_without_tests_in_between() -> None:
    assert build_arguments() == ["build", "--resource-type", "model", "--resource-type", "seed"]


def test_unit_tests_never_run_in_production() -> None:
    assert data_test_arguments() == ["test", "--exclude-resource-type", "unit_test"]


def test_a_selection_is_named_exactly_and_in_order() -> None:
    chosen = {
        selector(MANIFEST["nodes"]["model.qamtu.fct_c"]),
        selector(MANIFEST["nodes"]["model.qamtu.dim_b"]),
    }
    assert build_arguments(chosen)[-3:] == ["--select", "fqn:qamtu.marts.dim_b", "fqn:qamtu.marts.fct_c"]
    assert data_test_arguments(chosen)[-3:] == ["--select", "fqn:qamtu.marts.dim_b", "fqn:qamtu.marts.fct_c"]


def test_dbt_writes_into_the_home_alone(home: Home) -> None:
    arguments = place_arguments(home)
    assert arguments[arguments.index("--target-path") + 1] == str(home.dbt_target)
    assert arguments[arguments.index("--log-path") + 1].startswith(str(home.root))
    assert environment(home) == {"QAMTU_LAKE": str(home.lake), "QAMTU_BUILD_FILE": str(home.build_file)}


def test_results_of_two_commands_become_one() -> None:
    merged = merge_run_results(
        [
            {"metadata": {"invocation_id": "1"}, "results": [{"unique_id": "a"}]},
            {"metadata": {"invocation_id": "2"}, "results": [{"unique_id": "b"}]},
        ]
    )
    assert merged == {"metadata": {"invocation_id": "2"}, "results": [{"unique_id": "a"}, {"unique_id": "b"}]}


@pytest.fixture
def built(home: Home) -> Home:
    home.dbt_target.mkdir(parents=True)
    (home.dbt_target / "manifest.json").write_text(json.dumps(MANIFEST))
    with duckdb.connect(str(home.build_file)) as connection:
        connection.execute("create schema marts; create schema staging")
        connection.execute(
            "create table marts.dim_b as select 1 as a; create table marts.fct_c as select 1 as a"
        )
        connection.execute(
            "create table marts.left_behind as select 1 as a; create view staging.stg_a as select 1 as a"
        )
    return home


def relations(home: Home) -> set[str]:
    query = "select table_schema || '.' || table_name from information_schema.tables"
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        return {name for (name,) in connection.execute(query).fetchall()}


def test_what_was_not_built_does_not_stand_with_older_content(built: Home) -> None:
    assert prune(built, MANIFEST, not_built=["model.qamtu.fct_c", "model.qamtu.stg_a"]) == [
        "marts.fct_c", "marts.left_behind", "staging.stg_a",
    ]  # fmt: skip
    assert relations(built) == {"marts.dim_b"}


def test_tables_that_nobody_defines_are_dropped(built: Home) -> None:
    assert prune(built, MANIFEST, not_built=[]) == ["marts.left_behind"]
    assert relations(built) == {"marts.dim_b", "marts.fct_c", "staging.stg_a"}


def test_nothing_is_pruned_before_the_first_build(home: Home, tmp_path: Path) -> None:
    assert prune(home, MANIFEST, not_built=[]) == []


def test_nodes_lie_in_their_layers() -> None:
    assert {name: layer(node) for name, node in MANIFEST["nodes"].items() if "test" not in name} == {
        "model.qamtu.stg_a": "staging", "model.qamtu.dim_b": "marts", "model.qamtu.fct_c": "marts",
        "seed.qamtu.s": "seeds",
    }  # fmt: skip


def test_every_test_is_shown_at_one_node() -> None:
    assert data_tests(MANIFEST) == ["test.qamtu.generic", "test.qamtu.of_source", "test.qamtu.singular"]
    assert checked_node(MANIFEST, "test.qamtu.generic") == "model.qamtu.dim_b"
    assert checked_node(MANIFEST, "test.qamtu.singular") == "model.qamtu.fct_c"
    assert checked_node(MANIFEST, "test.qamtu.of_source") is None


def test_a_test_says_what_it_is_for() -> None:
    generic = a_test(
        column_name="kato",
        test_metadata={"name": "accepted_values", "kwargs": {"model": "m", "values": ["a", "b"]}},
    )
    assert described(generic) == 'column kato: accepted values (values = ["a", "b"])'
    assert described({**generic, "description": "Levels are\n these."}) == "Levels are these."
    assert (
        described({"name": "districts_sum_to_regions", "depends_on": {"nodes": []}})
        == "districts sum to regions"
    )


@pytest.mark.parametrize(
    ("status", "passed", "severity"),
    [
        ("pass", True, dg.AssetCheckSeverity.ERROR),
        ("fail", False, dg.AssetCheckSeverity.ERROR),
        ("warn", False, dg.AssetCheckSeverity.WARN),
        ("error", False, dg.AssetCheckSeverity.ERROR),
        ("skipped", False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_only_a_pass_has_passed(status: str, passed: bool, severity: dg.AssetCheckSeverity) -> None:
    result = check_result(KEY, NodeResult("test.x", status, 0.1, 3, "Got 3 results"))
    assert (result.passed, result.severity) == (passed, severity)
    assert result.metadata is not None
    assert result.metadata["failing_rows"].value == 3


def test_a_failed_build_names_the_model_and_counts_what_it_held_back() -> None:
    text = failure_text(
        [
            NodeResult(
                "model.qamtu.fct_a",
                "error",
                0,
                None,
                "Binder Error: no column x\n > in macro y\n > called by z",
            ),
            NodeResult("model.qamtu.fct_b", "skipped", 0, None, ""),
        ]
    )
    assert (
        text
        == "dbt could not build 1 model(s): fct_a: Binder Error: no column x. 1 model(s) that need them were not built."
    )


def test_a_long_message_is_cut() -> None:
    assert len(short_message("x" * 1000)) == 300
