"""dbt, run inside this process: parsed at most once, models first, then tests, and only what is not yet known.

Belongs here: dbt's arguments, the manifest, running dbt, and keeping the build file free of stale tables. Does not
belong here: Dagster (`dbt_assets` turns what is returned here into assets and checks), or judging results.

Models and tests run as two commands on one parsed manifest: inside one `dbt build` a failed test would skip every
model downstream, and with it figures that do not need that test. Which figures a failed test withholds is the
gate's decision.

Tables are made by DuckDB, in the build file. `Build.make` is the one step that another engine takes over
(`spark_engine`); what is due, what stands, tests and fingerprints are the same code for all.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from expectations.audit import record_dbt_results
from expectations.ledger import Evidence
from orchestration import reuse
from orchestration.code_version import tree_hash
from orchestration.periods import Due
from warehouse import lake
from warehouse.build_file import see_lake
from warehouse.candidate import Node, parse_manifest
from warehouse.files import replace_file
from warehouse.fingerprint import CandidateFingerprint, fingerprint_candidate
from warehouse.paths import PROJECT_DIR, Home

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = PROJECT_DIR / "dbt_project"

_STAMP = "manifest.stamp"
# What DuckDB says of a file whose bytes are not those it wrote.
_DAMAGED = ("not a valid duckdb database", "corrupt", "checksum", "deserialize", "replaying wal")
_parsed: dict[Path, tuple[str, Manifest]] = {}
_loading = threading.Lock()


class DbtError(Exception):
    """dbt could not start, parse or finish; the message is dbt's own, with the place of its log."""


class EngineGoneError(DbtError):
    """What makes the tables did not answer, or went away in the middle of a build; the message says what is kept."""


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
    """Results of one build: models and seeds, then tests; rows of each table in the build file.

    `kept` are models and seeds that stand as they were, because neither their code nor anything they are made of
    changed; `proved` are tests whose outcome on exactly this content is on record. `parts` says of models that were
    built in part, by name, which periods.
    """

    models: list[NodeResult] = field(default_factory=list)
    tests: list[NodeResult] = field(default_factory=list)
    row_counts: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    proved: dict[str, Evidence] = field(default_factory=dict)
    parts: dict[str, Due] = field(default_factory=dict)

    @property
    def not_built(self) -> list[NodeResult]:
        """Models and seeds that failed, or were skipped because something before them failed."""
        return [result for result in self.models if not result.built]


# --- Arguments ----------------------------------------------------------------------------------------------------


def build_arguments(selection: Collection[str] | None = None) -> list[str]:
    """dbt's arguments that build models and seeds: all of them, or only those selected."""
    arguments = ["build", "--resource-type", "model", "--resource-type", "seed"]
    return arguments + _selection_arguments(selection)


def due_arguments(parts: Mapping[str, Due]) -> list[str]:
    """dbt's arguments that say of tables kept by period what of each is due; of the others everything is."""
    told = {name: part.as_variable() for name, part in parts.items()}
    return ["--vars", json.dumps({"due_periods": told}, sort_keys=True)] if told else []


def data_test_arguments(selection: Collection[str] | None = None) -> list[str]:
    """dbt's arguments that run data tests. Unit tests prove code, not data: they belong to `make test`."""
    return ["test", "--exclude-resource-type", "unit_test", *_selection_arguments(selection)]


def _selection_arguments(selection: Collection[str] | None) -> list[str]:
    return [] if selection is None else ["--select", *sorted(selection)]


def selector(node: Mapping[str, Any]) -> str:
    """The selection that names exactly this node of the manifest."""
    return "fqn:" + ".".join(node["fqn"])


def place_arguments(home: Home, target_path: Path | None = None) -> list[str]:
    """dbt's arguments that say where the project lies and where it writes; the same for every command."""
    return [
        "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str(target_path or home.dbt_target), "--log-path", str(home.build / "logs"),
    ]  # fmt: skip


def environment(home: Home) -> dict[str, str]:
    """Environment variables that the project's profile and sources read."""
    return {"QAMTU_LAKE": str(home.lake), "QAMTU_BUILD_FILE": str(home.build_file)}


# --- The manifest -------------------------------------------------------------------------------------------------


