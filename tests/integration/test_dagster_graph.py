"""The graph that a data engineer sees: complete, described, and true to layouts, manifest and suites."""

from __future__ import annotations

import json
from typing import Any

import dagster as dg
import pytest

from expectations.suite import load_suites
from ingestion.contract import load_contracts
from ingestion.layout import load_layouts
from orchestration.dbt_graph import data_tests
from orchestration.instance import BUILD_POOL
from warehouse.paths import Home

LAYERS = {"staging", "intermediate", "marts", "seeds"}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """What Dagster loads."""
    from orchestration.definitions import defs

    return defs


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    """All assets by the user's name of their key."""
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def checks(definitions: dg.Definitions) -> list[dg.AssetCheckSpec]:
    """All asset checks."""
    return [
        spec
        for asset in definitions.resolve_asset_graph().assets_defs
        for spec in getattr(asset, "check_specs", ())
    ]


@pytest.fixture(scope="module")
def manifest(definitions: dg.Definitions) -> dict[str, Any]:
    """dbt's manifest that the definitions were made from."""
    parsed: dict[str, Any] = json.loads((Home.from_environment().dbt_target / "manifest.json").read_bytes())
    return parsed


def test_everything_loads(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_extract_of_every_layout_is_an_asset_of_its_sender(specs: dict[str, dg.AssetSpec]) -> None:
    expected = {f"{layout.sender}/{layout.extract_kind}" for layout in load_layouts().values()}
    assert expected == {
        key
        for key, spec in specs.items()
        if spec.group_name not in {*LAYERS, "lake", "publication", "filings"}
    }
    assert all(specs[key].group_name == key.split("/")[0] for key in expected)


def test_every_model_and_seed_is_an_asset_of_its_layer(
    specs: dict[str, dg.AssetSpec], manifest: dict[str, Any]
) -> None:
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")]
    assert {f"{n['schema']}/{n['name']}": n["schema"] for n in nodes} == {
        key: spec.group_name for key, spec in specs.items() if spec.group_name in LAYERS
    }


def test_every_asset_is_described_and_owned(specs: dict[str, dg.AssetSpec]) -> None:
    assert [key for key, spec in specs.items() if len(spec.description or "") < 20] == []
    assert [key for key, spec in specs.items() if not spec.owners] == []
    assert [key for key, spec in specs.items() if len(spec.description or "") > 1000] == []


def test_every_asset_with_rows_shows_its_columns(specs: dict[str, dg.AssetSpec]) -> None:
    without = {"lake/deliveries", "audit", "release"} | {key for key in specs if key.startswith("filings/")}
    shown = {key for key, spec in specs.items() if spec.metadata.get("dagster/column_schema") is not None}
    missing = {k for k in set(specs) - shown - without if specs[k].group_name != "seeds"}
    assert missing == set()


def test_a_sender_shows_the_columns_of_its_contract(specs: dict[str, dg.AssetSpec]) -> None:
    schema = specs["sample_dala/operator_availability"].metadata["dagster/column_schema"]
    contract = load_contracts()["operator_availability"]
    assert [(c.name, c.type) for c in schema.columns] == [(c.name, c.physical_type) for c in contract.columns]
    level = next(column for column in schema.columns if column.name == "connection_level")
    assert level.constraints.nullable is False
    assert level.constraints.other == [">= 0", "<= 4"]


def test_checks_are_exactly_dbts_tests_and_the_suites_expectations(
    checks: list[dg.AssetCheckSpec], manifest: dict[str, Any]
) -> None:
    tests = data_tests(manifest)
    expectations = [f"{suite.suite}__{e.id}" for suite in load_suites() for e in suite.expectations]
    names = [check.name for check in checks]
    assert len(tests) > 100
    assert expectations
    assert len(names) == len({(c.asset_key, c.name) for c in checks}) == len(tests) + len(expectations)
    assert sorted(names) == sorted([manifest["nodes"][test]["name"] for test in tests] + expectations)


def test_every_check_is_at_an_asset_there_is_and_described(
    checks: list[dg.AssetCheckSpec], specs: dict[str, dg.AssetSpec]
) -> None:
    assert {check.asset_key.to_user_string() for check in checks} <= set(specs)
    assert [check.name for check in checks if not check.description] == []


def test_no_check_blocks_the_run_because_the_gate_decides(checks: list[dg.AssetCheckSpec]) -> None:
    assert [check.name for check in checks if check.blocking] == []


def test_sources_are_the_senders(specs: dict[str, dg.AssetSpec]) -> None:
    staging = {dep.asset_key.to_user_string() for dep in specs["staging/stg_operator_availability"].deps}
    filed = {
        f"{layout.sender}/operator_availability"
        for layout in load_layouts().values()
        if layout.extract_kind == "operator_availability"
    }
    assert filed <= staging
    every_dep = {dep.asset_key.to_user_string() for spec in specs.values() for dep in spec.deps}
    assert every_dep <= set(specs), "an arrow from nowhere"


def test_what_resolves_places_waits_for_the_classifier(specs: dict[str, dg.AssetSpec]) -> None:
    sample = {dep.asset_key.to_user_string() for dep in specs["sample_dala/operator_availability"].deps}
    assert {"sample_bureau/kato_classifier", "bureau/kato_classifier", "bureau/kato_changes"} <= sample
    real = {dep.asset_key.to_user_string() for dep in specs["bureau/population"].deps}
    assert "bureau/kato_classifier" in real
    assert not any(key.startswith("sample_") for key in real), "real extracts know nothing of the sample"


def test_filings_are_partitioned_by_quarter_and_backfilled_in_one_run(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    filing = dg.AssetKey(["sample_dala", "operator_availability"])
    assert isinstance(graph.get(filing).partitions_def, dg.TimeWindowPartitionsDefinition)
    assert graph.get(filing).backfill_policy == dg.BackfillPolicy.single_run()
    assert graph.get(dg.AssetKey(["sample_bureau", "kato_classifier"])).partitions_def is None


def test_extracts_and_the_release_have_a_freshness_policy(specs: dict[str, dg.AssetSpec]) -> None:
    wanted = {f"{layout.sender}/{layout.extract_kind}" for layout in load_layouts().values()} | {"release"}
    assert {key for key, spec in specs.items() if spec.freshness_policy is not None} == wanted


def test_whoever_opens_the_build_file_holds_its_pool_and_is_retried(definitions: dg.Definitions) -> None:
    ops = {
        asset.op.name: asset.op
        for asset in definitions.resolve_asset_graph().assets_defs
        if asset.is_executable
    }
    assert {name for name, op in ops.items() if op.pool == BUILD_POOL} == {"dbt", "audit", "release"}
    assert [name for name, op in ops.items() if op.retry_policy is None] == []


def test_there_is_a_sensor_a_schedule_and_both_jobs(definitions: dg.Definitions) -> None:
    assert definitions.resolve_schedule_def("daily_refresh").cron_schedule == "0 6 * * *"
    assert definitions.resolve_sensor_def("arriving_files").job_name == "refresh"
    assert definitions.resolve_sensor_def("release_what_stands").job_name == "publish"
    everything = set(definitions.resolve_asset_graph().executable_asset_keys)
    filings = {key for key in everything if key.path[0] == "filings"}
    assert (
        set(definitions.resolve_job_def("refresh").asset_layer.executable_asset_keys) == everything - filings
    )
    assert set(definitions.resolve_job_def("filings").asset_layer.executable_asset_keys) == filings
    assert definitions.resolve_sensor_def("rejected_filings").job_name == "filings"
    release = definitions.resolve_job_def("publish").asset_layer.executable_asset_keys
    assert {key.to_user_string() for key in release} == {"audit", "release"}
