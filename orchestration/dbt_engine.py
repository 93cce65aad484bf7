"""dbt, run inside this process: parsed at most once, models first, then tests.

Belongs here: dbt's arguments, the manifest, running dbt, and keeping the build file free of stale tables. Does not
belong here: Dagster (`dbt_assets` turns what is returned here into assets and checks), or judging results.

Models and tests run as two commands on one parsed manifest: inside one `dbt build` a failed test would skip every
model downstream, and with it figures that do not need that test. Which figures a failed test withholds is the
gate's decision.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.code_version import tree_hash
from warehouse.files import replace_file
from warehouse.paths import PROJECT_DIR, Home

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = PROJECT_DIR / "dbt_project"

_STAMP = "manifest.stamp"
_parsed: dict[Path, tuple[str, Manifest]] = {}


class DbtError(Exception):
    """dbt could not start, parse or finish; the message is dbt's own, with the place of its log."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt did with one node. `status`: success, error, skipped, pass, fail, warn; `failures` counts rows."""

    unique_id: str
    status: str
    seconds: float
    failures: int | None
    message: str

    @property
    def built(self) -> bool:
        """Whether a model or seed now stands in the build file as its code says."""
        return self.status == "success"


@dataclass
class DbtOutcome:
    """Results of one build: models and seeds, then tests; rows of each table that was built."""

    models: list[NodeResult] = field(default_factory=list)
    tests: list[NodeResult] = field(default_factory=list)
    row_counts: dict[str, int] = field(default_factory=dict)

    @property
    def not_built(self) -> list[NodeResult]:
        """Models and seeds that failed, or were skipped because something before them failed."""
        return [result for result in self.models if not result.built]


# --- Arguments ----------------------------------------------------------------------------------------------------


def build_arguments(selection: Collection[str] | None = None) -> list[str]:
    """dbt's arguments that build models and seeds: all of them, or only those selected."""
    arguments = ["build", "--resource-type", "model", "--resource-type", "seed"]
    return arguments + _selection_arguments(selection)


def data_test_arguments(selection: Collection[str] | None = None) -> list[str]:
    """dbt's arguments that run data tests. Unit tests prove code, not data: they belong to `make test`."""
    return ["test", "--exclude-resource-type", "unit_test", *_selection_arguments(selection)]


def _selection_arguments(selection: Collection[str] | None) -> list[str]:
    return [] if selection is None else ["--select", *sorted(selection)]


def selector(node: Mapping[str, Any]) -> str:
    """The selection that names exactly this node of the manifest."""
    return "fqn:" + ".".join(node["fqn"])


def place_arguments(home: Home) -> list[str]:
    """dbt's arguments that say where the project lies and where it writes; the same for every command."""
    return [
        "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str(home.dbt_target), "--log-path", str(home.build / "logs"),
    ]  # fmt: skip


def environment(home: Home) -> dict[str, str]:
    """Environment variables that the project's profile and sources read."""
    return {"QAMTU_LAKE": str(home.lake), "QAMTU_BUILD_FILE": str(home.build_file)}


# --- The manifest -------------------------------------------------------------------------------------------------


def ensure_manifest(home: Home) -> Path:
    """Path of the manifest of the project as it now is; dbt parses only when a source of the project changed."""
    path = home.dbt_target / "manifest.json"
    stamp = _project_stamp(home)
    if _stamp_of(home) != stamp or not path.exists():
        manifest = _invoke(home, ["parse"])
        _parsed[home.dbt_target] = (stamp, manifest)
        replace_file(home.dbt_target / _STAMP, stamp.encode())
    return path


def parse_strictly(home: Home) -> int:
    """Parse with every warning an error; returns the number of nodes. Errors: DbtError with dbt's words."""
    manifest = _invoke(home, ["--warn-error", "parse", "--no-partial-parse"])
    return len(manifest.nodes)


def _project_stamp(home: Home) -> str:
    import dbt.version

    places = json.dumps(environment(home), sort_keys=True)
    return f"{tree_hash([PROJECT])} dbt-{dbt.version.__version__} {places}"


def _stamp_of(home: Home) -> str:
    path = home.dbt_target / _STAMP
    return path.read_text() if path.exists() else ""


def _manifest(home: Home) -> Manifest:
    """The manifest as dbt holds it: parsed by this process, else read back once from dbt's own cache."""
    stamp = _stamp_of(home)
    kept, manifest = _parsed.get(home.dbt_target, ("", None))
    if manifest is None or not stamp or kept != stamp:
        manifest = _invoke(home, ["parse", "--no-write-json"])
        _parsed[home.dbt_target] = (stamp, manifest)
    return manifest


# --- Running ------------------------------------------------------------------------------------------------------


