"""`python -m benchmarks.stack`: what the named tools cost by themselves, before they do anything for Qamtu.

Belongs here: imports in fresh interpreters, dbt building models and tests of nothing, Dagster recording assets and
checks of nothing. Processor seconds, which other work on the machine disturbs little. Does not belong here: Qamtu's own
work.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORTS = {
    "an interpreter": "pass",
    "Dagster with dagster-dbt": "import dagster, dagster_dbt",
    "dbt with its DuckDB adapter": "import dbt.cli.main, dbt.adapters.duckdb",
    "Great Expectations with a context": "import great_expectations as gx; gx.get_context(mode='ephemeral')",
    "Dagster, dbt and Great Expectations together": (
        "import dagster, dagster_dbt, dbt.cli.main, dbt.adapters.duckdb, great_expectations as gx; "
        "gx.get_context(mode='ephemeral')"
    ),
}
MODELS, TESTS, PLANNED_ASSETS, PLANNED_CHECKS = 56, 119, 165, 740
"""What a quarter's filings make dbt build and test, and what of the graph Dagster plans in every run."""

_PROFILE = "nothing: {target: d, outputs: {d: {type: duckdb, path: '%s', threads: 2}}}\n"
_PROJECT = "name: nothing\nversion: '1.0'\nprofile: nothing\nmodels: {+materialized: table}\n"


def import_seconds(statement: str) -> float:
    """Processor seconds of a fresh interpreter that runs one statement."""
    program = f"{statement}\nimport os, time; print(sum(os.times()[:2])); import sys; sys.stdout.flush(); os._exit(0)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def dbt_seconds(folder: Path) -> tuple[float, float]:
    """Processor seconds in which dbt builds MODELS tables of one row, and runs TESTS tests on them; parsed before."""
    from dbt.cli.main import dbtRunner

    models = folder / "models"
    models.mkdir(parents=True)
    names = [f"m{number}" for number in range(MODELS)]
    for name in names:
        (models / f"{name}.sql").write_text("select 1 as one, 2 as two, 3 as three")
    columns = {name: [] for name in names}  # type: dict[str, list[str]]
    for number in range(TESTS):
        columns[names[number % MODELS]].append(("one", "two", "three")[number // MODELS])
    listed = [
        f"- {{name: {name}, columns: [{', '.join(f'{{name: {c}, data_tests: [not_null]}}' for c in tested)}]}}"
        for name, tested in columns.items()
    ]
    (models / "m.yml").write_text("models:\n" + "\n".join(listed) + "\n")
    (folder / "dbt_project.yml").write_text(_PROJECT)
    (folder / "profiles.yml").write_text(_PROFILE % (folder / "b.duckdb"))
    quiet = ["--log-level", "none", "--log-level-file", "info", "--no-send-anonymous-usage-stats"]
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--log-path", str(folder / "logs")]
    manifest = dbtRunner().invoke([*quiet, "parse", *places]).result
    spent = []
    # Twice, since a warehouse has its tables already; the second time counts.
    for verb in ("run", "run", "test"):
        started = time.process_time()
        answer = dbtRunner(manifest=manifest).invoke([*quiet, verb, "--no-write-json", *places])
        if not answer.success:
            raise RuntimeError(f"dbt {verb}: {answer.exception or answer.result}")
        spent.append(time.process_time() - started)
    return spent[1], spent[2]


def dagster_seconds(folder: Path) -> float:
    """Processor seconds of one run that plans the graph's assets and checks, and records what a quarter touches."""
    import dagster as dg  # noqa: TID251  # Dagster itself is what is measured

    from orchestration.instance import open_instance
    from warehouse.paths import Home

    assets = [dg.AssetSpec(f"a{number}") for number in range(PLANNED_ASSETS)]
    checks = [dg.AssetCheckSpec(f"c{n}", asset=f"a{n % PLANNED_ASSETS}") for n in range(PLANNED_CHECKS)]

    @dg.multi_asset(specs=assets, check_specs=checks, can_subset=True)
    def nothing():  # type: ignore[no-untyped-def]
        yield from (dg.MaterializeResult(asset_key=spec.key) for spec in assets)
        for spec in checks[:TESTS]:
            yield dg.AssetCheckResult(passed=True, asset_key=spec.asset_key, check_name=spec.name)

    definitions = dg.Definitions(
        assets=[nothing], jobs=[dg.define_asset_job("all_of_it")], executor=dg.in_process_executor
    )
    with open_instance(Home(folder)) as instance:
        started = time.process_time()
        definitions.resolve_job_def("all_of_it").execute_in_process(
            instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        )
        return time.process_time() - started


def main() -> None:
    """Measure and print a table in Markdown."""
    rows = [(f"import of {what}", import_seconds(statement)) for what, statement in IMPORTS.items()]
    with tempfile.TemporaryDirectory(prefix="qamtu-stack-", ignore_cleanup_errors=True) as temporary:
        run, test = dbt_seconds(Path(temporary) / "dbt")
        rows.append((f"dbt: {MODELS} tables of one row", run))
        rows.append((f"dbt: {TESTS} tests on them", test))
        told = f"Dagster: a run of {PLANNED_ASSETS} assets, {PLANNED_CHECKS} checks planned, {TESTS} recorded"
        rows.append((told, dagster_seconds(Path(temporary) / "home")))
    print("| The stack alone | CPU s |\n|---|--:|")
    print("\n".join(f"| {what} | {seconds:.1f} |" for what, seconds in rows))


if __name__ == "__main__":
    main()