def ensure_manifest(home: Home) -> Path:
    """Path of the manifest of the project as it now is; dbt parses only when a source of the project changed."""
    path = home.dbt_target / "manifest.json"
    stamp = _project_stamp(home)
    kept = _stamp_of(home)
    if kept != stamp or _mark_of(path) != _marked(home):
        # Seeds keep the path of the checkout they were parsed in, which dbt's own cache would carry over.
        moved = kept.split(" ")[1:] != stamp.split(" ")[1:]
        manifest = _invoke(home, ["parse", *(["--no-partial-parse"] if moved else [])])
        _parsed[home.dbt_target] = (stamp, manifest)
        replace_file(home.dbt_target / _STAMP, f"{stamp}\n{_mark_of(path)}".encode())
    return path


def parse_strictly(home: Home) -> int:
    """Parse with every warning an error; returns the number of nodes. Errors: DbtError with dbt's words."""
    manifest = _invoke(home, ["--warn-error", "parse", "--no-partial-parse"])
    return len(manifest.nodes)


def _project_stamp(home: Home) -> str:
    places = json.dumps([str(PROJECT), environment(home)], sort_keys=True)
    return f"{tree_hash([PROJECT])} {_dbt_version()} {places}"


def settings() -> str:
    """What applies to every node and stands in none: dbt's version, and the project's settings and variables."""
    return f"{_dbt_version()} {hashlib.sha256((PROJECT / 'dbt_project.yml').read_bytes()).hexdigest()}"


def _dbt_version() -> str:
    return f"dbt-{version('dbt-core')}-{version('dbt-duckdb')}"


def _stamp_of(home: Home) -> str:
    """What the manifest was parsed from."""
    path = home.dbt_target / _STAMP
    return path.read_text().partition("\n")[0] if path.exists() else ""


def _marked(home: Home) -> str:
    """What the manifest was like when it was parsed: one that somebody touched since is parsed again."""
    path = home.dbt_target / _STAMP
    return path.read_text().partition("\n")[2] if path.exists() else ""


