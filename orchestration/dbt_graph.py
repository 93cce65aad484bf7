"""The dbt project as Dagster assets and checks.

Belongs here: how a dbt node is shown, which sender's assets a source stands for, and turning dbt's results into
Dagster's. Does not belong here: running dbt (`dbt_engine`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.asset_utils import DAGSTER_DBT_UNIQUE_ID_METADATA_KEY as UNIQUE_ID

from orchestration import progress
from orchestration.dbt_engine import DbtOutcome, NodeResult, selector
from orchestration.instance import BUILD_POOL
from orchestration.owners import as_owner
from orchestration.periods import in_words
from orchestration.resources import DbtEngine, HomeResource
from orchestration.retries import POLICY, only_passing_failures_retried
from warehouse.candidate import META_SOURCES
from warehouse.parts import kind_of

SOURCE_NAME = "lake"


class Translator(DagsterDbtTranslator):
    """Shows a dbt node by layer, with its owner and description from the project, and senders as its sources."""

    def __init__(self, sender_keys: Mapping[str, Sequence[dg.AssetKey]], deliveries: dg.AssetKey) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_metadata=False))
        self._sender_keys = sender_keys
        self._deliveries = deliveries

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The asset of one node."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec
        meta = {**(node.get("meta") or {}), **(node.get("config", {}).get("meta") or {})}
        owner = as_owner(str(meta.get("owner") or "data-engineering"))
        return spec.replace_attributes(
            deps=self._deps(spec),
            group_name=layer(node),
            description=node.get("description") or f"{node['resource_type']} {node['name']}, not described.",
            owners=[owner] if owner else [],
            kinds={"dbt", "duckdb", node["config"]["materialized"]},
        ).merge_attributes(
            metadata={
                "path": dg.MetadataValue.text(f"dbt_project/{node['original_file_path']}"),
                **({"metrics": sorted(meta["figures"])} if meta.get("figures") else {}),
            }
        )

    def _deps(self, spec: dg.AssetSpec) -> list[dg.AssetDep]:
        """Parents of a node, with senders' assets in the place of lake sources."""
        found: dict[dg.AssetKey, dg.AssetDep] = {}
        for dep in spec.deps:
            is_source = len(dep.asset_key.path) == 2 and dep.asset_key.path[0] == SOURCE_NAME
            for key in self._stands_for(dep.asset_key.path[1]) if is_source else [dep.asset_key]:
                found[key] = dg.AssetDep(key)
        return list(found.values())

    def _stands_for(self, source: str) -> Sequence[dg.AssetKey]:
        return [self._deliveries] if source in META_SOURCES else self._sender_keys.get(kind_of(source), [])

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """The check of one data test.

        It never blocks the run: a failed test withholds the metrics that need it, and no others, which the gate
        decides from the evidence.
        """
        test = manifest["nodes"][unique_id]
        if checked_node(manifest, unique_id) != asset_spec.metadata[UNIQUE_ID]:
            return None
        return dg.AssetCheckSpec(
            name=test["name"],
            asset=asset_spec.key,
            description=test_description(test),
            metadata={UNIQUE_ID: unique_id},
            blocking=False,
        )


def layer(node: Mapping[str, Any]) -> str:
    """The layer a node belongs to: staging, intermediate, marts or seeds."""
    return "seeds" if node["resource_type"] == "seed" else str(node["fqn"][1])


def checked_node(manifest: Mapping[str, Any], test_id: str) -> str | None:
    """The one node a test is shown at: what it is attached to, else the last of the nodes it reads, by name.

    Every test is shown exactly once, also a singular test that reads several tables.
    """
    test = manifest["nodes"][test_id]
    if test.get("attached_node"):
        return str(test["attached_node"])
    nodes = [parent for parent in test["depends_on"]["nodes"] if parent in manifest["nodes"]]
    return max(nodes, key=lambda parent: (layer_rank(manifest["nodes"][parent]), parent), default=None)


def layer_rank(node: Mapping[str, Any]) -> int:
    """Layers in the order data flows through them."""
    order = ("seeds", "staging", "intermediate", "marts")
    return order.index(layer(node)) if layer(node) in order else -1


def test_description(test: Mapping[str, Any]) -> str:
    """What a test is for: its own words, else its kind and arguments."""
    meta = {**(test.get("meta") or {}), **(test.get("config", {}).get("meta") or {})}
    described = test.get("description") or meta.get("description")
    if described:
        return " ".join(str(described).split())
    kind = (test.get("test_metadata") or {}).get("name")
    if not kind:
        return str(test["name"]).replace("_", " ")
    arguments = {
        k: v for k, v in test["test_metadata"].get("kwargs", {}).items() if k not in ("model", "column_name")
    }
    subject = f"column {test['column_name']}" if test.get("column_name") else "rows"
    detail = ", ".join(f"{name} = {_plain(value)}" for name, value in sorted(arguments.items()))
    return f"{subject}: {kind.replace('_', ' ')}" + (f" ({detail})" if detail else "")


def _plain(value: object, longest: int = 120) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def data_tests(manifest: Mapping[str, Any]) -> list[str]:
    """Unique ids of the project's enabled data tests."""
    return sorted(key for key, node in manifest["nodes"].items() if node["resource_type"] == "test")