def build(
    home: Home,
    models: Collection[str] | None = None,
    tests: Collection[str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> DbtOutcome:
    """Build models and seeds into the build file, then run data tests on it.

    `models` and `tests` are selections (None: all; empty: none). `on_line` is told each node as it ends. A model
    that fails keeps its dependants from being built; neither is left in the build file with older content. Errors:
    DbtError when dbt could not do its work at all, for instance because another process holds the build file.
    """
    home.build.mkdir(parents=True, exist_ok=True)
    outcome = DbtOutcome()
    manifest = _manifest(home)
    results_file = home.dbt_target / "run_results.json"
    documents = []
    has_tests = tests is None or bool(tests)
    if models is None or models:
        _drop_seeds(home, models)
        # Writing the manifest takes seconds; only the last command, which has compiled everything, does.
        flags = ["--no-write-json"] if has_tests else []
        result = _invoke(home, build_arguments(models) + flags, manifest, on_line)
        outcome.models = _node_results(result)
        result.write(str(results_file))
        documents.append(_read_json(results_file))
        prune(home, keep_unknown=models is not None, not_built=[r.unique_id for r in outcome.not_built])
        outcome.row_counts = _row_counts(home)
    if has_tests:
        outcome.tests = _node_results(_invoke(home, data_test_arguments(tests), manifest, on_line))
        documents.append(_read_json(results_file))
    if documents:
        replace_file(results_file, json.dumps(merge_run_results(documents)).encode())
    return outcome


def merge_run_results(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One `run_results.json` from those of several commands: the last one's metadata, everyone's results."""
    return {**documents[-1], "results": [result for document in documents for result in document["results"]]}


def _drop_seeds(home: Home, selection: Collection[str] | None) -> None:
    """Drop seeds before they are loaded: dbt would fill the table there is, with the column types it had."""
    import duckdb

    if not home.build_file.exists():
        return
    nodes = _read_json(home.dbt_target / "manifest.json")["nodes"].values()
    with duckdb.connect(str(home.build_file)) as connection:
        for node in nodes:
            if node["resource_type"] == "seed" and (selection is None or selector(node) in selection):
                connection.execute(f'drop table if exists "{node["schema"]}"."{node["alias"]}"')


def prune(home: Home, keep_unknown: bool, not_built: Collection[str]) -> list[str]:
    """Drop what no longer stands for the project: nodes that were not built, and relations nobody defines.

    Tests, the audit and the release would otherwise take old content for new. Returns the relations dropped.
    """
    import duckdb

    if not home.build_file.exists():
        return []
    nodes = _read_json(home.dbt_target / "manifest.json")["nodes"]
    defined = {
        (node["schema"], node["alias"]): unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    dropped = []
    with duckdb.connect(str(home.build_file)) as connection:
        standing = connection.execute(
            "select schema_name, table_name, 'table' from duckdb_tables() "
            "union all select schema_name, view_name, 'view' from duckdb_views() where not internal order by all"
        ).fetchall()
        for schema, name, kind in standing:
            unique_id = defined.get((schema, name))
            if unique_id in not_built or (unique_id is None and not keep_unknown):
                connection.execute(f'drop {kind} "{schema}"."{name}"')
                dropped.append(f"{schema}.{name}")
    return dropped


def _row_counts(home: Home) -> dict[str, int]:
    """Rows of every table of the build by `schema.name`, from DuckDB's own statistics."""
    import duckdb

    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        rows = connection.execute(
            "select schema_name, table_name, estimated_size from duckdb_tables()"
        ).fetchall()
    return {f"{schema}.{name}": int(count) for schema, name, count in rows}


def _node_results(result: Any) -> list[NodeResult]:
    return [
        NodeResult(
            unique_id=node.node.unique_id,
            status=str(node.status),
            seconds=float(node.execution_time or 0.0),
            failures=node.failures,
            message=node.message or "",
        )
        for node in result.results
        if node.node.resource_type in ("model", "seed", "test")
    ]


def _invoke(
    home: Home,
    arguments: Sequence[str],
    manifest: Manifest | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Any:
    """Run one dbt command in this process. A node that fails is a result, not an error."""
    from dbt.cli.main import dbtRunner

    def on_event(event: Any) -> None:
        if on_line is not None and event.info.name in _NODE_EVENTS:
            on_line(event.info.msg)

    with _set(environment(home)):
        try:
            runner = dbtRunner(manifest=manifest, callbacks=[on_event])
            answer = runner.invoke([*_QUIET, *arguments, *place_arguments(home)])
        finally:
            _release_build_file()
    if answer.exception is not None and not isinstance(answer.exception, Exception):
        # dbt's runner hands back even what asks the process to stop.
        raise answer.exception
    if answer.exception is not None or answer.result is None:
        log = home.build / "logs" / "dbt.log"
        raise DbtError(
            f"dbt {_command(arguments)} failed: {answer.exception} (log: {log})"
        ) from answer.exception
    return answer.result


def _command(arguments: Sequence[str]) -> str:
    return next(argument for argument in arguments if not argument.startswith("-"))


_QUIET = (
    "--log-level", "none", "--log-level-file", "info", "--no-use-colors", "--no-send-anonymous-usage-stats",
)  # fmt: skip
_NODE_EVENTS = frozenset({"LogModelResult", "LogSeedResult", "LogTestResult", "SkippingDetails"})


def _release_build_file() -> None:
    """Close what dbt keeps open for the life of a process: the audit opens the same file, read-only."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager._ENV = None
    reset_adapters()


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_bytes()))
