"""Tables made by Apache Spark: the same models, the same lake, the same build file in the end.

Belongs here: what Spark has to make and what of its tables stands, starting it, and bringing what it made into the
build file. Does not belong here: tests, fingerprints, what is due (`dbt_engine`), or dbt's commands (`spark_process`).

Spark writes each seed and table as Parquet under `build/spark/tables`. They are then copied into the build's DuckDB
file, and views are made there by DuckDB: tests, audit, gate and release are the same code, on the same kind of file,
whatever made the tables. Decision 0015 says why.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
from pydantic import TypeAdapter

from orchestration.dbt_engine import (
    Build,
    DbtError,
    DbtOutcome,
    EngineGoneError,
    NodeResult,
    build_arguments,
    drop_tables,
    environment,
    node_results,
    place_arguments,
    selector,
)
from orchestration.environment import SPARK_HOST_VARIABLE
from orchestration.spark_process import GONE, Order
from warehouse import lake
from warehouse.candidate import Node
from warehouse.files import replace_file
from warehouse.paths import PROJECT_DIR, Home
from warehouse.sql import literal, quoted

_INSTALL = "`make setup-spark` installs it"


@dataclass(frozen=True)
class Standing:
    """A table that Spark made: the key it was made under (`reuse.Keys.made_of`), and dbt's result of it."""

    made_of: str
    result: dict[str, Any]


_MADE = TypeAdapter(dict[str, Standing])


def what_is_missing() -> str | None:
    """What this machine lacks to build on Spark, with the remedy; None when nothing."""
    client = "pyhive" if _is_remote() else "pyspark"
    for package in ("dbt.adapters.spark", client):
        if not _is_installed(package):
            return f"the engine spark needs the extra `spark` ({package} is not installed): {_INSTALL}"
    if not _is_remote() and not _java():
        return (
            "the engine spark needs Java 17 or later, and no `java` was found: install a runtime (Debian: "
            f"openjdk-17-jre-headless) or set JAVA_HOME; or name a Spark Thrift server with {SPARK_HOST_VARIABLE}"
        )
    return None