def build_dbt_assets(
    manifest_path: Path, sender_keys: Mapping[str, Sequence[dg.AssetKey]], deliveries: dg.AssetKey
) -> dg.AssetsDefinition:
    """Every model and seed as an asset, every data test as a check of one of them."""
    manifest: dict[str, Any] = json.loads(manifest_path.read_bytes())

    @dbt_assets(
        name="dbt",
        manifest=manifest,
        dagster_dbt_translator=Translator(sender_keys, deliveries),
        pool=BUILD_POOL,
        retry_policy=POLICY,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def build(
        context: dg.AssetExecutionContext, home: HomeResource, dbt: DbtEngine
    ) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        # In a run of a part, the context knows that part alone; `build` is the definition as a whole.
        selected = selection(build, manifest, context.selected_asset_keys, context.selected_asset_check_keys)
        with progress.current().stage("dbt"), only_passing_failures_retried():
            outcome = dbt.build(home.home, *selected, on_line=progress.current().note)
        _log_what_went_wrong(context, outcome)
        yield from _outputs(context, manifest, outcome)
        yield from _check_results(context, outcome)
        if outcome.not_built:
            raise dg.Failure(description=failure_text(outcome.not_built), allow_retries=False)

    return build


def _log_what_went_wrong(context: dg.AssetExecutionContext, outcome: DbtOutcome) -> None:
    """One line for each model not built and each test not passed; all that went well is in the results."""
    for result in (*outcome.not_built, *(test for test in outcome.tests if test.status != "pass")):
        name = result.unique_id.split(".")[2]
        context.log.warning(f"{name}: {result.status}. {short_message(result.message)}")
    failed = sum(test.status != "pass" for test in outcome.tests)
    parts = f" ({in_words(outcome.parts)})" if outcome.parts else ""
    text = (
        f"{len(outcome.models)} models and seeds built{parts}, {len(outcome.not_built)} of them not, "
        f"{len(outcome.kept)} stand as they were; "
        f"{len(outcome.tests)} tests, {failed} not passed, {len(outcome.proved)} proved before"
    )
    context.log.info(f"dbt: {text}")
    progress.current().line(f"dbt      {text}")


def selection(
    definition: dg.AssetsDefinition,
    manifest: Mapping[str, Any],
    keys: AbstractSet[dg.AssetKey],
    checks: AbstractSet[dg.AssetCheckKey],
) -> tuple[list[str] | None, list[str] | None]:
    """What to build and what to test: None for everything, else dbt selections."""
    if keys == definition.keys and checks == definition.check_keys:
        return None, None
    nodes = manifest["nodes"]
    models = [selector(nodes[definition.specs_by_key[key].metadata[UNIQUE_ID]]) for key in sorted(keys)]
    tests = [selector(nodes[_test_id(definition, key)]) for key in sorted(checks)]
    return models, tests


def _test_id(definition: dg.AssetsDefinition, key: dg.AssetCheckKey) -> str:
    return str(definition.get_spec_for_check_key(key).metadata[UNIQUE_ID])


def _outputs(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], outcome: DbtOutcome
) -> Iterator[dg.Output[None]]:
    definition = context.assets_def
    key_by_id = {definition.specs_by_key[key].metadata[UNIQUE_ID]: key for key in context.selected_asset_keys}
    built = {
        result.unique_id: {"seconds": round(result.seconds, 3)} for result in outcome.models if result.built
    }
    kept: dict[str, dict[str, Any]] = {unique_id: {"stands_as_it_was": True} for unique_id in outcome.kept}
    told_of = {**kept, **built}
    parents = {
        key: node["depends_on"].get("nodes", ()) for key, node in manifest["nodes"].items() if key in told_of
    }
    for unique_id in TopologicalSorter(parents).static_order():
        key, told = key_by_id.get(unique_id), told_of.get(unique_id)
        if key is None or told is None:
            continue
        node = manifest["nodes"][unique_id]
        rows = outcome.row_counts.get(f"{node['schema']}.{node['alias']}")
        metadata: dict[str, Any] = dict(told)
        if rows is not None:
            metadata["dagster/row_count"] = rows
        yield dg.Output(None, output_name=key.to_python_identifier(), metadata=metadata)


def _check_results(context: dg.AssetExecutionContext, outcome: DbtOutcome) -> Iterator[dg.AssetCheckResult]:
    definition = context.assets_def
    key_by_id = {_test_id(definition, key): key for key in context.selected_asset_check_keys}
    for result in outcome.tests:
        key = key_by_id.get(result.unique_id)
        if key is not None:
            yield check_result(key, result)
    # Dagster shows a planned check without a result as skipped, which would read as a check that nobody made.
    for unique_id, evidence in sorted(outcome.proved.items()):
        key = key_by_id.get(unique_id)
        if key is not None:
            told = NodeResult(unique_id, evidence.status, 0.0, evidence.failing_count, evidence.observed)
            yield check_result(key, told, proved_before=True)


def check_result(
    key: dg.AssetCheckKey, result: NodeResult, proved_before: bool = False
) -> dg.AssetCheckResult:
    """Dagster's result of one data test; a test that could not be carried out has not passed."""
    metadata: dict[str, Any] = {"status": result.status, "seconds": round(result.seconds, 3)}
    if proved_before:
        metadata["proved_before"] = True
    if result.failures is not None:
        metadata["failing_rows"] = result.failures
    if result.message:
        metadata["message"] = result.message
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.status == "pass",
        severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata=metadata,
    )


def short_message(message: str) -> str:
    """dbt's message without its trail of macros, on one line."""
    return _plain(message.split("> in macro")[0], longest=300)


def failure_text(not_built: Sequence[NodeResult]) -> str:
    """What failed, and what could not be built because of it."""
    failed = [result for result in not_built if result.status == "error"]
    skipped = len(not_built) - len(failed)
    lines = [f"{result.unique_id.rsplit('.', 1)[-1]}: {short_message(result.message)}" for result in failed]
    tail = f" {skipped} model(s) that need them were not built." if skipped else ""
    return f"dbt could not build {len(failed)} model(s): " + "; ".join(lines) + "." + tail