def _mark_of(manifest: Path) -> str:
    if not manifest.exists():
        return "absent"
    status = manifest.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def load(home: Home) -> Manifest:
    """The manifest as dbt holds it: parsed by this process, else read back once from dbt's own cache."""
    with _loading:
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

    `models` and `tests` are selections (None: whatever changed, or has no outcome on record; empty: none). `on_line`
    is told each node as it ends. A model that fails keeps its dependants from being built; neither is left in the
    build file with older content. No delivery is taken into the lake meanwhile. Errors: DbtError when dbt could not
    do its work at all, for instance because another process holds the build file.
    """
    home.build.mkdir(parents=True, exist_ok=True)
    with lake.held(home):
        _remove_unreadable(home)
        return Build(home, on_line).run(models, tests)


def _remove_unreadable(home: Home) -> None:
    """Remove a build file that is no database any more: everything in it can be built again."""
    try:
        if home.build_file.exists():
            duckdb.connect(str(home.build_file), read_only=True).close()
    except duckdb.Error as error:
        # A file in use, or one that may not be read, is sound for all we know.
        if not any(text in str(error).lower() for text in _DAMAGED):
            raise
        for path in (home.build_file, home.build_file.with_name(home.build_file.name + ".wal")):
            path.unlink(missing_ok=True)


class Build:
    """One call of `build`: the project and the lake as they are while it lasts, and what has come of it."""

    def __init__(self, home: Home, on_line: Callable[[str], None] | None) -> None:
        self.home, self.on_line = home, on_line
        self.document = _read_json(home.dbt_target / "manifest.json")
        self.project = parse_manifest(self.document)
        self.keys = reuse.node_keys(home, self.project, self.settings())
        self.standing = reuse.remembered(home)
        self.outcome = DbtOutcome()
        self.results: list[dict[str, Any]] = []

    def settings(self) -> str:
        """What the tables are made with, besides the code of each."""
        return settings()

    def run(self, models: Collection[str] | None, tests: Collection[str] | None) -> DbtOutcome:
        """Build and test the selections, as `build` says."""
        due = {uid for uid, key in self.keys.items() if self.standing.get(uid) != key}
        self._build_models(due if models is None else self._named(models))
        fingerprints = self._fingerprints()
        proved_models, proved_tests = reuse.proofs(self.home, self.project, fingerprints)
        built = {result.unique_id for result in self.outcome.models}
        if models is None and (again := set(self.keys) - set(proved_models) - built):
            # What stands must be proved: the proof may be lost though the table is there. Nothing is built upon it.
            for unique_id in again:
                self.standing.pop(unique_id, None)
            self._build_models(again)
            fingerprints = self._fingerprints()
            _, proved_tests = reuse.proofs(self.home, self.project, fingerprints)
        wanted = set(self.project.tests) - set(proved_tests) if tests is None else self._named(tests)
        self._run_tests(wanted)
        if models is None:
            self.outcome.kept = sorted(set(self.keys) - {result.unique_id for result in self.outcome.models})
        if tests is None:
            self.outcome.proved = proved_tests
        self.outcome.row_counts = _row_counts(self.home)
        if self.results:
            merged = merge_run_results(self.results) | {"candidate": fingerprints.candidate}
            replace_file(self.home.dbt_target / "run_results.json", json.dumps(merged).encode())
            self._record(fingerprints)
        reuse.remember(self.home, reuse.sound(self.project, self.keys, self.standing, fingerprints))
        return self.outcome

    def _named(self, selection: Collection[str]) -> set[str]:
        return {uid for uid, node in self.document["nodes"].items() if selector(node) in selection}

    def selection(self, unique_ids: Collection[str], everything: Collection[str]) -> list[str] | None:
        """dbt's selection of nodes; None where they are all there are."""
        if set(unique_ids) == set(everything):
            return None
        return [selector(self.document["nodes"][unique_id]) for unique_id in unique_ids]

    def _build_models(self, unique_ids: Collection[str]) -> None:
        if unique_ids:
            reuse.forget(self.home)
            built = self.make(unique_ids)
            for unique_id in unique_ids:
                self.standing.pop(unique_id, None)
            self.standing |= {
                result.unique_id: self.keys[result.unique_id] for result in built if result.built
            }
            self.outcome.models += built
        prune(self.home, self.document, [result.unique_id for result in self.outcome.not_built])

    def make(self, unique_ids: Collection[str]) -> list[NodeResult]:
        """Make these models and seeds in the build file, each after what it reads."""
        anew = reuse.begin_anew(self.project, self.keys, self.standing).intersection(unique_ids)
        # dbt would fill a seed's table as it is, with the column types it had.
        seeds = {uid for uid in unique_ids if self.project.relations[uid].resource_type == "seed"}
        drop_tables(self.home, [self.project.relations[uid] for uid in seeds | anew])
        parts = reuse.due_periods(self.project, self.keys, self.standing, unique_ids)
        built = self.call(build_arguments(self.selection(unique_ids, self.keys)) + due_arguments(parts))
        self.outcome.parts |= parts
        return built

    def _run_tests(self, unique_ids: Collection[str]) -> None:
        if unique_ids:
            self.outcome.tests += self.call(
                data_test_arguments(self.selection(unique_ids, self.project.tests))
            )

    def call(self, arguments: Sequence[str]) -> list[NodeResult]:
        """Run one dbt command on the build file, and keep its results for the audit."""
        # Writing the manifest anew would cost seconds, and what it adds nobody reads.
        result = _invoke(self.home, [*arguments, "--no-write-json"], load(self.home), self.on_line)
        with tempfile.NamedTemporaryFile(dir=self.home.build) as file:
            result.write(file.name)
            self.results.append(_read_json(Path(file.name)))
        return node_results(self.results[-1])

    def _record(self, fingerprints: CandidateFingerprint) -> None:
        """Put the results on record at once, so that what was built is proved for any run that comes next."""
        with duckdb.connect(str(self.home.build_file), read_only=True) as connection:
            see_lake(connection, self.home)
            record_dbt_results(self.home, self.project, fingerprints, connection)

    def _fingerprints(self) -> CandidateFingerprint:
        if not self.home.build_file.exists():
            with duckdb.connect(str(self.home.build_file)):
                pass
        with duckdb.connect(str(self.home.build_file), read_only=True) as connection:
            return fingerprint_candidate(self.home, self.project, connection)