def build(
    home: Home,
    models: Collection[str] | None = None,
    tests: Collection[str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> DbtOutcome:
    """As `dbt_engine.build`, with tables made by Spark.

    Errors: EngineGoneError when Spark does not answer or goes away: nothing of the build file is then trusted, and the
    next build takes up what Spark had made; DbtError when something is not installed.
    """
    if missing := what_is_missing():
        raise DbtError(missing)
    home.build.mkdir(parents=True, exist_ok=True)
    with lake.held(home):
        return SparkBuild(home, on_line).run(models, tests)


class SparkBuild(Build):
    """A build whose seeds and tables Spark makes."""

    def settings(self) -> str:
        """What the tables are made with: those that DuckDB made are not taken for Spark's."""
        return f"{super().settings()} dbt-spark-{version('dbt-spark')}"

    def make(self, unique_ids: Collection[str]) -> list[NodeResult]:
        """Make these models and seeds in the build file: tables by way of Spark, views by DuckDB."""
        nodes = {uid: self.project.relations[uid] for uid in unique_ids}
        told = self._on_spark(unique_ids)
        drop_tables(self.home, [node for node in nodes.values() if node.materialized != "view"])
        _bring_over(self.home, [nodes[uid] for uid in told if told[uid]["status"] == "success"])
        self.results.append({"results": list(told.values())})
        views = [uid for uid, node in nodes.items() if node.materialized == "view" and uid not in told]
        return node_results(self.results[-1]) + (
            self.call(build_arguments(self.selection(views, self.keys))) if views else []
        )

    def _on_spark(self, unique_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """dbt's results of tables among the nodes, in order of name; of views only of those that Spark could not make.

        What Spark made of just this stands, and is not made again. Views are made as tables need them: a session
        forgets them.
        """
        relations = self.project.relations
        above = self.project.upstream_of(unique_ids) & self.keys.keys()
        tables = {uid for uid in above if relations[uid].materialized != "view"}
        stood = _remembered(self.home)
        standing = {
            uid: stood[uid]
            for uid in tables
            if uid in stood
            and stood[uid].made_of == self.keys[uid].made_of
            and _folder(self.home, relations[uid]).is_dir()
        }
        results: dict[str, dict[str, Any]] = {uid: entry.result for uid, entry in standing.items()}
        due = tables - standing.keys()
        if due:
            # From here on nothing says that they stand, whatever happens.
            stood = {uid: entry for uid, entry in stood.items() if uid not in due}
            _remember(self.home, stood)
            for uid in due:
                shutil.rmtree(_folder(self.home, relations[uid]), ignore_errors=True)
            code, error, made = self._run(above - standing.keys(), standing, due)
            results |= made
            stood |= {
                uid: Standing(self.keys[uid].made_of, made[uid])
                for uid in due
                if uid in made and made[uid]["status"] == "success"
            }
            _remember(self.home, stood)
            if code == GONE:
                raise EngineGoneError(
                    f"Spark{_endpoint()} does not answer: {error}. {len(standing.keys() | made.keys() & stood.keys())} "
                    f"of {len(tables)} tables are made and kept; run again when it is back (log: {_log(self.home)})"
                )
            if code:
                raise DbtError(f"the build on Spark failed: {error} (log: {_log(self.home)})")
        return {
            uid: result
            for uid, result in sorted(results.items())
            if uid in unique_ids and (uid in tables or result["status"] != "success")
        }

    def _run(
        self, chosen: Collection[str], standing: Collection[str], due: Collection[str]
    ) -> tuple[int, str, dict[str, dict[str, Any]]]:
        """Let Spark make the chosen nodes: exit code, last words, results by unique id."""
        self.home.spark.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.home.spark) as folder:
            order = Order(
                arguments=[*place_arguments(self.home, self.home.spark / "target"), "--target", _target()],
                logs=str(self.home.build / "logs"),
                tables=str(_tables(self.home)),
                standing=sorted(self.project.relations[uid].relation for uid in standing),
                fallen=sorted(self.project.relations[uid].relation for uid in due),
                select=[selector(self.document["nodes"][uid]) for uid in sorted(chosen)],
                results=f"{folder}/run_results.json",
                error=f"{folder}/error.txt",
            )
            code = self._start(order)
            results, error = Path(order.results), Path(order.error)
            document = json.loads(results.read_bytes()) if results.exists() else {"results": []}
            words = (
                error.read_text(encoding="utf-8") if error.exists() else f"the process ended with code {code}"
            )
        told = ("unique_id", "status", "execution_time", "failures", "message")
        return (
            code,
            shortened(words),
            {r["unique_id"]: {key: r[key] for key in told} for r in document["results"]},
        )

    def _start(self, order: Order) -> int:
        variables = environment(self.home) | {"QAMTU_SPARK_FOLDER": str(self.home.spark)}
        with (
            _log(self.home).open("w") as log,
            subprocess.Popen(
                [sys.executable, "-m", "orchestration.spark_process"],
                env=os.environ | variables | {"PYTHONPATH": str(PROJECT_DIR)},
                cwd=self.home.spark,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(order.as_json() + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    if self.on_line is not None:
                        self.on_line(line.rstrip())
                return process.wait()
            except BaseException:
                process.kill()
                raise


def _bring_over(home: Home, nodes: Iterable[Node]) -> None:
    """Copy tables from Spark's Parquet into the build file."""
    with duckdb.connect(str(home.build_file)) as connection:
        for node in nodes:
            files = literal(_folder(home, node) / "*.parquet")
            connection.execute(f"create schema if not exists {quoted(node.schema)}")
            connection.execute(
                f"create table {quoted(node.schema)}.{quoted(node.alias)} as select * from read_parquet({files})"
            )


# --- Where things lie ---------------------------------------------------------------------------------------------


def _tables(home: Home) -> Path:
    return home.spark / "tables"


def _folder(home: Home, node: Node) -> Path:
    return _tables(home) / node.schema / node.alias


def _log(home: Home) -> Path:
    return home.build / "logs" / "spark.log"


def _remembered(home: Home) -> dict[str, Standing]:
    try:
        return _MADE.validate_json((home.spark / "made.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return {}


def _remember(home: Home, tables: Mapping[str, Standing]) -> None:
    home.spark.mkdir(parents=True, exist_ok=True)
    told = {uid: asdict(entry) for uid, entry in sorted(tables.items())}
    replace_file(home.spark / "made.json", json.dumps(told, indent=1).encode())


# --- Which Spark --------------------------------------------------------------------------------------------------


def _is_remote() -> bool:
    return bool(os.environ.get(SPARK_HOST_VARIABLE))


def _target() -> str:
    return "spark_thrift" if _is_remote() else "spark"


def _endpoint() -> str:
    return f" at {os.environ[SPARK_HOST_VARIABLE]}" if _is_remote() else ""


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _java() -> str | None:
    """The program that pyspark will start."""
    java_home = os.environ.get("JAVA_HOME")
    return shutil.which(Path(java_home) / "bin" / "java" if java_home else "java")


def shortened(words: str, longest: int = 300) -> str:
    """What Java says of a failure, without its trail of calls, on one line."""
    text = " ".join(words.split("\n\tat ")[0].split("JVM stacktrace")[0].split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