def merge_run_results(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One `run_results.json` from those of several commands: the last one's metadata, everyone's results."""
    return {**documents[-1], "results": [result for document in documents for result in document["results"]]}


def drop_tables(home: Home, nodes: Iterable[Node]) -> None:
    """Remove tables of the build file."""
    if not home.build_file.exists():
        return
    with duckdb.connect(str(home.build_file)) as connection:
        for node in nodes:
            connection.execute(f'drop table if exists "{node.schema}"."{node.alias}"')


def prune(home: Home, manifest: Mapping[str, Any], not_built: Collection[str]) -> list[str]:
    """Drop what no longer stands for the project: nodes that were not built, and relations nobody defines.

    Tests, the audit and the release would otherwise take old content for new. Returns the relations dropped.
    """
    if not home.build_file.exists():
        return []
    defined = {
        (node["schema"], node["alias"]): unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        standing = connection.execute(
            "select schema_name, table_name, 'table' from duckdb_tables() "
            "union all select schema_name, view_name, 'view' from duckdb_views() where not internal order by all"
        ).fetchall()
    fallen = [
        (schema, name, kind)
        for schema, name, kind in standing
        if defined.get((schema, name)) is None or defined[(schema, name)] in not_built
    ]
    if fallen:
        with duckdb.connect(str(home.build_file)) as connection:
            for schema, name, kind in fallen:
                connection.execute(f'drop {kind} "{schema}"."{name}"')
    return [f"{schema}.{name}" for schema, name, _ in fallen]


def _row_counts(home: Home) -> dict[str, int]:
    """Rows of every table of the build by `schema.name`."""
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        # DuckDB's own statistics would count rows that were deleted.
        counts = " union all ".join(
            f'select \'{schema}.{name}\', count(*) from "{schema}"."{name}"' for schema, name in tables
        )
        rows = connection.execute(counts).fetchall() if tables else []
    return {name: int(count) for name, count in rows}


def node_results(document: Mapping[str, Any]) -> list[NodeResult]:
    """What a `run_results.json` says of models, seeds and data tests."""
    return [
        NodeResult(
            unique_id=result["unique_id"],
            status=str(result["status"]),
            seconds=float(result["execution_time"] or 0.0),
            failures=result["failures"],
            message=result["message"] or "",
        )
        for result in document["results"]
        if result["unique_id"].split(".")[0] in ("model", "seed", "test")
    ]


def _invoke(
    home: Home,
    arguments: Sequence[str],
    manifest: Manifest | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Any:
    """Run one dbt command on the build file. A node that fails is a result, not an error."""
    with _set(environment(home)):
        try:
            return call_dbt([*arguments, *place_arguments(home)], home.build / "logs", manifest, on_line)
        finally:
            _release_build_file()


def call_dbt(
    arguments: Sequence[str],
    logs: Path,
    manifest: Manifest | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Any:
    """dbt's result of one command, run in this process. Errors: DbtError when it could not do its work at all."""
    from dbt.cli.main import dbtRunner

    def on_event(event: Any) -> None:
        if on_line is not None and event.info.name in _TOLD_EVENTS:
            on_line(event.info.msg)

    runner = dbtRunner(manifest=manifest, callbacks=[on_event])
    answer = runner.invoke([*_QUIET, *arguments])
    if answer.exception is not None and not isinstance(answer.exception, Exception):
        # dbt's runner hands back even what asks the process to stop.
        raise answer.exception
    if answer.exception is not None or answer.result is None:
        raise DbtError(
            f"dbt {_command(arguments)} failed: {answer.exception} (log: {logs / 'dbt.log'})"
        ) from answer.exception
    return answer.result


def _command(arguments: Sequence[str]) -> str:
    return next(argument for argument in arguments if not argument.startswith("-"))


_QUIET = (
    "--log-level", "none", "--log-level-file", "info", "--no-use-colors", "--no-send-anonymous-usage-stats",
)  # fmt: skip
_TOLD_EVENTS = frozenset(
    {
        "LogModelResult", "LogSeedResult", "LogTestResult", "SkippingDetails",
        "RunningOperationCaughtError", "RunningOperationUncaughtError",
    }
)  # fmt: skip


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
